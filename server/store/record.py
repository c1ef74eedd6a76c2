"""Turns rows of the outbox into rows of the archive. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from server.store.outbox import Row

Values = dict[str, Any]


@dataclass(slots=True)
class Batch:
    """What one transaction writes; every insert is one that may have been made before."""

    calls: list[Values] = field(default_factory=list)
    events: list[Values] = field(default_factory=list)
    feedback: list[Values] = field(default_factory=list)
    actions: list[Values] = field(default_factory=list)
    pack_versions: dict[str, Values] = field(default_factory=dict)
    ended: list[Values] = field(default_factory=list)
    """``call``, ``epoch`` and what the end of a call sets."""
    bound: list[Values] = field(default_factory=list)
    """``call``, ``epoch`` and the agent who has the call now."""


def batch_of(rows: list[Row], now_ms: int) -> Batch:
    """The archive's rows of the outbox's rows, which are in order."""
    batch = Batch()
    for row in rows:
        body = json.loads(row.body)
        key = {"call": row.call, "epoch": row.epoch}
        if row.kind == "call":
            batch.calls.append({**key, **body})
        else:
            _event({**key, "seq": row.seq}, body, row.body, batch, now_ms)
    return batch


def _event(key: Values, body: Values, text: str, batch: Batch, now_ms: int) -> None:
    kind = body["type"]
    batch.events.append(
        {
            **key,
            "type": kind,
            "at_ms": body["at_ms"],
            "ref": body.get("id"),
            "rule": body.get("rule"),
            "category": body.get("category"),
            "severity": body.get("severity"),
            "state": body.get("state"),
            "text": body["text"] if kind == "transcript" else None,
            "body": text,
        }
    )
    if kind == "alert" and body["pack"]:
        batch.pack_versions[body["pack"]] = {"pack": body["pack"], "first_seen": now_ms}
    elif kind == "action":
        names = ("id", "kind", "alert", "by", "to", "text")
        batch.actions.append({**key, **{name: body[name] for name in names}})
    elif kind == "status":
        _status(key, body["name"], body["detail"], batch, now_ms)


def _status(key: Values, name: str, detail: Values, batch: Batch, now_ms: int) -> None:
    call = {"call": key["call"], "epoch": key["epoch"]}
    if name == "feedback":
        said = {"suggestion": detail["suggestion"], "verdict": detail["verdict"]}
        batch.feedback.append({**key, **said})
    elif name == "agent_changed":
        batch.bound.append({**call, "agent": detail["agent"] or None})
    elif name == "call_ended":
        ended = {"duration_ms": detail["duration_ms"], "why": detail["why"], "ended_at": now_ms}
        batch.ended.append({**call, **ended})
