"""One's own recordings: whose words are whose, what counts, and what is wrong with a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from asr.events import Party
from benchmarks import corpus
from benchmarks.cli import app
from benchmarks.recordings import spoken

CALL = next(call for call in corpus.calls() if call.id == "complaint-broadband")
FIRST = next(turn for turn in CALL.turns if turn.role == "agent")
runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The first words of a recorded call, both channels."""
    sound, rate = soundfile.read(CALL.wav, stop=(FIRST.end_ms + 600) * CALL.rate // 1000)
    soundfile.write(tmp_path / "one.wav", sound, rate)
    return tmp_path


def test_each_party_has_its_words(folder: Path) -> None:
    (folder / "one.txt").write_text("agent: 您好，\ncustomer：喂 hello\nagent:再见。\n", "utf-8")
    (one,) = spoken(folder)
    assert one.said == {Party.AGENT: "您好再见", Party.CUSTOMER: "喂"}


def test_one_channel_needs_no_names(folder: Path) -> None:
    sound, rate = soundfile.read(folder / "one.wav")
    soundfile.write(folder / "one.wav", sound[:, 0], rate)
    (folder / "one.txt").write_text("您好\n请讲", "utf-8")
    assert [list(one.said.values()) for one in spoken(folder)] == [["您好请讲"]]


def test_labels_serve_as_well(tmp_path: Path) -> None:
    for file in (CALL.wav, CALL.labels_file):
        shutil.copy(file, tmp_path)
    (one,) = spoken(tmp_path)
    agent = "".join(turn.text for turn in CALL.turns if turn.role == "agent")
    assert one.said[Party.AGENT] == agent


@pytest.mark.parametrize(
    ("text", "wrong"),
    [(None, "holds no NAME.wav"), ("您好\n", "one.txt:1: begin each line with 'agent:'")],
)
def test_what_is_wrong_is_told(folder: Path, text: str | None, wrong: str) -> None:
    if text is not None:
        (folder / "one.txt").write_text(text, "utf-8")
    found = runner.invoke(app, ["accuracy", "--recordings", str(folder)])
    assert found.exit_code == 2
    assert wrong in " ".join(found.output.split()).replace(f"{folder}/", "")


def test_no_sound_is_told(folder: Path) -> None:
    (folder / "one.txt").write_text("agent:您好", "utf-8")
    (folder / "one.wav").write_bytes(b"RIFF")
    found = runner.invoke(app, ["accuracy", "--recordings", str(folder)])
    assert found.exit_code == 2
    assert "one.wav" in found.output


def test_errors_are_counted(folder: Path) -> None:
    """What the bundled recogniser reads in a recorded demonstration is what was said there."""
    (folder / "one.txt").write_text(f"agent: {FIRST.text}龘", "utf-8")
    results = folder / "results"
    found = runner.invoke(app, ["accuracy", "--recordings", str(folder), "--results", str(results)])
    assert found.exit_code == 0, found.output
    (file,) = results.glob("accuracy-*.json")
    (reading,) = json.loads(file.read_text("utf-8"))["samples"]["readings"]
    assert reading["characters"] == len(FIRST.text) + 1
    assert 1 <= reading["read_errors"] <= 1 + len(FIRST.text) // 3, "a character never said"
    assert reading["kind"] == "agent"
