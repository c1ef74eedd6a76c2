"""``tingban transcribe``: JSON lines on stdout only, bad files told of, the others done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner, Result

from asr.cli import transcribe
from asr.events import Party
from asr.paraformer.reference import TINY, random_reference, write_model
from tests.asr.sounds import call, heard


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recogniser that says something random: words do not matter here."""
    directory = tmp_path_factory.mktemp("models") / "tiny"
    write_model(directory, random_reference(TINY, seed=3), TINY)
    return directory


@pytest.fixture(scope="module")
def stereo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 12 s of a call, as recorded: 8 kHz µ-law. Three utterances, of both parties."""
    path = tmp_path_factory.mktemp("calls") / "stereo.wav"
    sound, rate = soundfile.read(call("danger-brakes").wav, frames=12 * 8000)
    soundfile.write(path, sound, rate, subtype="ULAW")
    return path


@pytest.fixture(scope="module")
def mono(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calls") / "mono.wav"
    soundfile.write(path, heard(call("danger-brakes"), Party.AGENT)[: 8 * 16_000], 16_000)
    return path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(transcribe)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def finals(made: Sequence[dict[str, Any]], file: Path) -> list[tuple[str, str]]:
    return [(r["utterance"], r["text"]) for r in made if r["file"] == str(file) and r["final"]]


@pytest.fixture(scope="module")
def usual(model: Path, stereo: Path) -> Result:
    """What is said of the call alone; several tests compare with it."""
    return run("--json", "--asr", model, stereo)


def test_json_lines_tell_every_revision(usual: Result) -> None:
    assert usual.exit_code == 0
    made = rows(usual)
    wanted = {
        "type",
        "file",
        "party",
        "utterance",
        "revision",
        "final",
        "text",
        "start_ms",
        "end_ms",
    }
    assert all(wanted <= set(row) and row["type"] == "transcript" for row in made)
    assert {row["party"] for row in made} == {"agent", "customer"}
    last: dict[str, dict[str, Any]] = {}
    for row in made:
        before = last.get(row["utterance"])
        assert row["revision"] == (before["revision"] + 1 if before else 1)
        assert not (before and before["final"])
        last[row["utterance"]] = row
    assert len(last) >= 3
    assert all(row["final"] for row in last.values())


def test_many_files_are_heard_at_once_and_each_as_if_alone(
    model: Path, stereo: Path, mono: Path, usual: Result
) -> None:
    both = rows(run("--json", "--asr", model, stereo, mono))
    for file, alone in ((stereo, usual), (mono, run("--json", "--asr", model, mono))):
        assert [row for row in both if row["file"] == str(file)] == rows(alone)
    assert {row["party"] for row in both if row["file"] == str(mono)} == {"unknown"}


def test_parties_swap_the_channels(model: Path, stereo: Path, usual: Result) -> None:
    swapped = rows(run("--json", "--asr", model, "--parties", "customer,agent", stereo))
    other = {"agent": "customer", "customer": "agent"}
    as_said = sorted((r["party"], r["start_ms"], r["text"]) for r in rows(usual))
    assert as_said == sorted((other[r["party"]], r["start_ms"], r["text"]) for r in swapped)


def test_without_json_people_can_read_it(model: Path, stereo: Path, usual: Result) -> None:
    result = run("--asr", model, stereo)
    assert result.exit_code == 0
    made = finals(rows(usual), stereo)
    lines = result.stdout.splitlines()
    assert len(lines) == len([text for _, text in made if text])
    assert any("agent" in line for line in lines)
    assert any("customer" in line for line in lines)


def test_silence_has_no_transcripts_and_is_no_error(model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros((16_000 * 3, 2)), 16_000)
    result = run("--json", "--asr", model, tmp_path / "silence.wav")
    assert (result.exit_code, result.stdout) == (0, "")


def test_bad_files_fail_and_the_others_are_done(model: Path, mono: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("hello")
    bad = [tmp_path / "empty.wav", tmp_path / "text.wav", tmp_path / "nope.wav"]
    result = run("--json", "--asr", model, bad[0], mono, *bad[1:])
    assert result.exit_code == 1
    assert {row["file"] for row in rows(result)} == {str(mono)}
    for path in bad:
        assert str(path) in result.stderr
    assert "3 of 4 recordings failed" in result.stderr


def test_only_bad_files_do_not_even_load_a_model(tmp_path: Path) -> None:
    result = run("--asr", tmp_path / "no-model-here", tmp_path / "nope.wav")
    assert result.exit_code == 1
    assert "there is no such file" in result.stderr
    assert "no-model-here" not in result.stderr


def test_file_without_its_end_is_warned_of_and_heard(
    model: Path, mono: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.wav"
    cut.write_bytes(mono.read_bytes()[: 44 + 6 * 32_000])
    result = run("--json", "--asr", model, cut)
    assert result.exit_code == 0
    assert rows(result)
    assert "the end is missing" in result.stderr


def test_file_that_breaks_in_the_middle_fails_but_is_heard_up_to_there(
    model: Path, mono: Path, tmp_path: Path
) -> None:
    sound, rate = soundfile.read(mono)
    broken = tmp_path / "broken.flac"
    soundfile.write(broken, sound, rate)
    content = bytearray(broken.read_bytes())
    content[len(content) * 3 // 4 :] = b"\xff" * 100
    broken.write_bytes(content)
    result = run("--json", "--asr", model, broken, mono)
    assert result.exit_code == 1
    assert {row["file"] for row in rows(result)} == {str(broken), str(mono)}
    assert "cannot be read on after" in result.stderr


def test_missing_model_names_the_command(mono: Path, tmp_path: Path) -> None:
    result = run("--asr", tmp_path / "nowhere", mono)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "tingban models list" in result.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["--parties", "agent,boss", "a.wav"], ["--no-such-option", "a.wav"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_process_of_its_own_keeps_stdout_clean(model: Path, mono: Path, tmp_path: Path) -> None:
    """Exit codes, and FunASR's and torch's output, as a shell sees them."""
    code = "from server.cli import main; main()"
    arguments = [sys.executable, "-c", code, "transcribe", "--json", "--asr", str(model)]
    done = subprocess.run(
        [*arguments, str(mono), str(tmp_path / "nope.wav")],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 1
    assert all(json.loads(line)["file"] == str(mono) for line in done.stdout.splitlines())
    assert done.stdout
    assert "nope.wav: there is no such file" in done.stderr
