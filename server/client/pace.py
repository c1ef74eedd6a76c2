"""When the packets of a recording leave: on a fixed grid, so that a late one delays no other."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left

PACKET_MS = 20


class Pace:
    """The clock of one recording that is sent, whatever it is sent as.

    ``speed`` 1 is real time, 2 twice as fast, 0 as fast as the server takes it.
    """

    def __init__(self, rate: int, speed: float = 1.0) -> None:
        self._rate = rate
        self._speed = speed
        self._packet = rate * PACKET_MS // 1000
        self._began: float | None = None
        self._began_at = 0.0
        self._ends: list[int] = []
        self._left: list[float] = []

    @property
    def packets(self) -> int:
        """How many have left for the first time."""
        return len(self._ends)

    @property
    def sent(self) -> int:
        """The first sample that has not left yet."""
        return self._ends[-1] if self._ends else 0

    async def due(self, stop: int) -> None:
        """Wait until sample ``stop`` may have been spoken; the first call starts the clock.

        A softphone has a packet when its last sample has been spoken.
        """
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began, self._began_at = now, time.time()
        if self._speed:
            await asyncio.sleep(max(0.0, self._began + stop / self._rate / self._speed - now))

    def left(self, stop: int) -> None:
        """The packet that ends before sample ``stop`` has gone out."""
        if stop > self.sent:
            self._ends.append(stop)
            self._left.append(time.time())

    def sent_at(self, ms: int) -> float | None:
        """Epoch seconds at which the packet that holds moment ``ms`` first left."""
        index = bisect_left(self._ends, ms * self._rate // 1000)
        return self._left[index] if index < len(self._left) else None

    def spoken_at(self, ms: int) -> float | None:
        """Epoch seconds at which moment ``ms`` had been spoken, whenever its packet then left.

        Delays count from here: a caller cannot speak later because a network is full.
        """
        if not self._speed or self._began is None:
            return self.sent_at(ms)
        packet = ms * self._rate // 1000 // self._packet + 1
        return self._began_at + packet * self._packet / self._rate / self._speed
