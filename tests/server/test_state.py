"""Equal inputs give equal events; what each input becomes."""

from __future__ import annotations

from dataclasses import replace

from asr.events import AudioGap, CallId, Metric, Party, StreamFailed, Watermark
from asr.recogniser import RecogniserInfo
from assist_rules.events import (
    Alert,
    Commitment,
    CommitmentState,
    Retraction,
    Step,
    StepState,
    Suggestion,
)
from server.events import Action, CallEvent, Hand, Status, Whisper
from server.live.state import UNKEPT, CallState
from tests.fixtures import script
from tests.server.scripted_rules import ScriptedRules

CALL = CallId("c-1")


def state(rules: ScriptedRules | None = None) -> CallState:
    return CallState(
        replace(script.INFO, call=CALL), RecogniserInfo("scripted", True), rules or ScriptedRules()
    )


def whole_call() -> list[CallEvent]:
    call = state(ScriptedRules(script.ruled()))
    events = [*call.start()]
    for heard in script.heard():
        events += call.absorb(heard)
    return [*events, *call.feedback("s1", "used"), *call.end("ended", 60_600)]


def test_equal_inputs_give_equal_events() -> None:
    assert whole_call() == whole_call()


def test_numbers_events_without_holes() -> None:
    events = whole_call()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_a_watermark_is_no_event_of_its_own() -> None:
    assert state().absorb(Watermark(CALL, 500, 600)) == ()


def test_a_metric_is_passed_on() -> None:
    metric = Metric(CALL, Party.AGENT, "talk_share", 0.4, 700)
    (event,) = state().absorb(metric)
    assert (event.body, event.at_ms, event.heard_ms) == (metric, 700, 700)


def test_tells_of_missing_sound() -> None:
    (gap,) = state().absorb(AudioGap(CALL, Party.AGENT, 100, 300, "lost"))
    assert gap.body == Status(
        "audio_gap", {"party": "agent", "start_ms": 100, "end_ms": 300, "why": "lost"}
    )
    (failed,) = state().absorb(StreamFailed(CALL, Party.AGENT, 900, "broken", "no more"))
    assert failed.body == Status(
        "party_failed", {"party": "agent", "code": "broken", "message": "no more"}
    )


def test_a_card_knows_when_its_cause_was_heard() -> None:
    by_id = {e.body.id: e for e in whole_call() if isinstance(e.body, Alert | Suggestion)}
    assert by_id["s4"].heard_ms == by_id["a4"].heard_ms == 40_500 + 8 * script.CHAR_MS


def test_feedback_on_an_unknown_card_is_nothing() -> None:
    assert state().feedback("s1", "used") == ()


def test_feedback_reaches_the_rules() -> None:
    rules = ScriptedRules({**script.ruled(), ("dismissed s1", 0): (Retraction("s1", "dismissed"),)})
    call = state(rules)
    for heard in script.heard():
        call.absorb(heard)
    said, withdrawn = call.feedback("s1", "dismissed")
    assert said.body == Status("feedback", {"suggestion": "s1", "verdict": "dismissed"})
    assert withdrawn.body == Retraction("s1", "dismissed")
    assert call.feedback("s1", "marvellous") == ()


def test_ends_once_and_sums_up() -> None:
    call = state(ScriptedRules({("end", 0): (Retraction("s9", "ended"),)}))
    retraction, ended = call.end("ended", 5_000)
    assert isinstance(retraction.body, Retraction)
    assert ended.body == Status(
        "call_ended",
        {
            "why": "ended",
            "duration_ms": 5_000,
            "utterances": 0,
            "alerts": 0,
            "suggestions": 0,
            "suppressed": 0,
            "retractions": 1,
            "cues": 0,
            "used": 0,
            "dismissed": 0,
            "wrong": 0,
            "said": 0,
            "commitments": 0,
            "steps_open": 0,
        },
    )
    assert call.end("again", 6_000) == ()


def test_the_summary_counts_what_stood_at_the_end() -> None:
    rules = ScriptedRules(
        {
            **script.ruled(),
            ("end", 0): (
                Step("flow", "verify", "核实身份", StepState.SKIPPED),
                Step("flow", "greet", "问候", StepState.DONE),
                Commitment("m1", "明天给您回电", "明天", CommitmentState.MADE),
                Commitment("m2", "今天上门", "今天", CommitmentState.WITHDRAWN),
            ),
        }
    )
    call = state(rules)
    for heard in script.heard():
        call.absorb(heard)
    call.absorb(Metric(CALL, Party.AGENT, "talk_share", 0.6, 60_000))
    call.feedback("s1", "used")
    call.feedback("s1", "wrong")
    detail = call.end("ended", 60_600)[-1].body.detail  # type: ignore[union-attr]
    standing = {"used": 0, "wrong": 1, "commitments": 2, "agent_talk_share": 0.6}
    assert {name: detail[name] for name in standing} == standing
    assert detail["steps_open"] >= 1
    assert detail["cues"] == 2


def test_what_people_do_is_numbered_with_the_rest() -> None:
    call = state(ScriptedRules(script.ruled()))
    for heard in script.heard():
        call.absorb(heard)
    before = call.seq
    events = [
        *call.bind("a-9", "lead", "transfer"),
        *call.act("acknowledge", "a1", "lead", "", ""),
        *call.whisper("lead", "先道歉"),
        *call.raise_hand("a-9", True),
    ]
    assert [event.seq for event in events] == [before + n for n in (1, 2, 3, 4)]
    assert call.info.agent == "a-9"
    assert events[1].body == Action("x1", "acknowledge", "a1", "lead", "", "")
    assert events[2].body == Whisper("w2", "lead", "先道歉")
    assert events[3].body == Hand(True, "a-9")
    assert call.bind("a-9", "lead", "transfer") == ()
    assert call.act("resolve", "a99", "lead", "", "") == ()
    assert call.act("shout", "", "lead", "", "") == ()
    call.end("ended", 60_600)
    assert call.bind("a-1", "lead", "transfer") == call.whisper("lead", "x") == ()
    assert call.raise_hand("a-9", False) == call.act("note", "", "lead", "", "x") == ()


def test_another_process_knows_who_has_the_call_now() -> None:
    first = state()
    events = [*first.start(), *first.bind("a-9", "lead", "transfer")]
    second = state()
    second.resume(events, 100)
    assert second.info.agent == "a-9"
    assert second.bind("", "lead", "transfer")[0].seq == UNKEPT + 101
    assert second.info.agent is None
