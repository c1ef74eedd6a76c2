"""Recogniser weights: which exist, where they are, how the bundled one is trained."""
