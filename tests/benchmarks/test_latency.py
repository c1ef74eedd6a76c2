"""What counts as heard, alerted, carded, held and missed in a latency run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks import corpus
from benchmarks.latency import Phrase, Plan, phrase, summarise
from server.client.viewer import Received

BEGAN = 1_000_000.0


class Clock:
    """A client that began to speak at that time."""

    def spoken_at(self, ms: int) -> float | None:
        return BEGAN + ms / 1000


@pytest.fixture
def call() -> corpus.Call:
    return next(call for call in corpus.calls() if call.id == "complaint-broadband")


def label_of(call: corpus.Call) -> corpus.SpokenLabel:
    return call.labels[0]


def received(label: corpus.SpokenLabel, after_ms: float, **message: Any) -> Received:
    return Received(BEGAN + (label.end_ms + after_ms) / 1000, message)


def alert(label: corpus.SpokenLabel, after_ms: float, **changed: Any) -> Received:
    span = {"party": "customer", "start_ms": label.start_ms, "end_ms": label.end_ms}
    fields: dict[str, Any] = {"id": "a1", "category": label.category, "state": "tentative"}
    fields |= {"evidence": [span], **changed}
    return received(label, after_ms, type="alert", **fields)


def test_delays_count_from_the_last_sample_of_the_phrase(call: corpus.Call) -> None:
    label = label_of(call)
    words = f"前面{label.quote}"
    seen = [
        received(label, 200, type="transcript", party="customer", text="前面", end_ms=10**6),
        received(label, 250, type="transcript", party="customer", text=words, end_ms=10**6),
        alert(label, 300),
        received(label, 310, type="suggestion", alert="a1"),
        alert(label, 900, state="confirmed"),
    ]
    found = phrase(call, label, 0, Clock(), seen)
    assert found.transcript_ms == pytest.approx(250, abs=0.2)
    assert found.alert_ms == pytest.approx(300, abs=0.2)
    assert found.card_ms == pytest.approx(310, abs=0.2)
    assert found.confirmed_ms == pytest.approx(900, abs=0.2)
    assert found.held is None


def test_the_phase_moves_the_phrase(call: corpus.Call) -> None:
    label = label_of(call)
    span = {"party": "customer", "start_ms": label.start_ms + 500, "end_ms": label.end_ms + 500}
    found = phrase(call, label, 500, Clock(), [alert(label, 800, evidence=[span])])
    assert found.alert_ms == pytest.approx(300, abs=0.2)


def test_an_alert_elsewhere_or_of_another_category_is_not_the_phrases(call: corpus.Call) -> None:
    label = label_of(call)
    far = {"party": "customer", "start_ms": 0, "end_ms": 1}
    other = {"party": "agent", "start_ms": label.start_ms, "end_ms": label.end_ms}
    seen = [
        alert(label, 1, evidence=[far]),
        alert(label, 2, evidence=[other]),
        alert(label, 3, category="customer.praise"),
    ]
    found = phrase(call, label, 0, Clock(), seen)
    assert found.alert_ms is None
    assert found.stages_ms == {}


def test_a_held_card_is_neither_late_nor_shown(call: corpus.Call) -> None:
    label = label_of(call)
    seen = [alert(label, 300), received(label, 300, type="suppressed", alert="a1", why="busy")]
    found = phrase(call, label, 0, Clock(), seen)
    assert (found.card_ms, found.held) == (None, "busy")
    table = summarise([found])
    assert table["customer_cards_held"] == 1
    assert table["customer_card_ms"] == {"n": 0}
    assert table["transcript_missed"] == 1


def test_a_card_after_a_hold_is_counted_apart(call: corpus.Call) -> None:
    label = label_of(call)
    seen = [
        alert(label, 300),
        received(label, 300, type="suppressed", alert="a1", why="too_soon"),
        received(label, 4_000, type="suggestion", alert="a1"),
    ]
    table = summarise([phrase(call, label, 0, Clock(), seen)])
    assert table["customer_card_ms"] == {"n": 0}
    assert table["customer_card_after_hold_ms"]["n"] == 1
    assert table["customer_cards_held"] == 0


def test_a_card_at_once_is_not_held_because_another_was_merged_into_it(
    call: corpus.Call,
) -> None:
    label = label_of(call)
    seen = [
        alert(label, 300),
        received(label, 310, type="suggestion", alert="a1"),
        alert(label, 400, id="a2"),
        received(label, 400, type="suppressed", alert="a2", why="merged"),
    ]
    found = phrase(call, label, 0, Clock(), seen)
    assert found.held is None
    assert summarise([found])["customer_card_ms"]["n"] == 1


def test_cards_that_never_came_are_told_by_reason(call: corpus.Call) -> None:
    label = label_of(call)
    seen = [alert(label, 300), received(label, 300, type="suppressed", alert="a1", why="merged")]
    found = phrase(call, label, 0, Clock(), seen)
    assert summarise([found, found])["customer_cards_held_why"] == {"merged": 2}


def test_as_many_rounds_as_the_phrases_need() -> None:
    plan = Plan(("complaint-broadband", "calm-inn-booking"), rounds=9, together=1)
    assert [plan.for_phrases(n).rounds for n in (1, 2, 3, 300)] == [1, 1, 2, 150]


def test_calls_that_are_not_there_are_named() -> None:
    with pytest.raises(LookupError, match="complaint-broadband"):
        Plan(("nothing",), 1, 1).recorded()


def test_stages_add_up_to_the_delay(call: corpus.Call) -> None:
    label = label_of(call)
    end = BEGAN + label.end_ms / 1000
    stamps = {
        "arrived": end + 0.1,
        "recognised": end + 0.15,
        "fired": end + 0.16,
        "sent": end + 0.2,
    }
    found = phrase(call, label, 0, Clock(), [alert(label, 300, stamps=stamps)])
    assert sum(found.stages_ms.values()) == pytest.approx(300, abs=0.2)
    assert list(found.stages_ms) == ["arrived", "recognised", "fired", "sent", "received"]


def test_only_accusations_count_as_confirmed_accusations() -> None:
    one = Phrase("c", 0, "agent.forbidden", "你别激动", 100, 200, 300, 700, None, {})
    table = summarise([one, replace(one, category="customer.anger", confirmed_ms=5)])
    assert table["accusation_confirmed_ms"]["n"] == 1
    assert table["accusation_confirmed_ms"]["max"] == 700


def test_a_card_is_painted_by_its_number(call: corpus.Call) -> None:
    label = label_of(call)
    spoken = BEGAN + label.end_ms / 1000
    seen = [alert(label, 300), received(label, 310, type="suggestion", alert="a1", seq=7)]
    found = phrase(call, label, 0, Clock(), seen, {6: spoken + 0.2, 7: spoken + 0.35})
    assert found.painted_ms == pytest.approx(350, abs=0.2)
    assert found.stages_ms["painted"] == pytest.approx(40, abs=0.2)
    assert phrase(call, label, 0, Clock(), seen).painted_ms is None
