"""The committed fixtures are what the present code writes, and each line survives the wire."""

from __future__ import annotations

import json

import pytest

from server.wire import TYPES, from_wire, to_wire
from tests.fixtures.write import HERE, files

FILES = files()


@pytest.mark.parametrize("path", sorted(FILES))
def test_fixture_is_what_the_code_writes(path: str) -> None:
    assert (HERE / path).read_text(encoding="utf-8") == FILES[path], (
        "run: python -m tests.fixtures.write"
    )


def test_every_noun_has_a_recorded_stream() -> None:
    assert {f"nouns/{noun}.jsonl" for noun in TYPES} <= FILES.keys()


def test_every_line_survives_the_wire() -> None:
    for line in FILES["call.jsonl"].splitlines():
        assert to_wire(from_wire(json.loads(line))) == json.loads(line)


def test_seq_has_no_holes() -> None:
    seqs = [json.loads(line)["seq"] for line in FILES["call.jsonl"].splitlines()]
    assert seqs == list(range(1, len(seqs) + 1))
