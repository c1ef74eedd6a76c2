"""``tingban bench memory | equality | phrases``: what else the recogniser promises."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from benchmarks.keeping import Baseline, Keep, err, keep, out
from benchmarks.result import RESULTS

Asr = Annotated[str, typer.Option(help="Recogniser: a model's name, or its directory.")]


def memory(
    asr: Asr = "bundled",
    calls: Annotated[int, typer.Option(min=40, help="Calls opened and closed.")] = 1_000,
    hours: Annotated[float, typer.Option(min=0.01, help="Length of the long call.")] = 3,
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """Does the recogniser's memory stay flat over many calls and over one long call?"""
    from asr.paraformer.load import load_model
    from asr.paraformer.network import native_precision
    from benchmarks.memory import drift, measure
    from models.store import StoreError, locate

    load = os.getloadavg()[0]
    try:
        model = load_model(locate(asr), native_precision())
    except StoreError as error:
        err.print(str(error), style="red")
        raise typer.Exit(1) from error
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
    from asr.paraformer.load import load_model
    from asr.paraformer.network import native_precision
    from assist_rules.rulebook import load_rulebook
    from benchmarks.accuracy import read_sentences
    from benchmarks.phrases import run
    from models.store import StoreError, locate

    load = os.getloadavg()[0]
    try:
        model = load_model(locate(asr), native_precision())
    except StoreError as error:
        err.print(str(error), style="red")
        raise typer.Exit(1) from error
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
