"""How many live calls one core hears, sockets, rules and viewers included, and where the knee is.

The real server has one processor core and this generator another. Every call has an audio socket,
on which a packet of both parties leaves every 20 ms, and a viewer of its own. A transcript is due
when the packet has left that lets it be asked for (its `at_ms`), so a delay holds whatever came
between: decoder, queues, rules, sockets, and a generator that was late.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.capacity import BOUND_MS, PACKET_MS, Recorded, spoken
from benchmarks.process import Server, cpu_s, serving
from benchmarks.statistics import percentile
from benchmarks.wire import BINARY, TEXT, Socket, connect, frame
from server.ingest.packet import ALL_CHANNELS, write

_TRANSCRIPT = re.compile(rb'\{"type":"transcript","call":"[^"]+","seq":\d+,"at_ms":(\d+)')
_ROOM = "100000"
"""Calls that the server may take here: the load is to be seen, not refused."""


@dataclass
class _Heard:
    """What came back, and how late the generator itself was."""

    since: float = 0.0
    """Monotonic time from which on delays count."""
    lag_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)


def knee(
    lag_at: Callable[[int], float], first: int = 4, most: int = 512, bound_ms: float = BOUND_MS
) -> int:
    """The largest number of calls whose lag is within the bound, to within an eighth.

    Doubles until it is not, then halves the distance. 0 if even one call is beyond it.
    """
    good, bad = 0, first
    while bad <= most and lag_at(bad) <= bound_ms:
        good, bad = bad, 2 * bad
    while bad - good > max(1, good // 8):
        middle = (good + bad) // 2
        if lag_at(middle) <= bound_ms:
            good = middle
        else:
            bad = middle
    return good


def measure(
    asr: str,
    loads: Sequence[int] = (),
    seconds: float = 20.0,
    talk: str = "real",
    warm_s: float = 4.0,
    seed: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    wavs: Sequence[Path] = (),
    device: str = "cpu",
) -> dict[str, Any]:
    """Lags at each load, or at those that a search for the knee tries.

    ``wavs`` are played in turn; none: those of the corpus.
    """
    recorded = spoken(talk, wavs)
    mixed = [_interleaved(call) for call in recorded]
    before = os.sched_getaffinity(0)
    cores = sorted(before)
    pinned = len(cores) > 1
    found: list[dict[str, Any]] = []

    def lag_at(calls: int) -> float:
        with serving(
            "--asr", asr, core=cores[0] if pinned else None,
            TINGBAN_RECOGNISER__MAX_CALLS=_ROOM, TINGBAN_RECOGNISER__DEVICE=device,
            TINGBAN_STORE__ENABLED="false",
        ) as server:  # fmt: skip
            one = asyncio.run(_at(server, recorded, mixed, calls, seconds, warm_s, seed))
        found.append(one)
        p99 = percentile(one["chunk_lag_ms"], 0.99)
        progress(
            f"{calls} calls: p99 {p99:.0f} ms, {one['server_cpu_share']:.2f} of a core, "
            f"{one['cpu_ms_per_call_second']:.1f} ms a call and second"
        )
        return p99

    try:
        if pinned:
            os.sched_setaffinity(0, {cores[-1]})
        if loads:
            within = [calls for calls in loads if lag_at(calls) <= BOUND_MS]
            rated = max(within, default=0)
        else:
            rated = knee(lag_at)
    finally:
        os.sched_setaffinity(0, before)
    return {
        "talk": talk,
        "seconds": seconds,
        "pinned": pinned,
        "loads": sorted(found, key=lambda one: int(one["calls"])),
        "rated_calls": rated,
    }


def _interleaved(call: Recorded) -> NDArray[np.int16]:
    """(samples, parties), as long as the shorter party."""
    length = min(len(samples) for samples in call.samples.values())
    return np.stack([call.samples[party][:length] for party in call.parties], axis=1)


async def _at(
    server: Server,
    recorded: Sequence[Recorded],
    mixed: Sequence[NDArray[np.int16]],
    calls: int,
    seconds: float,
    warm_s: float,
    seed: int,
) -> dict[str, Any]:
    heard = _Heard(since=time.monotonic() + warm_s)
    dice = random.Random(seed)
    async with asyncio.TaskGroup() as group:
        for number in range(calls):
            which = number % len(recorded)
            first = dice.randrange(2_000)
            wait_s = dice.random() * min(warm_s, 2.0)
            call = _call(
                server, f"load-{number}", recorded[which], mixed[which], first, wait_s,
                seconds + warm_s, heard,
            )  # fmt: skip
            group.create_task(call)
        await asyncio.sleep(warm_s)
        began, spent_s = time.monotonic(), cpu_s(server.pid)
        await asyncio.sleep(max(seconds - 1, 0.5))
        wall_s, spent_s = time.monotonic() - began, cpu_s(server.pid) - spent_s
    return {
        "calls": calls,
        "chunk_lag_ms": heard.lag_ms,
        "end_lag_ms": [],
        "generator_late_ms": [round(ms, 1) for ms in heard.late_ms[::10]],
        "server_cpu_share": round(spent_s / wall_s, 3),
        "cpu_ms_per_call_second": round(1000 * spent_s / wall_s / calls, 2),
    }


async def _call(
    server: Server,
    name: str,
    call: Recorded,
    mixed: NDArray[np.int16],
    first: int,
    wait_s: float,
    seconds: float,
    heard: _Heard,
) -> None:
    await asyncio.sleep(wait_s)
    size = call.rate * PACKET_MS // 1000
    whole = len(mixed) // size
    ready = asyncio.Event()
    began = [float("inf")]

    def answer(opcode: int, payload: bytes) -> None:
        if opcode == TEXT and payload.startswith(b'{"type":"ready"'):
            ready.set()

    def view(opcode: int, payload: bytes) -> None:
        match = _TRANSCRIPT.match(payload) if opcode == TEXT else None
        now = time.monotonic()
        if match and now >= heard.since:
            due = began[0] + -(-int(match[1]) // PACKET_MS) * PACKET_MS / 1000
            heard.lag_ms.append(round((now - due) * 1000, 1))

    audio = await connect(server.address, "/v1/audio", answer)
    audio.write(frame(TEXT, _hello(name, call)))
    await ready.wait()
    viewer = await connect(server.address, f"/v1/agent?call={name}", view)
    began[0] = time.monotonic()
    for packet in range(int(seconds * 1000 / PACKET_MS)):
        late = time.monotonic() - began[0] - (packet + 1) * PACKET_MS / 1000
        if late < 0:
            await asyncio.sleep(-late)
        heard.late_ms.append(max(late, 0.0) * 1000)
        at = (first + packet) % whole * size
        sound = mixed[at : at + size].tobytes()
        audio.write(frame(BINARY, write(ALL_CHANNELS, packet * size, sound)))
    await _leave(audio, viewer)


async def _leave(audio: Socket, viewer: Socket) -> None:
    audio.write(frame(TEXT, b'{"type":"end"}'))
    try:
        async with asyncio.timeout(10):
            await audio.closed
    except TimeoutError:
        audio.abort()
    viewer.abort()


def _hello(name: str, call: Recorded) -> bytes:
    hello = {
        "type": "hello",
        "v": 1,
        "call": name,
        "parties": [str(party) for party in call.parties],
        "codec": "pcm16",
        "rate": call.rate,
        "agent": name,
    }
    return json.dumps(hello).encode()
