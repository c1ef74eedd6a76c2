"""One form for all ways to write the same words."""

from __future__ import annotations

import pytest

from assist_rules.engine.sound import same_sound, sound_of
from assist_rules.engine.text import MAX_CHARS, extended, norm, normalise


@pytest.mark.parametrize(
    ("written", "also"),
    [
        ("我要投訴", "我要投诉"),
        ("我 呃 要投诉", "我要投诉"),
        ("我我我要投诉", "我要投诉"),
        ("１２３１５", "一二三幺五"),
        ("您这事儿", "你这事"),
        ("咋办", "怎么办"),
        ("ABC", "abc"),
        ("两天", "二天"),
        ("，。！？", ""),
    ],
)
def test_these_are_written_differently_and_mean_the_same(written: str, also: str) -> None:
    assert norm(written) == norm(also)


@pytest.mark.parametrize(("one", "other"), [("女儿", "女"), ("儿子", "子"), ("谢谢", "谢")])
def test_these_stay_different(one: str, other: str) -> None:
    assert norm(one) != norm(other)


def test_every_normalised_character_knows_where_it_came_from() -> None:
    text = normalise("我，呃 我要 投訴")
    assert text.norm == "我要投诉"
    assert text.raw[slice(*text.raw_span(2, 4))] == "投訴"
    assert text.norm_length(len(text.raw)) == 4
    assert text.norm_length(6) == 2


def test_a_longer_text_is_normalised_as_if_it_were_new() -> None:
    for text in ("我要投诉", "我我要", "事儿办了", "嗯我啊", "谢谢谢谢", "女儿子", "啥事"):
        known = normalise("")
        for end in range(1, len(text) + 1):
            known = extended(known, text[:end])
            assert known.norm == norm(text[:end])


def test_an_endless_text_is_read_up_to_a_limit() -> None:
    assert len(normalise("好" + "吧说" * 500_000).norm) <= MAX_CHARS


def test_sounds_merge_what_telephones_merge_and_can_still_tell() -> None:
    assert sound_of(norm("投宿")) == sound_of(norm("投诉"))
    assert same_sound(norm("投宿"), norm("投诉"))
    assert sound_of(norm("四")) == sound_of(norm("是"))
    assert not same_sound(norm("四"), norm("是"))
