"""What happens to speech on its way to us: the telephone line, noise, level, hiss.

All functions take and return float32 samples at 16 kHz and draw chance from the generator given.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import butter, resample_poly, sosfilt

Samples = npt.NDArray[np.float32]
NoiseColour = Literal["white", "pink", "brown"]
COLOURS: tuple[NoiseColour, ...] = ("white", "pink", "brown")

_TELEPHONE_BAND = butter(4, [300, 3400], "bandpass", fs=8000, output="sos")
_MU = 255.0


def telephone(samples: Samples) -> Samples:
    """8 kHz, 300-3400 Hz, 8-bit mu-law, and back to 16 kHz."""
    narrow = sosfilt(_TELEPHONE_BAND, resample_poly(samples, 1, 2))
    return np.asarray(resample_poly(_mu_law_round_trip(narrow), 2, 1), np.float32)


def _mu_law_round_trip(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    clipped = np.clip(samples, -1.0, 1.0)
    compressed = np.sign(clipped) * np.log1p(_MU * np.abs(clipped)) / np.log1p(_MU)
    coded = np.round((compressed + 1.0) * 127.5) / 127.5 - 1.0
    expanded = np.sign(coded) * (np.power(1.0 + _MU, np.abs(coded)) - 1.0) / _MU
    return np.asarray(expanded, np.float64)


def noise(count: int, colour: NoiseColour, rng: np.random.Generator) -> Samples:
    """Noise of unit power. Pink falls 3 dB an octave, brown rumbles; both are flat below 60 Hz."""
    length = next_fast_len(count)
    white: Samples = rng.standard_normal(length, np.float32)
    if colour == "white":
        return white[:count]
    spectrum = rfft(white)
    bins = np.maximum(np.arange(len(spectrum), dtype=np.float32), length * 60 / 16_000)
    shaped = irfft(spectrum / bins ** np.float32(0.5 if colour == "pink" else 0.9), length)[:count]
    return np.asarray(shaped / (shaped.std() + 1e-9), np.float32)


def add_noise(
    samples: Samples, snr_db: float, colour: NoiseColour, rng: np.random.Generator
) -> Samples:
    """Mix in noise at a signal-to-noise ratio measured over the whole clip."""
    power = float(np.mean(np.square(samples)))
    scale = np.sqrt(max(power, 1e-12) / 10 ** (snr_db / 10))
    return (samples + noise(len(samples), colour, rng) * np.float32(scale)).astype(np.float32)


def add_hiss(samples: Samples, level_db: float, rng: np.random.Generator) -> Samples:
    """Faint white noise. No line is digitally silent, and exact zeros upset log-mel features."""
    hiss = rng.standard_normal(len(samples), np.float32)
    return (samples + hiss * np.float32(10 ** (level_db / 20))).astype(np.float32)


def pad(samples: Samples, before_ms: float, after_ms: float) -> Samples:
    """Silence before and after."""
    return np.pad(samples, (round(before_ms * 16), round(after_ms * 16))).astype(np.float32)


def gain(samples: Samples, level_db: float) -> Samples:
    """Scale by decibels."""
    return (samples * np.float32(10 ** (level_db / 20))).astype(np.float32)
