"""What a session says, when, and what it takes back."""

from __future__ import annotations

import pathlib
from dataclasses import replace

from asr.events import Metric, Party, Watermark
from assist_rules.events import (
    Alert,
    CallInfo,
    Path,
    Retraction,
    RuleEvent,
    Severity,
    State,
    Suggestion,
    Suppressed,
)
from assist_rules.rulebook import Rulebook, load_rulebook
from assist_rules.session import RuleSession
from tests.rules.talk import CALL, heard, session, standing

AGENT, CUSTOMER, UNKNOWN = Party.AGENT, Party.CUSTOMER, Party.UNKNOWN
WEIGHED = """
pack: weighed
unlike: {agent.forbidden: -100}
rules:
  - id: agent.forbidden.weighed
    category: agent.forbidden
    severity: low
    title: 推脱
    when: {role: agent, say: [我管不着]}
    tests: [{fires: [我管不着]}, {silent: [您好]}]
"""


def alerts(events: tuple[RuleEvent, ...], rule: str = "") -> list[Alert]:
    return [e for e in events if isinstance(e, Alert) and rule in e.rule]


def only(events: tuple[RuleEvent, ...], rule: str = "") -> Alert:
    (found,) = alerts(events, rule)
    return found


def cards(events: tuple[RuleEvent, ...]) -> list[Suggestion]:
    return [e for e in events if isinstance(e, Suggestion)]


def at(ms: int) -> Watermark:
    return Watermark(CALL, ms, ms)


class TestStates:
    def test_a_hit_is_shown_at_once_and_confirmed_by_the_final(self, practice: Rulebook) -> None:
        one = session(practice)
        first = one.hear(heard("我要投诉你们", 1))
        assert only(first).state is State.TENTATIVE
        assert only(first).evidence[0].text == "我要投诉"
        assert [c.state for c in cards(first)] == [State.TENTATIVE]
        last = one.hear(heard("我要投诉你们", 2, final=True))
        assert only(last).state is State.CONFIRMED
        assert only(last).id == only(first).id
        assert [c.id for c in cards(last)] == [c.id for c in cards(first)]

    def test_a_stable_prefix_confirms(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们这个服务员真是", 1))
        event = only(one.hear(heard("我要投诉你们这个服务员真是的", 2, stable=13)))
        assert event.state is State.CONFIRMED

    def test_a_revised_hit_is_taken_back_with_its_card(self, practice: Rulebook) -> None:
        one = session(practice)
        first = one.hear(heard("我要投诉你", 1))
        back = one.hear(heard("我要投宿一晚", 2))
        gone = {e.id: e.why for e in back if isinstance(e, Retraction)}
        assert gone == {only(first).id: "asr_revised", cards(first)[0].id: "asr_revised"}

    def test_a_second_pass_corrects_what_was_confirmed(self, practice: Rulebook) -> None:
        one = session(practice)
        first = only(one.hear(heard("我要投诉", 1, final=True)))
        back = one.hear(heard("我要头朔", 2, final=True))
        assert {e.why for e in back if isinstance(e, Retraction)} == {"corrected"}
        assert first.state is State.CONFIRMED

    def test_an_older_revision_changes_nothing(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉", 5, final=True))
        assert one.hear(heard("你好", 3)) == ()
        assert one.hear(heard("你好", 6)) == ()

    def test_an_accusation_is_no_card_until_it_is_confirmed(self, practice: Rulebook) -> None:
        one = session(practice)
        early = one.hear(heard("这个我不清楚啊就这样", 1, party=AGENT))
        assert only(early, "forbidden").state is State.TENTATIVE
        assert cards(early) == []
        late = one.hear(heard("这个我不清楚啊就这样", 2, True, AGENT))
        assert only(late, "forbidden").state is State.CONFIRMED
        assert [c.rule for c in cards(late)] == ["agent.forbidden.unknown"]

    def test_an_exception_with_a_gap_is_not_waited_for_long(self, practice: Rulebook) -> None:
        # 不清楚<4>帮你 undoes it: after three characters it is unlikely still to come.
        text = "这个我不清楚啊真的是"
        for stable, state in [(5, State.TENTATIVE), (6, State.CONFIRMED)]:
            events = session(practice).hear(heard(text, 1, party=AGENT, stable=stable))
            assert only(events, "forbidden").state is state
        events = session(practice).hear(heard("这个我不清楚啊真的我帮你查", 1, party=AGENT))
        assert alerts(events, "forbidden") == []

    def test_a_pause_confirms_and_a_second_pass_corrects(self, tmp_path: pathlib.Path) -> None:
        path = tmp_path / "weighed.yaml"
        path.write_text(WEIGHED, encoding="utf-8")
        one = session(load_rulebook([path]))
        first = heard("这个我管不着", 1, party=AGENT, stable=6)
        alert = only(one.hear(first), "forbidden")
        assert alert.state is State.TENTATIVE
        assert alerts(one.advance(at(first.end_ms + 400)), "forbidden") == []
        sure = only(one.advance(at(first.end_ms + 500)), "forbidden")
        assert (sure.id, sure.state) == (alert.id, State.CONFIRMED)
        back = one.hear(heard("这个我管得了", 2, party=AGENT))
        assert {e.id: e.why for e in back if isinstance(e, Retraction)}[alert.id] == "corrected"

    def test_a_pause_confirms_nothing_that_may_still_change(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("这个我不清楚啊真的是", 1, party=AGENT, stable=4))
        assert alerts(one.advance(at(30_000)), "forbidden") == []

    def test_mixed_mono_blames_no_agent(self, practice: Rulebook) -> None:
        one = session(practice)
        events = one.hear(heard("这个我不清楚你急什么", 1, True, UNKNOWN))
        events += one.hear(heard("我要投诉你们", 1, True, UNKNOWN, "u2", 5000))
        events += one.advance(at(60_000)) + one.end(61_000)
        assert {a.category.split(".")[0] for a in alerts(events)} == {"customer"}


class TestSound:
    def test_a_homophone_is_a_suspicion_of_medium_weight_at_most(self, practice: Rulebook) -> None:
        one = session(practice)
        alert = only(one.hear(heard("你脑子有冰啊", 1, True, AGENT)))
        assert alert.severity is Severity.MEDIUM
        assert alert.title.startswith("疑似")
        assert alert.evidence[0].path is Path.PINYIN
        assert alert.confidence < 1

    def test_a_rival_is_not_mistaken_for_it(self, practice: Rulebook) -> None:
        assert alerts(session(practice).hear(heard("我想投宿你们酒店", 1, True))) == []


class TestMeaning:
    def test_a_condition_lowers(self, practice: Rulebook) -> None:
        one = session(practice)
        plain = only(one.hear(heard("我要起诉你们", 1, True)))
        other = only(one.hear(heard("如果不赔我就起诉你们", 1, True, CUSTOMER, "u2", 9000)))
        assert plain.severity is Severity.HIGH
        assert other.severity is Severity.MEDIUM

    def test_the_tier_raises(self, practice: Rulebook) -> None:
        one = RuleSession(practice, CallInfo(CALL, tier="gold"))
        events = one.hear(heard("我要投诉你们", 1, True))
        assert only(events, "wish").severity is Severity.HIGH
        assert alerts(events, "gold_upset")

    def test_repetition_escalates(self, practice: Rulebook) -> None:
        one = session(practice)
        first = only(one.hear(heard("我要投诉你们", 1, True)))
        second = only(one.hear(heard("我想举报你们", 1, True, CUSTOMER, "u2", 9000)), "wish")
        assert (first.severity, second.severity) == (Severity.MEDIUM, Severity.HIGH)

    def test_what_was_captured_fills_the_slot(self, practice: Rulebook) -> None:
        (card,) = cards(session(practice).hear(heard("三十分钟之内给您回电", 1, True, AGENT)))
        assert card.say == "已答应三十分钟之内，请记下来。"
        assert card.slots == {"promised_time": "三十分钟之内"}

    def test_a_greeting_is_no_number(self, practice: Rulebook) -> None:
        (card,) = cards(session(practice).hear(heard("您好三十分钟之内回", 1, True, AGENT)))
        assert card.slots == {"promised_time": "三十分钟之内"}
        assert cards(session(practice).hear(heard("您好分钟之内回", 1, True, AGENT))) == []
        (card,) = cards(session(practice).hear(heard("好几分钟之内回", 1, True, AGENT)))
        assert card.slots == {"promised_time": "好几分钟之内"}

    def test_an_alert_explains_itself(self, practice: Rulebook) -> None:
        alert = only(session(practice).hear(heard("我要投诉你们", 1, True)))
        assert alert.version == 1
        assert alert.pack == practice.hash
        assert "我要投诉" in alert.trace[0]


class TestAbsence:
    def test_the_deadline_waits_for_the_watermark(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们", 1, True))
        assert alerts(one.advance(at(8_900)), "empathy") == []
        assert alerts(one.advance(at(9_300)), "empathy")

    def test_the_agents_clock_stops_while_the_customer_speaks(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们", 1, True))
        long = "还有啊" * 10
        one.hear(heard(long, 1, True, CUSTOMER, "u2", 2_000))
        assert alerts(one.advance(at(14_000)), "empathy") == []
        assert alerts(one.advance(at(15_400)), "empathy")

    def test_words_in_time_answer_it(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们", 1, True))
        events = one.hear(heard("非常抱歉请您说", 1, True, AGENT, "u2", 3_000))
        events += one.advance(at(60_000))
        assert alerts(events, "empathy") == []

    def test_the_trigger_taken_back_takes_the_absence_back(self, practice: Rulebook) -> None:
        one = session(practice)
        events = one.hear(heard("我要投诉你们", 1, True)) + one.advance(at(12_000))
        assert alerts(events, "empathy")
        events += one.hear(heard("我要投宿你们那", 2, True))
        assert standing(events) == {}

    def test_a_late_answer_removes_the_card_but_not_the_alert(self, practice: Rulebook) -> None:
        one = session(practice)
        events = one.hear(heard("我要投诉你们", 1, True)) + one.advance(at(12_000))
        (card,) = [c for c in cards(events) if "empathy" in c.rule]
        late = one.hear(heard("非常抱歉让您久等", 1, True, AGENT, "u2", 13_000))
        late += one.advance(at(16_000))
        assert [(e.id, e.why) for e in late if isinstance(e, Retraction)][:1] == [
            (card.id, "answered")
        ]
        assert any("empathy" in a.rule for a in standing(events + late).values())


class TestMeasures:
    def test_a_measure_must_last(self, practice: Rulebook) -> None:
        one = session(practice)
        events = one.measure(Metric(CALL, AGENT, "rate", 320, 1_000))
        events += one.measure(Metric(CALL, AGENT, "rate", 320, 3_000))
        assert alerts(events) == []
        alert = only(one.measure(Metric(CALL, AGENT, "rate", 330, 4_000)))
        assert alert.evidence[0].path is Path.METRIC


class TestGovernor:
    def test_cards_of_one_group_merge(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们", 1, True))
        second = one.hear(heard("我要投诉", 1, False, CUSTOMER, "u2", 8_000))
        assert {e.why for e in second if isinstance(e, Suppressed)} <= {"merged", "cooldown"}

    def test_one_new_card_in_five_seconds_but_danger_passes(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要起诉你们", 1, True))
        held = one.hear(heard("快一点快一点", 1, True, CUSTOMER, "u2", 1_500))
        assert [e.why for e in held if isinstance(e, Suppressed)] == ["too_soon"]
        fire = one.hear(heard("厨房着火了", 1, True, CUSTOMER, "u3", 3_000))
        assert [c.rule for c in cards(fire)] == ["customer.danger.fire"]

    def test_a_held_card_comes_when_it_may(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要起诉你们", 1, True))
        one.hear(heard("快一点快一点", 1, True, CUSTOMER, "u2", 1_500))
        assert [c.rule for c in cards(one.advance(at(6_500)))] == ["customer.anger.twice"]

    def test_what_is_clearly_graver_does_not_wait(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们", 1, True))
        law = one.hear(heard("我要起诉你们", 1, True, CUSTOMER, "u2", 1_500))
        assert [c.rule for c in cards(law)] == ["customer.escalation.law"]

    def test_of_one_moment_the_gravest_is_offered_first(self, practice: Rulebook) -> None:
        one = session(practice)
        both = one.hear(heard("我要投诉你们我要起诉你们", 1, True))
        assert [c.rule for c in cards(both)] == ["customer.escalation.law"]

    def test_once_the_agent_has_answered_the_next_cue_has_its_own_card(
        self, practice: Rulebook
    ) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们", 1, True))
        one.hear(heard("非常抱歉我帮您核实一下", 1, True, AGENT, "u2", 2_000))
        again = one.hear(heard("我要起诉你们", 1, True, CUSTOMER, "u3", 6_000))
        assert [c.rule for c in cards(again)] == ["customer.escalation.law"]

    def test_while_danger_is_on_the_screen_nothing_else_comes(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("厨房着火了", 1, True))
        held = one.hear(heard("我要投诉你们", 1, True, CUSTOMER, "u2", 8_000))
        assert [e.why for e in held if isinstance(e, Suppressed)] == ["danger_first"]
        assert cards(one.advance(at(15_000))) == []

    def test_small_things_wait_for_great_ones(self, practice: Rulebook) -> None:
        one = session(practice)
        (first,) = cards(one.hear(heard("我要起诉你们", 1, True)))
        held = one.hear(heard("三十分钟之内给您回电", 1, True, AGENT, "u2", 8_000))
        assert [e.why for e in held if isinstance(e, Suppressed)] == ["less_urgent"]
        gone = one.feedback(first.id, "used", 12_000)
        assert [c.rule for c in cards(gone)] == ["agent.promise.time"]

    def test_when_the_call_is_over_no_card_comes(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们我要起诉你们", 1, True))
        one.hear(heard("快一点快一点", 1, True, CUSTOMER, "u2", 3_000))
        last = one.end(8_000)
        assert cards(last) == []
        assert "call_over" in {e.why for e in last if isinstance(e, Suppressed)}
        assert alerts(last, "steps")

    def test_quiet_while_the_agent_speaks(self, practice: Rulebook) -> None:
        one = session(practice)
        one.measure(Metric(CALL, AGENT, "speaking", 1, 0))
        held = one.hear(heard("我要投诉你们", 1, True))
        assert [e.why for e in held if isinstance(e, Suppressed)] == ["agent_speaking"]
        assert cards(one.advance(at(1_500))) == []
        assert cards(one.measure(Metric(CALL, AGENT, "speaking", 0, 2_000)))

    def test_cards_expire(self, practice: Rulebook) -> None:
        one = session(practice)
        (card,) = cards(one.hear(heard("我要投诉你们", 1, True)))
        gone = [e for e in one.advance(at(22_000)) if isinstance(e, Retraction)]
        assert [(e.id, e.why) for e in gone] == [(card.id, "expired")]

    def test_what_the_agent_puts_away_stays_away(self, practice: Rulebook) -> None:
        one = session(practice)
        (card,) = cards(one.hear(heard("我要投诉你们", 1, True)))
        assert one.feedback(card.id, "dismissed", 2_000) == (Retraction(card.id, "dismissed"),)
        again = one.hear(heard("我要投诉你们", 1, True, CUSTOMER, "u2", 50_000))
        assert [e.why for e in again if isinstance(e, Suppressed)] == ["cooldown"]

    def test_at_most_three_cards(self, practice: Rulebook) -> None:
        one = session(practice)
        clock = 0
        shown: set[str] = set()
        for i, text in enumerate(["我要投诉你们", "我要起诉你们", "厨房着火了", "快一点啊快一点"]):
            clock += 6_000
            for event in one.hear(heard(text, 1, True, CUSTOMER, f"u{i}", clock)):
                if isinstance(event, Suggestion):
                    shown.add(event.id)
                elif isinstance(event, Retraction):
                    shown.discard(event.id)
            assert len(shown) <= 3


class TestBadInput:
    def test_a_megabyte_of_text(self, practice: Rulebook) -> None:
        one = session(practice)
        long = "我要投诉你们" + "好吧那就" * 250_000
        assert only(one.hear(replace(heard("", 1, True), text=long)), "wish")

    def test_control_characters_are_no_words(self, practice: Rulebook) -> None:
        strange = "我\x00要\u200b投\x1b诉\ud800\U0001f4a9"
        alert = only(session(practice).hear(heard(strange, 1, True)), "wish")
        assert alert.evidence[0].text == strange[: strange.index("诉") + 1]
        assert alerts(session(practice).hear(heard("\x00\x07\n\r" * 99, 1, True))) == []

    def test_a_megabyte_that_grows_and_shrinks(self, practice: Rulebook) -> None:
        one = session(practice)
        long = "你们这个" * 250_000
        events = one.hear(replace(heard("", 1), text=long))
        events += one.hear(replace(heard("", 2), text="我要投诉" + long))
        assert only(events, "wish")
        back = one.hear(heard("", 3, True))
        assert standing(events + back) == {}

    def test_a_clock_that_jumps_back_stops_no_timer(self, practice: Rulebook) -> None:
        one = session(practice)
        one.advance(at(10**9))
        one.advance(at(1_000))
        one.hear(heard("我要投诉你们", 1, True, CUSTOMER, "u1", 2_000))
        assert alerts(one.advance(at(12_000)), "empathy")
        gone = one.advance(at(40_000))
        assert [e.why for e in gone if isinstance(e, Retraction)]

    def test_another_calls_words_are_this_calls_words(self, practice: Rulebook) -> None:
        # Who feeds a session knows which call it is; the text must still not break anything.
        one = session(practice)
        assert one.hear(None) == ()  # type: ignore[arg-type]
        assert one.measure("rate") == ()  # type: ignore[arg-type]
