"""``tingban bench nodes | sizing``: more than one server, and what a site of some size needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.keeping import Baseline, Keep, err, keep, out
from benchmarks.result import RESULTS

SIZING = Path(__file__).parents[1] / "deploy" / "SIZING.md"


def nodes(
    calls: Annotated[int, typer.Option(min=2, help="Live calls of the one node.")] = 60,
    seconds: Annotated[float, typer.Option(min=1, help="Real time of each run.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of runs of each setting.")] = 5,
    traffic_calls: Annotated[
        int, typer.Option(min=10, help="Calls of synthetic nodes through one Redis.")
    ] = 10_000,
    synthetic: Annotated[int, typer.Option(min=2, help="Synthetic nodes.")] = 2,
    watched: Annotated[
        float, typer.Option(min=0, max=1, help="Part of these calls that another node shows.")
    ] = 0.1,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """What a second node costs an event, what one Redis carries, what keeping calls costs."""
    from benchmarks import archive, traffic
    from benchmarks import nodes as cost
    from benchmarks.redis_server import installed
    from benchmarks.sizing import steps_of

    if not installed():
        err.print("redis-server is not installed: apt-get install redis-server", style="red")
        raise typer.Exit(2)
    load = os.getloadavg()[0]
    paired = cost.measure(calls, seconds, rounds, progress=err.print)
    carried = traffic.measure(traffic_calls, synthetic, watched, seconds, progress=err.print)
    kept = archive.measure(min(calls, 50), 2 * seconds)
    summary = {
        **cost.summarise(paired),
        "traffic": traffic.summarise(carried),
        "archive": kept,
    }
    table = Table(title=f"processor µs an event, {calls} calls, {rounds} pairs of runs")
    for name in (
        "pages",
        "one",
        "unjoined",
        "two",
        "two/one",
        "95 %",
        "two/unjoined",
        "95 %",
        "Redis",
    ):
        table.add_column(name, justify="right" if name != "pages" else "left")
    for name, row in summary["settings"].items():
        figures = (
            *("one_us", "unjoined_us", "two_us", "ratio", "interval"),
            *("joining", "joining_interval", "redis_us"),
        )
        table.add_row(name, *(str(row[figure] or "") for figure in figures))
    out.print(table)
    table = Table(title=f"one Redis, {traffic_calls} calls of {synthetic} synthetic nodes")
    for name in (
        "times life",
        "events/s",
        "Redis core",
        "nodes cores",
        "MiB/s",
        "p50 ms",
        "p99 ms",
    ):
        table.add_column(name, justify="right")
    for one in steps_of(summary["traffic"]):
        delivery = one["delivery_ms"]
        cells = [one[name] for name in ("speed", "events_per_s", "redis_cpu_share")]
        cells += [one["nodes_cpu_share"], one["mib_per_s"], delivery.get("p50")]
        table.add_row(*map(str, [*cells, delivery.get("p99")]))
    out.print(table)
    out.print(f"archive: {kept or 'no PostgreSQL here'}")
    configuration = {
        "calls": calls, "seconds": seconds, "rounds": rounds, "traffic_calls": traffic_calls,
        "synthetic": synthetic, "watched": watched,
    }  # fmt: skip
    samples = {"paired": paired, "traffic": carried, "archive": kept}
    keep("nodes", configuration, samples, summary, results, load, baseline)


def sizing(
    results: Keep = RESULTS,
    to: Annotated[Path, typer.Option(help="The page to write.")] = SIZING,
) -> None:
    """What a site of some size needs, from the latest results of capacity, nodes and server."""
    from benchmarks.report import results as kept
    from benchmarks.sizing import MissingError, page

    found, _ = kept(results)
    try:
        to.write_text(page(found), encoding="utf8")
    except MissingError as error:
        err.print(str(error), style="red")
        raise typer.Exit(2) from error
    out.print(f"written: {to}")
