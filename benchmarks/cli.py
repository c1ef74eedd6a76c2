"""``tingban bench``: every measurement by one command, its raw figures kept in one form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.result import RESULTS, record, write

app = typer.Typer(
    no_args_is_help=True,
    help="Measure accuracy, latency and capacity on recorded audio.",
)
out = Console()
err = Console(stderr=True)

Keep = Annotated[Path, typer.Option(help="Folder that the result file goes to.")]
Asr = Annotated[str, typer.Option(help="Recogniser: a model's name, or its directory.")]


@app.command()
def latency(
    call: Annotated[
        list[str] | None, typer.Option(help="A recorded call by id; repeat for more. Default: all.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each call is played.")] = 1,
    together: Annotated[int, typer.Option(min=1, help="Calls played at the same time.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the phases to the chunk grid.")] = 0,
    asr: Asr = "bundled",
    results: Keep = RESULTS,
) -> None:
    """From a phrase's last sample to its words, its alert and its card on the agent's socket."""
    from benchmarks import corpus
    from benchmarks.latency import Plan, measure, rows, summarise

    load = os.getloadavg()[0]
    plan = Plan(tuple(call or ()), rounds, together, seed)
    with Progress(console=err, transient=True) as progress:
        known = [c for c in corpus.calls() if not call or c.id in call]
        task = progress.add_task("playing calls in real time", total=rounds * len(known))
        try:
            phrases = measure(plan, ["--asr", asr], lambda _: progress.advance(task))
        except LookupError as error:
            err.print(f"tingban bench latency: {error}", style="red")
            raise typer.Exit(2) from error
    summary = summarise(phrases)
    configuration = {
        "asr": asr,
        "calls": call,
        "rounds": rounds,
        "together": together,
        "seed": seed,
    }
    _delays(summary)
    _keep("latency", configuration, {"phrases": rows(phrases)}, summary, results, load)


def _delays(summary: Mapping[str, Any]) -> None:
    table = Table(title="ms after the phrase's last sample")
    for name in ("", "n", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="right" if name else "left")
    measured = {
        "transcript has the phrase": summary["transcript_ms"],
        "alert": summary["alert_ms"],
        "customer cue: card": summary["customer_card_ms"],
        "accusation confirmed": summary["accusation_confirmed_ms"],
        **{f"stage of the alert: {k}": v for k, v in summary["stages_ms"].items()},
    }
    for name, values in measured.items():
        table.add_row(name, *(str(values.get(k, "")) for k in ("n", "p50", "p95", "p99", "max")))
    out.print(table)
    out.print(
        f"{summary['phrases']} phrases; words never right: {summary['transcript_missed']}, "
        f"alert never fired: {summary['alert_missed']}, "
        f"customer cards held back by the governor: {summary['customer_cards_held']}"
    )


def _keep(
    command: str,
    configuration: dict[str, Any],
    samples: dict[str, Any],
    summary: dict[str, Any],
    folder: Path,
    load_before: float,
) -> None:
    result = record(command, configuration, samples, summary, load_before=load_before)
    machine = result.machine
    err.print(
        f"{machine.cpu}, {machine.cores} cores, load {machine.load_before} before; "
        f"kept in {write(result, folder)}",
        style="dim",
    )
