"""Rulebooks kept compiled: the same rules, found only for the same packs and program."""

from __future__ import annotations

from pathlib import Path

import pytest

from assist_rules import compiled
from assist_rules.reload import start_rulebook
from assist_rules.rulebook import RuleError, load_rulebook
from assist_rules.tools.selftest import run_list_tests
from tests.rules.conftest import PRACTICE
from tests.rules.talk import heard, session


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_bytes(PRACTICE.read_bytes())
    return path


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


def test_what_was_kept_speaks_as_what_was_compiled(packs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    first = start_rulebook([packs], None, folder)
    (file,) = kept(folder)
    stamp = file.stat().st_mtime_ns
    second = start_rulebook([packs], None, folder)
    assert file.stat().st_mtime_ns == stamp
    assert second is not first
    assert second.hash == first.hash
    assert run_list_tests(second, growing=False) == []
    said = [
        heard(t, i, i == 2) for i, t in enumerate(["我要投诉你", "我要投诉你们三十分钟之内"], 1)
    ]
    one, other = session(first), session(second)
    assert [one.hear(t) for t in said] == [other.hear(t) for t in said]
    assert one.end(60_000) == other.end(60_000)


def test_other_packs_and_settings_are_other_rulebooks(packs: Path) -> None:
    name = compiled.name_of([packs], None)
    assert compiled.name_of([packs], {"company": "甲"}) != name
    packs.write_text(packs.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    assert compiled.name_of([packs], None) != name


def test_packs_that_fail_their_tests_are_not_kept(packs: Path, tmp_path: Path) -> None:
    text = packs.read_text(encoding="utf-8")
    packs.write_text(text.replace("silent: [我不投诉,", "silent: [我要投诉,"), encoding="utf-8")
    with pytest.raises(RuleError):
        start_rulebook([packs], None, tmp_path / "kept")
    assert kept(tmp_path / "kept") == []


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x05N."])
def test_a_spoilt_file_is_compiled_again(packs: Path, tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "kept"
    start_rulebook([packs], None, folder)
    (file,) = kept(folder)
    file.write_bytes(content)
    assert start_rulebook([packs], None, folder).hash == load_rulebook([packs]).hash
    assert file.stat().st_size > len(content)


def test_what_others_may_write_is_not_trusted(packs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    start_rulebook([packs], None, folder)
    (file,) = kept(folder)
    assert compiled.take(folder, file.name) is not None
    file.chmod(0o666)
    assert compiled.take(folder, file.name) is None
    file.chmod(0o600)
    folder.chmod(0o777)
    assert compiled.take(folder, file.name) is None


def test_a_folder_that_cannot_be_written_stops_nobody(packs: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    assert start_rulebook([packs], None, blocked).hash
