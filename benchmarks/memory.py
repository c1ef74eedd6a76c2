"""Does memory stay flat? Many calls opened and closed, and one call that goes on for hours.

Both run through the live engine, as fast as it takes audio. Memory is the process's resident size,
noted along the way; the first part is warm-up (caches fill, slabs grow) and does not count.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from asr.engine import Engine, EngineConfig
from asr.events import AudioFrame, CallId
from asr.paraformer.load import Model
from benchmarks.capacity import PACKET_MS, Recorded, corpus
from benchmarks.process import resident_mib

WARM_UP = 0.25
"""Share of a run that is not looked at."""


def drift(mib: Sequence[float]) -> float:
    """Growth from the first third after warm-up to the last third, by their medians; 0.02 is 2 %."""
    steady = mib[int(len(mib) * WARM_UP) :]
    third = max(1, len(steady) // 3)
    before, after = median(steady[:third]), median(steady[-third:])
    return (after - before) / before


def measure(
    model: Model,
    calls: int = 1_000,
    hours: float = 3.0,
    together: int = 10,
    seconds: float = 4.0,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Resident MiB after every twentieth of each run, and how much it drifts."""
    recorded = corpus()
    many = asyncio.run(_many(model, recorded, calls, together, seconds))
    progress(f"{calls} calls opened and closed: drift {drift(many):+.2%}")
    long = asyncio.run(_long(model, recorded[0], hours))
    progress(f"one call of {hours:g} h: drift {drift(long):+.2%}")
    return {"calls_mib": many, "long_call_mib": long}


async def _many(
    model: Model, recorded: Sequence[Recorded], calls: int, together: int, seconds: float
) -> list[float]:
    engine = Engine(model, EngineConfig(max_calls=together, refuse_above_load=float("inf")))
    await engine.start()
    noted: list[float] = []
    try:
        for first in range(0, calls, together):
            async with asyncio.TaskGroup() as group:
                for number in range(first, min(first + together, calls)):
                    call = recorded[number % len(recorded)]
                    packets = int(seconds * 1000 / PACKET_MS)
                    group.create_task(_one(engine, f"call-{number}", call, packets, 700))
            if not (first // together) % max(1, calls // together // 20):
                noted.append(_resident())
        assert engine.stats().utterances_under_way == 0
    finally:
        await engine.aclose()
    return noted


async def _long(model: Model, call: Recorded, hours: float) -> list[float]:
    engine = Engine(model, EngineConfig(max_calls=1, refuse_above_load=float("inf")))
    await engine.start()
    packets = int(hours * 3_600_000 / PACKET_MS)
    noted: list[float] = []

    def note(packet: int) -> None:
        if not packet % max(1, packets // 20):
            noted.append(_resident())

    try:
        await _one(engine, "long", call, packets, 0, note)
    finally:
        await engine.aclose()
    return noted


async def _one(
    engine: Engine,
    name: str,
    call: Recorded,
    packets: int,
    first: int,
    note: Callable[[int], None] = lambda packet: None,
) -> None:
    live = engine.open(CallId(name), call.parties, call.rate)
    size = call.rate * PACKET_MS // 1000

    async def send() -> None:
        for packet in range(packets):
            for party in call.parties:
                sound = call.packet(party, first + packet)
                await live.push(AudioFrame(CallId(name), party, packet * size, sound))
            note(packet)
        live.end()

    sending = asyncio.create_task(send())
    async for _ in live:
        pass
    await sending


def _resident() -> float:
    gc.collect()
    return round(resident_mib(os.getpid()), 1)
