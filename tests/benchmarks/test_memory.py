"""Memory stays flat over calls, in a short form; the long one is `tingban bench memory`."""

from __future__ import annotations

import pytest

from asr.paraformer.reference import TINY, random_reference
from benchmarks import equality, memory


def test_drift_compares_the_end_with_the_beginning_after_warm_up():
    assert memory.drift([50, 80, 100, 100, 100, 100, 100, 100]) == 0
    assert memory.drift([100] * 4 + [100, 100, 110, 110, 110, 121, 121, 121]) == pytest.approx(0.21)


def test_calls_opened_and_closed_leave_memory_flat():
    found = memory.measure(random_reference(TINY).model(), calls=80, hours=0.02, seconds=1.5)
    assert len(found["calls_mib"]) >= 8
    assert memory.drift(found["calls_mib"]) <= 0.02
    assert memory.drift(found["long_call_mib"]) <= 0.02


def test_the_long_proof_holds_for_a_small_model():
    found = equality.measure(5, 4.0, size=TINY)
    assert sum(len(one["funasr"]) for one in found["streams"]) > 50
    assert all(one["ours"] == one["funasr"] for one in found["streams"])
