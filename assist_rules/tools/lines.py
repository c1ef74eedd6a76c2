"""Events of a replayed call as the JSON lines of ``tingban rules run --json``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assist_rules.events import (
    Alert,
    Commitment,
    Evidence,
    Retraction,
    Step,
    Suggestion,
    Suppressed,
)
from assist_rules.tools.dialogues import Dialogue, Happened


def lines(dialogue: Dialogue, happened: Sequence[Happened]) -> Iterator[dict[str, Any]]:
    """One object per event; what it says of turns is the triggering span's."""
    about: dict[str, dict[str, Any]] = {}
    for item in happened:
        event = item.event
        match event:
            case Alert():
                name = event.id
                first = event.evidence[0] if event.evidence else None
                about[name] = {
                    "turn": turn_of(dialogue, event, item.at_ms),
                    "category": event.category,
                    "rule": event.rule,
                    "quote": first.text if first else "",
                    "evidence_end_ms": first.end_ms if first else item.at_ms,
                }
                if dialogue.stream:
                    about[name]["utterance"] = first.utterance if first else ""
                    about[name]["revision"] = first.revision if first else 0
                more = {"severity": str(event.severity), "title": event.title}
                yield _line(dialogue, "alert", name, str(event.state), about[name], item, more)
            case Suggestion():
                about[event.id] = about.get(event.alert, {})
                more = {
                    "alert": event.alert,
                    "severity": str(event.severity),
                    "say": event.say,
                    "why": event.why,
                }
                state = str(event.state)
                yield _line(dialogue, "suggestion", event.id, state, about[event.id], item, more)
            case Suppressed():
                known = about.get(event.alert, {})
                more = {"alert": event.alert, "why": event.why}
                yield _line(dialogue, "suppressed", event.alert, "", known, item, more)
            case Retraction():
                known = about.get(event.id, {})
                yield _line(dialogue, "retraction", event.id, "", known, item, {"why": event.why})
            case Step():
                more = {"list": event.list, "step": event.step, "title": event.title}
                known = _spoken(dialogue, event.evidence)
                name = f"{event.list}.{event.step}"
                yield _line(dialogue, "step", name, str(event.state), known, item, more)
            case Commitment():
                more = {"text": event.text, "due": event.due}
                known = _spoken(dialogue, event.evidence)
                yield _line(dialogue, "commitment", event.id, str(event.state), known, item, more)


def _spoken(dialogue: Dialogue, evidence: tuple[Evidence, ...]) -> dict[str, Any]:
    if not evidence:
        return {}
    first = evidence[0]
    turn = dialogue.utterances.get(first.utterance)
    return {"turn": turn, "quote": first.text, "evidence_end_ms": first.end_ms}


def turn_of(dialogue: Dialogue, alert: Alert, at_ms: int) -> int | None:
    """The turn of the triggering span; for a silence the party's next turn, or its last."""
    first = alert.evidence[0] if alert.evidence else None
    if first is not None and first.utterance in dialogue.utterances:
        return dialogue.utterances[first.utterance]
    role = alert.category.split(".")[0]
    mine = [i for i, t in enumerate(dialogue.turns) if str(t.party) == role]
    later = [i for i in mine if dialogue.turns[i].end_ms >= at_ms]
    found = later or mine[-1:]
    return found[0] if found else None


def _line(
    dialogue: Dialogue,
    kind: str,
    name: str,
    state: str,
    about: dict[str, Any],
    item: Happened,
    more: dict[str, Any],
) -> dict[str, Any]:
    line: dict[str, Any] = {
        "call": dialogue.id,
        "turn": about.get("turn"),
        "type": kind,
        "id": name,
        "state": state or None,
        "category": about.get("category"),
        "rule": about.get("rule"),
        "quote": about.get("quote"),
        "at_ms": item.at_ms,
    }
    for key in ("utterance", "revision", "evidence_end_ms"):
        if key in about:
            line[key] = about[key]
    return {**line, **more}
