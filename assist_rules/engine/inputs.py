"""What comes in, made safe: no input may break a session or stop its clock."""

from __future__ import annotations

import math
from dataclasses import replace

from asr.events import METRICS, CallId, Char, Metric, Party, Transcript

MAX_MS = 1 << 42
"""Later times are no times of a call."""


def clean_ms(value: object) -> int:
    """A whole, non-negative number of milliseconds, whatever was given."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    if isinstance(value, float) and not math.isfinite(value):
        return 0
    return min(max(int(value), 0), MAX_MS)


def clean_transcript(transcript: Transcript, call: CallId) -> Transcript | None:
    """The transcript with sane times and of this call; None when it says nothing usable."""
    if not isinstance(transcript, Transcript) or not isinstance(transcript.text, str):
        return None
    if type(transcript.party) is not Party and transcript.party not in list(Party):
        return None
    start, end, at = transcript.start_ms, transcript.end_ms, transcript.at_ms
    good = (
        type(start) is int
        and type(end) is int
        and type(at) is int
        and 0 <= start <= end <= MAX_MS
        and 0 <= at <= MAX_MS
        and transcript.call == call
        and type(transcript.stable) is int
        and type(transcript.revision) is int
        and type(transcript.party) is Party
        and isinstance(transcript.utterance, str)
    )
    if good and (not transcript.chars or len(transcript.chars) == len(transcript.text)):
        return transcript
    start = clean_ms(start)
    chars: tuple[Char, ...] = ()
    if isinstance(transcript.chars, tuple) and len(transcript.chars) == len(transcript.text):
        chars = tuple(c if isinstance(c, Char) else Char(start, 0.0) for c in transcript.chars)
    return replace(
        transcript,
        call=call,
        party=Party(transcript.party),
        utterance=str(transcript.utterance),
        revision=clean_ms(transcript.revision),
        stable=clean_ms(transcript.stable),
        final=bool(transcript.final),
        chars=chars,
        start_ms=start,
        end_ms=max(clean_ms(end), start),
        at_ms=clean_ms(at),
    )


def clean_metric(metric: Metric, call: CallId) -> Metric | None:
    """The metric with a finite value and a sane time; None when it is none that we know."""
    if not isinstance(metric, Metric) or metric.name not in METRICS:
        return None
    if metric.party not in Party.__members__.values():
        return None
    value = metric.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return replace(
        metric,
        call=call,
        party=Party(metric.party),
        value=float(value),
        at_ms=clean_ms(metric.at_ms),
    )
