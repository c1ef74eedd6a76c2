"""Sounds for the audio tests: what is on a telephone line besides speech, and speech itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from asr.audio.codec import Samples
from asr.audio.resample import resample
from asr.audio.wavfile import open_audio, packets
from asr.events import CallId, Party
from benchmarks.corpus import Call, calls

HZ = 16_000


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * HZ), np.float32)


def tone(frequencies: Sequence[float], seconds: float, level: float = 0.2) -> Samples:
    t = np.arange(round(seconds * HZ)) / HZ
    wave = sum(np.sin(2 * np.pi * f * t) for f in frequencies)
    return np.asarray(level * wave / len(frequencies), np.float32)


def cadence(frequencies: Sequence[float], on_s: float, off_s: float, times: int) -> Samples:
    return np.concatenate([tone(frequencies, on_s), silence(off_s)] * times)


def hiss(seconds: float, level: float, seed: int = 0) -> Samples:
    return (dice(seed).standard_normal(round(seconds * HZ)) * level).astype(np.float32)


def keypad(seconds: float = 5) -> Samples:
    """Keyboard clicks beside the microphone."""
    clicks = silence(seconds)
    rng = dice(1)
    for place in rng.integers(0, len(clicks) - 300, round(seconds * 4)):
        clicks[place : place + 300] += (
            rng.standard_normal(300) * np.exp(-np.arange(300) / 60) * 0.3
        ).astype(np.float32)
    return clicks


def music(seconds: float = 12, level: float = 0.2) -> Samples:
    """Hold music: a plucked melody over sustained chords."""

    def note(frequency: float, length: float) -> Samples:
        t = np.arange(round(length * HZ)) / HZ
        wave = sum(np.sin(2 * np.pi * frequency * k * t) / k**1.3 for k in range(1, 6))
        return np.asarray(wave * np.exp(-2 * t / length), np.float32)

    tune = (262, 330, 392, 523, 392, 330, 294, 349, 440, 587, 440, 349)
    melody = np.concatenate([note(f, 0.3) for f in tune * round(seconds / 3.6 + 1)])
    chord = tone((131, 196, 262, 330), len(melody) / HZ, 1.0)[: len(melody)]
    return ((melody * 0.6 + chord * 0.4) * level)[: round(seconds * HZ)].astype(np.float32)


DTMF = ((697, 1209), (770, 1336), (852, 1477), (941, 1336), (697, 1477), (852, 1209))

NOT_SPEECH: dict[str, Samples] = {
    "ringback, China": cadence((450,), 1.0, 4.0, 3),
    "ringback, United States": cadence((440, 480), 2.0, 4.0, 3),
    "busy, China": cadence((450,), 0.35, 0.35, 10),
    "congestion, China": cadence((450,), 0.7, 0.7, 6),
    "dial tone": tone((350, 440), 6.0),
    "special information": np.concatenate(
        [np.concatenate([tone((f,), 0.33) for f in (950, 1400, 1800)]), silence(1.0)] * 4
    ),
    "dtmf": np.concatenate([np.concatenate([tone(f, 0.12), silence(0.1)]) for f in DTMF * 3]),
    "hum": tone((50, 150, 250), 6.0),
    "hiss": hiss(6.0, 0.02),
    "loud hiss": hiss(6.0, 0.1),
    "keypad": keypad(),
    "hold music": music(),
    "offset": np.full(4 * HZ, 0.3, np.float32),
    "digital silence": silence(4.0),
}


def call(name: str) -> Call:
    return next(c for c in calls() if c.id == name)


def heard(call: Call, party: Party) -> Samples:
    """One party of a recorded call at 16 kHz."""
    file = open_audio(call.wav)
    own = (frame.pcm16 for frame in packets(CallId(call.id), file) if frame.party is party)
    return resample(np.frombuffer(b"".join(own), "<i2").astype(np.int16), file.rate_hz)
