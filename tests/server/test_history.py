"""What a newcomer is told, what somebody who comes back is told, and that it stays small."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from asr.events import CallId, Metric, Party, Transcript
from assist_rules.events import Commitment, CommitmentState, Retraction, Step, StepState
from server.events import CallEvent
from server.live.history import History
from tests.fixtures.write import call_events

CALL = CallId("c-1")


def said(seq: int, utterance: str, revision: int, final: bool = False) -> CallEvent:
    body = Transcript(CALL, Party.AGENT, utterance, revision, "好", 1, (), final, 0, 0, 0)
    return CallEvent(CALL, seq, 0, body)


def filled(events: list[CallEvent], limit: int = 4_000) -> History:
    history = History(limit)
    for event in events:
        history.add(event)
    return history


def test_the_last_revision_stands_for_the_others() -> None:
    history = filled([said(1, "a", 1), said(2, "b", 1), said(3, "a", 2), said(4, "a", 3, True)])
    assert [event.seq for event in history] == [2, 4]


def test_the_last_value_of_a_metric_stands_for_the_others() -> None:
    events = [
        CallEvent(CALL, n, n, Metric(CALL, Party.AGENT, "level", float(n), n)) for n in (1, 2)
    ]
    history = filled(events)
    assert [event.seq for event in history] == [2]
    assert history.metrics == {"agent.level": 2.0}


def test_cards_that_were_taken_back_are_not_live() -> None:
    history = filled(list(call_events()))
    assert [getattr(e.body, "id", "") for e in history.live_alerts] == ["a1", "a2", "a3", "a5"]
    assert history.live_suggestions == ()
    retracted = {e.body.id for e in history if isinstance(e.body, Retraction)}
    assert retracted == {"s1", "s2", "s4", "a4"}


def test_gives_what_came_after() -> None:
    history = filled([said(1, "a", 1), said(2, "b", 1), said(3, "a", 2)])
    assert [e.seq for e in history.since(1) or ()] == [2, 3]
    assert history.since(3) == ()


def test_cannot_give_what_it_never_had_or_has_forgotten() -> None:
    history = filled([said(n, f"u{n}", 1, True) for n in range(1, 11)], limit=4)
    assert history.since(99) is None
    assert history.since(5) is None
    assert [e.seq for e in history.since(6) or ()] == [7, 8, 9, 10]
    assert history.get(3) is None
    assert history.get(9) is not None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60), st.integers(1, 9))
def test_stays_small_and_in_order(lines: list[tuple[str, bool]], limit: int) -> None:
    events = [said(n, u, n, final) for n, (u, final) in enumerate(lines, 1)]
    history = filled(events, limit)
    kept = [event.seq for event in history]
    assert len(kept) <= limit
    assert kept == sorted(kept)


def test_what_was_resumed_equals_the_snapshot() -> None:
    """Whoever saw the first n events and then the rest knows what a newcomer knows."""
    events = [replace(event, stamps={}) for event in call_events()]
    history = filled(events)
    for seq in range(0, len(events), 7):
        seen = filled(events[:seq])
        for event in history.since(seq) or ():
            seen.add(event)
        assert list(seen) == list(history)


def test_the_last_state_of_a_step_and_of_a_promise_stands_for_the_others() -> None:
    def step(state: StepState) -> Step:
        return Step("flow", "opening", "问候", state)

    def promise(due: str) -> Commitment:
        return Commitment("c1", "我今天给您回电", due, CommitmentState.MADE)

    bodies = [step(StepState.OPEN), promise(""), promise("今天"), step(StepState.DONE)]
    history = filled([CallEvent(CALL, n, n, body) for n, body in enumerate(bodies, 1)])
    assert [event.seq for event in history] == [3, 4]
