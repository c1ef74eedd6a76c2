"""Whose voice is it? One party's voice can leak into the other's channel, fainter and later.

An earpiece that its own microphone hears, two lines that touch, an echo of the network: the same
sound at a lower level, up to some 300 ms late, perhaps with the room's answer added. It is told
from the party's own voice by waveform correlation, which a leak has and a second voice has not
(measured on 0.4 s of speech: 0.6 to 1 through a simulated room, below 0.36 between two voices).
"""

from __future__ import annotations

import math
from collections import deque
from typing import ClassVar, Literal

import numpy as np

from asr.audio.codec import Samples

_HOP = 512
_PER_MS = 16
_QUIETER_DB = 6.0
"""A leak is fainter than the voice that it comes from, by at least so much."""
_FAINTEST_DB = -55.0
"""What is fainter than this does not leak."""
_LATEST_MS = 320
_SURE_MS = 384
"""Sound to compare: in less, vowels of two voices can look alike."""
_BEHIND_HOPS = 4
"""By so many pieces one party's packets may be behind the other's: 128 ms."""
_ALIKE = 0.45
_DECIMATE = 4

Whose = Literal["own", "leak", "unclear"]


class CrossTalk:
    """The parties of one call, hearing each other. Make one per call, one ear per party."""

    def __init__(self) -> None:
        self.ears: list[Ear] = []

    def ear(self) -> Ear:
        """An ear for one more party."""
        ear = Ear(self)
        self.ears.append(ear)
        return ear


class Ear:
    """Remembers the last 1.3 s of one party and compares it with what others said."""

    LONGEST_HOPS: ClassVar[int] = -(-_SURE_MS * _PER_MS // _HOP) + _BEHIND_HOPS
    """Pieces for which :meth:`judge` can be unclear."""

    def __init__(self, talk: CrossTalk) -> None:
        self._talk = talk
        self._hops: deque[tuple[int, Samples]] = deque(maxlen=40)

    def hear(self, hop: Samples, start_sample: int) -> None:
        """Take a piece of 512 samples."""
        self._hops.append((start_sample, hop))

    def judge(self, onset_sample: int, end_sample: int) -> Whose:
        """Is the voice heard in this span the party's own? Unclear for at most 0.5 s."""
        whose: Whose = "own"
        for other in self._talk.ears:
            if other is self:
                continue
            # The other party's packets may come after this one's: compare what both have.
            until = min(end_sample, other._end())
            said = other._span(onset_sample - _LATEST_MS * _PER_MS, until)
            own = self._span(onset_sample, until)
            if own is None or said is None or end_sample - until > _BEHIND_HOPS * _HOP:
                continue
            loud = _loudest_db(said, len(own))
            if loud < _FAINTEST_DB or _loudest_db(own, len(own)) > loud - _QUIETER_DB:
                continue
            if until - onset_sample < _SURE_MS * _PER_MS:
                whose = "unclear"
            elif _likeness(own, said) >= _ALIKE:
                return "leak"
        return whose

    def _end(self) -> int:
        return self._hops[-1][0] + _HOP if self._hops else -1

    def _span(self, first: int, last: int) -> Samples | None:
        """The sound between two samples, None if not all of it is here."""
        hops = [(start, hop) for start, hop in self._hops if first - _HOP < start < last]
        if not hops or hops[0][0] > max(first, 0):
            return None
        if hops[-1][0] - hops[0][0] != (len(hops) - 1) * _HOP:
            return None  # a gap
        sound = np.concatenate([hop for _, hop in hops])
        return sound[max(first - hops[0][0], 0) : last - hops[0][0]]


def _loudest_db(samples: Samples, length: int) -> float:
    """Level of the loudest part of this length, dB of full scale."""
    energy = np.cumsum(np.square(samples, dtype=np.float64))
    part = min(length, len(samples))
    loudest = float(np.max(energy[part - 1 :] - np.pad(energy[: len(energy) - part], (1, 0))))
    return 10 * math.log10(loudest / part + 1e-12)


def _likeness(later: Samples, earlier: Samples) -> float:
    """Highest normalised correlation of ``later`` with any part of ``earlier`` of its length."""
    short, long = _slow(later), _slow(earlier)
    lags = len(long) - len(short)
    if lags < 0:
        return 0.0
    size = 1 << (len(long) - 1).bit_length()
    product = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    same = np.abs(np.fft.irfft(product, size)[: lags + 1])
    energy = np.concatenate(([0.0], np.cumsum(np.square(long, dtype=np.float64))))
    energy = energy[len(short) :] - energy[: lags + 1]
    return float(np.max(same / np.sqrt(energy * float(short @ short) + 1e-12)))


def _slow(samples: Samples) -> Samples:
    """At 4 kHz, without offset: where voices have most of their energy."""
    whole = samples[: len(samples) // _DECIMATE * _DECIMATE].reshape(-1, _DECIMATE)
    slow: Samples = whole.sum(axis=1)
    slow -= slow.mean()
    return slow
