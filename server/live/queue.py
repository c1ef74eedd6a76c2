"""What waits for one viewer: bounded, partials merged, nothing else ever dropped.

A viewer who falls too far behind is cut off and comes back with ``resume_from``; that is kinder
than showing old cards late, and it keeps a stalled browser from holding the server's memory.
"""

from __future__ import annotations

import asyncio

from server.live.notice import Notice


class TooSlow(Exception):
    """The viewer did not take its messages in time; it has been cut off."""


class ViewerQueue:
    """Notices in order, for one reader."""

    def __init__(self, limit: int = 1_024, *, inside: bool = False) -> None:
        """``inside``: the reader is a part of the server, no page or telephone system."""
        self.limit = limit
        self.inside = inside
        self._waiting: dict[int, Notice] = {}
        self._passing: dict[tuple[str, ...], int] = {}
        self._count = 0
        self._ready = asyncio.Event()
        self._overflow = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def depths(self) -> list[int]:
        """How many notices wait for each page behind it: one, unless it is a part of the server."""
        return [] if self.inside else [len(self)]

    def put(self, notice: Notice) -> None:
        """Add a notice; one that only passes through gives way to a later one of its kind."""
        if self._overflow.is_set():
            return
        if notice.about is not None:
            replaced = self._passing.pop(notice.about, None)
            if replaced is not None:
                del self._waiting[replaced]
        self._count += 1
        self._waiting[self._count] = notice
        if notice.passing and notice.about is not None:
            self._passing[notice.about] = self._count
        if len(self._waiting) > self.limit:
            self._overflow.set()
            self._waiting.clear()
            self._passing.clear()
        self._ready.set()

    async def get(self) -> Notice:
        """The next notice. Raises :class:`TooSlow` once the viewer has been cut off."""
        while not self._waiting:
            if self._overflow.is_set():
                raise TooSlow
            self._ready.clear()
            await self._ready.wait()
        number = next(iter(self._waiting))
        notice = self._waiting.pop(number)
        if notice.passing and notice.about is not None:
            self._passing.pop(notice.about, None)
        return notice

    def take(self) -> list[Notice]:
        """Whatever else waits now, oldest first."""
        notices = list(self._waiting.values())
        self._waiting.clear()
        self._passing.clear()
        return notices

    async def overflow(self) -> None:
        """Waits; raises :class:`TooSlow` when the viewer is cut off, however stuck its socket."""
        await self._overflow.wait()
        raise TooSlow
