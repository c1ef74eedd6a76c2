"""Checklists that tick themselves, and what the agent has promised."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from asr.events import Party, Watermark
from assist_rules.events import Commitment, CommitmentState, Step, StepState
from assist_rules.rulebook import Rulebook, check_rulebook
from assist_rules.tools.selftest import run_list_tests
from tests.rules.talk import CALL, heard, session, steps

AGENT, CUSTOMER = Party.AGENT, Party.CUSTOMER
OPEN, DONE, DUE, SKIPPED = StepState


def at(ms: int) -> Watermark:
    return Watermark(CALL, ms, ms)


def states(events: tuple[object, ...]) -> list[tuple[str, str, StepState]]:
    return [(e.list, e.step, e.state) for e in events if isinstance(e, Step)]


def promises(events: tuple[object, ...]) -> list[Commitment]:
    return [e for e in events if isinstance(e, Commitment)]


def test_every_test_beside_the_lists_holds(practice: Rulebook, shipped: Rulebook) -> None:
    for book in (practice, shipped):
        assert book.list_tests
        assert [str(p) for growing in (True, False) for p in run_list_tests(book, growing)] == []


def test_the_shipped_packs_bring_both_lists_of_the_protocol(shipped: Rulebook) -> None:
    assert {one.name for one in shipped.checklists} == {"flow", "7a"}


class TestSteps:
    def test_all_steps_are_open_when_the_call_begins(self, practice: Rulebook) -> None:
        first = session(practice).advance(at(100))
        assert states(first) == [("flow", name, OPEN) for name in ("greet", "ask", "record")]

    def test_a_step_is_done_at_once_and_open_again_when_misheard(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("您", 1, party=AGENT))
        ticked = one.hear(heard("您好请讲", 2, party=AGENT))
        assert states(ticked) == [("flow", "greet", DONE)]
        (step,) = [e for e in ticked if isinstance(e, Step)]
        assert step.evidence[0].text == "您好"
        assert states(one.hear(heard("你看请讲", 3, party=AGENT))) == [("flow", "greet", OPEN)]

    def test_what_comes_too_early_does_not_count(self, practice: Rulebook) -> None:
        one = session(practice)
        events = one.hear(heard("请问什么事您好", 1, True, AGENT))
        assert steps(events)[("flow", "ask")].state is OPEN
        events += one.hear(heard("请问什么事", 1, True, AGENT, "u2", 4_000))
        assert steps(events)[("flow", "ask")].state is DONE

    def test_a_complaint_opens_its_list_only_when_it_is_sure(self, practice: Rulebook) -> None:
        one = session(practice)
        assert "7a" not in {name for name, _, _ in states(one.hear(heard("我要投诉你们", 1)))}
        sure = one.hear(heard("我要投诉你们", 2, True))
        assert states(sure) == [("7a", "sorry", OPEN), ("7a", "answer", OPEN)]

    def test_a_corrected_complaint_takes_its_list_back(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我要投诉你们", 1, True))
        back = one.hear(heard("我要投宿你们那", 2, True))
        assert states(back) == [("7a", "sorry", SKIPPED), ("7a", "answer", SKIPPED)]
        again = one.hear(heard("我要投诉你们", 1, True, CUSTOMER, "u2", 5_000))
        assert states(again) == [("7a", "sorry", OPEN), ("7a", "answer", OPEN)]

    def test_a_step_is_due_on_audio_time_and_late_is_still_done(self, practice: Rulebook) -> None:
        one = session(practice)
        end = heard("我要投诉你们", 1, True).end_ms
        one.hear(heard("我要投诉你们", 1, True))
        assert ("7a", "sorry", DUE) not in states(one.advance(at(end + 9_000)))
        assert ("7a", "sorry", DUE) in states(one.advance(at(end + 10_000)))
        late = one.hear(heard("非常抱歉", 1, True, AGENT, "u2", 15_000))
        assert ("7a", "sorry", DONE) in states(late)

    def test_the_agents_clock_stops_while_the_customer_speaks(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("我跟你说啊" * 4, 1, True))
        assert ("flow", "greet", DUE) not in states(one.advance(at(8_500)))
        assert ("flow", "greet", DUE) in states(one.advance(at(9_100)))

    def test_what_is_open_at_the_end_is_skipped(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("您好请讲", 1, True, AGENT))
        assert states(one.end(9_000)) == [("flow", "ask", SKIPPED), ("flow", "record", SKIPPED)]

    def test_mixed_mono_blames_no_agent(self, practice: Rulebook) -> None:
        one = session(practice)
        first = one.hear(heard("说吧什么事", 1, True, Party.UNKNOWN))
        assert states(first)[-3:] == [("flow", n, SKIPPED) for n in ("greet", "ask", "record")]
        assert not states(one.advance(at(60_000)))


class TestCommitments:
    def test_a_promise_is_told_with_its_time(self, practice: Rulebook) -> None:
        one = session(practice)
        (made,) = promises(one.hear(heard("三十分钟之内给您回", 1, party=AGENT, stable=9)))
        assert (made.id, made.due, made.state) == ("c1", "三十分钟之内", CommitmentState.MADE)
        (whole,) = promises(one.hear(heard("三十分钟之内给您回电话", 2, True, AGENT)))
        assert (whole.id, whole.text) == ("c1", "三十分钟之内给您回电话")

    def test_only_its_own_sentence_is_quoted(self, practice: Rulebook) -> None:
        text = "您好。三十分钟之内给您回电。请稍等"
        (made,) = promises(session(practice).hear(heard(text, 1, True, AGENT)))
        assert made.text == "三十分钟之内给您回电"

    def test_a_revision_withdraws_it(self, practice: Rulebook) -> None:
        one = session(practice)
        one.hear(heard("三十分钟之内给您回", 1, True, AGENT))
        (gone,) = promises(one.hear(heard("三十分钟前给您回过", 2, True, AGENT)))
        assert (gone.id, gone.state) == ("c1", CommitmentState.WITHDRAWN)

    def test_what_may_still_be_revised_is_no_promise_yet(self, practice: Rulebook) -> None:
        one = session(practice)
        assert not promises(one.hear(heard("三十分钟之内给您回", 1, party=AGENT)))
        assert not promises(one.hear(heard("三十分钟前给您回过", 2, party=AGENT)))
        assert len(promises(one.hear(heard("三十分钟之内给您回", 3, True, AGENT)))) == 1


LIST = """
pack: t
rules:
  - id: customer.complaint.x
    category: customer.complaint
    severity: low
    title: 投诉
    when: {role: customer, say: [我要投诉]}
    tests: [{fires: [我要投诉]}, {silent: [你好]}]
checklists:
  - list: flow
    title: 流程
    begins: {call: started}
    steps:
      - {step: greet, title: 问候, done: {role: agent, say: [您好]}}
    tests:
      - {call: [坐席 0.0 您好], steps: {greet: done}}
      - {call: [坐席 0.0 再见], steps: {greet: open}}
commitments:
  - commitment: promise
    when: {role: agent, say: [给您回电]}
    tests:
      - {call: [坐席 0.0 我给您回电], made: [给您回电]}
      - {call: [坐席 0.0 您好], made: no}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        ("{step: greet,", "{stpe: greet,", 'did you mean "step"'),
        ("greet: open", "greet: opn", 't.yaml:18:44: "opn" is not possible here; did you mean "open"?'),
        ("greet: open", "grete: open", 'the list has no step "grete"'),
        ("steps: {greet: open}", "steps: {greet: done}", "every test has the step greet done"),
        ("{call: started}", "{phase: [closing]}", '"phase" does not say when something happens'),
        ("title: 问候,", "title: 问候, after: later,", '"later" is no earlier step'),
        ("title: 问候,", "title: 问候, due: soon,", '"soon" is no time'),
        ("{call: started}", "{fact: customer.anger.none}", "no rule establishes the fact"),
        ("made: no}", "made: [您好]}", "has no test that makes none"),
        ("when: {role: agent", "due: when_promised\n    when: {role: agent", "no phrase captures the slot"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_fix(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(textwrap.dedent(LIST).replace(old, new, 1) if old else LIST, encoding="utf-8")
    rulebook, _, found = check_rulebook([path])
    told = [str(p).replace(str(path), "t.yaml") for p in found]
    assert (rulebook is None) == bool(said)
    assert any(said in line for line in told) or not said, told


def test_a_failing_list_test_is_found(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(LIST.replace("greet: done", "greet: due"), encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace("greet: open", "greet: done")
    path.write_text(text, encoding="utf-8")
    rulebook, _, _ = check_rulebook([path])
    assert rulebook is not None
    told = [str(p) for p in run_list_tests(rulebook)]
    assert ["greet is done, not due" in told[0], "greet is open, not done" in told[1]] == [True] * 2
