"""The cheap question before the dear one: is this piece of sound loud enough to be a voice?

Level against a noise floor that the voice network's verdicts teach. On a silent line the network
never runs: a gate costs a few microseconds for 32 ms.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from asr.audio.codec import Samples

QUIETEST_DB = -75.0
"""The floor never sinks below this: on a digital line every rustle would be loud."""
_LOUDEST_DB = -45.0
"""The floor never rises above this: in front of loud noise the network is asked all the time."""
_MARGIN_DB = 6.0
_SURELY_NOT = 0.2


class SoundError(ValueError):
    """The samples are no sound: some of them are no numbers."""


class Loudness(NamedTuple):
    """What the gate heard in 32 ms. Levels are dB of full scale, of the differences."""

    first_db: float
    """First 16 ms."""
    second_db: float
    """Last 16 ms."""
    loud: bool
    """Worth asking the network."""


class Gate:
    """Follows one party's noise floor.

    The level is that of ``x[n] - x[n-1]``, in which mains hum is faint and an offset nothing. The
    floor sinks at once when the line is quieter, rises with a time constant of about 0.6 s while
    the network hears no voice, and stands still while it does.
    """

    def __init__(self) -> None:
        self.floor_db = QUIETEST_DB

    def hear(self, hop: Samples) -> Loudness:
        """Measure 512 samples. Raises :class:`SoundError` for NaN and infinity."""
        bright = hop[1:] - hop[:-1]
        half = len(bright) // 2
        first_db, second_db = _level_db(bright[:half]), _level_db(bright[half:])
        level = max(first_db, second_db)
        loud = level > self.floor_db + _MARGIN_DB
        if level < self.floor_db:
            self._move(level, 0.3)
        elif not loud:
            self._move(level, 0.05)
        return Loudness(first_db, second_db, loud)

    def teach(self, heard: Loudness, voice: float) -> None:
        """The network's verdict on a loud piece: if it is no voice, it is noise."""
        if voice < _SURELY_NOT and heard.loud:
            self._move(max(heard.first_db, heard.second_db), 0.05)

    def _move(self, level_db: float, part: float) -> None:
        moved = self.floor_db + part * (level_db - self.floor_db)
        self.floor_db = min(max(moved, QUIETEST_DB), _LOUDEST_DB)


def _level_db(samples: Samples) -> float:
    energy = float(samples @ samples)
    if not math.isfinite(energy):
        raise SoundError("the audio holds samples that are no numbers (NaN or infinity)")
    return 10 * math.log10(energy / len(samples) + 1e-12)
