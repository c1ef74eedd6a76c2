"""Is a run worse than an earlier one, or is the machine just noisy? Pure.

A figure is worse when the whole 95 % bootstrap interval of its change lies beyond the band that
its measure states. Runs of the same inputs are compared in pairs: the same groups are drawn from
both, so what is hard in one run and hard in the other cancels out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from benchmarks.measures import Measure
from benchmarks.result import Result

ROUNDS = 500


class Verdict(StrEnum):
    """What the change of a figure means."""

    BETTER = "better"
    SAME = "within noise"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Change:
    """A figure then and now. Positive changes are for the worse, whatever the figure."""

    name: str
    unit: str
    before: float
    after: float
    low: float
    """Lower end of the interval of the worsening, in the figure's unit."""
    high: float
    allowed: float
    """How much worse it may be."""
    paired: bool
    verdict: Verdict


def changes(before: Sequence[Measure], after: Sequence[Measure], seed: int = 0) -> list[Change]:
    """What became of every figure that both runs have, in the order of the later run."""
    known = {measure.name: measure for measure in before}
    return [
        change(known[measure.name], measure, seed) for measure in after if measure.name in known
    ]


def change(before: Measure, after: Measure, seed: int = 0) -> Change:
    """One figure then and now."""
    sign = 1.0 if after.better == "lower" else -1.0
    paired = len(before.groups) > 1 and before.groups.keys() == after.groups.keys()
    keys = sorted(before.groups) if paired else []
    dice = np.random.default_rng(seed)
    drawn = []
    for _ in range(ROUNDS):
        if paired:
            chosen = [keys[i] for i in dice.integers(len(keys), size=len(keys))]
            then, now = _of(before, chosen), _of(after, chosen)
        else:
            then, now = _of(before, _draw(before, dice)), _of(after, _draw(after, dice))
        drawn.append(sign * (now - then))
    low, high = (float(np.percentile(drawn, part)) for part in (2.5, 97.5))
    allowed = max(after.band * abs(before.value), after.floor)
    verdict = Verdict.SAME
    if low > allowed:
        verdict = Verdict.WORSE
    elif high < -allowed:
        verdict = Verdict.BETTER
    return Change(
        after.name,
        after.unit,
        before.value,
        after.value,
        low,
        high,
        allowed,
        paired,
        verdict,
    )


def _draw(measure: Measure, dice: np.random.Generator) -> list[str]:
    keys = sorted(measure.groups)
    return [keys[i] for i in dice.integers(len(keys), size=len(keys))]


def _of(measure: Measure, keys: Sequence[str]) -> float:
    return measure.statistic(np.concatenate([measure.groups[key] for key in keys]))


def cautions(before: Result, after: Result) -> list[str]:
    """Why two runs may not be comparable."""
    found = []
    if before.machine.cpu != after.machine.cpu or before.machine.cores != after.machine.cores:
        found.append("the machines differ")
    for name, run in (("baseline", before), ("new", after)):
        if run.machine.load_before > run.machine.cores:
            found.append(
                f"the {name} run began under a load of {run.machine.load_before} on "
                f"{run.machine.cores} cores: its times are inflated"
            )
    differing = sorted(
        key
        for key in before.configuration.keys() | after.configuration.keys()
        if before.configuration.get(key) != after.configuration.get(key)
    )
    if differing:
        found.append(f"configured otherwise: {', '.join(differing)}")
    return found
