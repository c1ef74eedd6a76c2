"""What is it that is loud and no voice: tones, music or noise? By the shape of its spectrum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from asr.audio.actions import NotSpeech
from asr.audio.codec import Samples

_LEAST_HOPS = 12
"""Loud pieces from which on it is worth a mark: 0.4 s."""
_PATIENCE_HOPS = 16
"""Quiet pieces that belong to it: a busy tone's pauses, a melody's rests."""
_LONGEST_HOPS = 312
"""A mark is given out at least every 10 s."""
_LOOK_EVERY = 4

Shape = Literal["ringback", "dtmf", "music", "noise"]
_KEYS_LOW_HZ = (697, 770, 852, 941)
_KEYS_HIGH_HZ = (1209, 1336, 1477, 1633)
_KEYS_OFF = 0.025
"""A key's frequencies (ITU-T Q.23) may be off by 1.8 %; the rest is ours."""
_BIN_HZ = 16_000 / 512
_WINDOW = np.hanning(512).astype(np.float32)


def shape_of(hop: Samples) -> Shape:
    """The kind of 512 samples: one or two lines (those of a key or others), several, or none."""
    power = np.abs(np.fft.rfft(hop * _WINDOW)) ** 2
    power[:4] = 0  # hum is on every line
    total = float(power.sum())
    if total <= 0:
        return "noise"
    lines, left, places = 0.0, power.copy(), []
    for number in range(1, 9):
        at = int(left.argmax())
        near = slice(max(at - 2, 0), at + 3)
        lines += float(left[near].sum())
        places.append(at)
        left[near] = 0
        if lines >= 0.93 * total:
            if number > 2:
                return "music"
            return "dtmf" if _is_key([_hz(power, at) for at in sorted(places)]) else "ringback"
    return "noise"


def _hz(power: Samples, at: int) -> float:
    """Frequency of a line, between bins, by the parabola through the logarithms of three."""
    before, here, after = (math.log(float(power[i]) + 1e-30) for i in (at - 1, at, at + 1))
    bend = before - 2 * here + after
    return (at + (0.5 * (before - after) / bend if bend else 0.0)) * _BIN_HZ


def _is_key(hz: Sequence[float]) -> bool:
    """Whether two lines, the lower first, are those of a telephone's key."""

    def near(line: float, wanted: Sequence[int]) -> bool:
        return any(abs(line - w) <= _KEYS_OFF * w for w in wanted)

    return len(hz) == 2 and near(hz[0], _KEYS_LOW_HZ) and near(hz[1], _KEYS_HIGH_HZ)


class Listener:
    """Collects loud pieces without voice into marks. Looks at the spectrum of one in four."""

    def __init__(self) -> None:
        self._start = self._end = 0
        self._loud = self._all = self._quiet = 0
        self._shapes: list[Shape] = []

    def hear(self, hop: Samples, start_sample: int, loud: bool) -> NotSpeech | None:
        """Take a piece; ``loud`` if it is, and there is no voice near it. Gives a finished mark."""
        if not loud:
            if not self._loud:
                return None
            self._quiet += 1
            self._all += 1
            return self.stop() if self._quiet > _PATIENCE_HOPS else None
        if not self._loud:
            self._start = start_sample
        if self._loud % _LOOK_EVERY == _LOOK_EVERY // 2:
            self._shapes.append(shape_of(hop))
        self._loud += 1
        self._all += 1
        self._quiet = 0
        self._end = start_sample + len(hop)
        return self.stop() if self._all >= _LONGEST_HOPS else None

    def stop(self) -> NotSpeech | None:
        """It is over, or somebody speaks: the mark, if it lasted long enough for one."""
        enough = self._loud >= _LEAST_HOPS
        mark = NotSpeech(self._start, self._end, self._kind()) if enough else None
        self._loud = self._all = self._quiet = 0
        self._shapes.clear()
        return mark

    def _kind(self) -> Shape:
        kinds: tuple[Shape, ...] = ("ringback", "dtmf", "music", "noise")
        return max(kinds, key=self._shapes.count)
