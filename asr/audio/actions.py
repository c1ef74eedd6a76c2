"""What a cutter can say of one party's sound, and what it goes by. Samples are at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asr.audio.codec import Samples

Kind = Literal["ringback", "dtmf", "music", "noise", "crosstalk"]
"""The line's own tones (ringback, busy, dial); keypad tones; hold music; noise; the other party's
voice."""


@dataclass(frozen=True, slots=True)
class CutterConfig:
    """When an utterance begins and ends. Times in ms."""

    onset_probability: float = 0.5
    """The network's verdict from which a piece counts as voice while nobody speaks."""
    stay_probability: float = 0.35
    """The same inside of an utterance."""
    onset_hops: int = 3
    """Voiced pieces of 32 ms among the last five that open an utterance."""
    least_preroll_ms: int = 200
    """Sound before the onset that belongs to the utterance: soft first consonants."""
    preroll_ms: int = 480
    """At most so much of it, as long as it is loud: the network is sometimes slow to wake."""
    hangover_ms: int = 400
    """Silence that ends an utterance, before the speaker's own pauses are known."""
    shortest_hangover_ms: int = 250
    longest_hangover_ms: int = 600
    tiring_ms: int = 12_000
    """From here on a shorter pause is enough."""
    long_ms: int = 16_000
    """From here on a dip in level is enough, a shallower one the longer it lasts."""
    longest_ms: int = 20_000
    """Here the utterance is cut, wherever that is."""


@dataclass(frozen=True, slots=True)
class Begin:
    """An utterance has begun; its sound follows."""

    start_sample: int
    """Of the first sound given, pre-roll included."""
    onset_sample: int
    """Where the voice was first heard."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound of the open utterance, without holes from ``Begin.start_sample`` to the end."""

    start_sample: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class End:
    """The utterance is over; nothing of it follows."""

    end_sample: int
    """Past the last sound given."""
    spoken_sample: int
    """Past the last voice heard."""
    why: Literal["pause", "long", "gap", "end"]


@dataclass(frozen=True, slots=True)
class NotSpeech:
    """Something was to be heard that made no utterance. Told when it is over, or every 10 s."""

    start_sample: int
    end_sample: int
    kind: Kind


Action = Begin | Speech | End | NotSpeech
