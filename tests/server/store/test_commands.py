"""``tingban store`` and ``tingban config``: copies, retention, erasing, settings."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from asr.events import AudioFrame, CallId, Party
from assist_rules.events import CallInfo
from server.cli import run
from server.store.backup import BackupError, restore
from server.store.retention import DAY_MS
from tests.server.store.conftest import eventually, opened
from tests.server.store.test_outbox import PARTIES, gap, texts

NUMBER, OTHER = "138 0057 6219", "13900000000"
NOW = int(time.time() * 1000)


async def fill(folder: Path) -> None:
    """An old call and a new one of one customer, a new one of another; with sound."""
    async with opened(folder, audio=True) as store:
        for call, age_days, number in (("old", 200, NUMBER), ("new", 40, NUMBER), ("x", 1, OTHER)):
            info = CallInfo(CallId(call), attributes={"number": number})
            journal = store.begin(info, NOW - age_days * DAY_MS, PARTIES, 8_000)
            journal.hear(AudioFrame(CallId(call), Party.AGENT, 0, b"\1\2" * 8_000))
            journal.hear(AudioFrame(CallId(call), Party.AGENT, 8_000, b"\1\2" * 8_000))
            journal.keep(texts([gap(1, call)]))
        await eventually(lambda: store.figures.shipped == 6)


def kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Ids that can be exported."""
    found = set()
    for call in ("old", "new", "x"):
        if run(["store", "export", call, "--store", str(folder)]) == 0:
            found.add(json.loads(capsys.readouterr().out)["call"])
    capsys.readouterr()
    return found


def sounds(folder: Path) -> set[str]:
    return {file.name.split("-")[0] for file in (folder / "sound").glob("*")}


def test_old_calls_and_older_sound_are_pruned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(fill(tmp_path))
    assert kept(tmp_path, capsys) == {"old", "new", "x"}
    assert sounds(tmp_path) == {"old", "new", "x"}
    assert run(["store", "prune", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 calls and 2 sound files erased\n"
    assert kept(tmp_path, capsys) == {"new", "x"}
    assert sounds(tmp_path) == {"x"}


def test_a_customer_is_erased_by_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(fill(tmp_path))
    assert run(["store", "erase", "+86 13800576219", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("2 calls")
    assert kept(tmp_path, capsys) == {"x"}
    assert sounds(tmp_path) == {"x"}


def test_a_copy_can_be_put_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, copy, again = (tmp_path / name for name in ("data", "copy", "again"))
    asyncio.run(fill(data))
    assert run(["store", "backup", str(copy), "--store", str(data)]) == 0
    assert run(["store", "backup", str(copy), "--store", str(data)]) == 1
    assert "not empty" in capsys.readouterr().err
    assert run(["store", "restore", str(copy), "--store", str(again)]) == 0
    capsys.readouterr()
    assert kept(again, capsys) == {"old", "new", "x"}
    wav = tmp_path / "x.wav"
    assert run(["store", "export", "x", "--audio", str(wav), "--store", str(again)]) == 0
    assert wav.read_bytes().startswith(b"RIFF")
    # The key came along: the customer is still found.
    assert run(["store", "erase", OTHER, "--store", str(again)]) == 0
    assert "1 calls" in capsys.readouterr().out
    assert run(["store", "restore", str(copy), "--store", str(again)]) == 1
    assert "not empty" in capsys.readouterr().err


async def test_nothing_is_put_under_a_running_server(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "customer.key").touch()
    async with opened(tmp_path / "data"):
        with pytest.raises(BackupError, match="another server"):
            restore(tmp_path / "copy", tmp_path / "data")


def test_migrate_says_where_the_archive_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["store", "migrate", "--store", str(tmp_path)]) == 0
    assert run(["store", "migrate", "--store", str(tmp_path)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("from nothing to ")
    assert second.startswith("at ")


def test_settings_are_shown_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "store: {url: 'postgresql://t:geheim@db/calls'}\n"
        "telephony: {audiohook_keys: {key: geheim}}\n"
    )
    assert run(["config", "show", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "geheim" not in shown
    assert "postgresql://t:***@db/calls" in shown


def test_check_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        f"rules: {tmp_path}/none\n"
        f"store: {{directory: {tmp_path}/calls, url: 'postgresql://t:geheim@127.0.0.1:1/x'}}\n"
    )
    assert run(["config", "check", "--config", str(file)]) == 1
    said = capsys.readouterr().err
    assert "rules: " in said
    assert "store.url: cannot be reached" in said
    assert "geheim" not in said
    file.write_text(f"store: {{directory: {tmp_path}/calls}}")
    assert run(["config", "check", "--config", str(file)]) == 0
    file.write_text("prot: 1")
    assert run(["config", "check", "--config", str(file)]) == 2
