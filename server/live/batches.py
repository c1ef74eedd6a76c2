"""What many boards are shown alike, put together once for all of them.

A board of hundreds of calls gets hundreds of events a second, and each message costs more than its
text. So what comes within a blink goes out as one message, a JSON array, and the boards that show
the same topics get the same one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby

from server.live.bus import Bus
from server.live.notice import AFRESH, Notice
from server.live.queue import ViewerQueue

BATCH_S = 0.02
"""How long an event may wait for others."""


def together(notices: Iterable[Notice]) -> Notice:
    """One message of many."""
    return Notice(f"[{','.join(notice.text for notice in notices)}]", batch=True)


class Batches:
    """Fulfils ``live.bus.Bus.listen`` for those who want batches."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._known: dict[frozenset[str], _Batch] = {}

    @contextmanager
    def listen(self, topics: Iterable[str], queue: ViewerQueue) -> Iterator[None]:
        """While the context lasts, ``queue`` gets what is published under the topics.

        :data:`AFRESH` comes alone: what it stands for is not the same for everybody.
        """
        names = frozenset(topics)
        batch = self._known.get(names)
        if batch is None:
            batch = self._known[names] = _Batch(self._bus, names)
        batch.join(queue)
        try:
            yield
        finally:
            if not batch.leave(queue):
                del self._known[names]


class _Batch:
    """Collects for all who show the same."""

    def __init__(self, bus: Bus, topics: frozenset[str]) -> None:
        self._waiting = _Collector(self)
        self._shown: set[ViewerQueue] = set()
        self._loop = asyncio.get_running_loop()
        self._telling: asyncio.TimerHandle | None = None
        self._listening = ExitStack()
        self._listening.enter_context(bus.listen(topics, self._waiting))

    def join(self, queue: ViewerQueue) -> None:
        # What waits was before: whoever comes now is told of it otherwise.
        self._tell()
        self._shown.add(queue)

    def leave(self, queue: ViewerQueue) -> int:
        """How many are left."""
        self._shown.discard(queue)
        if not self._shown:
            self._listening.close()
            if self._telling is not None:
                self._telling.cancel()
        return len(self._shown)

    def tell_soon(self) -> None:
        if self._telling is None:
            self._telling = self._loop.call_later(BATCH_S, self._tell)

    def depths(self) -> list[int]:
        """Of every queue behind it."""
        return [depth for queue in self._shown for depth in queue.depths()]

    def _tell(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        for notice in _batched(self._waiting.take()):
            for queue in self._shown:
                queue.put(notice)


def _batched(notices: Sequence[Notice]) -> Iterator[Notice]:
    for afresh, some in groupby(notices, lambda notice: notice is AFRESH):
        yield AFRESH if afresh else together(some)


class _Collector(ViewerQueue):
    """Never too long: it is emptied in a blink."""

    def __init__(self, batch: _Batch) -> None:
        super().__init__(limit=2**31, inside=True)
        self._batch = batch

    def put(self, notice: Notice) -> None:
        super().put(notice)
        self._batch.tell_soon()

    def depths(self) -> list[int]:
        return self._batch.depths()
