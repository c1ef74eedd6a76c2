"""Our features are FunASR's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from funasr.frontends.wav_frontend import WavFrontendOnline
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.paraformer.features import Features, compute
from tests.asr.streams import sound

CMVN = np.stack([np.full(560, -8.0), np.full(560, 0.25)]).astype(np.float32)


def theirs(samples: np.ndarray) -> list[np.ndarray]:
    """FunASR's front end on chunks of 600 ms, the last one final."""
    frontend = WavFrontendOnline(n_mels=80, lfr_m=7, lfr_n=6, dither=0.0)
    frontend.cmvn, frontend.cmvn_file = CMVN, "in memory"
    cache: dict = {}
    found = []
    for first in range(0, len(samples), 9_600):
        piece = torch.from_numpy(samples[first : first + 9_600])[None]
        last = first + 9_600 >= len(samples)
        feats, _ = frontend(piece, torch.tensor([piece.shape[1]]), cache=cache, is_final=last)
        found.append(feats[0].numpy())
    return found


def ours(samples: np.ndarray, packets: list[int]) -> list[np.ndarray]:
    features = Features(10)
    found, at, turn = [], 0, 0
    while at < len(samples):
        size = packets[turn % len(packets)]
        features.push(samples[at : at + size])
        at, turn = min(at + size, len(samples)), turn + 1
        compute([features])
        while at - len(found) * 9_600 >= 9_600 and len(samples) - len(found) * 9_600 > 9_600:
            found.append(features.chunk(CMVN))
            features.advance()
    found.append(features.rest(len(samples) - len(found) * 9_600, CMVN))
    return found


@pytest.mark.parametrize("samples", [960, 5_000, 9_600, 10_560, 12_345, 19_199, 28_800, 30_000])
def test_features_equal_funasrs(samples):
    wave = sound(samples, samples)
    for mine, other in zip(ours(wave, [9_600]), theirs(wave), strict=True):
        assert mine.shape == other.shape
        # In bands with hardly any energy, kaldi-native-fbank's float32 transform itself is
        # so far from an exact one; everywhere else both agree to the last bits.
        np.testing.assert_allclose(mine, other, atol=1e-3)
        assert np.abs(mine - other).mean() < 1e-5


@settings(max_examples=30, deadline=None)
@given(packets=st.lists(st.integers(1, 15_000), min_size=1, max_size=5))
def test_packets_do_not_matter(packets):
    wave = sound(25_000, 5)
    whole = ours(wave, [25_000])
    split = ours(wave, [max(p, 500) for p in packets])
    for mine, other in zip(split, whole, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)


def test_many_streams_together_give_what_each_gives_alone():
    waves = [sound(9_600, seed) for seed in range(5)]
    together = [Features(10) for _ in waves]
    for features, wave in zip(together, waves, strict=True):
        features.push(wave)
    compute(together)
    for features, wave in zip(together, waves, strict=True):
        alone = Features(10)
        alone.push(wave)
        compute([alone])
        np.testing.assert_allclose(features.chunk(CMVN), alone.chunk(CMVN), atol=1e-6)


def test_digital_silence_is_finite():
    features = Features(10)
    features.push(np.zeros(9_600, np.float32))
    compute([features])
    assert np.isfinite(features.chunk(CMVN)).all()
