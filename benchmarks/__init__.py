"""Measurements of the service on recorded audio, and the recordings themselves."""
