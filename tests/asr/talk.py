"""Recorded talk as packets, and a tiny random model to listen with."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np

from asr.audio.wavfile import open_audio, packets
from asr.events import AudioFrame, CallId, Party
from asr.paraformer.load import Model
from asr.paraformer.reference import TINY, random_reference
from benchmarks.corpus import calls

RATE = 8_000
BOTH = (Party.AGENT, Party.CUSTOMER)


@functools.cache
def model() -> Model:
    return random_reference(TINY, seed=3).model()


@functools.cache
def _recorded(number: int) -> dict[Party, np.ndarray]:
    file = open_audio(calls()[number].wav)
    parts: dict[Party, list[bytes]] = {party: [] for party in file.parties}
    for frame in packets(CallId("recorded"), file):
        parts[frame.party].append(frame.pcm16)
    return {party: np.frombuffer(b"".join(p), "<i2") for party, p in parts.items()}


def talk(
    call: str = "call",
    seconds: float = 14.0,
    samples: int = 160,
    parties: Sequence[Party] = BOTH,
    number: int = 0,
) -> Iterator[AudioFrame]:
    """Packets of a recorded call, parties in turn."""
    recorded = _recorded(number)
    for start in range(0, int(seconds * RATE), samples):
        for party in parties:
            piece = recorded[party][start : min(start + samples, int(seconds * RATE))]
            yield AudioFrame(CallId(call), party, start, piece.tobytes())
