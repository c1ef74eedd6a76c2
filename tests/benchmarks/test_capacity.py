"""The capacity benchmark, on a model too small to be slow."""

from __future__ import annotations

import numpy as np

from asr.paraformer.reference import TINY, random_reference
from benchmarks.capacity import capacity, corpus, everybody_talks


def test_live_calls_are_timed_from_the_arrival_of_a_chunk_to_its_answer():
    told: list[str] = []
    found = capacity(
        random_reference(TINY).model(), [2], seconds=3, talk="full", warm_s=1, progress=told.append
    )
    [one] = found["loads"]
    assert one["calls"] == 2
    assert one["chunk_lag_ms"]
    assert all(lag > 0 for lag in one["chunk_lag_ms"])
    assert told[0].startswith("2 calls: p99")


def test_at_full_talk_nobody_pauses():
    [call, *_] = everybody_talks(corpus()[:1])
    for samples in call.samples.values():
        second = np.abs(samples[: call.rate * 10].astype(float)).reshape(10, -1).mean(1)
        assert (second > 60).all()
        assert len(call.packet(call.parties[0], 10_000_000)) == call.rate // 50 * 2
