"""Does a figure grow with time? A slope, how sure it is, and a verdict. Pure.

What a server looks like in its first minutes says nothing, so the first third is left out. Through
the rest goes a straight line. Neighbouring looks depend on each other, so the bootstrap draws
stretches of them, not single ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WARM_PART = 1 / 3
FEWEST = 12
"""Looks after warming up; from fewer nothing is concluded."""
ROUNDS = 2_000
Verdict = Literal["flat", "grows", "unclear", "too short"]


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one figure, over the part that is judged."""

    level: float
    """Mean of the figure."""
    by: float
    """By how much the line rises from its beginning to its end, in the figure's own unit."""
    low: float
    high: float
    """95 % of ``by``."""
    per_hour: float
    allowed: float
    """A rise up to this is none."""
    verdict: Verdict
    """``grows``: all of the interval is beyond what is allowed; ``flat``: none of it."""


def growth(
    hours: Sequence[float],
    values: Sequence[float],
    part: float,
    floor: float,
    seed: int = 0,
) -> Growth:
    """``values`` at those ``hours``; allowed is ``part`` of the level, or ``floor`` if that is more."""
    begin = int(len(hours) * WARM_PART)
    rows = np.stack([np.asarray(hours[begin:], float), np.asarray(values[begin:], float)], axis=1)
    if len(rows) < FEWEST:
        level = float(rows[:, 1].mean()) if len(rows) else 0.0
        return Growth(round(level, 2), 0.0, 0.0, 0.0, 0.0, 0.0, "too short")
    span = float(rows[-1, 0] - rows[0, 0])
    slope, level = float(_slopes(rows[None])[0]), float(rows[:, 1].mean())
    low, high = (end * span for end in _interval(rows, seed))
    allowed = max(part * abs(level), floor)
    verdict: Verdict = "grows" if low > allowed else "flat" if high <= allowed else "unclear"
    return Growth(
        level=round(level, 3),
        by=round(slope * span, 3),
        low=round(low, 3),
        high=round(high, 3),
        per_hour=round(slope, 3),
        allowed=round(allowed, 3),
        verdict=verdict,
    )


def _slopes(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) of the lines with the least squares through (n, points, 2)."""
    x = rows[..., 0] - rows[..., 0].mean(axis=1, keepdims=True)
    spread = (x * x).sum(axis=1)
    slopes: NDArray[np.float64] = (x * rows[..., 1]).sum(axis=1) / np.where(
        spread > 0, spread, np.inf
    )
    return slopes


def _interval(rows: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Moving blocks, about as long as the square root of all."""
    size = max(2, round(len(rows) ** 0.5))
    dice = np.random.default_rng(seed)
    starts = dice.integers(0, len(rows) - size + 1, (ROUNDS, -(-len(rows) // size)))
    places = (starts[:, :, None] + np.arange(size)).reshape(ROUNDS, -1)
    slopes = _slopes(rows[places])
    return float(np.percentile(slopes, 2.5)), float(np.percentile(slopes, 97.5))
