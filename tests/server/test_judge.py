"""Which cards the labels expect, allow and forbid, and when one is late."""

from __future__ import annotations

from typing import Any

import pytest

from server.client.viewer import Received
from server.demo.judge import LATE_MS, Cards, Outcome, judge
from server.demo.labels import LabelError, Labels, read
from server.demo.show import RECORDINGS_SUFFIX, summary

BEGAN = 1_000.0
LABELS = Labels.model_validate(
    {
        "id": "x",
        "title": "x",
        "domain": "telecom",
        "rate": 8_000,
        "duration_ms": 20_000,
        "turns": [
            {"role": "agent", "start_ms": 0, "end_ms": 2_000, "text": "您好"},
            {"role": "customer", "start_ms": 3_000, "end_ms": 8_000, "text": "我要投诉"},
            {"role": "agent", "start_ms": 9_000, "end_ms": 12_000, "text": "请讲"},
            {"role": "customer", "start_ms": 13_000, "end_ms": 18_000, "text": "太慢了"},
        ],
        "labels": [
            {
                "turn": 1,
                "category": "customer.complaint",
                "quote": "我要投诉",
                "start_ms": 6_000,
                "end_ms": 7_000,
                "card": True,
                "accept_turns": [3],
            },
            {"turn": 3, "category": "customer.repeat", "start_ms": 14_000, "end_ms": 15_000},
        ],
        "optional": [{"turn": 3, "category": "customer.type.*"}],
    }
)


def spoken_at(ms: int) -> float:
    return BEGAN + ms / 1000


def alert(
    id_: str, category: str, end_ms: int, party: str = "customer", length_ms: int = 600
) -> dict[str, Any]:
    span = {"party": party, "start_ms": end_ms - length_ms, "end_ms": end_ms, "text": "…"}
    return {"type": "alert", "id": id_, "category": category, "evidence": [span]}


def card(alert_id: str) -> dict[str, Any]:
    return {
        "type": "suggestion",
        "id": f"s-{alert_id}",
        "alert": alert_id,
        "say": "抱歉",
        "why": "[because]",
        "category": "customer.complaint",
        "heard_ms": 6_500,
        "at_ms": 7_000,
    }


ENDED = {"type": "status", "name": "call_ended"}


def verdict(*messages: tuple[int, dict[str, Any]]):  # type: ignore[no-untyped-def]
    received = [Received(BEGAN + at_ms / 1000, message) for at_ms, message in messages]
    return judge(LABELS, [*received, Received(BEGAN + 20, ENDED)], spoken_at)


COMPLAINT = alert("a1", "customer.complaint", 7_000)


def test_a_card_in_time_passes_with_its_delay() -> None:
    found = verdict((7_400, COMPLAINT), (7_410, card("a1")))
    assert found.passed
    assert found.outcomes[0].delay_ms == pytest.approx(410)


def test_the_first_card_counts_not_its_confirmation() -> None:
    found = verdict((7_400, COMPLAINT), (7_410, card("a1")), (9_900, card("a1")))
    assert found.outcomes[0].delay_ms == pytest.approx(410)


def test_a_missing_card_fails() -> None:
    assert not verdict().passed
    assert not verdict((7_400, COMPLAINT)).passed


def test_a_late_card_fails() -> None:
    at = 7_000 + LATE_MS
    assert verdict((at, COMPLAINT), (at - 1, card("a1"))).passed
    found = verdict((at, COMPLAINT), (at + 10, card("a1")))
    assert found.outcomes[0].late
    assert not found.passed


def test_a_card_that_was_held_back_is_neither_missing_nor_late() -> None:
    held = {"type": "suppressed", "alert": "a1", "why": "min_gap"}
    assert verdict((7_400, COMPLAINT), (7_410, held)).passed
    found = verdict((7_400, COMPLAINT), (7_410, held), (11_000, card("a1")))
    assert found.passed
    assert found.outcomes[0].held == "min_gap"


def test_a_late_card_is_not_excused_by_another_that_was_merged_into_it() -> None:
    at = 7_000 + LATE_MS
    sibling = alert("a2", "customer.complaint", 7_000)
    merged = {"type": "suppressed", "alert": "a2", "why": "merged"}
    found = verdict((at, COMPLAINT), (at, sibling), (at + 10, card("a1")), (at + 10, merged))
    assert found.outcomes[0].late
    assert found.outcomes[0].held is None


def test_a_cue_that_must_be_answered_at_once_excuses_no_hold() -> None:
    held = {"type": "suppressed", "alert": "a1", "why": "merged"}
    strict = LABELS.model_copy(
        update={"labels": tuple(c.model_copy(update={"at_once": True}) for c in LABELS.labels)}
    )

    def strictly(*messages: tuple[int, dict[str, Any]]) -> Outcome:
        came = [Received(BEGAN + at_ms / 1000, message) for at_ms, message in messages]
        return judge(strict, came, spoken_at).outcomes[0]

    assert strictly((7_400, COMPLAINT), (7_410, held)).missing
    assert strictly((7_400, COMPLAINT), (7_410, held), (11_000, card("a1"))).late
    assert not strictly((7_400, COMPLAINT), (7_410, card("a1"))).late


def test_another_turn_is_accepted_where_the_label_says_so() -> None:
    assert verdict((14_500, alert("a1", "customer.complaint", 14_000)), (14_600, card("a1")))


@pytest.mark.parametrize(
    "wrong",
    [
        alert("a2", "customer.danger", 7_000),
        alert("a2", "customer.repeat", 7_000),
        alert("a2", "customer.complaint", 7_000, party="agent"),
        alert("a2", "customer.complaint", 60_000),
        {"type": "alert", "id": "a2", "category": "customer.complaint", "evidence": []},
    ],
)
def test_a_card_that_the_labels_do_not_allow_fails(wrong: dict[str, Any]) -> None:
    found = verdict((7_400, COMPLAINT), (7_410, card("a1")), (7_500, wrong), (7_600, card("a2")))
    assert [suggestion["id"] for suggestion in found.unexpected] == ["s-a2"]
    assert not found.passed


@pytest.mark.parametrize("category", ["customer.type.arrogant", "customer.repeat"])
def test_what_is_optional_or_needs_no_card_counts_neither_way(category: str) -> None:
    extra = alert("a2", category, 15_000)
    good = ((7_400, COMPLAINT), (7_410, card("a1")))
    assert verdict(*good).passed
    assert verdict(*good, (15_100, extra), (15_200, card("a2"))).passed


def test_a_call_whose_end_never_came_fails() -> None:
    received = [Received(BEGAN + 7.4, COMPLAINT), Received(BEGAN + 7.41, card("a1"))]
    assert not judge(LABELS, received, spoken_at).passed


def test_mixed_audio_counts_on_either_side() -> None:
    assert LABELS.turn_of(alert("a", "customer.complaint", 7_000, party="unknown")) == 1


def test_the_screen_shows_delays_as_they_come() -> None:
    cards = Cards(LABELS)
    cards.note(COMPLAINT)
    assert cards.delay_ms(card("a1"), BEGAN + 7.5, spoken_at) == pytest.approx(500)
    assert cards.delay_ms(card("a9"), BEGAN + 7.5, spoken_at) == pytest.approx(1_000)
    waited = {**card("a9"), "at_ms": 15_000}
    assert cards.delay_ms(waited, BEGAN + 15.1, spoken_at) is None
    assert cards.delay_ms(card("a1"), BEGAN + 7.5, lambda ms: None) is None


def test_the_summary_holds_every_cue_and_every_wrong_card() -> None:
    found = verdict((7_400, alert("a2", "customer.danger", 7_000)), (7_600, card("a2")))
    assert summary("x", found).row_count == 3


def test_every_committed_label_file_can_be_read() -> None:
    from server.demo.cli import RECORDINGS

    files = sorted(RECORDINGS.glob("*" + RECORDINGS_SUFFIX))
    assert len(files) >= 8
    for file in files:
        labels = read(file)
        assert file.name == labels.id + RECORDINGS_SUFFIX
        assert all(0 <= cue.turn < len(labels.turns) for cue in labels.labels)


def test_names_a_label_file_that_is_not_there(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LabelError, match="nothing"):
        read(tmp_path / "nothing.labels.json")
