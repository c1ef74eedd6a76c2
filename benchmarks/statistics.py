"""The few statistics that benchmark tables use, each with its definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Statistic = Callable[[np.ndarray], float]


def percentile(samples: Sequence[float], part: float) -> float:
    """The smallest sample that at least ``part`` (0..1) of all samples do not exceed."""
    if not samples:
        return float("nan")
    ordered = np.sort(np.asarray(samples, dtype=float))
    return float(ordered[max(0, int(np.ceil(part * len(ordered))) - 1)])


def summary(samples: Sequence[float], digits: int = 1) -> dict[str, float]:
    """``n``, ``p50``, ``p95``, ``p99`` and ``max`` of the samples."""
    if not samples:
        return {"n": 0}
    return {
        "n": len(samples),
        "p50": round(percentile(samples, 0.50), digits),
        "p95": round(percentile(samples, 0.95), digits),
        "p99": round(percentile(samples, 0.99), digits),
        "max": round(float(max(samples)), digits),
    }


def bootstrap_interval(
    samples: Sequence[float], statistic: Statistic, *, rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a statistic (Efron 1979). Needs two samples."""
    values = np.asarray(samples, dtype=float)
    if len(values) < 2:
        raise ValueError("a bootstrap interval needs at least two samples")
    dice = np.random.default_rng(seed)
    drawn = [statistic(dice.choice(values, len(values))) for _ in range(rounds)]
    return float(np.percentile(drawn, 2.5)), float(np.percentile(drawn, 97.5))
