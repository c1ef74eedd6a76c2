"""Puts the media of one track back in order and says where in the call each belongs. Pure."""

from __future__ import annotations

WINDOW = 5
"""How many messages are held back for one that is late; at 20 ms each, a tenth of a second."""
SLACK_MS = 100
"""Time stamps are rounded and drift; what differs by less is audio without a hole."""


class Reorder:
    """One track: numbered pieces with time stamps in, pieces in order with their place out."""

    def __init__(self, rate: int, window: int = WINDOW) -> None:
        self._per_ms = rate // 1000
        self._window = window
        self._due = 1
        self._next = 0
        self._held: dict[int, tuple[int, bytes]] = {}

    def put(self, chunk: int, at_ms: int, audio: bytes) -> list[tuple[int, bytes]]:
        """Take one piece of one byte a sample; gives what is in order now, with first samples.

        One that comes twice, or after the window has passed, is left out.
        """
        if chunk < self._due or chunk in self._held:
            return []
        self._held[chunk] = (at_ms, audio)
        return self._release(self._window)

    def flush(self) -> list[tuple[int, bytes]]:
        """No more will come."""
        return self._release(0)

    def _release(self, keep: int) -> list[tuple[int, bytes]]:
        pieces = []
        while self._held and (self._due in self._held or len(self._held) > keep):
            chunk = min(self._held)
            at_ms, audio = self._held.pop(chunk)
            pieces.append((self._place(chunk, at_ms, len(audio)), audio))
            self._next = pieces[-1][0] + len(audio)
            self._due = chunk + 1
        return pieces

    def _place(self, chunk: int, at_ms: int, length: int) -> int:
        """Directly behind the last piece unless number and time say that some are missing."""
        spoken, slack = at_ms * self._per_ms, SLACK_MS * self._per_ms
        counted = self._next + (chunk - self._due) * length
        if abs(spoken - counted) <= slack:
            return counted
        return spoken if spoken > self._next + slack else self._next
