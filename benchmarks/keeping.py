"""What every ``tingban bench`` command does with its figures: keep them, and hold them against earlier ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from benchmarks import measures
from benchmarks.baseline import Change, Verdict, cautions, changes
from benchmarks.result import Result, read, record, write

out = Console()
err = Console(stderr=True)

Keep = Annotated[Path, typer.Option(help="Folder that the result file goes to.")]
Baseline = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="An earlier result of the same command; ends with status 3 where a figure is worse "
        "beyond its noise band.",
    ),
]
WORSE = 3
"""Exit status when a figure is worse than the baseline's."""


def of_device(device: str) -> dict[str, Any]:
    """What a configuration says of it; nothing of a processor, which earlier results had."""
    return {} if device == "cpu" else {"device": device}


def keep(
    command: str,
    configuration: dict[str, Any],
    samples: dict[str, Any],
    summary: dict[str, Any],
    folder: Path,
    load_before: float,
    baseline: Path | None = None,
) -> None:
    """Write the result, say where; compare it with the baseline, if there is one."""
    earlier = None if baseline is None else _earlier(command, baseline)
    result = record(command, configuration, samples, summary, load_before=load_before)
    machine = result.machine
    err.print(
        f"{machine.cpu}, {machine.cores} cores, load {machine.load_before} before; "
        f"kept in {write(result, folder)}",
        style="dim",
    )
    if earlier is not None:
        _compare(earlier, result)


def _earlier(command: str, baseline: Path) -> Result:
    try:
        earlier = read(baseline)
    except (ValidationError, UnicodeDecodeError):
        earlier = None
    if earlier is None or earlier.command != command:
        err.print(f"{baseline}: no result of tingban bench {command}", style="red")
        raise typer.Exit(2)
    return earlier


def _compare(earlier: Result, result: Result) -> None:
    found = changes(measures.of(earlier), measures.of(result))
    out.print(changes_table(found))
    for caution in cautions(earlier, result):
        err.print(f"caution: {caution}", style="yellow")
    if not found:
        err.print("the two runs have no figure in common", style="red")
        raise typer.Exit(2)
    worse = [change.name for change in found if change.verdict is Verdict.WORSE]
    if worse:
        err.print(f"worse beyond noise: {', '.join(worse)}", style="red")
        raise typer.Exit(WORSE)


def changes_table(found: list[Change]) -> Table:
    """Then, now, the interval of the worsening, what is allowed, and what that means."""
    table = Table(title="against the baseline (95 % bootstrap interval of the worsening)")
    for name in ("", "before", "now", "unit", "worse by", "allowed", "pairs", ""):
        table.add_column(name, justify="right" if name not in ("", "unit") else "left")
    for change in found:
        table.add_row(
            change.name,
            f"{change.before:.4g}",
            f"{change.after:.4g}",
            change.unit,
            f"{change.low:+.3g} … {change.high:+.3g}",
            f"{change.allowed:.3g}",
            "yes" if change.paired else "no",
            change.verdict.value,
            style={Verdict.WORSE: "red", Verdict.BETTER: "green"}.get(change.verdict),
        )
    return table
