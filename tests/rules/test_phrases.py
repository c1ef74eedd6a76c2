"""Phrases as people write them, and what is said of those that cannot be read."""

from __future__ import annotations

import pytest

from assist_rules.language.phrase import MAX_PLAIN, NUMBER, PhraseError, Sequence, parse_phrase


def parse(source: str) -> list[Sequence]:
    return parse_phrase(
        source, {"you": ["你", "你们"], "calm": ["理解<4>心情", "别急"]}.__getitem__
    )


def plain(source: str) -> set[str]:
    (sequence,) = parse(source)
    (part,) = sequence.parts
    return set(part)


def test_groups_expand() -> None:
    assert plain("我(要|想(要)?)投诉") == {"我要投诉", "我想投诉", "我想要投诉"}
    assert plain("(真的|)好吧") == {"真的好吧", "好吧"}
    assert plain("@you好") == {"你好", "你们好"}


def test_gaps_part_a_phrase() -> None:
    (sequence,) = parse("我要<4>投诉…领导")
    assert sequence.gaps == (4, 6)
    assert [set(p) for p in sequence.parts] == [{"我要"}, {"投诉"}, {"领导"}]


def test_numbers_and_edges() -> None:
    (sequence,) = parse("^打了<n>次$")
    assert sequence.gaps == (NUMBER,)
    assert sequence.at_start
    assert sequence.at_end
    (sequence,) = parse("<n>天了")
    assert sequence.number_first


def test_an_optional_part_between_gaps_gives_two_sequences() -> None:
    assert [len(s.parts) for s in parse("甲乙<2>(丙)?<2>丁戊")] == [2, 3]


def test_a_list_with_gaps_can_stand_inside() -> None:
    assert {len(s.parts) for s in parse("请您@calm")} == {1, 2}


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("我(要", "never closed"),
        ("我要)", "closes nothing"),
        ("我<99>要", "gap"),
        ("我<x>要", "no gap"),
        ("你们?好", "follows a group"),
        ("好$吗", "out of place"),
        ("，。", "without words"),
        ("(一|二|三|四|五|六|七|八|九|十)" * 5, f"{MAX_PLAIN}"),
    ],
)
def test_what_cannot_be_read_says_why_and_how_to_mend_it(source: str, what: str) -> None:
    with pytest.raises(PhraseError, match=what) as caught:
        parse(source)
    assert caught.value.fix or "words" in caught.value.what
