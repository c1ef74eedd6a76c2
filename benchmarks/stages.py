"""Where the recogniser's processor time goes, stage by stage.

Functions of each stage are wrapped for the time of a run; a stage has the time spent in it less
that of the stages it calls. The clock itself costs some hundred nanoseconds a call, so stages of
very short functions are shown a little too dear.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from asr import beam, metrics
from asr.audio import crosstalk, gate, resample, together, tones
from asr.call import CallStream
from asr.homophones import Homophones
from asr.metrics import SoundMeter
from asr.paraformer import decoder, features, step
from asr.paraformer.decoder import Decoder
from asr.paraformer.load import Model
from asr.reading import reading_for
from asr.sentence import Sentence
from benchmarks.capacity import corpus, everybody_talks
from benchmarks.one_core import Listening, play

_STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "packets, cutting": ((Listening, "take"),),
    "resampling": ((resample.Resampler, "push"), (resample.Resampler, "end")),
    "gate": ((gate.Gate, "hear"), (gate.Gate, "teach")),
    "voice network": ((together, "hear_together"),),
    "tones": ((tones.Listener, "hear"),),
    "crosstalk": ((crosstalk.Ear, "hear"), (crosstalk.Ear, "judge")),
    "metrics": ((SoundMeter, "hear"), (SoundMeter, "activity"), (SoundMeter, "read")),
    "pitch": ((metrics, "pitch_hz"),),
    "features": ((decoder, "compute"), (features.Features, "chunk"), (features.Features, "rest")),
    "encoder": ((step.Step, "_encode"),),
    "decoder": ((step.Step, "_decode"),),
    "step's other": ((step.Step, "__call__"), (Decoder, "hear")),
    "beam": ((beam.Beam, "absorb"),),
    "homophones": ((Homophones, "blur"),),
    "transcripts": ((Sentence, "hear"),),
    "events": ((CallStream, "collect"), (CallStream, "answer"), (CallStream, "ready")),
}


class Stages:
    """Processor seconds by stage."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = defaultdict(float)
        self._inner_s = [0.0]
        """For each stage under way, what those that it called have taken."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Wrap every stage until the context ends."""
        before = [
            (owner, name, getattr(owner, name), stage)
            for stage, places in _STAGES.items()
            for owner, name in places
        ]
        for owner, name, function, stage in before:
            setattr(owner, name, self._timed(function, stage))
        try:
            yield
        finally:
            for owner, name, function, _ in before:
                setattr(owner, name, function)

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        inner_s, spent_s = self._inner_s, self.spent_s

        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            inner_s.append(0.0)
            began = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                took_s = time.thread_time() - began
                spent_s[stage] += took_s - inner_s.pop()
                inner_s[-1] += took_s

        return timed


def measure(
    model: Model,
    loads: Sequence[int],
    talk: str,
    seconds: float = 8.0,
    progress: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Milliseconds of processor time of every stage for a second of a call, at each load."""
    recorded = corpus() if talk == "real" else everybody_talks(corpus())
    wording = reading_for(model)
    found = []
    for calls in loads:
        stages = Stages()
        with stages.watching():
            played = play(
                Listening(Decoder(model), recorded, calls, wording),
                recorded,
                calls,
                seconds,
                warm_s=0,
            )
        scale = 1000 / played.seconds / calls
        found.append(
            {
                "calls": calls,
                "p99_ms": round(played.p99_ms, 1),
                "cpu_ms_per_call_second": round(played.cpu_ms_per_call_second, 2),
                "stages": {
                    name: round(spent * scale, 2)
                    for name, spent in sorted(stages.spent_s.items(), key=lambda one: -one[1])
                },
            }
        )
        progress(f"{calls} calls: {found[-1]['cpu_ms_per_call_second']} ms a call and second")
    return found
