"""Puts the media of one track back in order and says where in the call each belongs. Pure."""

from __future__ import annotations

from collections.abc import Sized
from typing import Generic, NamedTuple, TypeVar

Sound = TypeVar("Sound", bound=Sized)

WINDOW = 5
"""How many messages are held back for one that is late; at 20 ms each, a tenth of a second."""
SLACK_MS = 100
"""Time stamps are rounded and drift; what differs by less is audio without a hole."""


class Piece(NamedTuple, Generic[Sound]):
    """What is in order now."""

    first: int
    """The sample at which it begins."""
    sound: Sound
    whole: bool
    """Nothing that was sent is missing before it."""


class Reorder(Generic[Sound]):
    """One track: numbered pieces with time stamps in, pieces in order with their place out.

    The length of a piece is its number of samples.
    """

    def __init__(self, rate: int, window: int = WINDOW) -> None:
        self._per_ms = rate // 1000
        self._window = window
        self._due = 1
        self._next = 0
        self._held: dict[int, tuple[int, Sound]] = {}

    def put(self, chunk: int, at_ms: int, sound: Sound) -> list[Piece[Sound]]:
        """Take one piece; gives what is in order now.

        One that comes twice, or after the window has passed, is left out.
        """
        if chunk < self._due or chunk in self._held:
            return []
        self._held[chunk] = (at_ms, sound)
        return self._release(self._window)

    def flush(self) -> list[Piece[Sound]]:
        """No more will come."""
        return self._release(0)

    def _release(self, keep: int) -> list[Piece[Sound]]:
        pieces: list[Piece[Sound]] = []
        while self._held and (self._due in self._held or len(self._held) > keep):
            chunk = min(self._held)
            at_ms, sound = self._held.pop(chunk)
            first = self._place(chunk, at_ms, len(sound))
            pieces.append(Piece(first, sound, whole=chunk == self._due))
            self._next = first + len(sound)
            self._due = chunk + 1
        return pieces

    def _place(self, chunk: int, at_ms: int, length: int) -> int:
        """Directly behind the last piece unless number and time say that some are missing."""
        spoken, slack = at_ms * self._per_ms, SLACK_MS * self._per_ms
        counted = self._next + (chunk - self._due) * length
        if abs(spoken - counted) <= slack:
            return counted
        return spoken if spoken > self._next + slack else self._next
