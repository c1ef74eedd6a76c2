"""Runs the tests that stand beside rules, through the whole engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asr.events import CallId, Char, Metric, Party, Transcript, Watermark
from assist_rules.engine.conditions import Like, Rule, Say, conditions_of
from assist_rules.errors import Problem
from assist_rules.events import (
    Alert,
    CallInfo,
    Commitment,
    CommitmentState,
    Retraction,
    RuleEvent,
    Step,
)
from assist_rules.language.examples import Example, Line, ListTest
from assist_rules.language.parse import Draft
from assist_rules.rulebook import Rulebook
from assist_rules.session import RuleSession
from assist_rules.tools.speech import Spoken, duration_ms, live_text, partials

CALL = CallId("test")
AFTER_MS = 12_000
"""How long a test listens after the last words."""
FIELDS = ("agent", "queue", "tier", "brand")


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert of the rule under test that still stands at the end."""

    alert: Alert
    at_ms: int


def run_tests(rulebook: Rulebook, drafts: Sequence[Draft], growing: bool = True) -> list[Problem]:
    """Failed tests as problems, each at its own place. ``growing``: character by character."""
    problems = []
    for draft in drafts:
        for example in draft.examples:
            wrong = check(rulebook, draft.rule, example, growing)
            if wrong:
                problems.append(Problem(example.place, f"{draft.rule.id}: {wrong}"))
    return problems


def run_list_tests(rulebook: Rulebook, growing: bool = True) -> list[Problem]:
    """Failed tests of checklists and commitments as problems, each at its own place."""
    problems = []
    for test in rulebook.list_tests:
        wrong = _check_list(rulebook, test, growing)
        if wrong:
            problems.append(Problem(test.place, f"{test.owner}: {wrong}"))
    return problems


def _check_list(rulebook: Rulebook, test: ListTest, growing: bool) -> str:
    session = RuleSession(rulebook, _about(test.info))
    steps: dict[str, str] = {}
    made: dict[str, Commitment] = {}
    for _, events in _inputs(session, test.call, growing):
        for event in events:
            if isinstance(event, Step) and event.list == test.owner:
                steps[event.step] = str(event.state)
            elif isinstance(event, Commitment):
                made[event.id] = event
                if event.state is CommitmentState.WITHDRAWN:
                    del made[event.id]
    if test.steps is not None:
        wrong = {
            k: steps.get(k, "none") for k, v in test.steps.items() if steps.get(k, "none") != v
        }
        return "; ".join(f"{k} is {v}, not {test.steps[k]}" for k, v in wrong.items())
    texts = [live_text(one.text) for one in made.values()]
    words = [live_text(text) for text in test.made]
    if len(texts) != len(words) or not all(w in t for w, t in zip(words, texts, strict=True)):
        return f"made {texts or 'nothing'}, not {list(test.made) or 'nothing'}"
    due = [one.due for one in made.values()]
    if test.due is not None and list(test.due) != due:
        return f"due {due}, not {list(test.due)}"
    return ""


def _about(info: Mapping[str, str]) -> CallInfo:
    return CallInfo(
        CALL,
        **{k: v for k, v in info.items() if k in FIELDS},
        attributes={k: v for k, v in info.items() if k not in FIELDS},
    )


def check(rulebook: Rulebook, rule: Rule, example: Example, growing: bool = True) -> str:
    """What is wrong with one test; empty when it passes."""
    fired = play(rulebook, rule, example, growing)
    said = example.text or " / ".join(line.text for line in example.call)
    if not example.fires:
        return f'fires on "{fired[0].alert.evidence[0].text}" in: {said}' if fired else ""
    if not fired:
        return f"does not fire on: {said}"
    if example.times is not None and len(fired) != example.times:
        return f"fires {len(fired)} times, not {example.times}: {said}"
    quotes = [e.text for f in fired for e in f.alert.evidence]
    if example.quote and not any(live_text(example.quote) in live_text(q) for q in quotes):
        return f'quotes "{quotes[0]}", not "{example.quote}": {said}'
    if example.between_ms is not None:
        low, high = example.between_ms
        if not low <= fired[0].at_ms <= high:
            return (
                f"fires at {fired[0].at_ms / 1000:.1f} s, not {low / 1000}..{high / 1000}: {said}"
            )
    return ""


def play(rulebook: Rulebook, rule: Rule, example: Example, growing: bool = True) -> list[Fired]:
    """The rule's alerts that stand when the example is over."""
    session = RuleSession(rulebook, _about(example.info))
    lines = example.call or (Line("say", 0, _speaker(rule), example.text),)
    standing: dict[str, Fired] = {}
    for at_ms, events in _inputs(session, lines, growing):
        for event in events:
            if isinstance(event, Alert) and event.rule == rule.id:
                first = standing.get(event.id)
                standing[event.id] = Fired(event, first.at_ms if first else at_ms)
            elif isinstance(event, Retraction):
                standing.pop(event.id, None)
    return list(standing.values())


def _speaker(rule: Rule) -> str:
    for condition in conditions_of(rule):
        if isinstance(condition, Say | Like):
            return "agent" if condition.role == "agent" else "customer"
    return "agent" if rule.category.startswith("agent.") else "customer"


def _inputs(
    session: RuleSession, lines: Sequence[Line], growing: bool
) -> list[tuple[int, tuple[RuleEvent, ...]]]:
    """Feed the lines; (audio time, events) of every input."""
    found: list[tuple[int, tuple[RuleEvent, ...]]] = []
    clock = 0

    def wait_until(ms: int) -> None:
        nonlocal clock
        while clock + 250 <= ms:
            clock += 250
            found.append((clock, session.advance(Watermark(CALL, clock, clock))))

    utterances = 0
    ended = False
    for number, line in enumerate(lines):
        wait_until(line.at_ms)
        following = lines[number + 1] if number + 1 < len(lines) else None
        if line.kind == "metric":
            metric = Metric(CALL, Party(line.who), line.text, line.value, line.at_ms)
            found.append((line.at_ms, session.measure(metric)))
        elif line.kind == "end":
            found.append((line.at_ms, session.end(line.at_ms)))
            ended = True
        else:
            utterances += line.kind == "say"
            open_end = following is not None and following.kind == "revise"
            spoken = Spoken(
                Party(line.who),
                line.at_ms,
                line.at_ms + duration_ms(line.text),
                live_text(line.text),
                f"u{utterances}",
            )
            revisions = list(partials(CALL, spoken, slips=False))
            first = 1000 * number
            if line.kind == "revise" or not growing:
                revisions = revisions[-1:]
            for transcript in revisions:
                if transcript.final and open_end:
                    continue
                wait_until(transcript.at_ms)
                heard = _numbered(transcript, first + transcript.revision)
                found.append((heard.at_ms, session.hear(heard)))
    if not ended:
        wait_until(clock + AFTER_MS)
    return found


def _numbered(transcript: Transcript, revision: int) -> Transcript:
    return Transcript(
        transcript.call, transcript.party, transcript.utterance, revision, transcript.text,
        transcript.stable, transcript.chars, transcript.final, transcript.start_ms,
        transcript.end_ms, transcript.at_ms,
    )  # fmt: skip


__all__ = ["Char", "Fired", "check", "play", "run_list_tests", "run_tests"]
