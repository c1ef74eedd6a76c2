"""How drift is reckoned, and the long proof of equality on a small model."""

from __future__ import annotations

import pytest

from asr.paraformer.reference import TINY
from benchmarks import equality, memory


def test_drift_compares_the_end_with_the_beginning_after_warm_up():
    assert memory.drift([50, 80, 100, 100, 100, 100, 100, 100]) == 0
    assert memory.drift([100] * 4 + [100, 100, 110, 110, 110, 121, 121, 121]) == pytest.approx(0.21)


def test_the_long_proof_holds_for_a_small_model():
    found = equality.measure(4, 3.0, size=TINY)
    assert sum(len(one["funasr"]) for one in found["streams"]) > 20
    assert all(one["ours"] == one["funasr"] for one in found["streams"])
