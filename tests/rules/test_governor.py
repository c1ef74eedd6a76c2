"""A card serves for other cues like its own, until it has been read."""

from __future__ import annotations

import itertools

import pytest

from assist_rules.engine.governor import READ_MS, Governor, Limits, Offer
from assist_rules.events import Retraction, Severity, State, Suggestion, Suppressed

REPEAT = "让您反复来电很抱歉，我来查记录。"
COMPLAINT = "非常抱歉，请您慢慢说，我来处理。"


def offer(category: str, say: str, severity: Severity = Severity.MEDIUM) -> Offer:
    rule = f"{category}.some"
    return Offer(
        f"a-{say}", rule, category, "soothe", severity, State.CONFIRMED, say, "", {}, 20_000, 30_000
    )


@pytest.fixture
def screen() -> Governor:
    numbers = itertools.count(1)
    one = Governor(Limits(), lambda: f"s{next(numbers)}")
    (shown,) = one.offer(offer("customer.repeat", REPEAT), 10_000, talking=False)
    assert isinstance(shown, Suggestion)
    return one


def test_another_cue_soon_after_is_served_by_the_same_card(screen: Governor) -> None:
    (held,) = screen.offer(offer("customer.complaint", COMPLAINT), 10_000 + READ_MS - 1, False)
    assert isinstance(held, Suppressed)
    assert held.why == "merged"


def test_another_cue_after_the_card_was_read_has_its_own_words(screen: Governor) -> None:
    gone, new = screen.offer(offer("customer.complaint", COMPLAINT), 10_000 + READ_MS, False)
    assert isinstance(gone, Retraction)
    assert gone.why == "replaced"
    assert isinstance(new, Suggestion)
    assert new.say == COMPLAINT


@pytest.mark.parametrize(
    "later",
    [
        offer("customer.repeat", "让您久等了，我现在就查。"),
        offer("customer.complaint", REPEAT),
        offer("customer.complaint", COMPLAINT, Severity.LOW),
    ],
    ids=["the same category", "the same words", "of less weight"],
)
def test_what_adds_nothing_stays_merged(screen: Governor, later: Offer) -> None:
    (held,) = screen.offer(later, 10_000 + READ_MS, talking=False)
    assert isinstance(held, Suppressed)
    assert held.why == "merged"
