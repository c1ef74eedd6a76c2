"""Telephony dialects over real sockets."""
