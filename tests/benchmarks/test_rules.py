"""The figures of the rule packs come from the labelled dialogues, misses and all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assist_rules.errors import InputError
from assist_rules.rulebook import load_rulebook
from benchmarks.rules import DIALOGUES, Part, evaluate


def first_lines(part: str, count: int, folder: Path) -> Path:
    lines = (DIALOGUES / f"{part}.jsonl").read_text("utf8").splitlines()[:count]
    path = folder / "some.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf8")
    return path


def test_a_label_that_nothing_can_meet_is_a_miss_with_its_call(tmp_path: Path) -> None:
    path = first_lines("dev", 1, tmp_path)
    call = json.loads(path.read_text("utf8"))
    call["labels"] = [{"turn": 0, "category": "customer.danger", "quote": call["turns"][0]["text"]}]
    path.write_text(json.dumps(call, ensure_ascii=False) + "\n", encoding="utf8")
    figures = evaluate(load_rulebook(), Part("one", path))
    assert figures["categories"]["customer.danger"]["fn"] == 1
    assert [w["call"] for w in figures["outcomes"] if w["kind"] == "missed"] == [call["id"]]


def test_errors_change_what_is_heard(tmp_path: Path) -> None:
    rulebook = load_rulebook()
    path = first_lines("dev", 12, tmp_path)
    clean = evaluate(rulebook, Part("clean", path))
    assert clean == evaluate(rulebook, Part("clean", path))
    assert clean != evaluate(rulebook, Part("spoiled", path, errors=0.4))


def test_a_line_that_is_no_dialogue_stops_it(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": 1}\n', encoding="utf8")
    with pytest.raises(InputError):
        evaluate(load_rulebook(), Part("bad", path))
