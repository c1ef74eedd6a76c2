"""What an agent is shown, and when: the limits hold whatever happens on a call, and what matters
comes at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.events import CallId, Party
from assist_rules.engine.call import Talk
from assist_rules.engine.governor import (
    ANSWER_MS,
    OPENING_MS,
    RANK,
    READ_MS,
    Governor,
    Limits,
    Offer,
)
from assist_rules.events import (
    Evidence,
    Path,
    Retraction,
    RuleEvent,
    Severity,
    State,
    Suggestion,
    Suppressed,
)

LIMITS = Limits()
REPEAT = "让您反复来电很抱歉，我来查记录。"
COMPLAINT = "非常抱歉，请您慢慢说，我来处理。"
DEMAND = "您的诉求我记下了，请问您希望怎么处理？"
REPAIR = "可能是我没说清楚，请允许我再解释一下。"
SEEN_MS = 10_000
"""When the fixture's card came."""


def words(start_ms: int, end_ms: int, utterance: str = "customer-1") -> Evidence:
    return Evidence(
        CallId("c"), Party.CUSTOMER, utterance, 1, 0, 1, "", start_ms, end_ms, Path.EXACT
    )


def offer(
    category: str,
    say: str,
    severity: Severity = Severity.MEDIUM,
    group: str = "soothe",
    cue: Evidence | None = None,
    place: int = 0,
) -> Offer:
    rule = f"{category}: {say}"
    return Offer(
        f"a-{say}", rule, category, group, severity, State.CONFIRMED, say, "", {}, 20_000, 30_000,
        cue, place,
    )  # fmt: skip


def governor() -> Governor:
    numbers = itertools.count(1)
    return Governor(LIMITS, lambda: f"s{next(numbers)}")


@pytest.fixture
def screen() -> Governor:
    """A card about a repeated call came at ``SEEN_MS``."""
    one = governor()
    cue = words(9_000, 9_800)
    (shown,) = one.offer(offer("customer.repeat", REPEAT, cue=cue), SEEN_MS, None)
    assert isinstance(shown, Suggestion)
    return one


def held(events: list[RuleEvent]) -> str:
    """Why the only offer was not shown."""
    (only,) = events
    assert isinstance(only, Suppressed)
    return only.why


def replaced(events: list[RuleEvent]) -> str:
    """What the card that took the place of another says."""
    gone, new = events
    assert isinstance(gone, Retraction)
    assert gone.why == "replaced"
    assert isinstance(new, Suggestion)
    return new.say


def answer(began_ms: int, long_ms: int = ANSWER_MS) -> Talk:
    return Talk(began_ms, began_ms + long_ms)


class TestOneCardForTheSameHelp:
    def test_another_cue_soon_after_is_served_by_the_same_card(self, screen: Governor) -> None:
        later = SEEN_MS + READ_MS - 1
        assert held(screen.offer(offer("customer.complaint", COMPLAINT), later, None)) == "merged"

    def test_another_cue_after_the_card_was_read_has_its_own_words(self, screen: Governor) -> None:
        events = screen.offer(offer("customer.complaint", COMPLAINT), SEEN_MS + READ_MS, None)
        assert replaced(events) == COMPLAINT

    @pytest.mark.parametrize(
        "later",
        [
            offer("customer.repeat", "让您久等了，我现在就查。"),
            offer("customer.complaint", REPEAT),
            offer("customer.complaint", COMPLAINT, Severity.LOW),
        ],
        ids=["the same category", "the same words", "of less weight"],
    )
    def test_what_adds_nothing_stays_merged(self, screen: Governor, later: Offer) -> None:
        assert held(screen.offer(later, SEEN_MS + READ_MS, None)) == "merged"

    def test_once_the_agent_has_answered_the_next_cue_has_its_own_words(
        self, screen: Governor
    ) -> None:
        again = offer("customer.repeat", "让您久等了，我现在就查。", cue=words(15_500, 16_000))
        assert replaced(screen.offer(again, 16_500, answer(11_000))) == again.say

    def test_a_nod_is_no_answer(self, screen: Governor) -> None:
        again = offer("customer.repeat", "让您久等了，我现在就查。")
        nod = answer(11_000, ANSWER_MS - 1)
        assert held(screen.offer(again, 16_500, nod)) == "merged"

    def test_what_was_said_before_the_card_is_no_answer(self, screen: Governor) -> None:
        again = offer("customer.repeat", "让您久等了，我现在就查。")
        assert held(screen.offer(again, 16_500, Talk(0, SEEN_MS + 300))) == "merged"

    def test_two_rules_for_the_same_words_are_one_card(self, screen: Governor) -> None:
        better = offer("customer.repeat", "记录我来查，不用重说。", Severity.MEDIUM, "repeat")
        better = replace(better, cue=words(9_500, 10_200))
        assert held(screen.offer(better, SEEN_MS + 400, None)) == "merged"

    def test_of_dangers_in_the_same_words_the_earlier_rule_speaks(self) -> None:
        one = governor()
        cue = words(0, 900)
        gas = offer("customer.danger", "请关阀开窗。", Severity.CRITICAL, "danger", cue, place=3)
        some = offer("customer.danger", "请注意安全。", Severity.CRITICAL, "danger", cue, place=9)
        assert one.offer(some, 1_000, None)
        assert replaced(one.offer(gas, 1_200, None)) == gas.say
        assert held(one.offer(some, 1_400, None)) == "merged"


class TestWhatMattersComesAtOnce:
    def test_clearly_graver_words_do_not_wait_for_the_card_to_be_read(
        self, screen: Governor
    ) -> None:
        leader = offer("customer.escalation", DEMAND, Severity.HIGH)
        assert replaced(screen.offer(leader, SEEN_MS + 600, None)) == DEMAND

    def test_an_escalation_counts_more_than_a_complaint_of_its_severity(
        self, screen: Governor
    ) -> None:
        leader = offer("customer.escalation", DEMAND, Severity.MEDIUM)
        assert replaced(screen.offer(leader, SEEN_MS + 600, None)) == DEMAND

    def test_a_repair_has_its_own_place_once_the_agent_is_silent(self, screen: Governor) -> None:
        repair = offer("agent.forbidden", REPAIR, Severity.HIGH, "forbidden")
        assert held(screen.offer(repair, 11_000, Talk(10_500, None))) == "agent_speaking"
        (shown,) = screen.tick(11_900, Talk(10_500, 11_800))
        assert isinstance(shown, Suggestion)
        assert shown.say == REPAIR

    def test_a_customers_card_may_come_while_the_agent_only_begins_to_speak(self) -> None:
        card = offer("customer.complaint", COMPLAINT)
        assert held(governor().offer(card, 5_000, Talk(5_000 - OPENING_MS, None)))
        (shown,) = governor().offer(card, 5_000, Talk(5_001 - OPENING_MS, None))
        assert isinstance(shown, Suggestion)

    def test_a_card_that_was_put_away_needs_no_time_to_be_read(self, screen: Governor) -> None:
        screen.feedback("s1", "used", 11_000)
        (shown,) = screen.offer(offer("customer.churn", DEMAND, group="churn"), 11_500, None)
        assert isinstance(shown, Suggestion)

    def test_beside_danger_only_what_is_grave_and_only_after_an_answer(self) -> None:
        one = governor()
        fire = offer("customer.danger", "请先到安全处。", Severity.CRITICAL, "danger")
        media = offer("customer.escalation", DEMAND, Severity.HIGH)
        one.offer(fire, 1_000, None)
        assert held(one.offer(media, 2_000, None)) == "danger_first"
        wish = offer("customer.complaint", COMPLAINT)
        assert held(one.offer(wish, 9_000, answer(3_000))) == "danger_first"
        assert one.tick(9_100, answer(3_000)) == [], "what was held has been answered without it"
        (shown,) = one.offer(replace(media, alert="b"), 9_200, answer(3_000))
        assert isinstance(shown, Suggestion)


class TestWhatComesTooLate:
    def test_a_held_card_comes_when_the_one_before_has_been_read(self, screen: Governor) -> None:
        churn = offer("customer.churn", DEMAND, group="churn")
        assert held(screen.offer(churn, 11_000, None)) == "too_soon"
        assert screen.tick(SEEN_MS + LIMITS.gap_ms - 1, None) == []
        (shown,) = screen.tick(SEEN_MS + LIMITS.gap_ms, None)
        assert isinstance(shown, Suggestion)

    def test_it_does_not_come_after_the_agent_has_answered(self, screen: Governor) -> None:
        churn = offer("customer.churn", DEMAND, group="churn")
        assert held(screen.offer(churn, 11_000, None)) == "too_soon"
        assert screen.tick(13_500, answer(11_500)) == []
        assert screen.tick(SEEN_MS + LIMITS.gap_ms, answer(11_500)) == []

    def test_what_is_said_into_the_agents_sentence_waits_for_its_end(self) -> None:
        one = governor()
        card = offer("customer.complaint", COMPLAINT)
        assert held(one.offer(card, 5_000, Talk(1_000, None))) == "agent_speaking"
        assert one.tick(7_500, Talk(1_000, None)) == []
        (shown,) = one.tick(8_000, Talk(1_000, 7_900))
        assert isinstance(shown, Suggestion)


class TestLimits:
    @staticmethod
    def churn(number: int, severity: Severity = Severity.MEDIUM) -> Offer:
        return offer("customer.churn", f"{number}", severity, f"{number}")

    def test_six_cards_a_minute(self) -> None:
        one = governor()
        for number in range(LIMITS.per_minute):
            assert one.offer(self.churn(number), number * 6_000, None)
            one.feedback(f"s{number + 1}", "used", number * 6_000 + 100)
        assert held(one.offer(self.churn(8, Severity.HIGH), 40_000, None)) == "too_many"
        (shown,) = one.offer(self.churn(9), 60_000, None)
        assert isinstance(shown, Suggestion)

    def test_a_full_screen_gives_way_to_what_is_graver_or_to_the_next_after_an_answer(self) -> None:
        one = governor()
        for number in range(LIMITS.cards):
            assert one.offer(self.churn(number), number * 5_000, None)
        assert held(one.offer(self.churn(8), 15_000, None)) == "screen_full"
        assert replaced(one.offer(self.churn(9, Severity.HIGH), 15_000, None)) == "9"
        assert replaced(one.offer(self.churn(10), 20_000, answer(16_000))) == "10"


@dataclass
class Call:
    """A call under way: the screen as an agent sees it, and all that was ever shown."""

    one: Governor
    now_ms: int = 0
    talk: Talk | None = None
    screen: dict[str, tuple[int, Offer]] = field(default_factory=dict)
    shown: list[tuple[int, Offer]] = field(default_factory=list)

    def take(self, events: Iterable[RuleEvent], offers: dict[str, Offer]) -> None:
        """Check every new card against the limits of the screen that it comes to."""
        for event in events:
            if isinstance(event, Retraction):
                self.screen.pop(event.id, None)
            elif isinstance(event, Suggestion) and event.id not in self.screen:
                new = offers[event.alert]
                if new.severity is not Severity.CRITICAL:
                    self._check(new)
                self.screen[event.id] = (self.now_ms, new)
                self.shown.append((self.now_ms, new))
                assert len(self.screen) <= LIMITS.cards

    def _check(self, new: Offer) -> None:
        now_ms, talk = self.now_ms, self.talk
        minute = [o for t, o in self.shown if now_ms - t < 60_000]
        assert len(minute) < LIMITS.per_minute
        for _, other in [c for c in self.screen.values() if now_ms - c[0] < LIMITS.gap_ms]:
            assert RANK[new.severity] >= RANK[Severity.MEDIUM]
            assert new.weight > other.weight
        assert not any(o.rule == new.rule and now_ms - t < o.cooldown_ms for t, o in self.shown)
        if talk is not None and talk.ended_ms is None:
            assert new.category.startswith("customer.")
            assert now_ms - talk.began_ms < OPENING_MS


CATEGORIES = (
    "customer.complaint",
    "customer.escalation",
    "customer.danger",
    "customer.anger",
    "agent.forbidden",
    "agent.rate",
)
CARDS = st.tuples(
    st.sampled_from(CATEGORIES),
    st.sampled_from(list(Severity)),
    st.sampled_from("abcdef"),
    st.integers(0, 30),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from((0, 300, 1_200, 3_000, 5_000)),
        st.one_of(CARDS, CARDS, CARDS, st.sampled_from(("speaks", "is silent", "time", "used"))),
    ),
    min_size=15,
    max_size=50,
)


@given(STEPS)
def test_the_limits_hold_whatever_happens(
    steps: list[tuple[int, tuple[str, Severity, str, int] | str]],
) -> None:
    call = Call(governor())
    offers: dict[str, Offer] = {}
    for number, (later_ms, step) in enumerate(steps):
        call.now_ms += later_ms
        if step == "speaks":
            call.talk = Talk(call.now_ms, None)
        elif step == "is silent" and call.talk is not None and call.talk.ended_ms is None:
            call.talk = Talk(call.talk.began_ms, call.now_ms)
        elif step == "used" and call.screen:
            call.take(call.one.feedback(min(call.screen), "used", call.now_ms), offers)
        call.take(call.one.tick(call.now_ms, call.talk), offers)
        if not isinstance(step, str):
            category, severity, group, say = step
            cue = words(call.now_ms - 900, call.now_ms)
            new = replace(
                offer(category, f"{say}", severity, group, cue), alert=f"a{number}", rule=f"r{say}"
            )
            offers[new.alert] = new
            events = call.one.offer(new, call.now_ms, call.talk)
            assert any(isinstance(e, Suggestion | Suppressed) for e in events)
            call.take(events, offers)
