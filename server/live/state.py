"""One call as a pure function of what was heard: inputs in, numbered call events out.

There is no clock and no socket in here. Equal inputs in equal order give equal events, which is
why a replay of a recording shows what the live call showed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from asr.events import AsrEvent, AudioGap, Metric, NotSpeech, StreamFailed, Transcript, Watermark
from asr.recogniser import RecogniserInfo
from assist_rules.events import (
    Alert,
    CallInfo,
    Commitment,
    Retraction,
    RuleEvent,
    Step,
    Suggestion,
    Suppressed,
)
from server.events import ACTIONS, Action, Body, CallEvent, Detail, Hand, Mark, Status, Whisper
from server.live.said import Said
from server.live.summary import Summary

VERDICTS = ("used", "dismissed", "wrong")
"""What an agent can say of a suggestion."""


class Rules(Protocol):
    """The rules of one call, as this package needs them; ``RuleSession`` is the real one."""

    def hear(self, transcript: Transcript) -> tuple[RuleEvent, ...]:
        """A revision of an utterance."""

    def measure(self, metric: Metric) -> tuple[RuleEvent, ...]:
        """A fact about the sound."""

    def advance(self, watermark: Watermark) -> tuple[RuleEvent, ...]:
        """Everything before the mark has been heard: deadlines may pass."""

    def feedback(self, suggestion_id: str, verdict: str, at_ms: int) -> tuple[RuleEvent, ...]:
        """The agent used, dismissed or refused a card."""

    def end(self, at_ms: int) -> tuple[RuleEvent, ...]:
        """The call is over."""


UNKEPT = 10_000
"""More events than a process can have told without having kept them."""


class CallState:
    """Numbers what happens on a call. Call :meth:`start` first and :meth:`end` last."""

    def __init__(self, info: CallInfo, recogniser: RecogniserInfo, rules: Rules) -> None:
        self.info = info
        self.seq = 0
        self.at_ms = 0
        self.ended = False
        self._recogniser = recogniser
        self._rules = rules
        self._heard: dict[str, int] = {}
        self._suggested: set[str] = set()
        self._said = Said()
        self._uttered: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._summary = Summary()

    def resume(self, events: Iterable[CallEvent], seq: int) -> None:
        """Go on after these events, which another process made, with numbers above ``seq``.

        What that process told and did not keep had numbers above it as well. Ours begin far beyond
        those, so that nobody takes the one for the other.
        """
        for event in events:
            body = event.body
            self._summary.note(body)
            if isinstance(body, Transcript):
                self._utter(body)
            elif isinstance(body, Status):
                if body.name == "agent_changed":
                    self._hand_over(str(body.detail["agent"]))
            elif isinstance(body, Whisper | Action):
                self._counts["staff"] += 1
            elif not isinstance(body, Metric | Hand | Mark):
                self._heard_of(body)
            self.at_ms = max(self.at_ms, event.at_ms)
            self.seq = max(self.seq, event.seq)
        self.seq = max(self.seq, seq) + UNKEPT

    def told(self, bodies: Iterable[RuleEvent]) -> tuple[CallEvent, ...]:
        """What the rules have to say without a new input."""
        return self._ruled(self.at_ms, bodies)

    def note(self, status: Status) -> tuple[CallEvent, ...]:
        """Something that happened to the call from outside."""
        return () if self.ended else (self._number(self.at_ms, status),)

    def start(self, again: bool = False) -> tuple[CallEvent, ...]:
        """The first events of the call; ``again``: of the part that this process has of it."""
        info, recogniser = self.info, self._recogniser
        started: Detail = {
            "agent": info.agent,
            "queue": info.queue,
            "tier": info.tier,
            "brand": info.brand,
            "started_at": info.started_at,
        }
        listening: Detail = {
            "name": recogniser.name,
            "demonstration": recogniser.demonstration,
            "degraded": False,
        }
        if again:
            return (self._number(self.at_ms, Status("recogniser", listening)),)
        return (
            self._number(0, Status("call_started", started)),
            self._number(0, Status("recogniser", listening)),
        )

    def absorb(self, event: AsrEvent) -> tuple[CallEvent, ...]:
        """One event of the recogniser: itself, where viewers see it, then what the rules say."""
        if isinstance(event, Watermark):
            return self._ruled(event.at_ms, self._rules.advance(event))
        if isinstance(event, Transcript):
            heard = self._number(event.at_ms, event, event.end_ms)
            self._utter(event)
            said = [self._judged(card, "said") for card in self._said.hear(event)]
            return (heard, *said, *self._ruled(event.at_ms, self._rules.hear(event)))
        if isinstance(event, Metric):
            measured = self._number(event.at_ms, event, event.at_ms)
            return (measured, *self._ruled(event.at_ms, self._rules.measure(event)))
        return (self._number(*_told(event)),)

    def _utter(self, spoken: Transcript) -> None:
        # A second pass may make an utterance final once more.
        if spoken.final and spoken.text:
            self._uttered.add(spoken.utterance)

    def feedback(self, suggestion: str, verdict: str) -> tuple[CallEvent, ...]:
        """The agent's word on a card. Nothing happens for a card this call never showed."""
        if suggestion not in self._suggested or verdict not in VERDICTS or self.ended:
            return ()
        self._said.forget(suggestion)
        ruled = self._rules.feedback(suggestion, verdict, self.at_ms)
        return (self._judged(suggestion, verdict), *self._ruled(self.at_ms, ruled))

    def _judged(self, suggestion: str, verdict: str) -> CallEvent:
        told = Status("feedback", {"suggestion": suggestion, "verdict": verdict})
        return self._number(self.at_ms, told)

    # What people do about the call

    def bind(self, agent: str, by: str, why: str) -> tuple[CallEvent, ...]:
        """The call is this agent's from now on; nobody's, if ``agent`` is empty."""
        if self.ended or agent == (self.info.agent or ""):
            return ()
        self._hand_over(agent)
        changed = Status("agent_changed", {"agent": agent, "by": by, "why": why})
        return (self._number(self.at_ms, changed),)

    def _hand_over(self, agent: str) -> None:
        self.info = replace(self.info, agent=agent or None)

    def whisper(self, by: str, text: str) -> tuple[CallEvent, ...]:
        """A lead's words for the agent."""
        return () if self.ended else (self._number(self.at_ms, Whisper(self._id("w"), by, text)),)

    def raise_hand(self, by: str, raised: bool) -> tuple[CallEvent, ...]:
        """The agent asks for help, or no longer does."""
        return () if self.ended else (self._number(self.at_ms, Hand(raised, by)),)

    def act(self, kind: str, alert: str, by: str, to: str, text: str) -> tuple[CallEvent, ...]:
        """A lead deals with the call or with an alert that it has had. Nothing for another one."""
        if self.ended or kind not in ACTIONS or (alert and alert not in self._heard):
            return ()
        return (self._number(self.at_ms, Action(self._id("x"), kind, alert, by, to, text)),)

    def mark(self, mark: Mark) -> tuple[CallEvent, ...]:
        """Somebody judged an alert, or what is missing."""
        return () if self.ended else (self._number(self.at_ms, mark),)

    def _id(self, letter: str) -> str:
        self._counts["staff"] += 1
        return f"{letter}{self._counts['staff']}"

    def end(self, why: str, duration_ms: int) -> tuple[CallEvent, ...]:
        """The last events of the call: what the rules say of its end, then the summary."""
        if self.ended:
            return ()
        last = self._ruled(duration_ms, self._rules.end(duration_ms))
        self.ended = True
        counts = {"utterances": len(self._uttered)} | {
            name: self._counts[name]
            for name in ("alerts", "suggestions", "suppressed", "retractions")
        }
        ended: Detail = {"why": why, "duration_ms": duration_ms, **counts}
        summary = Status("call_ended", {**ended, **self._summary.detail()})
        return (*last, self._number(duration_ms, summary))

    def _ruled(self, at_ms: int, bodies: Iterable[RuleEvent]) -> tuple[CallEvent, ...]:
        return tuple(self._number(at_ms, body, self._heard_of(body)) for body in bodies)

    def _heard_of(self, body: RuleEvent) -> int | None:
        """When the last sample of what caused it was spoken; keeps the counts on the way."""
        match body:
            case Alert():
                if body.id not in self._heard:
                    self._counts["alerts"] += 1
                heard = max((span.end_ms for span in body.evidence), default=self.at_ms)
                self._heard[body.id] = heard
                return heard
            case Suggestion():
                self._said.show(body, self.at_ms)
                if body.id not in self._suggested:
                    self._suggested.add(body.id)
                    self._counts["suggestions"] += 1
                return self._heard.get(body.alert)
            case Suppressed():
                self._counts["suppressed"] += 1
                return self._heard.get(body.alert)
            case Retraction():
                self._counts["retractions"] += 1
                return None
            case Step() | Commitment():
                return max((span.end_ms for span in body.evidence), default=None)

    def _number(self, at_ms: int, body: Body, heard_ms: int | None = None) -> CallEvent:
        self.seq += 1
        self.at_ms = max(self.at_ms, at_ms)
        self._summary.note(body)
        return CallEvent(self.info.call, self.seq, at_ms, body, {}, heard_ms)


def _told(event: AudioGap | NotSpeech | StreamFailed) -> tuple[int, Status]:
    """What viewers are told about sound that is missing or makes no words."""
    if isinstance(event, AudioGap):
        gap: Detail = {
            "party": str(event.party),
            "start_ms": event.start_ms,
            "end_ms": event.end_ms,
            "why": event.why,
        }
        return event.end_ms, Status("audio_gap", gap)
    if isinstance(event, NotSpeech):
        sound: Detail = {
            "party": str(event.party),
            "kind": event.kind,
            "start_ms": event.start_ms,
            "end_ms": event.end_ms,
        }
        return event.end_ms, Status("not_speech", sound)
    failed: Detail = {"party": str(event.party), "code": event.code, "message": event.message}
    return event.at_ms, Status("party_failed", failed)
