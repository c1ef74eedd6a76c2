"""What is it that is loud and no voice: a tone, music or noise? By the shape of its spectrum."""

from __future__ import annotations

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

Shape = Literal["tone", "music", "noise"]
_WINDOW = np.hanning(512).astype(np.float32)


def shape_of(hop: Samples) -> Shape:
    """The kind of 512 samples: one or two lines, several lines, or no lines."""
    power = np.abs(np.fft.rfft(hop * _WINDOW)) ** 2
    power[:4] = 0  # hum is on every line
    total = float(power.sum())
    if total <= 0:
        return "noise"
    lines, left = 0.0, power.copy()
    for number in range(1, 9):
        at = int(left.argmax())
        near = slice(max(at - 2, 0), at + 3)
        lines += float(left[near].sum())
        left[near] = 0
        if lines >= 0.93 * total:
            return "tone" if number <= 2 else "music"
    return "noise"


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
        kinds: tuple[Shape, ...] = ("tone", "music", "noise")
        return max(kinds, key=self._shapes.count)
