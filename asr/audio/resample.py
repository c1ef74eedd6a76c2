"""Any sample rate to 16 kHz, packet by packet, without drift and with 2 ms of delay.

A windowed-sinc polyphase filter instead of soxr's stream: soxr withholds 115 ms of 8 kHz audio
before it gives the first sample (40 ms at 48 kHz), which is a quarter of the time we have to put
a card before the agent. Its output is what the tests compare ours with.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from asr.audio.codec import Pcm16, Samples, decode_pcm16

OUT_HZ = 16_000
BLOCK = 512
"""Samples that come out at once: 32 ms."""
LOWEST_HZ = 4_000
HIGHEST_HZ = 192_000

_STOPBAND_DB = 70.0
_MOST_PHASES = 1024
_PART = 64
"""Outputs made by one row of the matrix product."""


class RateError(ValueError):
    """The sample rate is outside of what a recording of speech can have."""


def check_rate(rate_hz: int) -> None:
    """Raises :class:`RateError`, saying what is possible."""
    if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        raise RateError(
            f"{rate_hz} Hz is no sample rate for speech; "
            f"{LOWEST_HZ} to {HIGHEST_HZ} Hz can be read, 8000 or 16000 Hz are usual"
        )


class Resampler:
    """Streaming conversion of one party's audio to 16 kHz.

    Sample ``n`` of the output lies at ``n / 16000`` s of the input, whatever the packets were:
    times do not shift and do not drift, since positions are counted in integers. Output comes in
    blocks of 512 samples (32 ms), the step in which voice activity is decided, so that a packet
    in between costs next to nothing; a block needs :attr:`delay_ms` of input past its end.
    :meth:`end` gives the rest: the output is as long as the input. Any split into packets gives
    bit-equal samples, because the arithmetic always has the same shape.
    """

    def __init__(self, rate_hz: int) -> None:
        check_rate(rate_hz)
        self.rate_hz = rate_hz
        self._filter = _design(rate_hz)
        self._taken = 0
        self._given = 0
        self._ended = False
        # Silence before the beginning stands in for the first outputs' left half.
        self._parts: list[Pcm16 | Samples] = [np.zeros(self._filter.before, np.float32)]
        self._held = self._filter.before
        self._first = -self._filter.before

    @property
    def delay_ms(self) -> float:
        """Input that is needed past the end of a block before it can be made."""
        return 1000 * self._filter.reach / self.rate_hz

    def push(self, samples: Pcm16 | Samples | bytes) -> Samples:
        """Take 16 bit samples, their little endian bytes, or floats; give complete 16 kHz blocks."""
        if self._ended:
            raise RuntimeError("audio was pushed into a resampler after its end")
        if isinstance(samples, bytes):
            samples = decode_pcm16(samples)
        self._taken += len(samples)
        return self._push(samples)

    def end(self) -> Samples:
        """The rest. Afterwards the resampler takes no more audio."""
        total = -(-self._taken * OUT_HZ // self.rate_hz)
        left = 0 if self._ended else total - self._given
        self._ended = True
        if not left:
            return np.zeros(0, np.float32)
        blocks = -(-left // BLOCK)
        after = self._filter.inputs_until(self._given + blocks * BLOCK) - self._first - self._held
        return self._push(np.zeros(max(after, 0), np.float32))[:left]

    def _push(self, samples: Pcm16 | Samples) -> Samples:
        # The filter's weights expect the scale of 16 bit samples, so that those, the usual case,
        # need no scaling here.
        self._parts.append(samples if samples.dtype == np.int16 else samples * np.float32(32768))
        self._held += len(samples)
        needed = self._filter.inputs_until(self._given + BLOCK) - self._first
        if self._held < needed:
            return np.zeros(0, np.float32)
        held = np.concatenate(self._parts, dtype=np.float32)
        made = []
        while len(held) >= needed:
            made.append(self._filter.block(held, self._first, self._given))
            self._given += BLOCK
            # Keep what the next block's first sample needs to its left.
            drop = self._filter.inputs_from(self._given) - self._first
            held = held[drop:]
            self._first += drop
            needed = self._filter.inputs_until(self._given + BLOCK) - self._first
        self._parts = [held]
        self._held = len(held)
        return made[0] if len(made) == 1 else np.concatenate(made)


def resample(samples: Pcm16 | Samples, rate_hz: int) -> Samples:
    """A whole recording at 16 kHz."""
    resampler = Resampler(rate_hz)
    return np.concatenate((resampler.push(samples), resampler.end()))


@dataclass(frozen=True, slots=True)
class _Filter:
    """Weights for one rate. Output ``n`` sits between input ``n * down // up`` and the next."""

    up: int
    down: int
    reach: int
    """Input samples needed on either side of an output sample; 0: the rate is 16 kHz already."""
    taps: Samples
    """One row of 2 * reach weights for every fraction of an input sample."""
    matrix: Samples | None
    """For simple ratios: inputs × outputs of a part of a block; its rows repeat along the block."""

    @property
    def before(self) -> int:
        """Inputs before the first that the first output needs."""
        return max(self.reach - 1, 0)

    def inputs_from(self, output: int) -> int:
        """Index of the first input that an output needs."""
        return output * self.down // self.up - self.before

    def inputs_until(self, output: int) -> int:
        """Index past the last input that the outputs before this one need."""
        return (output - 1) * self.down // self.up + self.reach + 1

    def block(self, held: Samples, first: int, output: int) -> Samples:
        """512 outputs from ``output`` on; ``held`` begins with input ``first``."""
        if not self.reach:
            return held[:BLOCK] * np.float32(1 / 32768)
        if self.matrix is not None:
            inputs, outputs = self.matrix.shape
            step = outputs * self.down // self.up
            rows = np.ndarray((BLOCK // outputs, inputs), np.float32, held, 0, (4 * step, 4))
            return (rows @ self.matrix).reshape(-1)
        place = np.arange(output, output + BLOCK, dtype=np.int64) * self.down
        row = place // self.up - self.before - first
        phase = place % self.up * len(self.taps) // self.up
        windows = np.lib.stride_tricks.sliding_window_view(held, 2 * self.reach)
        made: Samples = np.einsum("ij,ij->i", windows[row], self.taps[phase])
        return made


@functools.lru_cache(maxsize=16)
def _design(rate_hz: int) -> _Filter:
    """A Kaiser-windowed sinc (Harris 1978; length by Kaiser's formula) for this rate."""
    if rate_hz == OUT_HZ:
        return _Filter(1, 1, 0, np.zeros((1, 0), np.float32), None)
    common = math.gcd(rate_hz, OUT_HZ)
    up, down = OUT_HZ // common, rate_hz // common
    narrow = min(rate_hz, OUT_HZ)
    # Telephone speech ends at 3400 Hz of 4000: the band between is where the filter may fall.
    width_hz = 0.15 * narrow if rate_hz < OUT_HZ else 0.1 * narrow
    cutoff_hz = 0.5 * narrow if rate_hz < OUT_HZ else 0.5 * narrow - 0.5 * width_hz
    length = (_STOPBAND_DB - 7.95) / (14.36 * width_hz / rate_hz)
    reach = math.ceil(length / 2)
    phases = min(up, _MOST_PHASES)
    beta = 0.1102 * (_STOPBAND_DB - 8.7)
    fraction = np.arange(phases)[:, None] / phases
    distance = np.arange(-reach + 1, reach + 1)[None, :] - fraction
    window = np.i0(beta * np.sqrt(np.clip(1 - (distance / reach) ** 2, 0, 1))) / np.i0(beta)
    taps = np.sinc(2 * cutoff_hz / rate_hz * distance) * window
    taps /= taps.sum(axis=1, keepdims=True)  # a constant stays what it is, at every phase
    weights = np.ascontiguousarray(taps / 32768, np.float32)
    return _Filter(up, down, reach, weights, _matrix(up, down, reach, weights))


def _matrix(up: int, down: int, reach: int, taps: Samples) -> Samples | None:
    """The taps of 64 outputs side by side, if every 64 outputs look the same."""
    if _PART * down % up:
        return None
    place = np.arange(_PART) * down
    matrix = np.zeros((int(place[-1]) // up + 2 * reach, _PART), np.float32)
    for output, at in enumerate(place):
        matrix[at // up : at // up + 2 * reach, output] = taps[at % up]
    return matrix
