"""``tingban bench compare | peer``: the engine beside FunASR."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.keeping import Baseline, Keep, err, keep, of_device, out
from benchmarks.result import RESULTS
from benchmarks.statistics import percentile, summary

Asr = Annotated[str, typer.Option(help="Recogniser: a model's name, or its directory.")]


def compare(
    asr: Asr = "bundled",
    full_size: Annotated[
        bool, typer.Option("--full-size", help="The published size with random weights instead.")
    ] = False,
    chunks: Annotated[int, typer.Option(min=2, help="Chunks timed for each figure.")] = 12,
    seconds: Annotated[
        float, typer.Option(min=2, help="Played at each load after a warm-up of 3 s.")
    ] = 8,
    device: Annotated[
        str, typer.Option(help="cpu, or cuda: both there, each by the clock on the wall.")
    ] = "cpu",
    results: Keep = RESULTS,
    baseline: Baseline = None,
) -> None:
    """The engine against a loop over FunASR's generate(): a chunk's cost, and live calls a core."""
    import torch

    from asr.paraformer.network import Precision, native_precision
    from asr.paraformer.reference import FULL, load_reference, random_reference
    from benchmarks.compare import calls_a_core, chunk_costs
    from benchmarks.recognisers import directory, on_device

    load, place = os.getloadavg()[0], on_device(device)
    torch.set_num_threads(1)
    reference = random_reference(FULL) if full_size else load_reference(directory(asr))
    reference = reference.to(place)
    precisions = tuple(dict.fromkeys((Precision.FP32, native_precision(place))))
    costs = chunk_costs(
        reference, precisions, chunks=chunks, baseline_chunks=chunks, progress=err.print
    )
    rows = _chunk_rows(costs)
    played = [
        one
        for talk in ("real", "full")
        for one in calls_a_core(reference, precisions[-1], talk, seconds, progress=err.print)
    ]
    calls = _calls_rows(played)
    out.print(_table("processor ms for one 600 ms chunk of one stream (median)", rows))
    out.print(_table("live calls of two parties on one core, p99 chunk lag within 600 ms", calls))
    configuration = {"asr": asr, "full_size": full_size, "chunks": chunks, "seconds": seconds}
    configuration |= of_device(device)
    found = {**costs, "one_core": played}
    keep("compare", configuration, found, {"rows": rows, "calls": calls}, results, load, baseline)


def _chunk_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    theirs = {one["precision"]: percentile(one["cpu_ms"], 0.5) for one in found["funasr"]}
    rows = []
    for one in found["ours"]:
        cost = percentile(one["cpu_ms"], 0.5)
        rows.append(
            {
                "precision": str(one["precision"]),
                "batch": one["batch"],
                "ours_ms": round(cost, 2),
                "funasr_ms": round(theirs[one["precision"]], 2),
                "times_fp32": round(theirs["fp32"] / cost, 2),
                "times_equal": round(theirs[one["precision"]] / cost, 2),
            }
        )
    return rows


def _calls_rows(played: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls a core, what a call costs there, and how many times the baseline's calls ours are."""
    rows = []
    for one in played:
        ours = next(p for p in played if p["who"] == "ours" and p["talk"] == one["talk"])
        best = max(
            (tried for tried in one["loads"] if tried["calls"] <= max(one["rated_calls"], 1)),
            key=lambda tried: tried["calls"],
        )
        rows.append(
            {
                "talk": one["talk"],
                "who": one["who"],
                "precision": str(one["precision"]),
                "calls": one["rated_calls"],
                "cpu_ms_per_call_second": best["cpu_ms_per_call_second"],
                "ours_times": round(ours["rated_calls"] / one["rated_calls"], 2)
                if one["rated_calls"]
                else None,
            }
        )
    return rows


def _table(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    return table


def peer(
    address: Annotated[
        str, typer.Argument(help="A server with FunASR's protocol, such as ws://127.0.0.1:10095.")
    ],
    speakers: Annotated[
        list[int] | None, typer.Option(help="Speakers at once; repeat for more.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=2, help="Everybody speaks for so long.")] = 15,
    results: Keep = RESULTS,
) -> None:
    """How long after the last sample another server's last word comes, for the record."""
    from benchmarks.peer import measure

    load = os.getloadavg()[0]
    counts = speakers or [1, 2, 4, 8]
    found = measure(address, counts, seconds)
    rows = [
        {
            "speakers": one["speakers"],
            **{name: summary(one["last_word_ms"]).get(name) for name in ("p50", "p95", "max")},
            "silent": one["silent"],
            "characters": one["characters"],
        }
        for one in found
    ]
    out.print(_table("ms from a speaker's last sample to the server's last word", rows))
    configuration = {"speakers": counts, "seconds": seconds}
    keep("peer", configuration, {"loads": found}, {"rows": rows}, results, load)
