"""``tingban models`` as people and scripts see it. Nothing here touches the network."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from models import hub
from models.cli import app
from models.store import FILES
from tests.models.test_store import Announced, Hub, digest, true_words

PUBLISHED = "paraformer-zh-streaming"
CONTENT = {name: name.encode() * 9000 for name in FILES}


class Published(Hub):
    """Has whatever it is asked for; its weights are holes in a file."""

    def __init__(self) -> None:
        super().__init__(CONTENT, {})

    def announced(self, model: str) -> Mapping[str, Announced]:
        assert model.endswith(("vocab8404-online", PUBLISHED))
        words = true_words(CONTENT)
        words["model.pt"] = Announced(201_000_000, None)
        sys.stdout.write("a client that prints to stdout\n")
        return words

    def fetch(self, model: str, files: list[str], folder: Path) -> None:
        super().fetch(model, files, folder)
        with (folder / "model.pt").open("wb") as file:
            file.truncate(201_000_000)


class Offline(Hub):
    def __init__(self) -> None:
        super().__init__({}, {})

    def announced(self, model: str) -> Mapping[str, Announced]:
        raise ConnectionError("no route to host")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TINGBAN_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def use(monkeypatch: pytest.MonkeyPatch, client: type[Hub]) -> None:
    monkeypatch.setattr(hub, "CLIENTS", {"modelscope": client, "huggingface": client})


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_list_says_what_is_here_and_what_to_do_about_the_rest() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert "run: tingban models fetch paraformer-zh-streaming" in result.stdout
    made = {row["name"]: row for row in rows(run("list", "--json"))}
    assert made[PUBLISHED]["state"] == "no"
    assert made["bundled"]["demonstration"] is True
    assert made[PUBLISHED]["demonstration"] is False


def test_list_tells_of_damage(home: Path) -> None:
    (home / PUBLISHED).mkdir(parents=True)
    (home / PUBLISHED / "config.yaml").write_text("half")
    made = {row["name"]: row for row in rows(run("list", "--json"))}
    assert made[PUBLISHED]["state"] == "damaged"
    assert "lacks model.pt" in made[PUBLISHED]["problem"]


@pytest.mark.parametrize("where", ["modelscope", "huggingface"])
def test_fetch_then_list_then_verify(
    home: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    use(monkeypatch, Published)
    result = run("fetch", PUBLISHED, "--hub", where, "--json")
    assert result.exit_code == 0
    (row,) = rows(result)
    assert row["directory"] == str(home / PUBLISHED)
    assert row["trusted"] == ["model.pt"]
    assert "a client that prints" in result.stderr
    assert "licence: FunASR Model License" in result.stderr
    made = {row["name"]: row for row in rows(run("list", "--json"))}
    assert made[PUBLISHED]["state"] == "yes"
    assert made[PUBLISHED]["checksums"]["am.mvn"] == digest(CONTENT["am.mvn"])
    assert run("verify", PUBLISHED).exit_code == 0
    (home / PUBLISHED / "am.mvn").write_bytes(b"changed" * 9000)
    broken = run("verify", PUBLISHED)
    assert broken.exit_code == 1
    assert "am.mvn" in broken.stderr
    assert "tingban models fetch paraformer-zh-streaming" in broken.stderr


def test_fetch_for_people_says_what_was_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Published)
    result = run("fetch", PUBLISHED, "--to", tmp_path / "to-carry")
    assert result.exit_code == 0
    assert "model.pt: the hub announces no checksum" in result.stdout
    assert (tmp_path / "to-carry" / "SHA256SUMS").is_file()
    assert run("verify", tmp_path / "to-carry").exit_code == 0


def test_fetch_without_internet_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Offline)
    result = run("fetch", PUBLISHED)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "--asr DIR" in result.stderr


@pytest.mark.parametrize("name", ["bundled", "no-such-model"])
def test_fetch_of_what_cannot_be_fetched_is_wrong_usage(name: str) -> None:
    assert run("fetch", name).exit_code == 2


def test_verify_of_what_is_not_here_fails() -> None:
    result = run("verify", PUBLISHED)
    assert result.exit_code == 1
    assert "is not on this machine" in result.stderr
    (row,) = rows(run("verify", "--json", "/nowhere/at/all"))
    assert row["ok"] is False


def test_verify_of_a_folder_without_checksums_is_honest(tmp_path: Path) -> None:
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    result = run("verify", tmp_path)
    assert result.exit_code == 0
    assert "not proven unchanged" in result.stdout
