"""The search for the knee, and the load through real sockets on a model too small to be slow."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.paraformer.reference import TINY, random_reference, write_model
from benchmarks.sockets import knee, measure


@given(capacity=st.integers(0, 512), first=st.integers(1, 16))
def test_the_knee_is_found_within_an_eighth(capacity: int, first: int) -> None:
    tried: list[int] = []

    def lag_at(calls: int) -> float:
        tried.append(calls)
        return 100.0 if calls <= capacity else 900.0

    found = knee(lag_at, first)
    assert found <= capacity
    assert capacity - found <= max(1, found // 8) or 2 * found > 512
    assert len(tried) == len(set(tried)) <= 16


@pytest.mark.timeout(240)
def test_transcripts_are_timed_from_the_packet_that_allows_them(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny", random_reference(TINY), TINY)
    told: list[str] = []
    found = measure(
        str(tmp_path / "tiny"), [1], seconds=4, talk="full", warm_s=1, progress=told.append
    )
    [one] = found["loads"]
    assert one["chunk_lag_ms"]
    assert all(lag > 0 for lag in one["chunk_lag_ms"])
    assert one["cpu_ms_per_call_second"] > 0
    assert told[0].startswith("1 calls: p99")
