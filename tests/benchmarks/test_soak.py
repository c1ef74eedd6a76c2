"""Churn is measured as it goes, and what grew is told from what warmed up."""

from __future__ import annotations

from typing import Any

from benchmarks import soak


def tick(at_s: float, rss_mib: float) -> dict[str, Any]:
    return {
        "at_s": at_s, "rss_mib": rss_mib, "fds": 10, "calls": 1, "tasks": 5,
        "p50_ms": None, "p99_ms": None, "cpu_share": 0.1,
    }  # fmt: skip


def test_growth_is_the_last_third_against_the_second() -> None:
    ticks = [tick(n, rss) for n, rss in enumerate([50.0, 90, 100, 100, 120, 140])]
    found = {"ticks": ticks, "calls": 3, "audio_s": 90, "lost": 0, "doubled": 0, "failures": []}
    grown = soak.summarise(found)["grown"]
    assert grown["rss_mib"] == {"second_third": 100, "last_third": 130}
    assert grown["fds"] == {"second_third": 10, "last_third": 10}
    assert grown["p50_ms"] == {"second_third": 0, "last_third": 0}


def test_calls_come_and_go_without_a_loss() -> None:
    found = soak.run(0.1, together=2, speed=10, every_s=1)
    assert found["calls"] >= 2
    assert (found["lost"], found["doubled"], found["failures"]) == (0, 0, [])
    assert all(one["tasks"] and one["rss_mib"] and one["fds"] for one in found["ticks"])
    assert any(one["p50_ms"] is not None for one in found["ticks"])
