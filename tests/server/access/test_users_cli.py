"""``tingban users``: the accounts of a server, from its machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.access.cli import app
from server.access.files import open_access
from server.settings import load

RUN = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "tingban.toml"
    file.write_text(f'[access]\nfile = "{tmp_path / "people.sqlite3"}"\n')
    return file


def run(config: Path, *arguments: str, said: str = "", code: int = 0) -> str:
    result = RUN.invoke(app, [*arguments, "--config", str(config)], input=said)
    assert result.exit_code == code, result.output
    return result.output


def test_makes_lists_changes_and_disables_accounts(config: Path) -> None:
    secret = "correct horse\n"
    assert "administrator" in run(config, "add", "a-7", "--password-stdin", said=secret, code=1)
    run(config, "add", "boss", "--role", "admin", "--password-stdin", said=secret)
    run(config, "add", "pbx", "--role", "ingest")
    assert "already" in run(config, "add", "pbx", "--role", "ingest", code=1)
    assert "8 to 256" in run(config, "passwd", "boss", "--password-stdin", said="short\n", code=1)
    run(config, "passwd", "boss", "--password-stdin", said="another horse\n")
    listed = run(config, "list")
    assert "boss" in listed
    assert "ingest" in listed
    token = run(config, "token", "pbx", "--hours", "2").strip()
    access = open_access(load(config, environ={}))
    assert access.people.get("boss").version == 2  # type: ignore[union-attr]
    run(config, "disable", "pbx")
    run(config, "token", "pbx", code=1)
    assert "last administrator" in run(config, "disable", "boss", code=1)
    access.people.close()
    assert token.count(".") == 2


async def test_a_token_made_here_opens_the_server(config: Path) -> None:
    run(config, "add", "boss", "--role", "admin", "--password-stdin", said="correct horse\n")
    run(config, "add", "pbx", "--role", "ingest")
    token = run(config, "token", "pbx").strip()
    access = open_access(load(config, environ={}))
    caller = await access.by_token(token)
    assert caller is not None
    assert (caller.user, caller.role) == ("pbx", "ingest")
    run(config, "disable", "pbx")
    assert await access.by_token(token) is None
    access.people.close()


def test_says_which_file_it_cannot_use(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('[access]\nfile = "/proc/nowhere/people.sqlite3"\n')
    assert "/proc/nowhere" in run(file, "list", code=2)
