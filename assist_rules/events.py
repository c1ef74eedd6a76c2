"""The nouns that the rules speak: what was noticed, what to say now, what is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from asr.events import CallId, Party


class Severity(StrEnum):
    """How much it matters. ``critical`` is danger to people; ``veto`` fails the call (一票否决)."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    VETO = "veto"


class State(StrEnum):
    """``tentative`` rests on text that may still change, ``confirmed`` does not."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"


class Path(StrEnum):
    """How the evidence was found."""

    EXACT = "exact"
    PINYIN = "pinyin"
    METRIC = "metric"


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What is known of a call from outside: set at its start, conditions of rules may read it."""

    call: CallId
    agent: str | None = None
    queue: str | None = None
    tier: str | None = None
    brand: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    started_at: str | None = None
    """Wall time of the call's first packet, ISO 8601 UTC; for people, never for rules."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words, or the measured moment, on which an alert rests."""

    call: CallId
    party: Party
    utterance: str
    """Empty for a metric or an absence."""
    revision: int
    start: int
    end: int
    """Half-open range of characters in the transcript's text."""
    text: str
    start_ms: int
    end_ms: int
    """Audio time; ``end_ms`` is when the last of the evidence had been spoken."""
    path: Path


@dataclass(frozen=True, slots=True)
class Alert:
    """Something on the call that people should know. The same id comes again when confirmed."""

    id: str
    rule: str
    category: str
    severity: Severity
    title: str
    evidence: tuple[Evidence, ...]
    """The triggering span first."""
    state: State
    confidence: float = 1.0
    version: int = 1
    """Of the rule."""
    pack: str = ""
    """Hash of the pack the call began with."""
    trace: tuple[str, ...] = ()
    """One line per condition: what it asked, what it found."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A sentence that the agent can say now."""

    id: str
    alert: str
    rule: str
    say: str
    why: str
    """The words that caused it, in the caller's voice."""
    slots: Mapping[str, str]
    state: State
    severity: Severity = Severity.MEDIUM
    category: str = ""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A suggestion that was held back so that the agent is not flooded, and why."""

    alert: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Retraction:
    """Takes back the alert or suggestion of that id."""

    id: str
    why: str


class StepState(StrEnum):
    """Where a step of a checklist stands."""

    OPEN = "open"
    DONE = "done"
    DUE = "due"
    """It should have been done by now."""
    SKIPPED = "skipped"
    """Not done, and no longer to be done: the call is over, or the list was taken back."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a checklist. A later one stands for the earlier with the same list and step."""

    list: str
    """``flow`` (from the call's start) or ``7a`` (from a confirmed complaint on), or a site's."""
    step: str
    title: str
    state: StepState
    evidence: tuple[Evidence, ...] = ()
    """What was said that did it; empty unless done."""


class CommitmentState(StrEnum):
    """``withdrawn``: the words turned out to be others."""

    MADE = "made"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Commitment:
    """What the agent promised. The same id comes again when it is understood better."""

    id: str
    text: str
    """The agent's words: who does what, by when."""
    due: str
    """The promised time as it was said; empty when none was."""
    state: CommitmentState
    evidence: tuple[Evidence, ...] = ()


RuleEvent = Alert | Suggestion | Suppressed | Retraction | Step | Commitment
"""Everything a rule session can give out."""

CATEGORIES = (
    "agent.forbidden",
    "agent.catchphrase",
    "agent.missing_opening",
    "agent.missing_closing",
    "agent.missing_empathy",
    "agent.promise",
    "agent.rate",
    "agent.interruption",
    "agent.silence",
    "agent.volume",
    "customer.complaint",
    "customer.escalation",
    "customer.anger",
    "customer.danger",
    "customer.churn",
    "customer.repeat",
    "customer.praise",
)
"""Categories of alerts; besides these, any that begins with ``customer.type.``."""
