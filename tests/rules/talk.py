"""Words for tests: transcripts by hand, and what stands in a session after them."""

from __future__ import annotations

from collections.abc import Iterable

from asr.events import CallId, Char, Party, Transcript
from assist_rules.events import (
    Alert,
    CallInfo,
    Commitment,
    CommitmentState,
    Retraction,
    RuleEvent,
    Step,
    StepState,
)
from assist_rules.rulebook import Rulebook
from assist_rules.session import RuleSession

CALL = CallId("c")
MS = 200


def heard(
    text: str,
    revision: int = 1,
    final: bool = False,
    party: Party = Party.CUSTOMER,
    utterance: str = "u1",
    start_ms: int = 0,
    stable: int = 0,
) -> Transcript:
    """A revision spoken at one character each 200 ms."""
    times = [start_ms + MS * (i + 1) for i in range(len(text))]
    end = times[-1] if times else start_ms
    chars = tuple(Char(ms, 0.9) for ms in times)
    return Transcript(
        CALL, party, utterance, revision, text, len(text) if final else stable, chars, final,
        start_ms, end, end,
    )  # fmt: skip


def session(rulebook: Rulebook) -> RuleSession:
    return RuleSession(rulebook, CallInfo(CALL))


def standing(events: Iterable[RuleEvent]) -> dict[str, Alert]:
    """Alerts by id that have not been taken back."""
    alerts: dict[str, Alert] = {}
    for event in events:
        if isinstance(event, Alert):
            alerts[event.id] = event
        elif isinstance(event, Retraction):
            alerts.pop(event.id, None)
    return alerts


def facts(events: Iterable[RuleEvent]) -> set[tuple[object, ...]]:
    """What stands, without ids, revisions and trace: equal for equal conclusions."""
    return {
        (
            alert.rule,
            alert.severity,
            alert.state,
            tuple((e.utterance, e.start, e.end, e.text, e.path) for e in alert.evidence),
        )
        for alert in standing(events).values()
    }


def steps(events: Iterable[RuleEvent]) -> dict[tuple[str, str], Step]:
    """The last word on every step; lists that were taken back, or never could be ticked, are gone."""
    last = {(e.list, e.step): e for e in events if isinstance(e, Step)}
    alive = {name for (name, _), step in last.items() if step.state is not StepState.SKIPPED}
    return {key: step for key, step in last.items() if key[0] in alive}


def ticked(events: Iterable[RuleEvent]) -> set[tuple[object, ...]]:
    """Steps without revisions: equal for equal conclusions."""
    return {
        (*key, step.state, tuple((e.utterance, e.start, e.end, e.text) for e in step.evidence))
        for key, step in steps(events).items()
    }


def promised(events: Iterable[RuleEvent]) -> set[tuple[str, str, str]]:
    """Commitments that stand: utterance, text, time."""
    last = {e.id: e for e in events if isinstance(e, Commitment)}
    return {
        (e.evidence[0].utterance, e.text, e.due)
        for e in last.values()
        if e.state is CommitmentState.MADE
    }
