"""The bundled recogniser on speech: equal to FunASR's, nearly so in lower precisions."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from asr.audio.resample import resample
from asr.audio.utterance import End, Speech, UtteranceCutter
from asr.audio.wavfile import open_audio, packets
from asr.events import CallId, Party
from asr.paraformer.decoder import Decoder
from asr.paraformer.load import load_model
from asr.paraformer.network import Precision
from asr.paraformer.reference import load_reference
from benchmarks.corpus import calls
from models.store import locate
from tests.asr.streams import Player, Script

pytestmark = pytest.mark.speech


@functools.cache
def utterances(count: int = 5) -> tuple[np.ndarray, ...]:
    """What the customers of the corpus say, as voice activity cuts it."""
    found: list[np.ndarray] = []
    for call in calls():
        file = open_audio(call.wav)
        mine = [f.pcm16 for f in packets(CallId(call.id), file) if f.party is Party.CUSTOMER]
        wave = resample(np.frombuffer(b"".join(mine), "<i2"), file.rate_hz)
        parts: list[np.ndarray] = []
        for action in UtteranceCutter().push(wave[: 30 * 16_000]):
            if isinstance(action, Speech):
                parts.append(action.samples)
            elif isinstance(action, End):
                found.append(np.concatenate(parts))
                parts = []
                if len(found) == count:
                    return tuple(found)
    return tuple(found)


def said(precision: Precision) -> list[list[int]]:
    scripts = [
        Script(wave, joins=at % 3, packets=(3_200, 777), early=at % 2 == 0)
        for at, wave in enumerate(utterances())
    ]
    return Player(Decoder(load_model(locate("bundled"), precision))).play(scripts)


def test_it_says_token_for_token_what_funasr_says():
    reference = load_reference(locate("bundled"))
    expected = [reference.decode([wave]) for wave in utterances()]
    assert sum(map(len, expected)) >= 30
    assert said(Precision.FP32) == expected


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.INT8])
def test_lower_precisions_change_next_to_nothing(precision):
    exact = [token for ids in said(Precision.FP32) for token in ids]
    lower = [token for ids in said(precision) for token in ids]
    same = sum(a == b for a, b in zip(exact, lower, strict=False))
    assert abs(len(exact) - len(lower)) <= 1
    assert same >= 0.95 * len(exact)
