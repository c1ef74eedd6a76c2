"""Equal inputs give equal events; what each input becomes."""

from __future__ import annotations

from dataclasses import replace

from asr.events import AudioGap, CallId, Metric, Party, StreamFailed, Watermark
from asr.recogniser import RecogniserInfo
from assist_rules.events import Alert, Retraction, Suggestion
from server.events import CallEvent, Status
from server.live.state import CallState
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
        },
    )
    assert call.end("again", 6_000) == ()
