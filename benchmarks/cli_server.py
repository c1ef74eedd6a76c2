"""``tingban bench server | faults | soak | malformed``: the server without a model."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.keeping import Baseline, Keep, err, keep, out
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
        Load(calls, boards, "each"),
        Load(max(1, calls // 4), 0, "stereo"),
        Load(max(1, calls // 4), 0, "stereo", idle),
    ]
    if knee:
        settings = [Load(max(1, calls * part // 4), boards, "stereo") for part in (1, 2, 3, 4)]
    found = measure(settings, seconds, progress=err.print)
    summary = summarise(found)
    table = Table(title="ms from the moment a packet was due to its event at the viewer")
    columns = ("calls", "boards", "packets", "idle")
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
