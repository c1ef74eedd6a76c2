"""How many live calls the engine hears, without server and sockets.

Recorded calls are played into the live engine at real time, more and more of them, and how long
each chunk waited from the arrival of its last sample to its answer is noted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.audio.wavfile import open_audio, packets
from asr.engine import Engine, EngineConfig
from asr.events import AudioFrame, CallId, Party
from asr.paraformer.decoder import Kind
from asr.paraformer.load import Model
from asr.recogniser import RecogniserFull
from benchmarks.corpus import calls
from benchmarks.statistics import percentile

BOUND_MS = 600.0
"""Rated load is the largest at which the 99th percentile of chunk lag is within this."""
PACKET_MS = 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call's audio, held in memory so that reading it costs nothing while it is played."""

    rate: int
    parties: tuple[Party, ...]
    samples: dict[Party, NDArray[np.int16]]

    def packet(self, party: Party, number: int) -> bytes:
        """The party's 20 ms number ``number``; the recording repeats."""
        size = self.rate * PACKET_MS // 1000
        whole = len(self.samples[party]) // size
        at = number % whole * size
        return self.samples[party][at : at + size].tobytes()


def corpus() -> list[Recorded]:
    """The recorded calls of the benchmark corpus."""
    return read([call.wav for call in calls()])


def read(wavs: Sequence[Path]) -> list[Recorded]:
    """Recordings. Raises ``AudioFileError``."""
    found = []
    for wav in wavs:
        file = open_audio(wav)
        parts: dict[Party, list[bytes]] = {party: [] for party in file.parties}
        for frame in packets(CallId(wav.stem), file):
            parts[frame.party].append(frame.pcm16)
        samples = {party: np.frombuffer(b"".join(p), "<i2") for party, p in parts.items()}
        found.append(Recorded(file.rate_hz, tuple(file.parties), samples))
    return found


def spoken(talk: str, wavs: Sequence[Path] = ()) -> list[Recorded]:
    """These recordings, or those of the corpus, in a manner of talk as :func:`capacity` has it.

    Raises ``LookupError`` if a party of a recording has nothing to say then.
    """
    recorded = read(wavs) if wavs else corpus()
    if talk == "full":
        recorded = everybody_talks(recorded)
    for wav, call in zip(wavs, recorded, strict=False):
        if min(map(len, call.samples.values())) < call.rate * PACKET_MS // 1000:
            raise LookupError(f"{wav.name}: a party of it is never heard")
    return recorded


def everybody_talks(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The same calls with the silences cut out: both parties talk all the time."""
    return [
        replace(call, samples={p: _voiced(s, call.rate) for p, s in call.samples.items()})
        for call in recorded
    ]


def _voiced(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    size = rate // 10
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    loud = np.abs(blocks.astype(np.float32)).mean(1) > 60
    return np.ascontiguousarray(blocks[loud].reshape(-1))


def capacity(
    model: Model,
    loads: Sequence[int],
    seconds: float = 20.0,
    config: EngineConfig | None = None,
    talk: str = "real",
    warm_s: float = 4.0,
    seed: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    wavs: Sequence[Path] = (),
) -> dict[str, Any]:
    """Chunk lag at each number of live calls; stops after the first load beyond the bound.

    ``talk`` is ``real`` (one party at a time, as recorded) or ``full`` (both without a pause).
    ``wavs`` are played in turn; none: those of the corpus.
    Sockets are not included: packets are pushed from coroutines beside the engine.
    """
    recorded = spoken(talk, wavs)
    found = []
    for load in loads:
        one = asyncio.run(
            _at_load(model, recorded, load, seconds, warm_s, config or EngineConfig(), seed)
        )
        found.append(one)
        p99 = percentile(one["chunk_lag_ms"] + one["end_lag_ms"], 0.99)
        progress(f"{load} calls: p99 {p99:.0f} ms, load {one['model_load']:.2f}")
        if p99 > BOUND_MS:
            break
    within = [
        one["calls"]
        for one in found
        if percentile(one["chunk_lag_ms"] + one["end_lag_ms"], 0.99) <= BOUND_MS
    ]
    return {"talk": talk, "seconds": seconds, "loads": found, "rated_calls": max(within, default=0)}


async def _at_load(
    model: Model,
    recorded: Sequence[Recorded],
    load: int,
    seconds: float,
    warm_s: float,
    config: EngineConfig,
    seed: int,
) -> dict[str, Any]:
    lags: dict[Kind, list[float]] = {kind: [] for kind in Kind}
    began = time.monotonic()

    def observe(kind: Kind, lag_s: float) -> None:
        if time.monotonic() - began >= warm_s:
            lags[kind].append(lag_s * 1000)

    roomy = replace(config, max_calls=load, refuse_above_load=float("inf"))
    engine = Engine(model, roomy, observe=observe)
    await engine.start()
    dice = random.Random(seed)
    process_s = time.process_time()
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(load):
                call = recorded[number % len(recorded)]
                # Each call is at another place of its recording, at another phase to the chunks.
                first = dice.randrange(0, 2_000)
                later_s = dice.random() * min(warm_s, 2.0)
                group.create_task(_one_call(engine, number, call, first, later_s, seconds + warm_s))
        stats = engine.stats()
    finally:
        await engine.aclose()
    wall_s = time.monotonic() - began
    return {
        "calls": load,
        "chunk_lag_ms": lags[Kind.CHUNK],
        "end_lag_ms": lags[Kind.END],
        "early_lag_ms": lags[Kind.EARLY],
        "early_skipped": stats.early_skipped,
        "model_load": stats.load,
        "row_ms": stats.row_ms,
        "process_cpu_share": (time.process_time() - process_s) / wall_s,
    }


async def _one_call(
    engine: Engine, number: int, call: Recorded, first: int, later_s: float, seconds: float
) -> None:
    await asyncio.sleep(later_s)
    name = CallId(f"call-{number}")
    try:
        live = engine.open(name, call.parties, call.rate)
    except RecogniserFull:
        return
    reading = asyncio.create_task(_read(live))
    began = time.monotonic()
    size = call.rate * PACKET_MS // 1000
    for packet in range(int(seconds * 1000 / PACKET_MS)):
        due = began + (packet + 1) * PACKET_MS / 1000 - time.monotonic()
        if due > 0:
            await asyncio.sleep(due)
        for party in call.parties:
            sound = call.packet(party, first + packet)
            await live.push(AudioFrame(name, party, packet * size, sound))
    live.end()
    await reading


async def _read(live: Any) -> None:
    async for _ in live:
        pass
