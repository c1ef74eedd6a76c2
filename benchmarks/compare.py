"""The engine against FunASR decoding one by one: same weights, same speech, same voice activity.

:func:`chunk_costs` times one step of ours and one ``generate()`` of FunASR's. :func:`calls_a_core`
plays live calls on one core (:mod:`benchmarks.one_core`), for the engine with all it does and for a
process that loops over ``generate()`` behind the same resampling and voice activity, and finds how
many each bears.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.audio.resample import resample
from asr.audio.utterance import Speech, UtteranceCutter
from asr.paraformer.decoder import Decoder, Kind, Question, Utterance
from asr.paraformer.load import Model
from asr.paraformer.network import Precision, at_precision, to_device
from asr.paraformer.reference import Reference, ReferenceStream
from asr.paraformer.state import CHUNK_600_MS, ChunkShape
from asr.paraformer.step import Heard
from asr.paraformer.wording import Greedy
from asr.party import PartyConfig
from asr.reading import reading_for
from asr.scheduler import SchedulerConfig
from benchmarks.capacity import Recorded, corpus, everybody_talks
from benchmarks.one_core import Listener, Listening, Played, clock_for, rated
from benchmarks.statistics import percentile

NOTHING = Heard(np.zeros((0, 1), np.int64), np.zeros((0, 1), np.float32), np.zeros(0, np.int64), 0)


class OneByOne:
    """FunASR in the place of our decoder: a stream of its own for every utterance, one at a time.

    What it hears is thrown away: only its time counts.
    """

    def __init__(self, reference: Reference, shape: ChunkShape = CHUNK_600_MS) -> None:
        self.shape = shape
        self._reference = reference

    def open(self) -> OneByOneUtterance:
        """A new stream."""
        return OneByOneUtterance(self._reference.begin(self.shape))

    def close(self, utterance: OneByOneUtterance) -> None:
        """Nothing is held."""

    def hear(self, questions: Sequence[Question]) -> list[Heard]:
        """Run FunASR on what is new of each."""
        for question in questions:
            utterance: Any = question.utterance
            utterance.hear(question.samples, question.kind is Kind.END)
        return [NOTHING for _ in questions]


class OneByOneUtterance:
    """Sound that FunASR has not been given yet."""

    def __init__(self, stream: ReferenceStream) -> None:
        self._stream = stream
        self._held: list[NDArray[np.float32]] = []
        self._given = 0

    def push(self, samples: NDArray[np.float32]) -> None:
        """Append 16 kHz samples."""
        self._held.append(samples)

    def hear(self, until: int, final: bool) -> None:
        """Give FunASR everything up to a sample of the utterance."""
        sound = np.concatenate([*self._held, np.zeros(0, np.float32)])
        count = until - self._given
        self._stream.push(sound[:count], final)
        self._held, self._given = [sound[count:]], until


def calls_a_core(
    reference: Reference,
    precision: Precision,
    talk: str,
    seconds: float = 8.0,
    progress: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Live calls that one core bears: FunASR in fp32 and at our precision, then ours."""
    recorded = corpus() if talk == "real" else everybody_talks(corpus())
    found = []
    for who, at in dict.fromkeys(
        [("funasr", Precision.FP32), ("funasr", precision), ("ours", precision)]
    ):
        with reference.at_precision(at) if who == "funasr" else nullcontext(reference) as lowered:
            begin = (
                loop_over_generate(lowered, recorded)
                if who == "funasr"
                else engine(reference, at, recorded)
            )
            progress(f"{who}, {at}, {talk} talk")
            clock = clock_for(reference.device)
            calls, tried = rated(begin, recorded, seconds, progress, clock)
        found.append(
            {
                "who": who,
                "precision": at,
                "talk": talk,
                "rated_calls": calls,
                "loads": [_row(played) for played in tried],
            }
        )
    return found


def _row(played: Played) -> dict[str, Any]:
    return {
        "calls": played.calls,
        "lag_ms": [round(ms, 1) for ms in played.lag_ms],
        "cpu_ms_per_call_second": round(played.cpu_ms_per_call_second, 2),
    }


def engine(
    reference: Reference, precision: Precision, recorded: Sequence[Recorded]
) -> Callable[[int], Listener]:
    """The engine with all that it does for a call, for so many calls."""
    whole = reference.model()
    network = to_device(at_precision(whole.network, precision), reference.device)
    model = replace(whole, network=network)
    wording = reading_for(model)
    clock = clock_for(reference.device)
    return lambda calls: Listening(Decoder(model), recorded, calls, wording, clock=clock)


def loop_over_generate(
    reference: Reference, recorded: Sequence[Recorded]
) -> Callable[[int], Listener]:
    """The same packets, resampling and voice activity, then FunASR; no partials, beam or metrics."""
    model = reference.model()
    config = PartyConfig(early_every_ms=None, metrics=False)

    def begin(calls: int) -> Listener:
        decoder: Any = OneByOne(reference)
        return Listening(
            decoder,
            recorded,
            calls,
            lambda: Greedy(model.tokens, model.unspoken),
            config,
            SchedulerConfig(most_rows=1),
            clock_for(reference.device),
        )

    return begin


def chunk_costs(
    reference: Reference,
    precisions: Sequence[Precision] = (Precision.FP32, Precision.BF16),
    batches: Sequence[int] = (1, 4, 8, 16),
    chunks: int = 12,
    baseline_chunks: int = 12,
    shape: ChunkShape = CHUNK_600_MS,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Milliseconds a chunk of one stream costs, ours in batches and FunASR's one by one.

    Same weights, same speech (what voice activity lets through), features included. Wall time and
    processor time of the thread: on a shared machine the second is the fairer one.
    """
    pieces = list(_speech_chunks(max(*batches, 1) * (chunks + 1), shape))
    found: dict[str, Any] = {"chunk_ms": shape.size * 60, "ours": [], "funasr": []}
    for precision in precisions:
        found["funasr"].append(
            _timeloop_over_generate(reference, precision, pieces, baseline_chunks, shape)
        )
        progress(_line("FunASR", found["funasr"][-1]))
    whole = reference.model()
    for precision in precisions:
        network = to_device(at_precision(whole.network, precision), reference.device)
        model = replace(whole, network=network)
        for batch in batches:
            found["ours"].append(_time_ours(model, precision, batch, pieces, chunks, shape))
            progress(_line(f"batch of {batch}", found["ours"][-1]))
    return found


def _line(who: str, timed: dict[str, Any]) -> str:
    cpu, wall = percentile(timed["cpu_ms"], 0.5), percentile(timed["wall_ms"], 0.5)
    return f"{who}, {timed['precision']}: {cpu:.2f} ms processor, {wall:.2f} ms wall a chunk"


def _speech_chunks(count: int, shape: ChunkShape) -> Iterator[NDArray[np.float32]]:
    """Speech of the corpus in whole chunks."""
    held: list[NDArray[np.float32]] = []
    while True:
        for call in corpus():
            for samples in call.samples.values():
                cutter = UtteranceCutter()
                for action in cutter.push(resample(samples, call.rate)):
                    if isinstance(action, Speech):
                        held.append(action.samples)
                sound = np.concatenate(held)
                whole = len(sound) // shape.samples
                for piece in sound[: whole * shape.samples].reshape(-1, shape.samples):
                    yield piece
                    count -= 1
                    if not count:
                        return
                held = [sound[whole * shape.samples :]]


def _time_ours(
    model: Model,
    precision: Precision,
    batch: int,
    pieces: Sequence[NDArray[np.float32]],
    chunks: int,
    shape: ChunkShape,
) -> dict[str, Any]:
    decoder = Decoder(model, shape)
    streams: list[Utterance] = [decoder.open() for _ in range(batch)]
    wall, cpu = [], []
    for turn in range(chunks + 1):
        for number, stream in enumerate(streams):
            stream.push(pieces[(turn * batch + number) % len(pieces)])
        asked = [Question(s, Kind.CHUNK, (turn + 1) * shape.samples) for s in streams]
        began, busy = time.perf_counter(), time.thread_time()
        decoder.hear(asked)
        cpu.append((time.thread_time() - busy) * 1000 / batch)
        wall.append((time.perf_counter() - began) * 1000 / batch)
    # The first step builds oneDNN's kernels.
    return {"precision": precision, "batch": batch, "cpu_ms": cpu[1:], "wall_ms": wall[1:]}


def _timeloop_over_generate(
    reference: Reference,
    precision: Precision,
    pieces: Sequence[NDArray[np.float32]],
    chunks: int,
    shape: ChunkShape,
) -> dict[str, Any]:
    with reference.at_precision(precision) as lowered:
        stream = lowered.begin(shape)
        wall, cpu = [], []
        for turn in range(chunks + 1):
            piece = pieces[turn % len(pieces)]
            began, busy = time.perf_counter(), time.thread_time()
            stream.push(piece, final=False)
            cpu.append((time.thread_time() - busy) * 1000)
            wall.append((time.perf_counter() - began) * 1000)
    return {"precision": precision, "batch": 1, "cpu_ms": cpu[1:], "wall_ms": wall[1:]}
