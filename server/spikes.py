"""Watches what calls are about for spikes, and tells the boards."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from server.live import bus as topics
from server.live import cause
from server.live.notice import Notice, encode
from server.live.queue import TooSlow, ViewerQueue
from server.live.spike import Spike, Spikes
from server.live.switchboard import Switchboard
from server.settings import SpikeSettings

log = logging.getLogger(__name__)

QUEUE = 100_000
TICK_S = 5


def notice(spike: Spike) -> Notice:
    """The board message."""
    return Notice(encode({"type": "spike", **asdict(spike)}))


class SpikeWatch:
    """Listens to the bus, so that it also hears what other nodes tell it."""

    def __init__(self, switchboard: Switchboard, settings: SpikeSettings) -> None:
        window_ms = int(settings.window_s * 1000)
        self._switchboard = switchboard
        self._spikes = Spikes(settings.calls, window_ms, settings.factor)

    @property
    def standing(self) -> tuple[Spike, ...]:
        """For who opens a board now."""
        return self._spikes.standing

    def causes(self) -> Iterator[Notice]:
        """All that counts now, for a node that has just come."""
        for topic, category, call, alert, age_ms in self._spikes.known(_now_ms()):
            yield cause.about(call, alert, category, topic, age_ms)

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
                with self._switchboard.bus.listen([cause.CAUSES], queue):
                    await self._hear(queue)
            except TooSlow:
                log.warning("spikes: fell behind and begins again")

    async def _hear(self, queue: ViewerQueue) -> None:
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    text = (await queue.get()).text
            except TimeoutError:
                self._tell(self._spikes.advance(_now_ms()))
                continue
            self._tell(self._take(json.loads(text)))

    def _take(self, said: dict[str, Any]) -> Iterable[Spike]:
        call, alert = said["call"], said["alert"]
        if said["type"] == "cause_withdrawn":
            return self._spikes.withdraw(call, alert, _now_ms())
        topic, category = said["topic"], said["category"]
        return self._spikes.note(topic, category, call, alert, _now_ms(), said["age_ms"])

    def _tell(self, spikes: Iterable[Spike]) -> None:
        for spike in spikes:
            sessions = map(self._switchboard.get, spike.calls)
            queues = {s.info.queue for s in sessions if s is not None and s.info.queue}
            where = (topics.BOARD, *map(topics.of_queue, sorted(queues)))
            self._switchboard.bus.publish(where, notice(spike))


def _now_ms() -> int:
    return int(time.monotonic() * 1000)
