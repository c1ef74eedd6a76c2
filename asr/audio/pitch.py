"""How high a voice is: autocorrelation on 64 ms of speech, in plain numpy.

After Boersma, "Accurate short-term analysis of the fundamental frequency", IFA Proceedings 17
(1993): the autocorrelation of the windowed signal is divided by that of the window, and the
strongest peak that is not much weaker than a later one is the period. Works on telephone speech,
whose lowest harmonics are missing, because the harmonics up to 2 kHz share the period.
"""

from __future__ import annotations

import math

import numpy as np

from asr.audio.codec import Samples

SPAN = 1024
"""16 kHz samples of one estimate: 64 ms."""
_DECIMATE = 4
_RATE_HZ = 16_000 // _DECIMATE
_SIZE = SPAN // _DECIMATE
_LOWEST_HZ, _HIGHEST_HZ = 70, 420
_SHORTEST, _LONGEST = _RATE_HZ // _HIGHEST_HZ, _RATE_HZ // _LOWEST_HZ
_CLARITY = 0.55
"""Height of the peak, 1 for a perfectly periodic signal, from which a sound counts as voiced."""
_EARLIER = 0.85
"""A peak at a shorter lag wins if it is at least so high, compared with the highest."""

_WINDOW = np.hanning(_SIZE).astype(np.float32)


_MEAN_OF_FOUR = np.full(_DECIMATE, 1 / _DECIMATE, np.float32)


def _autocorrelation(samples: Samples) -> Samples:
    """At lags 0 to the longest and two more."""
    later = np.zeros(_SIZE + _LONGEST + 2, np.float32)
    later[:_SIZE] = samples
    return np.correlate(later, samples)


_OF_WINDOW = _autocorrelation(_WINDOW)
_OF_WINDOW = _OF_WINDOW / _OF_WINDOW[0]


def pitch_hz(samples: Samples) -> float | None:
    """Fundamental frequency of 1024 samples, None if they are not voiced."""
    low = samples.reshape(_SIZE, _DECIMATE) @ _MEAN_OF_FOUR
    low -= low.sum() / _SIZE
    same = _autocorrelation(low * _WINDOW)
    if same[0] < 1e-9:
        return None
    same /= _OF_WINDOW * same[0]
    lags = same[_SHORTEST - 1 : _LONGEST + 2].tolist()
    peaks = [
        _top(lags, at)
        for at in range(1, len(lags) - 1)
        if lags[at] >= lags[at - 1] and lags[at] > lags[at + 1]
    ]
    highest = max((height for height, _ in peaks), default=0.0)
    if highest < _CLARITY:
        return None
    at = next(at for height, at in peaks if height >= _EARLIER * highest)
    return _RATE_HZ / (at + _SHORTEST - 1)


def _top(lags: list[float], at: int) -> tuple[float, float]:
    """Height and place of a peak, by the parabola through three points: 4 kHz lags are coarse."""
    before, here, after = lags[at - 1 : at + 2]
    shift = 0.5 * (before - after) / (before - 2 * here + after)
    return here - 0.25 * (before - after) * shift, at + shift


def semitones(hz: float) -> float:
    """Height on the musical scale, 12 to the octave, above 55 Hz."""
    return 12 * math.log2(hz / 55)
