"""Recordings turned into call events without a server."""
