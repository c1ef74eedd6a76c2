"""Turns written text into what a recogniser would give out while it is spoken.

Deterministic: step sizes and slips come from the text itself, so every run replays alike.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from asr.events import CallId, Char, Metric, Party, Transcript, Watermark
from assist_rules.engine.text import normalise
from assist_rules.tools.slips import homophone

FINAL_DELAY_MS = 240
"""An endpoint is noticed so long after the last sound."""
TICK_MS = 500
"""Watermarks in silence."""
UNSTABLE_CHARS = 2
"""The newest characters that a partial may still change."""
MS_PER_CHAR = 220

Input = Transcript | Metric | Watermark


@dataclass(frozen=True, slots=True)
class Spoken:
    """One turn as it was said."""

    party: Party
    start_ms: int
    end_ms: int
    text: str
    utterance: str


class Steps:
    """A small deterministic stream of numbers, seeded by text."""

    def __init__(self, seed: str) -> None:
        self._state = zlib.crc32(seed.encode("utf-8", "surrogatepass")) or 1

    def below(self, limit: int) -> int:
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % limit


def live_text(text: str) -> str:
    """Without punctuation, as recognisers give it out."""
    return "".join(char for char in text if char.isalnum())


def duration_ms(text: str) -> int:
    """How long it takes to say, for scripts that do not tell."""
    return max(1, len(normalise(text).norm)) * MS_PER_CHAR


def partials(call: CallId, spoken: Spoken, slips: bool = True) -> Iterator[Transcript]:
    """The growing transcript of one turn: 1 to 4 characters a step, some steps revised."""
    text, n = spoken.text, len(spoken.text)
    steps = Steps(spoken.utterance + text)
    span = spoken.end_ms - spoken.start_ms
    times = [spoken.start_ms + span * (i + 1) // n for i in range(n)] if n else []
    chars = tuple(Char(ms, 0.9) for ms in times)
    revision, done = 0, 0
    while done < n:
        done = min(n, done + 1 + steps.below(4))
        revision += 1
        heard = text[:done]
        if slips and done < n and steps.below(5) == 0:
            heard = heard[:-1] + homophone(heard[-1], steps.below(1000))
        yield Transcript(
            call=call,
            party=spoken.party,
            utterance=spoken.utterance,
            revision=revision,
            text=heard,
            stable=max(0, done - UNSTABLE_CHARS),
            chars=chars[:done],
            final=False,
            start_ms=spoken.start_ms,
            end_ms=times[done - 1],
            at_ms=times[done - 1],
        )
    yield Transcript(
        call=call,
        party=spoken.party,
        utterance=spoken.utterance,
        revision=revision + 1,
        text=text,
        stable=n,
        chars=chars,
        final=True,
        start_ms=spoken.start_ms,
        end_ms=spoken.end_ms,
        at_ms=spoken.end_ms + FINAL_DELAY_MS,
    )


def timeline(
    call: CallId, turns: Iterable[Spoken], until_ms: int, slips: bool = True
) -> list[Input]:
    """Everything a recogniser gives out over a call, in order, watermarks between."""
    heard: list[Transcript] = []
    for turn in turns:
        heard.extend(partials(call, turn, slips))
    # Of one moment the earlier turn speaks first; sorting is stable within a turn.
    heard.sort(key=lambda t: t.at_ms)
    inputs: list[Input] = []
    clock = 0

    def tick_to(ms: int) -> None:
        nonlocal clock
        while clock + TICK_MS <= ms:
            clock += TICK_MS
            inputs.append(Watermark(call, clock, clock))

    for transcript in heard:
        tick_to(transcript.at_ms)
        inputs.append(transcript)
        inputs.append(Watermark(call, transcript.at_ms, transcript.at_ms))
    tick_to(until_ms)
    return inputs
