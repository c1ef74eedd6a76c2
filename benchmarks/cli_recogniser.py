"""``tingban bench stages | revisions | memory | equality | phrases``: what else there is to know of the recogniser."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.keeping import Baseline, Keep, err, keep, out
from benchmarks.result import RESULTS
from benchmarks.statistics import summary as quantiles

Asr = Annotated[str, typer.Option(help="Recogniser: a model's name, or its directory.")]


def stages(
    asr: Asr = "bundled",
    talk: Annotated[
        str, typer.Option(help="real: one party at a time; full: both without a pause.")
    ] = "real",
    calls: Annotated[
        list[int] | None, typer.Option(help="Live calls; repeat for more than one load.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=2, help="Played at each load.")] = 8,
    results: Keep = RESULTS,
) -> None:
    """Where the recogniser's processor time goes, stage by stage, on one core without sockets."""
    import torch

    from benchmarks.recognisers import native
    from benchmarks.stages import measure

    load, model = os.getloadavg()[0], native(asr)
    torch.set_num_threads(1)
    found = measure(model, calls or [20, 40], talk, seconds, progress=err.print)
    table = Table(title=f"{talk} talk: processor ms for a second of a call")
    table.add_column("")
    for one in found:
        table.add_column(f"{one['calls']} calls", justify="right")
    for name in found[0]["stages"]:
        table.add_row(name, *(str(one["stages"].get(name, "")) for one in found))
    table.add_row("all", *(str(one["cpu_ms_per_call_second"]) for one in found), style="bold")
    out.print(table)
    configuration = {"asr": asr, "talk": talk, "calls": calls, "seconds": seconds}
    keep("stages", configuration, {"loads": found}, {"loads": found}, results, load)


def revisions(
    asr: Asr = "bundled",
    hold_back: Annotated[
        list[float] | None,
        typer.Option(help="Unsure characters below this wait; repeat to compare."),
    ] = None,
    results: Keep = RESULTS,
) -> None:
    """How many shown characters change again, and how early they are shown."""
    from asr.sentence import ShowConfig
    from benchmarks.recognisers import native
    from benchmarks.revisions import measure

    load, model = os.getloadavg()[0], native(asr)
    found = measure(model, hold_back or [ShowConfig().hold_back], progress=err.print)
    table = Table(title="recorded calls: shown characters that change; ms from a character's end")
    for name in ("hold back", "characters", "revised", "p50", "p95"):
        table.add_column(name, justify="right")
    rows = []
    for one in found:
        delay = quantiles(one["delay_ms"])
        share = round(one["revised"] / max(one["characters"], 1), 4)
        row = {"hold_back": one["hold_back"], "characters": one["characters"], "revised": share}
        rows.append({**row, "delay_ms": delay})
        table.add_row(*map(str, row.values()), str(delay.get("p50")), str(delay.get("p95")))
    out.print(table)
    configuration = {"asr": asr, "hold_back": hold_back}
    keep("revisions", configuration, {"settings": found}, {"rows": rows}, results, load)


def memory(
    asr: Asr = "bundled",
    calls: Annotated[int, typer.Option(min=40, help="Calls opened and closed.")] = 1_000,
    hours: Annotated[float, typer.Option(min=0.01, help="Length of the long call.")] = 3,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """Does the recogniser's memory stay flat over many calls and over one long call?"""
    from benchmarks.memory import drift, measure
    from benchmarks.recognisers import native

    load, model = os.getloadavg()[0], native(asr)
    found = measure(model, calls, hours, progress=out.print)
    summary = {
        "calls_drift": round(drift(found["calls_mib"]), 4),
        "long_call_drift": round(drift(found["long_call_mib"]), 4),
    }
    configuration = {"asr": asr, "calls": calls, "hours": hours}
    keep("memory", configuration, found, summary, results, load, baseline)


def phrases(
    asr: Asr = "bundled",
    sentences: Annotated[
        int, typer.Option(min=0, help="Only the first so many held-out sentences; 0: all.")
    ] = 0,
    snr_db: Annotated[float, typer.Option(help="Signal to noise of the speech.")] = 10,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """How many more of the rule packs' phrases are written when they are favoured, and the cost."""
    from assist_rules.rulebook import load_rulebook
    from benchmarks.accuracy import read_sentences
    from benchmarks.phrases import run
    from benchmarks.recognisers import native

    load, model = os.getloadavg()[0], native(asr)
    chosen = read_sentences()[: sentences or None]
    found = run(model, load_rulebook(), chosen, snr_db)
    for name, value in found["summary"].items():
        out.print(f"{name}: {value}")
    configuration = {"asr": asr, "sentences": len(chosen), "snr_db": snr_db}
    keep("phrases", configuration, found["samples"], found["summary"], results, load, baseline)


def equality(
    streams: Annotated[int, typer.Option(min=1, help="Streams at the published size.")] = 12,
    seconds: Annotated[float, typer.Option(min=1, help="Sound of each.")] = 20,
    seed: Annotated[int, typer.Option(help="Of weights, sound, joins and packets.")] = 0,
    results: Keep = RESULTS,
) -> None:
    """Does our batched step give FunASR's tokens, at the published size with random weights?"""
    from benchmarks.equality import measure

    load = os.getloadavg()[0]
    found = measure(streams, seconds, seed, progress=err.print)
    wrong = sum(one["ours"] != one["funasr"] for one in found["streams"])
    tokens = sum(len(one["funasr"]) for one in found["streams"])
    out.print(f"{streams} streams, {tokens} tokens: {wrong} streams differ")
    summary = {"streams": streams, "tokens": tokens, "streams_that_differ": wrong}
    configuration = {"streams": streams, "seconds": seconds, "seed": seed}
    keep("equality", configuration, found, summary, results, load, None)
    if wrong:
        raise typer.Exit(1)
