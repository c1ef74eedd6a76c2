"""What can end a client's conversation with the server."""

from __future__ import annotations


class ClientError(Exception):
    """Root of :class:`Refused` and :class:`Lost`."""


class Refused(ClientError):
    """The server said no, and trying again will not help."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Lost(ClientError):
    """The server could not be reached for longer than it keeps a call."""
