"""The search for the knee of the load."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.sockets import knee


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
