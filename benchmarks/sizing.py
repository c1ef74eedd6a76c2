"""Calls to cores, Redis, PostgreSQL and disk: a page made of measured figures. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.result import Result, file_name
from benchmarks.traffic import LATE_PART

SITES = (50, 200, 1_000, 5_000, 10_000)
SPARE = 0.7
"""Part of what was measured that a plan should count on."""
HOURS = 10
"""Of calls at full load on a day."""
DAYS = 180
"""As long as ``store.keep_days`` keeps calls unless told otherwise."""


MINUTES = 10
"""How long calls have lasted at a moment, for what Redis holds of them."""


class MissingError(LookupError):
    """A result that the page needs is not there."""


def page(results: Sequence[Result]) -> str:
    """Markdown, from the latest results among these."""
    engine = _latest(
        results, "capacity", lambda r: r.configuration["talk"] == "real" and _rated(r) > 0
    )
    nodes = _latest(
        results, "nodes", lambda r: r.summary["archive"] and "beyond" in r.summary["traffic"]
    )
    archive = nodes.summary["archive"]
    rows = [_row(calls, _a_core(engine), nodes) for calls in SITES]
    names = (
        *("calls at a time", "cores for recogniser and server", "Redis, cores", "Redis, MiB/s in"),
        *("Redis, MiB", "PostgreSQL, cores", f"PostgreSQL, GiB in {DAYS} days"),
    )
    sockets = "sockets included" if engine.configuration.get("sockets") else "the engine alone"
    fastest, beyond = _carried(nodes), nodes.summary["traffic"]["beyond"]
    in_life = round(fastest["events_per_s"] / fastest["speed"])
    return "\n".join(
        [
            "# What a site needs",
            "",
            "Written by `tingban bench sizing` from results in `benchmarks/results`; not by hand.",
            "",
            _table(names, rows),
            "",
            f"- Cores: {_a_core(engine):g} live calls a core at a p99 lag within 600 ms, {sockets} "
            f"(`{file_name(engine)}`), of which a plan counts on {SPARE:.0%}. {_where(engine)}",
            f"- Redis and PostgreSQL: measured shares of a core, scaled by calls and divided by "
            f"{SPARE} (`{file_name(nodes)}`). {_where(nodes)} Redis holds {_kib(nodes):.1f} KiB of a "
            f"call's minute, calls count as {MINUTES} min old; {nodes.configuration['watched']:.0%} of the calls were shown by another node.",
            f"- PostgreSQL's disk: {HOURS} hours a day at full load, no sound kept; from a run of "
            f"{archive['seconds']:.0f} s, which counts first pages of tables as growth: too much, not too little.",
            f"- One Redis carried {fastest['events_per_s']:,} events/s here in time, with "
            f"{fastest['redis_cpu_share']} of a core. {_limit(beyond)} "
            f"{nodes.configuration['traffic_calls']:,} calls make {in_life:,}.",
            "- GPUs: none was measured with this version, so there is no row for them.",
            "",
            "## What a second node costs",
            "",
            _table(
                (
                    "pages",
                    "one node, µs an event",
                    "two, not joined",
                    "two nodes",
                    "two to one (95 %)",
                    "two to not joined (95 %)",
                    "Redis",
                ),
                [_setting(name, row) for name, row in nodes.summary["settings"].items()],
            ),
            "",
            "Processor time of the server processes, all that a packet costs included; null recogniser. "
            "A node with fewer calls takes fewer packets at a time, so each costs more: that is what "
            "halving shows, joined or not.",
            "",
            "## What Redis carries",
            "",
            _table(
                ("times life", "events/s", "Redis, cores", "nodes, cores", "p50, ms", "p99, ms"),
                [_step(one) for one in steps_of(nodes.summary["traffic"])],
            ),
            "",
            "The way from one node to another. Nodes, Redis and the rest of the machine share "
            f"{nodes.machine.cores} cores.",
            "",
        ]
    )


def _latest(results: Sequence[Result], command: str, good: Callable[[Result], bool]) -> Result:
    found = [result for result in results if result.command == command and good(result)]
    if not found:
        raise MissingError(f"no result to go by; run tingban bench {command} first")
    return max(found, key=lambda result: result.created_at)


def _rated(result: Result) -> int:
    return int(result.summary["rated_calls"])


def steps_of(traffic: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All that was tried, slowest first; the last may be one that was not carried."""
    # Results of the first version name no such step.
    beyond = traffic.get("beyond")
    return [traffic["life"], *traffic["steps"], *([beyond] if beyond else [])]


def _carried(nodes: Result) -> Mapping[str, Any]:
    """The fastest step at which everything was said in time. Raises :class:`MissingError`."""
    life, steps = nodes.summary["traffic"]["life"], nodes.summary["traffic"]["steps"]
    if life["late"] > LATE_PART * (life["kept"] + life["sent"]):
        raise MissingError("the machine was too busy; run tingban bench nodes on a quiet one")
    fastest: Mapping[str, Any] = steps[-1] if steps else life
    return fastest


def _limit(beyond: Mapping[str, Any] | None) -> str:
    """Who could do no more at the step that was not carried."""
    if beyond is None:
        return "Nothing faster was tried."
    redis, nodes = beyond["redis_cpu_share"], beyond["nodes_cpu_share"]
    return (
        f"At {beyond['events_per_s']:,} a second Redis took {redis} of a core, the synthetic nodes "
        f"{nodes}: {'Redis' if redis > 0.9 else 'not Redis but the machine'} was at its limit."
    )


def _kib(nodes: Result) -> float:
    """Of a call's minute in Redis."""
    carried = _carried(nodes)
    events = float(carried["events_per_s"] / carried["speed"] * 60)
    per_call = events / float(nodes.configuration["traffic_calls"])
    return per_call * float(carried["redis_bytes_per_event"]) / 1024


def _a_core(engine: Result) -> float:
    """Through sockets the server has one core; the engine alone has all."""
    sockets = engine.configuration.get("sockets")
    return _rated(engine) / (1 if sockets else engine.machine.cores)


def _row(calls: int, rated: float, nodes: Result) -> list[str]:
    carried, archive = _carried(nodes), nodes.summary["archive"]
    share = calls / nodes.configuration["traffic_calls"]
    part = share / carried["speed"]
    minutes = calls * HOURS * 60 * DAYS
    postgres = calls * archive["postgres_ms_per_call_minute"] / 60_000
    return [
        f"{calls:,}",
        f"{math.ceil(calls / (rated * SPARE)):,}",
        f"{part * carried['redis_cpu_share'] / SPARE:.3f}",
        f"{part * carried['mib_per_s']:.2f}",
        f"{calls * _kib(nodes) * MINUTES / 1024:.0f}",
        f"{postgres / SPARE:.3f}",
        f"{minutes * archive['postgres_kib_per_call_minute'] / 2**20:,.0f}",
    ]


def _setting(name: str, row: Mapping[str, Any]) -> list[str]:
    return [name, str(row["one_us"]), str(row["unjoined_us"] or ""), str(row["two_us"]),
            *_ratios(row), str(row["redis_us"])]  # fmt: skip


def _ratios(row: Mapping[str, Any]) -> list[str]:
    found = []
    for name, interval in (("ratio", "interval"), ("joining", "joining_interval")):
        span = "" if row[interval] is None else " ({} … {})".format(*row[interval])
        found.append("" if row[name] is None else f"{row[name]}{span}")
    return found


def _step(one: Mapping[str, Any]) -> list[str]:
    names = ("speed", "events_per_s", "redis_cpu_share", "nodes_cpu_share")
    delivery = one["delivery_ms"]
    return [*(str(one[name]) for name in names), str(delivery.get("p50")), str(delivery.get("p99"))]


def _where(result: Result) -> str:
    machine = result.machine
    return f"{machine.cpu}, {machine.cores} cores, load {machine.load_before} before."


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
