"""``tingban bench``: every measurement by one command, its raw figures kept in one form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from benchmarks import cli_compare, cli_nodes, cli_recogniser, cli_server
from benchmarks.keeping import Baseline, Keep, err, keep, of_device, out
from benchmarks.result import RESULTS

if TYPE_CHECKING:
    from asr.paraformer.network import Precision

app = typer.Typer(
    no_args_is_help=True,
    help="Measure accuracy, latency and capacity on recorded audio.",
)
app.command()(cli_compare.compare)
app.command()(cli_compare.peer)
app.command()(cli_recogniser.stages)
app.command()(cli_recogniser.revisions)
app.command()(cli_recogniser.memory)
app.command()(cli_recogniser.equality)
app.command()(cli_recogniser.phrases)
for _command in (
    cli_server.server,
    cli_server.store,
    cli_server.faults,
    cli_server.soak,
    cli_server.malformed,
):
    app.command()(_command)
app.command()(cli_nodes.nodes)
app.command()(cli_nodes.sizing)
Asr = Annotated[str, typer.Option(help="Recogniser: a model's name, or its directory.")]
Device = Annotated[str, typer.Option(help="Where the model runs: cpu, cuda or cuda:1.")]


@app.command()
def report(
    results: Keep = RESULTS,
    to: Annotated[Path, typer.Option(help="The page to write.")] = Path("tingban-bench.html"),
) -> None:
    """One self-contained HTML page of all kept results."""
    from benchmarks.report import page
    from benchmarks.report import results as kept

    found, foreign = kept(results)
    for name in foreign:
        err.print(f"{name}: no result of tingban bench, left out", style="yellow")
    if not found:
        err.print(f"{results}: no results; run another tingban bench command first", style="red")
        raise typer.Exit(2)
    to.write_text(page(found), encoding="utf8")
    out.print(f"{len(found)} results in {to}")


@app.command()
def latency(
    call: Annotated[
        list[str] | None, typer.Option(help="A recorded call by id; repeat for more. Default: all.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each call is played.")] = 1,
    phrases: Annotated[
        int | None,
        typer.Option(min=1, help="As many rounds as give so many labelled phrases, instead."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="No call begins later than this after the first.")
    ] = None,
    together: Annotated[int, typer.Option(min=1, help="Calls played at the same time.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the phases to the chunk grid.")] = 0,
    recordings: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Your own calls: WAVs, each with a .labels.json as in benchmarks/corpus.",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser", help="Look at each call in Chromium: when is it painted?")
    ] = False,
    asr: Asr = "bundled",
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """From a phrase's last sample to its words, its alert and its card on the agent's socket."""
    from benchmarks import corpus
    from benchmarks.latency import Plan, measure, rows, summarise

    load = os.getloadavg()[0]
    within_s = None if minutes is None else minutes * 60
    folder = recordings or corpus.FOLDER
    plan = Plan(tuple(call or ()), rounds, together, seed, folder, browser, within_s)
    with Progress(console=err, transient=True) as progress:
        try:
            plan = plan if phrases is None else plan.for_phrases(phrases)
            plays = plan.rounds * len(plan.recorded())
            task = progress.add_task("playing calls in real time", total=plays)
            found = measure(plan, ["--asr", asr], lambda _: progress.advance(task))
        except LookupError as error:
            err.print(f"tingban bench latency: {error}", style="red")
            raise typer.Exit(2) from error
    summary = summarise(found)
    configuration = {
        "asr": asr,
        "calls": call,
        "rounds": plan.rounds,
        "minutes": minutes,
        "together": together,
        "seed": seed,
        "browser": browser,
        "recordings": "own" if recordings else "corpus",
    }
    _delays(summary)
    keep("latency", configuration, {"phrases": rows(found)}, summary, results, load, baseline)


@app.command()
def accuracy(
    asr: Asr = "bundled",
    sentences: Annotated[
        int, typer.Option(min=0, help="Only the first so many held-out sentences; 0: all.")
    ] = 0,
    precision: Annotated[
        list[str] | None,
        typer.Option(help="fp32, bf16 or int8; repeat to compare with the first. Default: fp32."),
    ] = None,
    chunk_ms: Annotated[int, typer.Option(help="Latency profile: 600, 480 or 300.")] = 600,
    second_pass: Annotated[
        bool,
        typer.Option("--second-pass", help="Judge what hears an utterance once more, as a whole."),
    ] = False,
    device: Device = "cpu",
    recordings: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Your own calls instead: WAVs, each with its words in a .txt or .labels.json.",
        ),
    ] = None,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """Character errors on held-out sentences in withheld synthetic voices, clean and telephone."""
    from asr.paraformer.state import SHAPES
    from asr.second_pass import WHOLE
    from benchmarks.accuracy import CONDITIONS, read_sentences, run, table
    from benchmarks.recognisers import directory, on_device
    from models.training.voice import WITHHELD_VARIANTS

    if chunk_ms not in SHAPES:
        raise typer.BadParameter("600, 480 or 300", param_hint="--chunk-ms")
    precisions = _precisions(precision)
    on_device(device, precisions)
    hearing = {
        "chunk_ms": chunk_ms,
        **({"second_pass": True} if second_pass else {}),
        **of_device(device),
    }
    if recordings is not None:
        _own_accuracy(asr, recordings, precisions[0], hearing, results, baseline)
        return
    load, folder = os.getloadavg()[0], directory(asr)
    texts = len(read_sentences()[: sentences or None])
    with Progress(console=err, transient=True) as progress:
        total = texts * len(WITHHELD_VARIANTS) * len(CONDITIONS)
        task = progress.add_task("listening", total=total)
        found = run(
            folder,
            limit=sentences,
            precisions=precisions,
            shape=WHOLE if second_pass else SHAPES[chunk_ms],
            advance=lambda n: progress.advance(task, n),
            device=device,
        )
    out.print(table(found["summary"]))
    if len(precisions) > 1:
        for name, rows in found["summary"]["precisions"].items():
            parts = (f"{c} {r['cer']:.2%} ({r['points_lost']:+} points)" for c, r in rows.items())
            out.print(f"{name}: " + ", ".join(parts))
    configuration = {
        "asr": asr,
        "sentences": texts,
        "voices": list(WITHHELD_VARIANTS),
        "precisions": precisions,
        **hearing,
    }
    keep("accuracy", configuration, found["samples"], found["summary"], results, load, baseline)


@app.command()
def capacity(
    asr: Asr = "bundled",
    talk: Annotated[
        str, typer.Option(help="real: one party at a time; full: both without a pause.")
    ] = "real",
    calls: Annotated[
        list[int] | None,
        typer.Option(help="Numbers of live calls to try; repeat for more. Default: a search."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=5, help="Real time at each load.")] = 20,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="The engine alone, without server and sockets.")
    ] = False,
    recordings: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Play your own WAVs instead."),
    ] = None,
    device: Device = "cpu",
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """How many live two-party calls are heard at a p99 chunk lag within 600 ms.

    Through real sockets: the server on one core, the sender on another."""
    from benchmarks import capacity as engine_alone
    from benchmarks import sockets
    from benchmarks.recognisers import on_device, own_recordings
    from benchmarks.statistics import summary as quantiles

    if talk not in ("real", "full"):
        raise typer.BadParameter("real or full", param_hint="--talk")
    on_device(device)
    load, wavs = os.getloadavg()[0], own_recordings("capacity", recordings)
    try:
        if in_process:
            from benchmarks.recognisers import native

            model = native(asr, device)
            loads = calls or [1, 5, 10, 20, 30, 40, 60, 80]
            found = engine_alone.capacity(
                model, loads, seconds, talk=talk, progress=err.print, wavs=wavs
            )
        else:
            found = sockets.measure(
                asr, calls or (), seconds, talk, progress=err.print, wavs=wavs, device=device
            )
    except LookupError as error:
        err.print(f"tingban bench capacity: {error}", style="red")
        raise typer.Exit(2) from error
    table = Table(title=f"{talk} talk: ms from a chunk's last sample to its answer")
    for name in ("calls", "n", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="right")
    lags = {
        str(one["calls"]): quantiles(one["chunk_lag_ms"] + one["end_lag_ms"])
        for one in found["loads"]
    }
    for number, row in lags.items():
        table.add_row(number, *(str(row.get(k, "")) for k in ("n", "p50", "p95", "p99", "max")))
    out.print(table)
    through = "the engine alone" if in_process else "sockets included"
    out.print(f"rated load here: {found['rated_calls']} calls, {through}")
    configuration = {
        "asr": asr,
        "talk": talk,
        "calls": calls,
        "seconds": seconds,
        "sockets": not in_process,
        **of_device(device),
        **({"recordings": len(wavs)} if wavs else {}),
    }
    summary = {"rated_calls": found["rated_calls"], "lag_ms": lags}
    if not in_process:
        summary["cpu_ms_per_call_second"] = {
            str(one["calls"]): one["cpu_ms_per_call_second"] for one in found["loads"]
        }
    keep("capacity", configuration, found, summary, results, load, baseline)


@app.command()
def rules(
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """The shipped packs on labelled dialogues, clean and with recognition errors; the engine's cost."""
    from assist_rules.rulebook import load_rulebook
    from assist_rules.tools.bench import bench_large, bench_shipped
    from benchmarks.rules import PARTS, evaluate

    load = os.getloadavg()[0]
    rulebook = load_rulebook()
    parts = {}
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("replaying dialogues", total=len(PARTS))
        for part in PARTS:
            parts[part.name] = evaluate(rulebook, part)
            progress.advance(task)
    costs = {"shipped": bench_shipped(), "large": bench_large()}
    table = Table(title="shipped packs on labelled dialogues")
    for name in ("", "forbidden P", "forbidden R", "macro F1", "false alerts /10 min", "late"):
        table.add_column(name, justify="right" if name else "left")
    for name, figures in parts.items():
        accused = figures["categories"]["agent.forbidden"]
        table.add_row(
            name,
            str(accused["precision"]),
            str(accused["recall"]),
            str(figures["macro_f1"]),
            str(figures["clean_calls_false_alerts_per_10min"]),
            str(figures["time_to_alert_ms"]["over_1200"]),
        )
    out.print(table)
    for name, row in costs.items():
        out.print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in row.items()))
    configuration = {"pack": rulebook.hash, "parts": [part.name for part in PARTS]}
    samples = {name: figures.pop("outcomes") for name, figures in parts.items()}
    keep("rules", configuration, samples, {"parts": parts, "costs": costs}, results, load, baseline)


def _own_accuracy(
    asr: str,
    folder: Path,
    precision: Precision,
    hearing: dict[str, Any],
    results: Path,
    baseline: Path | None,
) -> None:
    from asr.paraformer.load import load_model
    from asr.paraformer.state import SHAPES
    from benchmarks.accuracy import summarise, table
    from benchmarks.recognisers import directory
    from benchmarks.recordings import measure, spoken

    load = os.getloadavg()[0]
    try:
        found = spoken(folder)
        model = load_model(directory(asr), precision, hearing.get("device", "cpu"))
        shape, again = SHAPES[hearing["chunk_ms"]], "second_pass" in hearing
        readings = measure(model, precision, found, shape, again)
    except LookupError as error:
        err.print(f"tingban bench accuracy: {error}", style="red")
        raise typer.Exit(2) from error
    summary = summarise(readings)
    out.print(table(summary, "Your own recordings, streaming in chunks"))
    configuration = {
        "asr": asr,
        "recordings": len(found),
        "precisions": [precision],
        **hearing,
    }
    samples = {"readings": [asdict(one) for one in readings]}
    keep("accuracy", configuration, samples, summary, results, load, baseline)


def _precisions(names: list[str] | None) -> list[Precision]:
    from asr.paraformer.network import Precision

    try:
        return [Precision(name) for name in names or ["fp32"]]
    except ValueError as error:
        raise typer.BadParameter("fp32, bf16 or int8", param_hint="--precision") from error


def _delays(summary: Mapping[str, Any]) -> None:
    table = Table(title="ms after the phrase's last sample")
    for name in ("", "n", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="right" if name else "left")
    measured = {
        "transcript has the phrase": summary["transcript_ms"],
        "alert": summary["alert_ms"],
        "customer cue: card, never held": summary["customer_card_ms"],
        "customer cue: that card painted": summary["customer_card_painted_ms"],
        "customer cue: card, after a hold": summary["customer_card_after_hold_ms"],
        "accusation confirmed": summary["accusation_confirmed_ms"],
        **{f"stage of the alert: {k}": v for k, v in summary["stages_ms"].items()},
    }
    for name, values in measured.items():
        table.add_row(name, *(str(values.get(k, "")) for k in ("n", "p50", "p95", "p99", "max")))
    out.print(table)
    out.print(
        f"{summary['phrases']} phrases; words never right: {summary['transcript_missed']}, "
        f"alert never fired: {summary['alert_missed']}, "
        f"customer cards held back by the governor: {summary['customer_cards_held']} "
        f"{summary['customer_cards_held_why']}"
    )
