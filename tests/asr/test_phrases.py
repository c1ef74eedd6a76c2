"""Phrases are favoured while they are being said, also by sound, and cost nothing elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.beam import Reader
from asr.phrases import PhraseFileError, Phrases, read_phrases, sounds_of
from tests.asr.language import language_model
from tests.asr.test_beam import CHARACTERS, TOKENS, UNSPOKEN, Candidates, candidates

LETTERS = "我要投诉头素"
words = st.text(LETTERS, min_size=2, max_size=4)
said = st.text(LETTERS, max_size=12)


def ids(text: str) -> list[int]:
    return [TOKENS.index(character) for character in text]


def paid(phrases: Phrases, text: str) -> float:
    """All that a text gains."""
    state, total = 0, 0.0
    for token in ids(text):
        state, gain = phrases.follow(state, token)
        total += gain
    return total


@given(phrase=words)
def test_a_phrase_is_paid_for_every_character(phrase: str) -> None:
    phrases = Phrases([phrase], TOKENS, reward=2.0, first=1.0)
    assert paid(phrases, phrase) == pytest.approx(1.0 + 2.0 * (len(phrase) - 1))


@given(phrases=st.lists(words, max_size=5), text=said)
def test_what_contains_no_phrase_gains_nothing_once_it_is_over(
    phrases: list[str], text: str
) -> None:
    if not any(phrase in text for phrase in phrases):
        # A character that begins no phrase ends whatever was under way.
        assert paid(Phrases(phrases, TOKENS), text + "是") == pytest.approx(0.0)


@given(phrases=st.lists(words, min_size=1, max_size=5), text=said)
def test_every_phrase_in_a_text_is_found(phrases: list[str], text: str) -> None:
    if any(phrase in text for phrase in phrases):
        assert paid(Phrases(phrases, TOKENS), text + "是") > 0


def test_a_short_phrase_within_a_long_one_that_breaks_off_is_kept() -> None:
    phrases = Phrases(["我要投诉头素", "投诉"], TOKENS, reward=1.0, first=1.0)
    assert paid(phrases, "我要投诉是") >= 2.0


def heard(text: str, doubt: dict[int, str]) -> Candidates:
    """Candidates for text; at a doubted place another character alone is heard."""
    best = np.array(
        [[TOKENS.index(doubt.get(i, c)), TOKENS.index("<unk>")] for i, c in enumerate(text)]
    )
    return best, np.tile(np.array([-0.05, -6.0], np.float32), (len(text), 1))


def read(phrases: Phrases | None, text: str, doubt: dict[int, str]) -> str:
    model = language_model(("我要宽带", "是我"), CHARACTERS)
    beam = Reader(model, TOKENS, UNSPOKEN, bias=phrases).begin()
    beam.absorb(*heard(text, doubt))
    beam.finish()
    return beam.text


def test_a_character_that_sounds_right_is_put_beside_the_candidates() -> None:
    said_wrong = {1: "素"}  # sù, as 诉: never among the candidates
    assert read(None, "投诉时代", said_wrong) == "投素时代"
    assert read(Phrases(["投诉时代"], TOKENS), "投诉时代", said_wrong) == "投诉时代"
    assert read(Phrases(["投要时代"], TOKENS), "投诉时代", said_wrong) == "投素时代"


@given(first=candidates())
def test_phrases_that_nobody_says_change_nothing(first: Candidates) -> None:
    model = language_model(("我要投诉", "我要宽带"), CHARACTERS)
    plain = Reader(model, TOKENS, UNSPOKEN).begin()
    biased = Reader(model, TOKENS, UNSPOKEN, bias=Phrases(["甲乙丙丁"], TOKENS)).begin()
    for beam in (plain, biased):
        beam.absorb(*first)
        beam.finish()
    assert biased.text == plain.text
    assert list(biased.confidence) == list(plain.confidence)


def test_what_cannot_be_written_is_left_out_and_punctuation_is_forgiven() -> None:
    phrases = Phrases(["我要,投诉!", "我要投诉", "龘龘", "我", "头 素"], TOKENS)
    assert phrases.count == 2
    assert paid(phrases, "头素") > 0


def test_a_file_has_a_phrase_a_line(tmp_path: Path) -> None:
    path = tmp_path / "hotwords.txt"
    path.write_text("# names\n投诉  # a word\n\n宽带\n", encoding="utf-8")
    assert read_phrases(path) == ["投诉", "宽带"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PhraseFileError, match="one phrase a line"):
        read_phrases(path)
    with pytest.raises(PhraseFileError, match=r"nothing\.txt"):
        read_phrases(tmp_path / "nothing.txt")


def test_sounds_have_no_tone_and_all_readings() -> None:
    assert sounds_of("诉") == sounds_of("素") == ("su",)
    assert "hang" in sounds_of("行")
    assert "xing" in sounds_of("行")
    assert sounds_of("a") == ()
