"""Hides personal data before it is stored or shown to others. Pure."""
