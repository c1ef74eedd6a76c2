"""What should have been said and judged on a call of the null recogniser, and what a viewer has. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any

from asr.events import CallId, Transcript, Watermark
from asr.recogniser import RecogniserInfo
from assist_rules.events import Alert, CallInfo, Retraction, State
from benchmarks import null_recogniser as null
from server.events import CallEvent
from server.live.state import CallState, Rules
from server.live.switchboard import NewRules

Finals = Counter[tuple[str, str]]
"""How often each (party, text) is final."""
Confirmed = Counter[str]
"""How many alerts of each rule are confirmed and were not taken back."""


def finals(call: str, duration_ms: int, until_ms: int) -> Finals:
    """Of a call that ends after ``duration_ms``, on a server whose calls have words for ``until_ms``."""
    return Counter(
        (str(event.party), event.text)
        for event in null.events(null.script_of(call), until_ms)
        if isinstance(event, Transcript) and event.final and event.at_ms <= duration_ms
    )


def published(call: str, duration_ms: int, until_ms: int, begin: NewRules) -> list[CallEvent]:
    """Everything that such a call says when nothing disturbs it."""
    info = CallInfo(CallId(call), "agent", None, None, None, {}, "")
    rules: Rules = begin(info)
    state = CallState(info, RecogniserInfo("null", demonstration=True), rules)
    made = list(state.start())
    mark = 0
    for event in null.events(null.script_of(call), until_ms):
        at_ms: int = event.at_ms  # type: ignore[union-attr]
        if at_ms > duration_ms:
            break
        while at_ms - mark > 500:
            mark += 500
            made += state.absorb(Watermark(info.call, max(0, mark - null.BEHIND_MS), mark))
        made += state.absorb(event)
    made += state.end("ended", duration_ms)
    return made


def confirmed(call: str, duration_ms: int, until_ms: int, begin: NewRules) -> Confirmed:
    """What the rules say of such a call."""
    alerts: dict[str, Alert] = {}
    for one in published(call, duration_ms, until_ms, begin):
        if isinstance(one.body, Alert):
            alerts[one.body.id] = one.body
        elif isinstance(one.body, Retraction):
            alerts.pop(one.body.id, None)
    return Counter(alert.rule for alert in alerts.values() if alert.state is State.CONFIRMED)


class Sight:
    """What one viewer knows of one call: a snapshot stands for all before it, as on a page."""

    def __init__(self) -> None:
        self._finals: dict[str, tuple[str, str]] = {}
        self._alerts: dict[str, tuple[str, bool]] = {}
        self.statuses: list[dict[str, Any]] = []
        self.ended = False

    def take(self, message: dict[str, Any]) -> None:
        """The next message."""
        if message["type"] == "snapshot":
            self._finals.clear()
            self._alerts.clear()
            for event in message["events"]:
                self._one(event)
        else:
            self._one(message)

    def _one(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "transcript" if event["final"]:
                self._finals[event["utterance"]] = (event["party"], event["text"])
            case "alert":
                self._alerts[event["id"]] = (event["rule"], event["state"] == "confirmed")
            case "retraction":
                self._alerts.pop(event["id"], None)
            case "status":
                self.statuses.append(event)
                self.ended |= event["name"] == "call_ended"

    @property
    def finals(self) -> Finals:
        """As :func:`finals` counts them."""
        return Counter(final for final in self._finals.values() if final[1])

    @property
    def confirmed(self) -> Confirmed:
        """As :func:`confirmed` counts them."""
        return Counter(rule for rule, sure in self._alerts.values() if sure)


def missing(wanted: Finals, got: Finals) -> list[tuple[str, str]]:
    """Finals that should be there and are not. What was masked fits what it masks."""
    left = list(got.elements())
    lost = []
    for party, text in wanted.elements():
        found = next((one for one in left if one[0] == party and _fits(text, one[1])), None)
        if found is None:
            lost.append((party, text))
        else:
            left.remove(found)
    return lost


def doubled(wanted: Finals, got: Finals) -> int:
    """Finals that are there and should not be."""
    return got.total() - (wanted.total() - len(missing(wanted, got)))


def _fits(text: str, shown: str) -> bool:
    return len(text) == len(shown) and all(b in (a, "*") for a, b in zip(text, shown, strict=True))


def compare_alerts(wanted: Confirmed, got: Confirmed) -> tuple[int, int]:
    """How many confirmed alerts are missing, and how many are too many."""
    return (wanted - got).total(), (got - wanted).total()
