"""Resampling: exact times, no drift, the same whatever the packets were, little delay."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.codec import Samples
from asr.audio.resample import BLOCK, RateError, Resampler, resample
from tests.asr.sounds import dice

RATES = (4000, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000)


def chord(rate: int, seconds: float, top_hz: float) -> Samples:
    t = np.arange(round(rate * seconds)) / rate
    parts = (np.sin(2 * np.pi * f * t + f) for f in (200, 710, 1500, top_hz))
    return np.asarray(0.2 * sum(parts), np.float32)


@pytest.mark.parametrize("rate", RATES)
def test_speech_band_keeps_its_shape_and_place(rate: int) -> None:
    top_hz = min(0.4 * rate, 3300)
    made = resample(chord(rate, 1.0, top_hz), rate)
    wanted = chord(16_000, 1.0, top_hz)
    assert len(made) == 16_000
    middle = slice(800, -800)
    error = np.std(made[middle] - wanted[middle]) / np.std(wanted[middle])
    assert error < 10 ** (-60 / 20)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_agrees_with_soxr_in_the_telephone_band(rate: int) -> None:
    sound = soxr.resample(dice().standard_normal(6000), 6000, rate, quality="VHQ") * 0.1
    ours = resample(sound.astype(np.float32), rate)
    theirs = soxr.resample(sound, rate, 16_000, quality="VHQ")
    both = min(len(ours), len(theirs))
    error = ours[800 : both - 800] - theirs[800 : both - 800]
    assert np.std(error) < 0.01 * np.std(theirs)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_nothing_folds_down_from_above(rate: int) -> None:
    t = np.arange(rate) / rate
    made = resample((0.5 * np.sin(2 * np.pi * 9500 * t)).astype(np.float32), rate)
    assert np.abs(made[800:-800]).max() < 0.5 * 10 ** (-60 / 20)


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from((8000, 11025, 16000, 44100, 48000, 8001)),
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=12),
    as_bytes=st.booleans(),
)
def test_any_split_into_packets_gives_the_same_samples(
    rate: int, sizes: list[int], as_bytes: bool
) -> None:
    sound = (dice(7).standard_normal(sum(sizes)) * 3000).astype(np.int16)
    whole = resample(sound, rate)
    resampler, made, at = Resampler(rate), [], 0
    for size in sizes:
        packet = sound[at : at + size]
        made.append(resampler.push(packet.tobytes() if as_bytes else packet))
        at += size
    assert all(len(part) % BLOCK == 0 for part in made)
    made.append(resampler.end())
    assert np.array_equal(np.concatenate(made), whole)
    assert len(whole) == -(-len(sound) * 16_000 // rate)


@pytest.mark.parametrize(("rate", "minutes"), [(8000, 60), (44100, 3)])
def test_hours_do_not_drift(rate: int, minutes: int) -> None:
    """A click every two minutes stays where it is, to the sample."""
    resampler, at, minute = Resampler(rate), 0, 60 * rate
    quiet = np.zeros(minute, np.int16)
    click = quiet.copy()
    click[0] = 20_000
    clicks = []
    for number in range(minutes):
        made = resampler.push(click if number % 2 == 0 else quiet)
        loud = np.flatnonzero(made > 0.1)
        clicks.extend((at + loud[:1]).tolist())
        at += len(made)
    assert clicks == pytest.approx([n * 120 * 16_000 for n in range(-(-minutes // 2))], abs=1)
    assert at + len(resampler.end()) == minutes * 60 * 16_000


@pytest.mark.parametrize("rate", RATES)
def test_delay_is_what_it_says_and_small(rate: int) -> None:
    resampler = Resampler(rate)
    assert resampler.delay_ms < 4
    needed = -(-BLOCK * rate // 16_000) + round(resampler.delay_ms * rate / 1000)
    assert len(resampler.push(np.zeros(needed, np.int16))) == BLOCK
    early = needed - rate // 2000
    assert len(Resampler(rate).push(np.zeros(early, np.int16))) == 0


@pytest.mark.parametrize("rate", [-1, 0, 10, 3999, 192_001, 10**9])
def test_absurd_rates_are_refused(rate: int) -> None:
    with pytest.raises(RateError, match=f"{rate} Hz is no sample rate for speech"):
        Resampler(rate)


def test_after_the_end_nothing_is_taken() -> None:
    resampler = Resampler(8000)
    resampler.push(np.ones(100, np.int16))
    assert len(resampler.end()) == 200
    assert len(resampler.end()) == 0
    with pytest.raises(RuntimeError, match="after its end"):
        resampler.push(b"")


def test_nothing_in_nothing_out() -> None:
    assert len(resample(np.zeros(0, np.int16), 8000)) == 0
