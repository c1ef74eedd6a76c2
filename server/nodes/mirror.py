"""A call that goes on at another node, as far as this one has been told of it. Pure.

It keeps the texts of events as they came and parses them only when somebody joins, because most
events just pass through to pages that are open.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from asr.events import CallId
from assist_rules.events import CallInfo
from server.events import CallEvent

LIMIT = 4_000
HEAD = ("call", "info", "live", "seq", "at_ms")
ON_BOARD = ("alert", "suggestion", "retraction", "metric", "action", "hand")
Do = Callable[["Mirror", str, list[Any]], None]
"""Has the call's own node do something."""


class Side:
    """One version of a call's events: the agent's, or the masked one of all others."""

    def __init__(self, head: dict[str, Any]) -> None:
        """``head`` is a snapshot or a board line."""
        self.full = False
        """All of its events come, not just those for boards."""
        self._events: dict[Any, str] = {}
        self._metrics: dict[str, float] = {}
        self._rest: dict[str, Any] = {}
        self.renew(head)

    def renew(self, head: dict[str, Any]) -> None:
        """The call's node tells all that there is to tell."""
        self.full = self.full or "events" in head
        self._head = {key: head[key] for key in HEAD}
        if "events" in head:
            events = head["events"]
        elif self.full:
            # A board line knows less than what is here already.
            return
        else:
            events = [*head["alerts"], *head["suggestions"]]
            events.sort(key=lambda event: event["seq"])
            self._metrics = dict(head["metrics"])
            known = {*HEAD, "alerts", "suggestions", "metrics"}
            self._rest = {name: value for name, value in head.items() if name not in known}
        self._events = {}
        for event in events:
            self._keep(event["type"], _key(event), json.dumps(event, ensure_ascii=False))

    def add(self, kind: str, seq: int, about: list[str] | None, text: str) -> None:
        """One more event; ``about`` names what a later event may stand for."""
        self._head["seq"] = seq
        key = seq if about is None else tuple(about)
        self._keep(kind, key, text)
        if kind == "status":
            self._status(json.loads(text))

    def _keep(self, kind: str, key: Any, text: str) -> None:
        if self.full or kind in ON_BOARD:
            self._events.pop(key, None)
            self._events[key] = text
            if len(self._events) > LIMIT:
                del self._events[next(iter(self._events))]

    def _status(self, event: dict[str, Any]) -> None:
        self._head["at_ms"] = event["at_ms"]
        if event["name"] == "call_ended":
            self._head["live"] = False
        elif event["name"] == "agent_changed":
            self._head["info"] = {**self._head["info"], "agent": event["detail"].get("agent")}

    @property
    def head(self) -> dict[str, Any]:
        """What is known of the call besides its events."""
        return self._head

    def snapshot(self) -> dict[str, Any]:
        """The wire message that tells a newcomer everything so far."""
        events = [json.loads(text) for text in self._events.values()]
        return {"type": "snapshot", **self._head, "events": events}

    def overview(self) -> dict[str, Any]:
        """The call's line on the board."""
        alerts: dict[str, Any] = {}
        suggestions: dict[str, Any] = {}
        actions: dict[Any, Any] = {}
        metrics, rest = dict(self._metrics), dict(self._rest)
        for text in self._events.values():
            event = json.loads(text)
            match event["type"]:
                case "alert":
                    alerts[event["id"]] = event
                case "suggestion":
                    suggestions[event["id"]] = event
                case "retraction":
                    alerts.pop(event["id"], None)
                    suggestions.pop(event["id"], None)
                case "metric":
                    metrics[f"{event['party']}.{event['name']}"] = event["value"]
                case "action":
                    actions[event["seq"]] = event
                case "hand":
                    rest["hand"] = event["raised"]
        return {
            **rest,
            **self._head,
            "alerts": list(alerts.values()),
            "suggestions": list(suggestions.values()),
            "metrics": metrics,
            "actions": [*rest.get("actions", ()), *actions.values()],
            "hand": rest.get("hand", False),
        }


class Mirror:
    """A call of another node; fulfils ``live.elsewhere.Shown``."""

    def __init__(self, life: str, do: Do) -> None:
        """``life`` is the node that owns the call."""
        self.life = life
        self.lost = False
        """Its node has died and no other has taken it up yet."""
        self._do = do
        self._sides: dict[bool, Side] = {}

    def renew(self, life: str, head: dict[str, Any], plain: bool) -> None:
        """Its node tells all that there is to tell of one side."""
        self.life, self.lost = life, False
        side = self._sides.get(plain)
        if side is None:
            self._sides[plain] = Side(head)
        else:
            side.renew(head)

    def side(self, plain: bool) -> Side | None:
        """The agent's version, or that of all others, if it is shown here."""
        return self._sides.get(plain)

    @property
    def _any(self) -> Side:
        # The masked side where there is one: nothing that needs no names should have them.
        return self._sides[min(self._sides)]

    @property
    def call(self) -> CallId:
        """Its id."""
        return CallId(self._any.head["call"])

    @property
    def live(self) -> bool:
        """It has not ended."""
        return all(side.head["live"] for side in self._sides.values())

    @property
    def info(self) -> CallInfo:
        """Whose call it is."""
        info = self._any.head["info"]
        return CallInfo(
            self.call,
            info.get("agent") or None,
            info.get("queue"),
            info.get("tier"),
            info.get("brand"),
            info.get("attributes") or {},
            info.get("started_at") or "",
        )

    def snapshot(self, *, plain: bool = False) -> dict[str, Any]:
        """The wire message that tells a newcomer everything so far."""
        side = self._sides.get(plain)
        if side is None:
            return {"type": "snapshot", **self._any.head, "events": []}
        return side.snapshot()

    def overview(self) -> dict[str, Any]:
        """The call's line on the board."""
        side = self._sides.get(False)
        if side is None:
            nothing = {"alerts": [], "suggestions": [], "metrics": {}, "actions": [], "hand": False}
            return {**self._any.head, **nothing}
        return side.overview()

    def since(self, seq: int, *, plain: bool = False) -> tuple[CallEvent, ...] | None:
        """Never known here: a snapshot serves as well."""
        return None

    def painted(self, seq: int, at: float) -> float | None:
        """Tell the call's node, which knows when the sound arrived."""
        self._do(self, "painted", [seq, at])
        return None

    @property
    def done(self) -> Mirror:
        """Asked as a session's event is."""
        return self

    def is_set(self) -> bool:
        """It has ended."""
        return not self.live

    # What its own node is to do

    def feedback(self, suggestion: str, verdict: str) -> None:
        """The agent used, dismissed or refused a card."""
        self._do(self, "feedback", [suggestion, verdict])

    def bind(self, agent: str, by: str, why: str) -> bool:
        """Give the call to an agent."""
        self._do(self, "bind", [agent, by, why])
        return True

    def raise_hand(self, by: str, raised: bool) -> None:
        """The agent asks for help, or no longer does."""
        self._do(self, "raise_hand", [by, raised])

    def whisper(self, by: str, text: str) -> dict[str, Any] | None:
        """Tell the agent something; the event has no number yet."""
        if not self.live:
            return None
        self._do(self, "whisper", [by, text])
        return {"type": "whisper", "call": self.call, "by": by, "text": text}

    def act(self, kind: str, alert: str, by: str, to: str, text: str) -> dict[str, Any] | None:
        """A lead deals with it; the event has no number yet."""
        known = {one["id"] for one in self.overview()["alerts"]}
        if not self.live or (alert and alert not in known):
            return None
        self._do(self, "act", [kind, alert, by, to, text])
        action = {"kind": kind, "alert": alert, "by": by, "to": to, "text": text}
        return {"type": "action", "call": self.call, **action}


def started(event: dict[str, Any]) -> dict[str, Any]:
    """The head of a call of which ``event`` is the first."""
    detail = event["detail"]
    names = ("agent", "queue", "tier", "brand", "started_at")
    return {
        "call": event["call"],
        "info": {**{name: detail.get(name) for name in names}, "attributes": {}},
        "live": True,
        "seq": event["seq"],
        "at_ms": event["at_ms"],
        "alerts": [],
        "suggestions": [],
        "metrics": {},
    }


def _key(event: dict[str, Any]) -> Any:
    """As ``live.notice.of_event`` says what an event is about."""
    match event["type"]:
        case "transcript":
            return (event["call"], event["utterance"])
        case "metric":
            return (event["call"], "metric", event["party"], event["name"])
        case _:
            return event["seq"]
