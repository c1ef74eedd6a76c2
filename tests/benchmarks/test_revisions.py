"""What counts as a revised character, and when a character is shown for good."""

from __future__ import annotations

from asr.events import CallId, Char, Party, Transcript
from benchmarks.revisions import Shown, follow


def revision(text: str, at_ms: int, final: bool = False) -> Transcript:
    chars = tuple(Char(100 * (i + 1), 0.9) for i in range(len(text)))
    return Transcript(
        CallId("c"), Party.AGENT, "agent-1", 1, text, 0, chars, final, 0, at_ms, at_ms
    )  # fmt: skip


def test_a_text_that_only_grows_has_no_revisions() -> None:
    found = follow([revision("我", 200), revision("我要", 400), revision("我要投诉", 700, True)])
    assert found == Shown(4, 0, (100, 200, 400, 300))


def test_replaced_characters_and_those_taken_back_count_each_time() -> None:
    found = follow(
        [revision("我要头", 300), revision("我要投宿", 500), revision("我要投", 700, True)]
    )
    assert found == Shown(3, 2, (200, 100, 200))


def test_a_character_that_comes_back_was_shown_for_good_only_then() -> None:
    found = follow([revision("我", 200), revision("你", 300), revision("我", 600, True)])
    assert found == Shown(1, 2, (500,))


def test_an_utterance_without_text_counts_nothing() -> None:
    assert follow([revision("", 300, True)]) == Shown(0, 0, ())
