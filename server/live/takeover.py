"""Takes a call up again whose process died: from what was kept, to what is heard next. Pure.

The recogniser and the rules begin anew. The recogniser hears the call from where it was settled,
so its times are moved and its utterances get new names. The rules are told the kept finals once
more; what they then say is matched with what the call knows already, so nobody is told twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from asr.events import (
    AsrEvent,
    AudioFrame,
    AudioGap,
    Metric,
    NotSpeech,
    Party,
    StreamFailed,
    Transcript,
    Watermark,
)
from asr.recogniser import CallAudio
from assist_rules.events import (
    Alert,
    CallInfo,
    Commitment,
    Evidence,
    Retraction,
    RuleEvent,
    State,
    Step,
    Suggestion,
    Suppressed,
)
from server.events import CallEvent, Status
from server.live.state import Rules

SEQ_MARGIN = 1_000
"""Partials that viewers saw and nobody kept had numbers, too; they are not given out twice."""
NEAR_MS = 500
"""Words heard a second time may begin and end this much elsewhere."""
RANK = {State.TENTATIVE: 0, State.CONFIRMED: 1}


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows of a call that had not ended."""

    info: CallInfo
    parties: tuple[Party, ...]
    rate: int
    epoch: int
    events: tuple[CallEvent, ...]
    """Without partials and metrics, in order."""
    settled: Mapping[Party, int] = field(default_factory=dict)
    """As last written; finals may reach further."""
    seq: int = 0

    @property
    def settled_ms(self) -> dict[Party, int]:
        """From where each party has to be heard again."""
        settled = {party: self.settled.get(party, 0) for party in self.parties}
        for event in self.events:
            body = event.body
            if isinstance(body, Transcript) and body.final and body.party in settled:
                settled[body.party] = max(settled[body.party], body.end_ms)
        return settled

    @property
    def life(self) -> int:
        """Which process this is to the call, from 2."""
        return 1 + sum(_is(event, "recogniser") for event in self.events)


def _is(event: CallEvent, name: str) -> bool:
    return isinstance(event.body, Status) and event.body.name == name


class ResumedAudio:
    """A recogniser's new stream, in the times and names of the call it goes on with."""

    def __init__(self, audio: CallAudio, kept: Kept) -> None:
        self._audio = audio
        settled = kept.settled_ms
        self._from_ms = settled
        self._ms = min(settled.values())
        self._samples = self._ms * kept.rate // 1000
        self._life = kept.life

    async def push(self, frame: AudioFrame) -> None:
        """Take a packet, whose samples count from the call's beginning."""
        await self._audio.push(replace(frame, start_sample=frame.start_sample - self._samples))

    def end(self) -> None:
        """No more audio."""
        self._audio.end()

    async def aclose(self) -> None:
        """Forget the call at once."""
        await self._audio.aclose()

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        async for event in self._audio:
            moved = self.moved(event)
            if moved is not None:
                yield moved

    def moved(self, event: AsrEvent) -> AsrEvent | None:
        """The event in the call's own time; None for a gap that was heard in the first life."""
        ms = self._ms
        match event:
            case Transcript():
                return replace(
                    event,
                    utterance=f"{event.utterance}.{self._life}",
                    chars=tuple(replace(char, ms=char.ms + ms) for char in event.chars),
                    start_ms=event.start_ms + ms,
                    end_ms=event.end_ms + ms,
                    at_ms=event.at_ms + ms,
                )
            case Watermark():
                return replace(event, heard_ms=event.heard_ms + ms, at_ms=event.at_ms + ms)
            case AudioGap():
                if event.end_ms + ms <= self._from_ms.get(event.party, 0):
                    return None
                return replace(event, start_ms=event.start_ms + ms, end_ms=event.end_ms + ms)
            case NotSpeech():
                return replace(event, start_ms=event.start_ms + ms, end_ms=event.end_ms + ms)
            case Metric() | StreamFailed():
                return replace(event, at_ms=event.at_ms + ms)


@dataclass(slots=True)
class _Told:
    """An alert, suggestion or commitment as the call knows it."""

    body: Alert | Suggestion | Commitment
    gone: bool = False


class ResumedRules:
    """New rules that have been told the kept finals, speaking with the ids the call knows."""

    def __init__(self, rules: Rules, kept: Kept) -> None:
        self._rules = rules
        self._life = kept.life
        self._ids: dict[str, str | None] = {}
        """How the call knows an id of the rules; None: it is not to hear of it."""
        self._told: dict[str, _Told] = {}
        self._steps: dict[tuple[str, str], Step] = {}
        for event in kept.events:
            self._remember(event.body)
        self._replaying = True
        self._ticked: dict[tuple[str, str], Step] = {}
        owed = [*self._replay(kept), *self._doubtful()]
        self._replaying = False
        owed += [step for step in self._ticked.values() if self._moved_on(step)]
        self.owed: tuple[RuleEvent, ...] = tuple(owed)
        """What the call has to be told because of the change."""

    # The interface of rules

    def hear(self, transcript: Transcript) -> tuple[RuleEvent, ...]:
        """A revision of an utterance."""
        return self._known(self._rules.hear(transcript))

    def measure(self, metric: Metric) -> tuple[RuleEvent, ...]:
        """A fact about the sound."""
        return self._known(self._rules.measure(metric))

    def advance(self, watermark: Watermark) -> tuple[RuleEvent, ...]:
        """Deadlines may pass."""
        return self._known(self._rules.advance(watermark))

    def feedback(self, suggestion_id: str, verdict: str, at_ms: int) -> tuple[RuleEvent, ...]:
        """The agent's word on a card, which may be one of the first life."""
        ours = next((own for own, known in self._ids.items() if known == suggestion_id), None)
        own = suggestion_id if ours is None else ours
        return self._known(self._rules.feedback(own, verdict, at_ms))

    def end(self, at_ms: int) -> tuple[RuleEvent, ...]:
        """The call is over."""
        return self._known(self._rules.end(at_ms))

    # What was

    def _remember(self, body: object) -> None:
        match body:
            case Alert() | Suggestion() | Commitment():
                self._told[body.id] = _Told(body)
            case Retraction(id=gone) if gone in self._told:
                self._told[gone].gone = True
            case Step():
                self._steps[(body.list, body.step)] = body

    def _replay(self, kept: Kept) -> list[RuleEvent]:
        finals = [
            event.body
            for event in kept.events
            if (isinstance(event.body, Transcript) and event.body.final) or _is(event, "feedback")
        ]
        owed: list[RuleEvent] = []
        settled = min(kept.settled_ms.values(), default=0)
        at_ms = 0
        for number, body in enumerate(finals):
            if isinstance(body, Transcript):
                at_ms = max(at_ms, body.at_ms)
                owed += self.hear(body)
                later = finals[number + 1 :]
                begun = [next_.start_ms for next_ in later if isinstance(next_, Transcript)]
                heard = min([at_ms, settled, *begun])
                owed += self.advance(Watermark(kept.info.call, heard, at_ms))
            elif isinstance(body, Status):
                detail = body.detail
                owed += self.feedback(str(detail["suggestion"]), str(detail["verdict"]), at_ms)
        return owed

    def _doubtful(self) -> list[RuleEvent]:
        """Take back what rested on words that were never final: they will be heard again."""
        known = set(self._ids.values())
        doubtful: list[RuleEvent] = []
        for id_, told in self._told.items():
            body = told.body
            if told.gone or id_ in known or isinstance(body, Commitment):
                continue
            if body.state is State.TENTATIVE:
                told.gone = True
                doubtful.append(Retraction(id_, "server_restarted"))
        return doubtful

    # What comes

    def _known(self, bodies: Iterable[RuleEvent]) -> tuple[RuleEvent, ...]:
        return tuple(known for body in bodies if (known := self._one(body)) is not None)

    def _one(self, body: RuleEvent) -> RuleEvent | None:
        match body:
            case Alert() | Commitment():
                return self._named(body)
            case Suggestion():
                alert = self._ids.get(body.alert, body.alert)
                return None if alert is None else self._named(replace(body, alert=alert))
            case Suppressed():
                alert = self._ids.get(body.alert, body.alert)
                if alert is None or self._replaying:
                    return None
                return replace(body, alert=alert)
            case Retraction():
                return self._taken_back(body)
            case Step():
                if self._replaying:
                    self._ticked[(body.list, body.step)] = body
                    return None
                return body if self._moved_on(body) else None

    def _moved_on(self, step: Step) -> bool:
        key = (step.list, step.step)
        before = self._steps.get(key)
        self._steps[key] = step
        return before is None or before.state is not step.state

    def _named(self, body: Alert | Suggestion | Commitment) -> RuleEvent | None:
        if body.id not in self._ids:
            found = self._match(body)
            if found is not None:
                self._ids[body.id] = None if self._told[found].gone else found
            elif self._replaying and isinstance(body, Suggestion):
                self._ids[body.id] = None  # a card about what was said long ago helps nobody
            else:
                self._ids[body.id] = f"{body.id}.{self._life}"
        known = self._ids[body.id]
        if known is None:
            return None
        told = self._told.get(known)
        if told is not None and not told.gone and not _more(body, told.body):
            return None
        named = replace(body, id=known)
        self._told[known] = _Told(named)
        return named

    def _match(self, body: Alert | Suggestion | Commitment) -> str | None:
        """What the call was told before and is this again."""
        taken = set(self._ids.values())
        for id_, told in self._told.items():
            fits = type(told.body) is type(body) and _same(body, told.body)
            if fits and id_ not in taken and (self._replaying or not told.gone):
                return id_
        return None

    def _taken_back(self, body: Retraction) -> Retraction | None:
        known = self._ids.get(body.id, body.id)
        told = self._told.get(known) if known is not None else None
        if known is None or told is None or told.gone:
            return None
        told.gone = True
        return replace(body, id=known)


def _more(new: object, old: object) -> bool:
    """The new one says more than the old: confirmed, worse, other words."""
    if isinstance(new, Alert) and isinstance(old, Alert):
        return RANK[new.state] > RANK[old.state] or (
            new.severity is not old.severity and RANK[new.state] >= RANK[old.state]
        )
    if isinstance(new, Suggestion) and isinstance(old, Suggestion):
        return RANK[new.state] > RANK[old.state]
    if isinstance(new, Commitment) and isinstance(old, Commitment):
        return (new.text, new.state) != (old.text, old.state)
    return True


def _same(new: object, old: object) -> bool:
    if isinstance(new, Alert) and isinstance(old, Alert):
        return new.rule == old.rule and _meet(new.evidence, old.evidence)
    if isinstance(new, Suggestion) and isinstance(old, Suggestion):
        return (new.rule, new.alert) == (old.rule, old.alert)
    if isinstance(new, Commitment) and isinstance(old, Commitment):
        return _meet(new.evidence, old.evidence)
    return False


def _meet(new: Sequence[Evidence], old: Sequence[Evidence]) -> bool:
    """Both rest on the same moment of the same party."""
    if not new or not old:
        return not new and not old
    a, b = new[0], old[0]
    overlap = a.start_ms <= b.end_ms + NEAR_MS and b.start_ms <= a.end_ms + NEAR_MS
    return a.party == b.party and overlap
