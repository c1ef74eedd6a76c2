"""The agent then says what the card suggested: found by sound, not by letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.events import CallId, Party, Transcript
from assist_rules.events import Severity, State, Suggestion
from server.live.said import FOLLOWS_MS, Said, alike

SAY = "非常抱歉给您带来不便，我马上为您登记抢修。"


def card(id_: str = "s1", say: str = SAY) -> Suggestion:
    return Suggestion(id_, "a1", "r", say, "", {}, State.CONFIRMED, Severity.MEDIUM)


def spoken(
    text: str, start_ms: int = 1_000, party: Party = Party.AGENT, final: bool = True
) -> Transcript:
    end = start_ms + 200 * len(text)
    return Transcript(CallId("c"), party, "u", 1, text, 0, (), final, start_ms, end, end)


@pytest.mark.parametrize(
    "said",
    [
        "非常抱歉给您带来不便我马上为您登记抢修",
        "好的先生非常抱歉给您带来不便我这边马上为您登记抢修您看可以吗",
        "非常抱歉给您带来布便我马上为宁登记抢秀",
        "我马上为您登记抢修",
    ],
)
def test_the_sentence_in_similar_words_is_the_sentence(said: str) -> None:
    assert alike(said, SAY)


@pytest.mark.parametrize(
    "said",
    [
        "这个不归我管你自己去营业厅问",
        "请问您办理宽带的手机号码是多少",
        "好的",
        "非常抱歉",
        "",
        "感谢您的来电祝您生活愉快再见",
    ],
)
def test_other_words_are_not(said: str) -> None:
    assert not alike(said, SAY)


def test_each_card_is_said_once_and_only_by_the_agent_after_it_was_shown() -> None:
    said = Said()
    assert list(said.hear(spoken(SAY))) == []
    said.show(card(), 10_000)
    assert list(said.hear(spoken(SAY, 1_000))) == [], "before the card"
    assert list(said.hear(spoken(SAY, 11_000, Party.CUSTOMER))) == []
    assert list(said.hear(spoken(SAY, 11_000, final=False))) == []
    assert list(said.hear(spoken(SAY, 11_000))) == ["s1"]
    assert list(said.hear(spoken(SAY, 12_000))) == []


def test_a_sentence_with_a_pause_in_it_counts() -> None:
    said = Said()
    said.show(card(), 0)
    first, second = "非常抱歉给您", "带来不便我马上为您登记"
    assert list(said.hear(spoken(first, 1_000))) == []
    assert list(said.hear(spoken(second, 3_000))) == ["s1"]


def test_words_heard_once_more_are_not_said_twice() -> None:
    said = Said()
    said.show(card(), 0)
    first, second = "非常抱歉给您", "带来不便我马上为您登记"
    assert list(said.hear(spoken("嗯", 1_000))) == []
    assert list(said.hear(spoken(first, 1_500))) == []
    assert list(said.hear(spoken("恩", 1_000))) == [], "a second pass of earlier words"
    assert list(said.hear(spoken(second, 3_000))) == ["s1"], "follows the first half nevertheless"


def test_a_card_answered_by_hand_or_long_ago_is_not_waited_for() -> None:
    said = Said()
    said.show(card("s1"), 0)
    said.show(card("s2"), 0)
    said.forget("s1")
    assert list(said.hear(spoken(SAY, 1_000))) == ["s2"]
    said.show(card("s3"), 0)
    assert list(said.hear(spoken(SAY, FOLLOWS_MS + 5_000))) == []


@given(st.text("你我他是不很好的在有客户服务", max_size=40))
def test_what_is_said_word_for_word_is_always_the_sentence(text: str) -> None:
    assert alike(text, text) == (len(text) >= 5)
