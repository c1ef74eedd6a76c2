"""Character tables, written by ``build.py``."""
