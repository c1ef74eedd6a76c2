"""Which figures of a result are followed from run to run, each with the raw samples behind it.

One list for each command. The history in the report and the check against a baseline read the
same ones, so a figure that can fail a run is always one that can be looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.result import Result
from benchmarks.statistics import percentile

Samples = NDArray[np.float64]
"""(n, columns): one row for each thing measured."""
Statistic = Callable[[Samples], float]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a run."""

    name: str
    unit: str
    groups: Mapping[str, Samples]
    """Samples by what they have in common (a playing of a call, an utterance). Those of a group
    depend on each other, so a bootstrap draws groups. Equal keys in two runs are pairs."""
    statistic: Statistic = field(compare=False)
    better: Literal["lower", "higher"] = "lower"
    band: float = 0.10
    """Part of the earlier value by which the figure may be worse before it counts."""
    floor: float = 0.0
    """The same in the figure's own unit; the larger of the two holds."""

    @property
    def value(self) -> float:
        """The figure itself."""
        return self.statistic(np.concatenate(list(self.groups.values())))


def quantile(part: float) -> Statistic:
    """Of the first column."""
    return lambda rows: percentile(rows[:, 0].tolist(), part)


def ratio(rows: Samples) -> float:
    """Sum of the first column by the sum of the second."""
    return float(rows[:, 0].sum() / rows[:, 1].sum())


def mean(rows: Samples) -> float:
    """Of the first column."""
    return float(rows[:, 0].mean())


def of(result: Result) -> list[Measure]:
    """The measures of a result; none for a command that has none."""
    found = MEASURES.get(result.command)
    return [] if found is None else [one for one in found(result) if one.groups]


def _grouped(rows: Iterable[tuple[str, Sequence[float]]]) -> dict[str, Samples]:
    gathered: dict[str, list[Sequence[float]]] = defaultdict(list)
    for key, row in rows:
        gathered[key].append(row)
    return {key: np.asarray(values, dtype=float) for key, values in gathered.items()}


def _figure(
    name: str,
    unit: str,
    value: float | None,
    better: Literal["lower", "higher"] = "higher",
    band: float = 0.0,
    floor: float = 0.0,
) -> list[Measure]:
    """A figure without noise: the same input gives it again."""
    if value is None:
        return []
    groups = {"": np.array([[float(value)]])}
    return [Measure(name, unit, groups, mean, better, band, floor)]


def _latency(result: Result) -> list[Measure]:
    phrases: list[dict[str, Any]] = [p for p in result.samples["phrases"] if p["quote"]]

    def delays(field: str, of: Iterable[dict[str, Any]]) -> dict[str, Samples]:
        return _grouped(
            (f"{p['call']} {p['phase_ms']}", [p[field]]) for p in of if p.get(field) is not None
        )

    carded = [p for p in phrases if p["category"].startswith("customer.") and p["held"] is None]
    accused = [p for p in phrases if p["category"] == "agent.forbidden"]
    wanted = [
        ("words", "transcript_ms", phrases, (0.5, 0.95)),
        ("alert", "alert_ms", phrases, (0.5, 0.95)),
        ("customer card, never held", "card_ms", carded, (0.5, 0.95)),
        ("customer card painted", "painted_ms", carded, (0.5, 0.95)),
        ("accusation confirmed", "confirmed_ms", accused, (0.95,)),
    ]
    found = [
        Measure(f"{name}, p{part * 100:.0f}", "ms", delays(key, rows), quantile(part), floor=20)
        for name, key, rows, parts in wanted
        for part in parts
    ]
    missed = _grouped(
        (f"{p['call']} {p['phase_ms']}", [float(p["alert_ms"] is None)]) for p in phrases
    )
    return [*found, Measure("alerts that never fired", "of 1", missed, mean, floor=0.03)]


BLOCK = 25
"""Answers of one run that follow each other share their load; so many are drawn together."""


def _capacity(result: Result) -> list[Measure]:
    talk = result.samples["talk"]
    found = _figure(
        f"rated calls, {talk} talk", "calls", result.summary.get("rated_calls"), band=0.15
    )
    for one in result.samples["loads"]:
        lags = one["chunk_lag_ms"] + one["end_lag_ms"]
        groups = _grouped((str(i // BLOCK), [lag]) for i, lag in enumerate(lags))
        name = f"chunk lag p99 at {one['calls']} calls, {talk} talk"
        found.append(Measure(name, "ms", groups, quantile(0.99), floor=20))
    return found


def _accuracy(result: Result) -> list[Measure]:
    readings: list[dict[str, Any]] = result.samples["readings"]
    found = []
    chunk_ms = result.configuration.get("chunk_ms", 600)
    kinds = dict.fromkeys((r["condition"], r.get("precision", "fp32")) for r in readings)
    for condition, precision in kinds:
        rows = _grouped(
            (f"{r['text']} {r['voice']}", [r["read_errors"], r["characters"]])
            for r in readings
            if (r["condition"], r.get("precision", "fp32")) == (condition, precision)
        )
        name = f"character errors, {condition}"
        name += "" if precision == "fp32" else f", {precision}"
        name += "" if chunk_ms == 600 else f", chunks of {chunk_ms} ms"
        found.append(Measure(name, "of 1", rows, ratio, band=0.02, floor=0.002))
    return found


def _browser(result: Result) -> list[Measure]:
    found = []
    for page in ("widget", "bare"):
        delays = result.samples["paint"][f"{page}_ms"]
        groups = _grouped((str(i // BLOCK), [ms]) for i, ms in enumerate(delays))
        name = f"painted in the {page} page, p95"
        found.append(Measure(name, "ms", groups, quantile(0.95), floor=5))
    return found


def _compare(result: Result) -> list[Measure]:
    found = []
    for who in ("ours", "funasr"):
        for one in result.samples[who]:
            groups = {str(i): np.array([[ms]]) for i, ms in enumerate(one["cpu_ms"])}
            name = f"{who}, {one['precision']}, batch {one['batch']}"
            if who == "ours":
                found.append(Measure(name, "processor ms a chunk", groups, quantile(0.5)))
    return found


def _rules(result: Result) -> list[Measure]:
    found: list[Measure] = []
    for name, figures in result.summary["parts"].items():
        accused = figures["categories"]["agent.forbidden"]
        clean = figures["clean_calls_false_alerts_per_10min"]
        found += _figure(f"macro F1, {name}", "of 1", figures["macro_f1"], floor=0.005)
        found += _figure(f"forbidden recall, {name}", "of 1", accused["recall"], floor=0.005)
        found += _figure(f"forbidden precision, {name}", "of 1", accused["precision"], floor=0.005)
        found += _figure(f"false alerts, {name}", "in 10 min", clean, better="lower", floor=0.02)
    return found


def _server(result: Result) -> list[Measure]:
    found: list[Measure] = []
    for one in result.samples["loads"]:
        setting = f"{one['calls']} calls, {one['boards']} boards, {one['packets']}"
        if one.get("idle"):
            setting += f", {one['idle']} idle"
        if one.get("store"):
            setting += ", kept"
        for viewer in ("agent", "board"):
            groups = _grouped((key, [ms]) for key, ms in one[f"{viewer}_ms"])
            for part in (0.5, 0.99):
                name = f"to {viewer}, p{part * 100:.0f}, {setting}"
                found.append(Measure(name, "ms", groups, quantile(part), floor=5))
        cpu = {str(i): np.array([[ms]]) for i, ms in enumerate(one["cpu_ms_per_call_second"])}
        name = f"processor of a call, {setting}"
        found.append(Measure(name, "ms a second", cpu, mean))
    return found


def _counted(result: Result) -> list[Measure]:
    found: list[Measure] = []
    for name in ("lost", "doubled", "failures"):
        found += _figure(name, "", result.summary.get(name), better="lower")
    return found


def _nodes(result: Result) -> list[Measure]:
    found: list[Measure] = []
    kinds = dict.fromkeys((run["pages"], run["nodes"]) for run in result.samples["paired"]["runs"])
    for pages, kind in kinds:
        rows = _grouped(
            (str(run["round"]), [run["us_per_event"]])
            for run in result.samples["paired"]["runs"]
            if (run["pages"], run["nodes"]) == (pages, kind)
        )
        found.append(Measure(f"processor of an event, {kind}, {pages}", "µs", rows, mean))
    return found


MEASURES: Mapping[str, Callable[[Result], list[Measure]]] = {
    "accuracy": _accuracy,
    "browser": _browser,
    "capacity": _capacity,
    "compare": _compare,
    "faults": _counted,
    "latency": _latency,
    "malformed": _counted,
    "nodes": _nodes,
    "rules": _rules,
    "server": _server,
    "soak": _counted,
}
