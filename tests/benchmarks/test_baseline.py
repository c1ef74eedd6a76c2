"""A run is worse only when noise cannot explain it, and always when it is plainly worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import baseline, measures, result
from benchmarks.baseline import Verdict, change, changes
from benchmarks.measures import Measure, mean, quantile

VALUES = st.lists(st.lists(st.floats(1, 1_000), min_size=1, max_size=5), min_size=2, max_size=12)
FEW = settings(max_examples=15, deadline=None)


def measure(groups: list[list[float]], **changed: object) -> Measure:
    named = {str(i): np.array([[v] for v in values]) for i, values in enumerate(groups)}
    return replace(Measure("delay", "ms", named, quantile(0.5)), **changed)  # type: ignore[arg-type]


def scaled(one: Measure, factor: float) -> Measure:
    return replace(one, groups={key: rows * factor for key, rows in one.groups.items()})


@FEW
@given(VALUES)
def test_a_run_is_never_worse_than_itself(groups: list[list[float]]) -> None:
    one = measure(groups)
    found = change(one, one)
    assert found.verdict is Verdict.SAME
    assert (found.low, found.high) == (0, 0)


@FEW
@given(VALUES, st.floats(1.2, 5))
def test_every_sample_slower_beyond_the_band_is_worse(
    groups: list[list[float]], factor: float
) -> None:
    # Of equal parts the mean of any draw grows by the factor; only its size is uncertain.
    one = measure([[50.0 + value / 1_000 for value in values] for values in groups], statistic=mean)
    assert change(one, scaled(one, factor)).verdict is Verdict.WORSE
    assert change(scaled(one, factor), one).verdict is Verdict.BETTER


@FEW
@given(VALUES, st.floats(1, 1.09))
def test_a_change_within_the_band_is_noise(groups: list[list[float]], factor: float) -> None:
    one = measure(groups, statistic=mean)
    assert change(one, scaled(one, factor)).verdict is Verdict.SAME


@FEW
@given(VALUES)
def test_more_of_what_should_be_high_is_better(groups: list[list[float]]) -> None:
    one = measure([[50.0 + value / 1_000 for value in values] for values in groups], statistic=mean)
    up = replace(one, better="higher")
    assert change(up, scaled(up, 2)).verdict is Verdict.BETTER
    assert change(scaled(up, 2), up).verdict is Verdict.WORSE


@FEW
@given(VALUES, st.randoms())
def test_the_order_of_groups_says_nothing(groups: list[list[float]], dice: object) -> None:
    one, other = measure(groups), scaled(measure(groups), 1.3)
    turned = replace(other, groups=dict(reversed(other.groups.items())))
    assert change(one, other) == change(one, turned)


def test_pairs_see_what_spread_hides() -> None:
    dice = np.random.default_rng(3)
    hard = dice.uniform(10, 1_000, 40)
    before = measure([[value] for value in hard], statistic=mean)
    after = measure([[value * 1.15] for value in hard], statistic=mean)
    assert change(before, after).paired
    assert change(before, after).verdict is Verdict.WORSE
    apart = replace(after, groups={f"other {key}": rows for key, rows in after.groups.items()})
    assert not change(before, apart).paired
    assert change(before, apart).verdict is Verdict.SAME


def test_a_figure_without_noise_is_judged_by_its_band_alone() -> None:
    def one(value: float) -> Measure:
        groups = {"": np.array([[value]])}
        return Measure("macro F1", "of 1", groups, mean, "higher", band=0, floor=0.005)

    assert change(one(0.9), one(0.896)).verdict is Verdict.SAME
    assert change(one(0.9), one(0.894)).verdict is Verdict.WORSE
    assert change(one(0.9), one(0.906)).verdict is Verdict.BETTER


def test_only_figures_of_both_runs_are_compared() -> None:
    old, new = measure([[1.0], [2.0]]), measure([[1.0], [2.0]], name="another")
    assert changes([old], [new]) == []


def test_every_kept_result_has_measures_and_is_no_worse_than_itself() -> None:
    for path in result.RESULTS.glob("*.json"):
        kept = result.read(path)
        found = measures.of(kept)
        assert bool(found) == (kept.command in measures.MEASURES), path
        assert len({one.name for one in found}) == len(found), path
        assert all(np.isfinite(one.value) for one in found), path


def test_a_busy_machine_and_another_configuration_are_said(tmp_path: Path) -> None:
    one = result.record("latency", {"seed": 0}, {}, {}, load_before=0.5)
    calm = one.model_copy(update={"machine": one.machine.model_copy(update={"cores": 2})})
    busy = calm.model_copy(
        update={
            "machine": calm.machine.model_copy(update={"load_before": 7.0}),
            "configuration": {"seed": 1},
        }
    )
    assert baseline.cautions(calm, calm) == []
    told = " ".join(baseline.cautions(calm, busy))
    assert "load of 7.0 on 2" in told
    assert "seed" in told
