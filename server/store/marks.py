"""Reviewed calls as labelled dialogues for ``tingban rules eval``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Event = Mapping[str, Any]


def dialogue(call: str, domain: str, events: Iterable[Event]) -> dict[str, Any]:
    """Turns are the final utterances, labels what reviewers marked as right or missed.

    Alerts that nobody judged count neither way; what was marked as wrong must not fire.
    """
    events = list(events)
    said = [e for e in events if e["type"] == "transcript" and e["final"] and e["text"]]
    # A second pass says an utterance once more: its last words count.
    finals = list({event["utterance"]: event for event in said}.values())
    finals.sort(key=lambda e: (e["start_ms"], e["end_ms"]))
    turn_of = {event["utterance"]: number for number, event in enumerate(finals)}
    alerts = {e["id"]: e for e in events if e["type"] == "alert"}
    labels: list[dict[str, Any]] = []
    optional: list[dict[str, Any]] = []
    wrong: set[str] = set()
    judged: set[str] = set()
    for mark in (e for e in events if e["type"] == "mark"):
        alert = alerts.get(mark["alert"])
        judged.add(mark["alert"])
        span = alert["evidence"][0] if alert and alert["evidence"] else {}
        category = mark["category"] or (alert["category"] if alert else "")
        turn = turn_of.get(mark["utterance"] or span.get("utterance", ""))
        if turn is None or not category:
            continue
        if mark["verdict"] == "wrong":
            wrong.add(category)
            continue
        quote = mark["quote"] or span.get("text", "")
        label = {"turn": turn, "category": category, "quote": quote}
        if label not in labels:
            labels.append(label)
    for id_, alert in alerts.items():
        span = alert["evidence"][0] if alert["evidence"] else {}
        turn = turn_of.get(span.get("utterance", ""))
        if id_ not in judged and turn is not None:
            optional.append({"turn": turn, "category": alert["category"]})
    marked = {label["category"] for label in labels}
    return {
        "id": call,
        "domain": domain,
        "turns": [
            {
                "role": e["party"],
                "start_ms": e["start_ms"],
                "end_ms": e["end_ms"],
                "text": e["text"],
            }
            for e in finals
        ],
        "labels": sorted(labels, key=lambda label: (label["turn"], label["category"])),
        "absent": sorted(wrong - marked),
        "optional": optional,
    }
