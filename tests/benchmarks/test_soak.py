"""Churn is measured as it goes, and what grows is told from what warms up and from noise."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks import corpus, soak
from benchmarks.cli import app
from benchmarks.growth import FEWEST, growth

HOURS = [n / 60 for n in range(120)]
runner = CliRunner()


def noise(seed: int, size: float) -> list[float]:
    dice = random.Random(seed)
    return [dice.uniform(-size, size) for _ in HOURS]


@given(st.integers(0, 2**32), st.floats(10, 1000))
def test_noise_about_a_level_is_flat(seed: int, level: float) -> None:
    values = [level + one for one in noise(seed, 0.02 * level)]
    assert growth(HOURS, values, part=0.05, floor=0).verdict == "flat"


@given(st.integers(0, 2**32), st.floats(10, 1000))
def test_a_rise_beyond_the_noise_is_found_and_measured(seed: int, level: float) -> None:
    values = [
        level * (1 + 0.2 * hour) + one
        for hour, one in zip(HOURS, noise(seed, 0.02 * level), strict=True)
    ]
    rise = growth(HOURS, values, part=0.05, floor=0)
    assert rise.verdict == "grows"
    assert rise.low <= rise.by <= rise.high
    assert rise.per_hour == pytest.approx(0.2 * level, rel=0.1)


def test_warming_up_is_no_growth_and_a_jump_then_is() -> None:
    warmed = [50 + min(n, 30) for n in range(120)]
    assert growth(HOURS, warmed, part=0.02, floor=0).verdict == "flat"
    late = [50.0] * 80 + [100.0] * 40
    assert growth(HOURS, late, part=0.02, floor=0).verdict == "grows"


def test_what_shrinks_is_flat_and_little_is_nothing() -> None:
    assert growth(HOURS, [100.0 - n / 10 for n in range(120)], 0.02, 0).verdict == "flat"
    assert growth(HOURS, [10 + n / 120 for n in range(120)], 0.02, floor=2).verdict == "flat"


def test_noise_that_hides_a_rise_is_said_to_be_unclear() -> None:
    values = [10 + one for one in noise(3, 10)]
    assert growth(HOURS, values, part=0.001, floor=0).verdict == "unclear"


def test_few_looks_conclude_nothing() -> None:
    few = FEWEST  # a third of these is left out
    assert growth(HOURS[:few], [float(2**n) for n in range(few)], 0.1, 0).verdict == "too short"
    assert growth([], [], 0.1, 0).verdict == "too short"


def tick(at_s: float, **figures: float | None) -> dict[str, Any]:
    same = {
        "rss_mib": 100.0,
        "fds": 10,
        "tasks": 5,
        "p50_ms": None,
        "p99_ms": 9.0,
        "cpu_share": 0.1,
    }
    return {"at_s": at_s, **same, **figures}


@pytest.mark.parametrize(("name", "fails"), [("rss_mib", 1), ("fds", 1), ("p99_ms", 0)])
def test_only_what_the_server_alone_moves_fails_a_run(name: str, fails: int) -> None:
    ticks = [tick(60 * n, **{name: 100.0 + 3 * n}) for n in range(60)]
    found = {
        "ticks": ticks, "calls": 3, "audio_s": 90, "board_messages": 1, "lost": 0, "doubled": 0,
        "failures": [],
    }  # fmt: skip
    summary = soak.summarise(found)
    assert summary["grown"][name]["verdict"] == "grows"
    assert summary["failures"] == len(summary["growing"]) == fails
    assert summary["grown"]["tasks"]["verdict"] == "flat"
    assert summary["grown"]["p50_ms"]["verdict"] == "too short"


def test_calls_come_and_go_without_a_loss() -> None:
    found = soak.run(soak.Plan(minutes=0.1, together=2, speed=10))
    assert found["calls"] >= 2
    assert (found["lost"], found["doubled"], found["failures"]) == (0, 0, [])
    assert found["board_messages"] > 0
    assert all(one["tasks"] and one["rss_mib"] and one["fds"] for one in found["ticks"])
    assert any(one["p50_ms"] is not None for one in found["ticks"])


@pytest.mark.speech
def test_ones_own_recordings_come_to_the_archive_as_the_page_had_them(tmp_path: Path) -> None:
    for call in corpus.calls()[:2]:
        sound, rate = soundfile.read(call.wav, stop=8 * call.rate)
        soundfile.write(tmp_path / call.wav.name, sound, rate)
    plan = soak.Plan(0.02, together=2, speed=4, recordings=sorted(tmp_path.glob("*.wav")))
    found = soak.run(plan)
    assert found["calls"] >= 2
    assert (found["lost"], found["doubled"], found["failures"]) == (0, 0, [])
    assert found["audio_s"] == pytest.approx(8 * found["calls"])


@pytest.mark.parametrize("command", ["soak", "capacity"])
def test_a_folder_without_recordings_is_told(command: str, tmp_path: Path) -> None:
    done = runner.invoke(app, [command, "--recordings", str(tmp_path)])
    assert done.exit_code == 2
    assert "holds no NAME.wav" in " ".join(done.output.split())
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    done = runner.invoke(app, [command, "--recordings", str(tmp_path)])
    assert done.exit_code == 2
    assert "broken.wav" in done.output
