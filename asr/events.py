"""The nouns that the recogniser speaks: who is on the call, what was heard, when and how surely.

Every time is audio time: milliseconds or samples since the call began, never the wall clock.
That is why a replay of recorded inputs gives the same events as the live call did.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

CallId = NewType("CallId", str)


class Party(StrEnum):
    """Who speaks on a stream. ``unknown`` is mixed mono: no rule about the agent fires on it."""

    AGENT = "agent"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A piece of one party's decoded audio at the rate the stream was opened with."""

    call: CallId
    party: Party
    start_sample: int
    """Index of the first sample since the call began, at the stream's own rate."""
    pcm16: bytes
    """Mono signed 16 bit little endian samples."""


@dataclass(frozen=True, slots=True)
class Char:
    """One recognised character's place in time and how sure the recogniser is of it."""

    ms: int
    """Audio time at which the character had been spoken (60 ms resolution)."""
    confidence: float
    """Posterior between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What one party has said in one utterance, as far as it is known now.

    Revisions of an utterance count up from 1; each carries the whole text so far and replaces
    the one before. The first ``stable`` characters will not be changed by the online pass
    (final: all of them). An utterance that turns out to be empty ends with a final empty text.
    Where there is a second pass, another final may follow the first one.
    """

    call: CallId
    party: Party
    utterance: str
    """Unique within the call, e.g. ``customer-3``."""
    revision: int
    text: str
    stable: int
    """Leading characters of ``text`` that later partials keep."""
    chars: tuple[Char, ...]
    """One entry per character of ``text``."""
    final: bool
    start_ms: int
    """When the speech of this utterance began."""
    end_ms: int
    """Audio time up to which ``text`` accounts for the speech."""
    at_ms: int
    """Audio position of the stream when this revision was made."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A fact about one party's sound, for rules and gauges. Names are in ``METRICS``."""

    call: CallId
    party: Party
    name: str
    value: float
    at_ms: int


METRICS = {
    "speaking": "1 when the party starts to speak, 0 when it stops",
    "rate": "characters a minute over voiced time",
    "level": "dB relative to the speaker's own first 20-30 s of speech",
    "pitch": "semitones relative to the speaker's own first 20-30 s of speech",
    "silence": "seconds in which no party has spoken",
    "overlap": "seconds for which this party has been talking over the other",
    "talk_share": "this party's part of all speech so far, 0 to 1",
}
"""Every metric name on the wire, with its unit."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """Everything spoken before ``heard_ms`` by any party is in transcripts already given out.

    Deadlines ("has not said Y within 8 s") are decided on it, so slow recognition makes them
    later, never wrong.
    """

    call: CallId
    heard_ms: int
    at_ms: int
    """Audio position of the call when this was known."""


@dataclass(frozen=True, slots=True)
class AudioGap:
    """Audio that never arrived, or that the recogniser had to pass over."""

    call: CallId
    party: Party
    start_ms: int
    end_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class NotSpeech:
    """Something was to be heard that makes no words; told when it is over, or every 10 s."""

    call: CallId
    party: Party
    kind: str
    """``ringback`` (any tone of the line itself), ``dtmf``, ``music``, ``noise`` or ``crosstalk``:
    the other party's voice in this one's channel."""
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class StreamFailed:
    """One party's recognition ended in an error; other parties and calls go on."""

    call: CallId
    party: Party
    at_ms: int
    code: str
    message: str


AsrEvent = Transcript | Metric | Watermark | AudioGap | NotSpeech | StreamFailed
"""Everything a recogniser stream can give out."""
