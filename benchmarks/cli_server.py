"""``tingban bench server | faults | soak | malformed``: the server without a model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.keeping import Baseline, Keep, err, keep, out
from benchmarks.recognisers import own_recordings
from benchmarks.result import RESULTS

QUANTILES = ("p50", "p99")


def server(
    calls: Annotated[int, typer.Option(min=1, help="Live two-party calls.")] = 200,
    boards: Annotated[int, typer.Option(min=0, help="Boards that watch all of them.")] = 50,
    idle: Annotated[int, typer.Option(min=0, help="Silent calls of the last setting.")] = 1_000,
    seconds: Annotated[float, typer.Option(min=1, help="Real time in each setting.")] = 15,
    knee: Annotated[
        bool, typer.Option("--knee", help="Half, three quarters and all of the calls instead.")
    ] = False,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """What the server itself costs and how late its events are, on one core, without a model."""
    from benchmarks.server import Load, measure, summarise

    load = os.getloadavg()[0]
    settings = [
        Load(calls, boards, "stereo"),
        Load(calls, boards, "stereo", store=True),
        Load(calls, boards, "each"),
        Load(max(1, calls // 4), 0, "stereo"),
        Load(max(1, calls // 4), 0, "stereo", idle),
    ]
    if knee:
        settings = [Load(max(1, calls * part // 4), boards, "stereo") for part in (1, 2, 3, 4)]
    found = measure(settings, seconds, progress=err.print)
    summary = summarise(found)
    table = Table(title="ms from the moment a packet was due to its event at the viewer")
    columns = ("calls", "boards", "packets", "idle", "store")
    for name in (*columns, "agent p50", "p99", "board p50", "p99", "ms a call and second", "core"):
        table.add_column(name, justify="right")
    for row in summary["loads"]:
        delays = [str(row[who].get(q, "")) for who in ("agent_ms", "board_ms") for q in QUANTILES]
        cost = (str(row["cpu_ms_per_call_second"]), str(row["server_cpu_share"]))
        table.add_row(*(str(row[name]) for name in columns), *delays, *cost)
    out.print(table)
    configuration = {
        "calls": calls,
        "boards": boards,
        "idle": idle,
        "seconds": seconds,
        "knee": knee,
        "pinned": found["pinned"],
    }
    keep("server", configuration, found, summary, results, load, baseline)


def store(
    rows: Annotated[int, typer.Option(min=100, help="Rows for each kind of archive.")] = 20_000,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """How many rows a second the outbox takes, and its archive: SQLite and PostgreSQL."""
    from benchmarks.outbox import measure

    load = os.getloadavg()[0]
    found = measure(rows)
    table = Table(title=f"rows a second, of {rows} that come as fast as they are taken")
    for name in ("archive", "rows", "on this disk", "in the archive", "backlog", "refused"):
        table.add_column(name, justify="right")
    for name, row in found.items():
        rates = (row["disk_rows_per_s"], row["archive_rows_per_s"])
        figures = (row["rows"], *rates, row["backlog_at_the_end_of_load"], row["refused"])
        table.add_row(name, *map(str, figures))
    out.print(table)
    keep("store", {"rows": rows}, found, found, results, load, baseline)


def faults(
    fault: Annotated[
        list[str] | None, typer.Option(help="One by name; repeat for more. Default: all.")
    ] = None,
    seconds: Annotated[int, typer.Option(min=20, max=110, help="Audio of each call.")] = 60,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """Real processes, one fault at a time: what people see, what is lost or doubled, how long."""
    from dataclasses import asdict

    from benchmarks.fault_table import FAULTS, run

    unknown = sorted(set(fault or ()) - FAULTS.keys())
    if unknown:
        raise typer.BadParameter(f"{unknown[0]}; there are {', '.join(FAULTS)}")
    load = os.getloadavg()[0]
    names = list(fault or FAULTS)
    rows = run(names, seconds, lambda row: err.print(f"{row.fault}: {row.passed} {row.detail}"))
    table = Table(title="one fault at a time")
    for name in ("fault", "what people see", "lost", "doubled", "recovery, s", "passed"):
        table.add_column(name)
    for row in rows:
        recovery = "" if row.recovery_s is None else str(row.recovery_s)
        cells = (str(row.lost), str(row.doubled), recovery, "yes" if row.passed else "NO")
        table.add_row(row.fault, row.seen, *cells, style=None if row.passed else "red")
    out.print(table)
    for row in rows:
        if row.double:
            out.print(f"{row.fault}: loses {row.lost}, doubles {row.doubled} {row.detail}")
    summary = {
        "lost": sum(row.lost for row in rows if not row.double),
        "doubled": sum(row.doubled for row in rows if not row.double),
        "failures": sum(not row.passed for row in rows),
    }
    configuration = {"faults": names, "seconds": seconds}
    keep(
        "faults",
        configuration,
        {"faults": [asdict(r) for r in rows]},
        summary,
        results,
        load,
        baseline,
    )
    if summary["failures"]:
        raise typer.Exit(1)


def malformed(
    messages: Annotated[int, typer.Option(min=1, help="On every dialect.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of what is spoiled, and how.")] = 1,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """Malformed messages on every websocket, beside a call that must not notice."""
    from benchmarks.malformed import run

    load = os.getloadavg()[0]
    found = run(messages, seed, told=lambda name: err.print(f"{name}: done", style="dim"))
    table = Table(title=f"{messages} malformed messages on every dialect")
    for name in ("dialect", "connections", "refusals", "codes"):
        table.add_column(name)
    for row in found["dialects"]:
        table.add_row(row["dialect"], str(row["connections"]), str(row["refusals"]), row["codes"])
    out.print(table)
    out.print(f"memory {found['memory_mib']}, descriptors {found['descriptors']}")
    for failure in found["failures"]:
        err.print(failure, style="red")
    summary = {
        "lost": found["lost"],
        "doubled": found["doubled"],
        "failures": len(found["failures"]),
    }
    keep("malformed", {"messages": messages, "seed": seed}, found, summary, results, load, baseline)
    if found["failures"]:
        raise typer.Exit(1)


def soak(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long; 20 for a release.")] = 5,
    together: Annotated[int, typer.Option(min=1, help="Calls at a time.")] = 12,
    speed: Annotated[
        float | None,
        typer.Option(min=1, help="Times faster than life. Default: 6, with recordings 1."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of lengths and cuts.")] = 1,
    recordings: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Play your own WAVs to a real recogniser instead."
        ),
    ] = None,
    asr: Annotated[str, typer.Option(help="That recogniser: name or directory.")] = "bundled",
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """Traffic with churn: memory, open files and delays over time, and what was lost."""
    from benchmarks.soak import Plan, run, summarise

    load = os.getloadavg()[0]
    files = own_recordings("soak", recordings)
    pace = speed or (1.0 if files else 6.0)
    plan = Plan(minutes, together, pace, seed, files, asr)
    found = run(plan, lambda tick: err.print(_tick(tick), style="dim"))
    summary = summarise(found)
    table = Table(
        title=f"{summary['calls']} calls in {summary['minutes']} min, warming up left out"
    )
    for name in ("", "level", "rise", "95 %", "allowed", "verdict"):
        table.add_column(name, justify="right" if name else "left")
    for name, row in summary["grown"].items():
        figures = (row["level"], row["by"], f"{row['low']} … {row['high']}", row["allowed"])
        table.add_row(name, *map(str, figures), row["verdict"])
    out.print(table)
    out.print(
        f"{summary['audio_minutes']} min of calls; finals lost {summary['lost']}, "
        f"doubled {summary['doubled']}"
    )
    for failure in [*found["failures"], *(f"{name} grows" for name in summary["growing"])]:
        err.print(failure, style="red")
    configuration: dict[str, Any] = {
        "minutes": minutes,
        "together": together,
        "speed": pace,
        "seed": seed,
    }
    if files:
        configuration |= {"recordings": len(files), "asr": asr}
    keep("soak", configuration, found, summary, results, load, baseline)
    if summary["lost"] or summary["doubled"] or summary["failures"]:
        raise typer.Exit(1)


def _tick(tick: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in tick.items())
