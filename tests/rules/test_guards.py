"""Negation, quotation and question in text without punctuation."""

from __future__ import annotations

import pytest

from assist_rules.engine import guards
from assist_rules.engine.text import norm, normalise


def negated(sentence: str, phrase: str) -> bool:
    text = normalise(sentence)
    at = text.norm.index(norm(phrase))
    return guards.negations(text, text.norm, ((at, at + len(norm(phrase))),)) % 2 == 1


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("我不投诉", "投诉"),
        ("我没想过要投诉", "投诉"),
        ("我不是来投诉的", "投诉"),
        ("不会打12315", "12315"),
        ("我不满意", "满意"),
        ("投诉就不必了", "投诉"),
        ("我想撤销投诉", "投诉"),
    ],
)
def test_this_is_denied(sentence: str, phrase: str) -> None:
    assert negated(sentence, phrase)


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("我不得不投诉", "投诉"),
        ("不能不投诉", "投诉"),
        ("我没有不满意", "满意"),
        ("要不要投诉", "投诉"),
        ("这不是骗人吗", "骗人"),
        ("不好意思我要投诉", "投诉"),
        ("再不处理，我投诉", "投诉"),
        ("你们不处理我就投诉", "投诉"),
    ],
)
def test_this_is_meant(sentence: str, phrase: str) -> None:
    assert not negated(sentence, phrase)


def test_a_phrase_inside_a_choice_is_no_phrase() -> None:
    assert guards.is_choice(norm("能不能"), 1)
    assert not guards.is_choice(norm("我不能"), 1)


def test_words_begin_and_end_where_the_dictionary_says() -> None:
    text = normalise("请他起诉讼费")
    assert not guards.ends_where_words_end(text, 2, 4, len(text.norm))
    text = normalise("我要起诉你们")
    assert guards.ends_where_words_end(text, 2, 4, len(text.norm))
