"""Answers conditions from what is known of a call: true, false, or not yet known.

Answers are recomputed from live cues each time, never stored, so what is taken back leaves no
trace in counts, order or deadlines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from asr.events import Party, Transcript
from assist_rules.engine import weights
from assist_rules.engine.absence import Absence
from assist_rules.engine.call import Call
from assist_rules.engine.conditions import (
    About,
    Absent,
    All,
    AnyOf,
    Condition,
    Count,
    Edge,
    Fact,
    Like,
    Measured,
    NOf,
    Not,
    Phase,
    Repeat,
    Say,
    Seq,
    Steps,
    Talk,
    When,
)
from assist_rules.engine.hearing import Utterance
from assist_rules.engine.moments import FALSE, Answer, Moment, part, whole
from assist_rules.engine.repeats import Echoes
from assist_rules.events import Evidence, Path

REPEATS_LOOKED_AT = 30
"""People who say it again do so soon; alerts on older words stand (``Call.is_old``)."""
FactLookup = Callable[[tuple[str, ...]], Iterable[Moment]]


class Truth:
    """Bound to one call and to the facts that its rules have established."""

    def __init__(
        self,
        call: Call,
        leaf_of: Mapping[int, int],
        facts: FactLookup,
        phases: tuple[tuple[str, Say], ...],
    ) -> None:
        self._call, self._leaf_of, self._facts, self._phases = call, leaf_of, facts, phases
        self.absence = Absence(call, leaf_of)
        self._worded: dict[int, dict[str, tuple[Transcript, Moment | None]]] = {}
        """For each ``like``: what was found in an utterance, and in which words of it."""
        self._repeated: dict[int, Echoes] = {}

    def moments(self, condition: Condition) -> list[Moment]:
        """Each time the condition holds as a trigger, in order of time."""
        match condition:
            case Say():
                found = self._heard(condition)
            case Fact():
                found = _once_an_utterance(self._facts(condition.names))
            case AnyOf(of):
                found = [moment for inner in of for moment in self.moments(inner)]
            case All(of):
                found = [
                    m for m in self.moments(of[0]) if all(self.ask(c, m).value for c in of[1:])
                ]
            case Seq():
                found = self._sequences(condition)
            case Count():
                found = self._counts(condition)
            case Repeat():
                found = self._repeats(condition)
            case Like():
                found = self._alike(condition)
            case Measured():
                found = self._measured(condition)
            case Edge(ended):
                at = self._call.heard_ms if ended else 0
                found = (
                    [Moment(("edge", str(ended)), at, at)] if self._call.ended or not ended else []
                )
            case _:
                found = []
        return sorted(found, key=lambda m: (m.end_ms, m.key))

    def _heard(self, say: Say) -> list[Moment]:
        """One moment per utterance, however often the words come in it."""
        found = []
        for utterance, cues in self._call.cues.get(self._leaf_of[id(say)], {}).items():
            best = min(cues, key=lambda c: (c.by_sound, c.lowered, c.evidence.start))
            slots = {say.capture: best.evidence.text} if say.capture else {}
            found.append(
                Moment(
                    key=("said", utterance),
                    start_ms=best.evidence.start_ms,
                    end_ms=best.evidence.end_ms,
                    evidence=(best.evidence,),
                    settled=best.settled,
                    lowered=best.lowered,
                    confidence=best.confidence,
                    notes=best.notes,
                    slots=slots,
                )
            )
        return found

    def _sequences(self, condition: Seq) -> list[Moment]:
        chains = [(m, m) for m in self.moments(condition.of[0])]
        for step in condition.of[1:]:
            longer = []
            for moment in self.moments(step):
                # The nearest start before it stands for all.
                before = [
                    (first, last)
                    for first, last in chains
                    if last.end_ms < moment.end_ms <= last.end_ms + condition.gap_ms
                    and last.key != moment.key
                ]
                if before:
                    first, last = before[-1]
                    longer.append((first, _joined(moment, last)))
            chains = longer
        return [replace(last, start_ms=first.start_ms) for first, last in chains]

    def _counts(self, condition: Count) -> list[Moment]:
        """The n-th time in the window; the next count begins after it."""
        found: list[Moment] = []
        window: list[Moment] = []
        moments = (
            self._each_cue(condition.of)
            if isinstance(condition.of, Say)
            else self.moments(condition.of)
        )
        for moment in moments:
            window.append(moment)
            if condition.within_ms is not None:
                window = [m for m in window if moment.end_ms - m.end_ms <= condition.within_ms]
            if len(window) >= condition.n:
                evidence = moment.evidence + tuple(e for m in window[:-1] for e in m.evidence)
                settled = all(m.settled for m in window)
                key = ("count", *moment.key)
                found.append(replace(moment, key=key, evidence=evidence, settled=settled))
                window = []
        return found

    def soonest(self, condition: Condition, since_ms: int) -> Moment | None:
        """The first time it held after ``since_ms``; every cue of an utterance is looked at."""
        moments = self._each_cue(condition) if isinstance(condition, Say) else None
        if moments is None:
            moments = self.moments(condition)
        return next((m for m in moments if m.end_ms > since_ms), None)

    def _each_cue(self, say: Say) -> list[Moment]:
        """Every time the words come, several in one utterance too."""
        found = [
            Moment(
                ("said", c.evidence.utterance, str(i)),
                c.evidence.start_ms,
                c.evidence.end_ms,
                (c.evidence,),
                c.settled,
                c.lowered,
                c.confidence,
                c.notes,
            )
            for cues in self._call.cues.get(self._leaf_of[id(say)], {}).values()
            for i, c in enumerate(cues)
        ]
        return sorted(found, key=lambda m: (m.end_ms, m.key))

    def _repeats(self, condition: Repeat) -> list[Moment]:
        said = self._call.said_by(
            condition.role,
            REPEATS_LOOKED_AT,
            lambda u: u.latest.final and len(u.text.norm) >= condition.min_chars,
        )
        echoes = self._repeated.get(id(condition))
        if echoes is None:
            echoes = self._repeated[id(condition)] = Echoes(condition)
        found = []
        for utterance, alike in zip(said, echoes.of(said), strict=True):
            if len(alike) + 1 >= condition.n:
                evidence = (whole(utterance), *(whole(u) for u in alike))
                latest = utterance.latest
                key = ("repeat", latest.utterance)
                found.append(Moment(key, latest.start_ms, latest.end_ms, evidence))
        return found

    def _alike(self, condition: Like) -> list[Moment]:
        """Whole utterances only: half a sentence is worded like anything."""
        known = self._worded.setdefault(id(condition), {})
        kept: dict[str, tuple[Transcript, Moment | None]] = {}
        for utterance in self._call.said_by(condition.role, REPEATS_LOOKED_AT):
            latest = utterance.latest
            before = known.get(latest.utterance)
            if before is None or before[0] is not latest:
                before = (latest, _worded_like(condition, utterance))
            kept[latest.utterance] = before
        self._worded[id(condition)] = kept
        return [moment for _, moment in kept.values() if moment is not None]

    def _measured(self, condition: Measured) -> list[Moment]:
        found = []
        for party in Party:
            if condition.party not in (str(party), "any"):
                continue
            began: int | None = None
            fired = False
            points = self._call.metrics.get((party, condition.name), [])
            for at_ms, value in points:
                holds = (condition.above is None or value > condition.above) and (
                    condition.below is None or value < condition.below
                )
                if not holds:
                    began, fired = None, False
                    continue
                began = at_ms if began is None else began
                if not fired and at_ms - began >= condition.for_ms:
                    fired = True
                    text = f"{condition.name} {value:g}"
                    evidence = Evidence(
                        self._call.info.call, party, "", 0, 0, 0, text, began, at_ms, Path.METRIC
                    )
                    key = ("metric", str(party), condition.name, str(began))
                    slots = {condition.name: f"{value:g}"}
                    found.append(Moment(key, began, at_ms, (evidence,), slots=slots))
        return found

    def phase_at(self, at_ms: int) -> set[str]:
        """The phase that began last, and the alarms that lie over it."""
        latest, name = -1, "opening"
        for phase, say in self._phases:
            for cue in self._call.cues_of(self._leaf_of[id(say)]):
                if latest <= cue.evidence.end_ms <= at_ms:
                    latest, name = cue.evidence.end_ms, phase
        found = {name}
        for overlay in ("complaint", "danger"):
            if any(m.end_ms <= at_ms for m in self._facts((f"customer.{overlay}",))):
                found.add(overlay)
        return found

    def ask(self, condition: Condition, at: Moment) -> Answer:  # noqa: C901 - one case per kind
        """Does the condition hold at that moment?"""
        match condition:
            case Not(inner):
                answer = self.ask(inner, at)
                return replace(answer, value=None if answer.value is None else not answer.value)
            case All(of):
                return self._combine([self.ask(c, at) for c in of], len(of))
            case AnyOf(of):
                return self._combine([self.ask(c, at) for c in of], 1)
            case NOf(n, of):
                return self._combine([self.ask(c, at) for c in of], n)
            case Absent():
                return self.absence.absent(condition, at)
            case Steps():
                return self.absence.open_steps(condition, at)
            case Phase(names):
                now = self.phase_at(at.end_ms)
                return Answer(bool(names & now), f"phase {'+'.join(sorted(now))}")
            case About():
                return Answer(self.about(condition))
            case When(after, before):
                return Answer(after <= at.end_ms and (before is None or at.end_ms < before))
            case Talk(role, chars):
                said = sum(n for p, n in self._call.chars.items() if role in (str(p), "any"))
                return Answer(said >= chars)
            case Fact():
                return self._known(self.moments(condition), at, condition.within_ms)
            case Edge(ended):
                return Answer(self._call.ended or not ended)
            case _:
                return self._known(self.moments(condition), at, None)

    def about(self, condition: About) -> bool:
        """Is the call such a call?"""
        info = self._call.info
        if condition.field == "attribute":
            return info.attributes.get(condition.key) in condition.values
        return getattr(info, condition.field, None) in condition.values

    def _known(self, moments: list[Moment], at: Moment, within_ms: int | None) -> Answer:
        """Has it been so by that moment? Words of the same utterance count too."""
        for moment in reversed(moments):
            if moment.end_ms > at.end_ms and moment.key != at.key:
                continue
            if within_ms is None or at.end_ms - moment.end_ms <= within_ms:
                return Answer(True, "", moment.evidence, moment.settled, slots=moment.slots)
        return FALSE

    def _combine(self, answers: list[Answer], needed: int) -> Answer:
        true = [a for a in answers if a.value]
        if len(true) >= needed:
            return Answer(
                True,
                "; ".join(a.trace for a in true if a.trace),
                tuple(e for a in true for e in a.evidence),
                all(a.settled for a in true),
                slots={k: v for a in true for k, v in a.slots.items()},
            )
        open_answers = [a for a in answers if a.value is None]
        if len(true) + len(open_answers) >= needed:
            dues = [a.due_ms for a in open_answers if a.due_ms is not None]
            return Answer(None, due_ms=min(dues, default=None))
        return FALSE


def _worded_like(condition: Like, utterance: Utterance) -> Moment | None:
    norm = utterance.text.norm
    if not utterance.latest.final or len(norm) < condition.min_chars:
        return None
    odds = weights.score(condition.category, norm)
    if odds <= condition.above:
        return None
    first, last = weights.telling(condition.category, norm)
    evidence = part(utterance, first, last)
    return Moment(
        key=("like", utterance.latest.utterance),
        start_ms=evidence.start_ms,
        end_ms=evidence.end_ms,
        evidence=(evidence,),
        confidence=round(1 / (1 + math.exp(-odds)), 3),
        notes=(f"worded like {condition.category}, log-odds {odds:.2f}",),
    )


def _once_an_utterance(moments: Iterable[Moment]) -> list[Moment]:
    """Several rules may establish a fact by the same words; that is one moment, the first."""
    first: dict[tuple[str, ...], Moment] = {}
    for moment in sorted(moments, key=lambda m: (m.end_ms, m.key)):
        said = moment.evidence[0].utterance if moment.evidence else ""
        key = ("fact", said) if said else moment.key
        known = first.get(key)
        if known is None:
            first[key] = replace(moment, key=key)
        elif moment.settled and not known.settled:
            first[key] = replace(known, settled=True)
    return list(first.values())


def _joined(moment: Moment, before: Moment) -> Moment:
    return replace(
        moment,
        key=("seq", *moment.key),
        evidence=moment.evidence + before.evidence,
        settled=moment.settled and before.settled,
        slots={**before.slots, **moment.slots},
    )
