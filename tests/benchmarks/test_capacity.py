"""The capacity benchmark, on a model too small to be slow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from asr.events import Party
from asr.paraformer.reference import TINY, random_reference
from benchmarks import corpus as recorded_calls
from benchmarks.capacity import capacity, corpus, everybody_talks, spoken
from benchmarks.cli import app


@pytest.fixture
def own(tmp_path: Path) -> list[Path]:
    """Two recordings: the begin of a call, and one channel of another at another rate."""
    first, second = recorded_calls.calls()[:2]
    sound, rate = soundfile.read(first.wav, stop=10 * first.rate)
    soundfile.write(tmp_path / "both.wav", sound, rate)
    sound, rate = soundfile.read(second.wav, stop=10 * second.rate)
    soundfile.write(tmp_path / "one.wav", sound[:, 0].repeat(2), 2 * rate)
    return [tmp_path / "both.wav", tmp_path / "one.wav"]


def test_live_calls_are_timed_from_the_arrival_of_a_chunk_to_its_answer(own: list[Path]):
    told: list[str] = []
    model = random_reference(TINY).model()
    found = capacity(
        model, [2], seconds=3, talk="full", warm_s=1, progress=told.append, wavs=own
    )  # fmt: skip
    [one] = found["loads"]
    assert one["calls"] == 2
    assert one["chunk_lag_ms"]
    assert all(lag > 0 for lag in one["chunk_lag_ms"])
    assert told[0].startswith("2 calls: p99")


def test_at_full_talk_nobody_pauses():
    [call, *_] = everybody_talks(corpus()[:1])
    for samples in call.samples.values():
        second = np.abs(samples[: call.rate * 10].astype(float)).reshape(10, -1).mean(1)
        assert (second > 60).all()
        assert len(call.packet(call.parties[0], 10_000_000)) == call.rate // 50 * 2


def test_ones_own_recordings_keep_their_rates_and_parties(own: list[Path]):
    both, one = spoken("real", own)
    assert (both.rate, both.parties) == (8_000, (Party.AGENT, Party.CUSTOMER))
    assert one.rate == 16_000
    assert len(one.parties) == 1
    assert len(one.samples[one.parties[0]]) == 160_000


def test_a_recording_in_which_somebody_is_never_heard_is_named(tmp_path: Path):
    soundfile.write(tmp_path / "silent.wav", np.zeros((16_000, 2)), 8_000)
    assert spoken("real", [tmp_path / "silent.wav"])
    done = CliRunner().invoke(app, ["capacity", "--talk", "full", "--recordings", str(tmp_path)])
    assert done.exit_code == 2
    assert "silent.wav: a party of it is never heard" in " ".join(done.output.split())
