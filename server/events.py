"""A call's event as everybody outside the call sees it: one body, numbered, with audio time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from asr.events import CallId, Metric, Transcript
from assist_rules.events import Alert, Commitment, Retraction, Step, Suggestion, Suppressed

Detail = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Status:
    """Something about the call itself: it began, ended, lost audio, changed hands."""

    name: str
    """One of ``STATUS``."""
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Whisper:
    """A lead's words for the agent's widget."""

    id: str
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Hand:
    """The agent asks for help, or no longer does. A later one stands for the earlier."""

    raised: bool
    by: str


@dataclass(frozen=True, slots=True)
class Action:
    """What a lead did about the call."""

    id: str
    kind: str
    """One of ``ACTIONS``."""
    alert: str
    """The alert it is about, or empty."""
    by: str
    to: str
    """Whom it is assigned to, or empty."""
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A reviewer's judgement of an alert, or of what should have been one."""

    id: str
    by: str
    verdict: str
    """One of ``MARKS``."""
    alert: str
    """The alert that is judged, or empty."""
    category: str
    utterance: str
    """Where the words are that were missed, or empty."""
    quote: str
    note: str


MARKS = ("right", "wrong", "missed")
"""What a reviewer can say."""
ACTIONS = ("acknowledge", "assign", "resolve", "note")
"""What a lead can do about a call or an alert."""

STATUS = {
    "call_started": "detail: agent, queue, tier, brand, started_at",
    "call_ended": "detail: why, duration_ms; how many utterances, alerts, suggestions, suppressed, retractions, cues, used, dismissed, wrong, said, commitments, steps_open; agent_talk_share, customer_talk_share where known",
    "agent_changed": "detail: agent, by, why (hello | map | claim | transfer)",
    "audio_gap": "detail: party, start_ms, end_ms, why",
    "not_speech": "detail: party, kind (music | ringback | dtmf | crosstalk | noise), start_ms, end_ms",
    "party_failed": "detail: party, code, message",
    "recogniser": "detail: name, demonstration, degraded",
    "feedback": "detail: suggestion, verdict (used | dismissed | wrong | said)",
    "durability": "detail: state (ok | lost), why: whether events reach the disk",
}
"""Every status name on the wire."""

Body = (
    Transcript
    | Alert
    | Suggestion
    | Suppressed
    | Retraction
    | Step
    | Commitment
    | Metric
    | Whisper
    | Hand
    | Action
    | Mark
    | Status
)


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened on a call. Equal inputs give equal events, stamps apart."""

    call: CallId
    seq: int
    """Counts up by one within the call, from 1."""
    at_ms: int
    """Audio time since the call began."""
    body: Body
    stamps: Mapping[str, float] = field(default_factory=dict, compare=False)
    """Wall time, seconds since the epoch, of: arrived, recognised, fired, sent. Never compared."""
    heard_ms: int | None = None
    """Audio time of the last sample of what caused it, where that is known."""

    def stamped(self, stamps: Mapping[str, float]) -> CallEvent:
        """The same event at these times."""
        return CallEvent(self.call, self.seq, self.at_ms, self.body, stamps, self.heard_ms)
