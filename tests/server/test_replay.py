"""A recording gives the same events at every speed, and stdout holds nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from asr import offline
from asr.audio.wavfile import open_audio, packets
from asr.events import AsrEvent, AudioFrame, CallId, Transcript, Watermark
from asr.recogniser import RecogniserInfo
from assist_rules.events import CallInfo
from server import engine
from server.cli import run
from server.events import CallEvent
from server.replay.play import call_id, paced, play
from server.wire import from_wire, to_wire
from tests.server.running import SPOKEN, scripted_rules

CALL = CallId("c")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "a call.wav"
    soundfile.write(path, np.zeros((8_000 * 61, 2), np.int16), 8_000)
    return path


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def hear(sound: Iterable[AudioFrame]) -> Iterator[AsrEvent]:
    """Hears the fixture call, each line as soon as its audio has been read."""
    lines = iter(SPOKEN)
    line: Transcript | None = next(lines)
    for packet in sound:
        at_ms = (packet.start_sample + len(packet.pcm16) // 2) // 8
        while line is not None and line.at_ms <= at_ms:
            yield line
            line = next(lines, None)
    yield Watermark(CALL, 61_000, 61_000)


def events(path: Path, speed: float, time: Time) -> list[CallEvent]:
    file = open_audio(path)
    sound = paced(packets(CALL, file), file.rate_hz, speed, time, time.sleep)
    info = RecogniserInfo("scripted", True)
    return list(play(CallInfo(CALL), info, scripted_rules, hear, sound, file.duration_ms))


def test_events_do_not_depend_on_the_speed(recording: Path) -> None:
    real, fast = Time(), Time()
    assert events(recording, 1, real) == events(recording, 0, fast)
    assert real.now == pytest.approx(61, abs=0.05)
    assert fast.now == 0


def test_a_file_name_becomes_a_call_id() -> None:
    assert call_id(Path("x/a call (2).wav")) == "a-call-2"
    assert call_id(Path("通话.wav")) == "replay"


@pytest.fixture
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command with a model and rules that need no loading."""
    monkeypatch.setattr(engine, "load_listener", lambda asr: SimpleNamespace(name="scripted"))
    monkeypatch.setattr(engine, "load_rules", lambda folder: scripted_rules)
    monkeypatch.setattr(
        offline, "listen", lambda model, call, parties, rate, sound, second: hear(sound)
    )


@pytest.mark.usefixtures("_scripted")
def test_json_output_is_call_events_and_nothing_else(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", str(recording), "--json", "--speed", "0"]) == 0
    slow = capsys.readouterr().out
    assert run(["replay", str(recording), "--json", "--speed", "1000"]) == 0
    assert capsys.readouterr().out == slow
    lines = [json.loads(line) for line in slow.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(to_wire(from_wire(line)) == line for line in lines)
    assert lines[-1]["detail"]["alerts"] == 5


@pytest.mark.usefixtures("_scripted")
def test_shows_the_call_to_people(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", str(recording), "--speed", "0"]) == 0
    shown = capsys.readouterr().out
    for words in ("我要投诉", "客户要投诉", "withdrawn (answered)", "held back", "call ended"):
        assert words in shown


@pytest.mark.usefixtures("_scripted")
def test_a_bad_file_does_not_stop_the_others(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    assert run(["replay", str(empty), str(recording), "--json", "--speed", "0"]) == 1
    captured = capsys.readouterr()
    assert "empty.wav" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["name"] == "call_ended"


def test_wrong_parties_are_a_usage_error(recording: Path) -> None:
    assert run(["replay", str(recording), "--parties", "agent,boss"]) == 2


def test_says_which_model_is_missing(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "no-model")
    assert run(["replay", str(recording), "--json", "--speed", "0", "--asr", missing]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no-model" in captured.err
