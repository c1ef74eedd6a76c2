"""Watches what boards are shown for spikes, and tells the boards."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict

from server.live import bus as topics
from server.live.notice import Notice, encode
from server.live.queue import TooSlow, ViewerQueue
from server.live.spike import Spike, Spikes
from server.live.switchboard import Switchboard
from server.settings import SpikeSettings

log = logging.getLogger(__name__)

WATCHED = ("complaint", "escalation", "anger", "danger", "churn", "repeat")
"""Of ``customer.``: what a lead has to know of when it comes in numbers."""
CATEGORIES = frozenset(f"customer.{name}" for name in WATCHED)
QUEUE = 100_000
TICK_S = 5


def notice(spike: Spike) -> Notice:
    """The board message."""
    return Notice(encode({"type": "spike", **asdict(spike)}))


class SpikeWatch:
    """Listens to the bus as a board does, so that it also hears what other nodes tell it."""

    def __init__(self, switchboard: Switchboard, settings: SpikeSettings) -> None:
        window_ms = int(settings.window_s * 1000)
        self._switchboard = switchboard
        self._spikes = Spikes(settings.calls, window_ms, settings.factor)

    @property
    def standing(self) -> tuple[Spike, ...]:
        """For who opens a board now."""
        return self._spikes.standing

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Watch until the context ends."""
        task = asyncio.create_task(self._watch(), name="spikes")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            queue = ViewerQueue(QUEUE, inside=True)
            try:
                with self._switchboard.bus.listen([topics.BOARD], queue):
                    await self._hear(queue)
            except TooSlow:
                log.warning("spikes: fell behind the board and begins again")

    async def _hear(self, queue: ViewerQueue) -> None:
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    text = (await queue.get()).text
            except TimeoutError:
                self._tell(self._spikes.advance(_now_ms()))
                continue
            # Most of what a board is shown is neither, and need not be read.
            if text.startswith(('{"type":"alert"', '{"type":"retraction"')):
                self._tell(self._take(json.loads(text)))

    def _take(self, event: dict[str, str]) -> Iterable[Spike]:
        if event["type"] == "retraction":
            return self._spikes.withdraw(event["call"], event["id"], _now_ms())
        if event["category"] not in CATEGORIES:
            return ()
        return self._spikes.note(
            event["title"], event["category"], event["call"], event["id"], _now_ms()
        )

    def _tell(self, spikes: Iterable[Spike]) -> None:
        for spike in spikes:
            sessions = map(self._switchboard.get, spike.calls)
            queues = {s.info.queue for s in sessions if s is not None and s.info.queue}
            where = (topics.BOARD, *map(topics.of_queue, sorted(queues)))
            self._switchboard.bus.publish(where, notice(spike))


def _now_ms() -> int:
    return int(time.monotonic() * 1000)
