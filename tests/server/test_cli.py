"""The root command: quick, helpful, with good exit codes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from server.cli import GROUP, first_line, run
from server.serve import ListenError, is_loopback, listen
from server.settings import Settings


def test_help_lists_every_command_without_importing_torch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for entry in entry_points(group=GROUP):
        assert entry.name in shown
    code = (
        "import sys; from server.cli import run; run(['--help']); "
        "sys.exit(bool({'torch', 'numpy', 'uvicorn', 'server.serve'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_command_is_a_question_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "serve" in captured.err


@pytest.mark.parametrize(("wrong", "hint"), [("srve", "tingban serve"), ("xyzzy", "--help")])
def test_suggests_what_was_meant(capsys: pytest.CaptureFixture[str], wrong: str, hint: str) -> None:
    assert run([wrong]) == 2
    assert hint in capsys.readouterr().err


def test_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tingban ")


@pytest.mark.parametrize("command", ["serve", "demo", "replay"])
def test_our_commands_say_what_they_are_for(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    entry = next(e for e in entry_points(group=GROUP) if e.name == command)
    assert len(first_line(entry)) > 20
    assert run([command, "--help"]) == 0
    assert run([command, "--no-such-option"]) == 2
    capsys.readouterr()


def test_refuses_to_bind_where_others_reach_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--host", "0.0.0.0"]) == 2
    assert "--insecure-bind-anywhere" in capsys.readouterr().err


def test_binds_elsewhere_when_told_to() -> None:
    settings = Settings(host="0.0.0.0", port=0, insecure_bind_anywhere=True)
    with listen(settings) as listener:
        assert listener.getsockname()[1] > 0


def test_says_that_a_port_is_taken() -> None:
    with listen(Settings(port=0)) as first:
        first.listen()
        with pytest.raises(ListenError, match="cannot bind"):
            listen(Settings(port=first.getsockname()[1]))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("pbx", False)],
)
def test_knows_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
