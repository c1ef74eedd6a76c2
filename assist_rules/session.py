"""The rules at work on one call: inputs in their order of arrival, events out.

Pure: no clock, no files, no dice. The same inputs give the same events, live or replayed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from asr.events import Metric, Transcript, Watermark
from assist_rules.engine.call import Call, Talk
from assist_rules.engine.cards import make_offer
from assist_rules.engine.checklist import LiveChecklist
from assist_rules.engine.commitments import LiveCommitments
from assist_rules.engine.conditions import Absent, Rule
from assist_rules.engine.governor import RANK, Governor, Offer
from assist_rules.engine.inputs import clean_metric, clean_ms, clean_transcript
from assist_rules.engine.moments import Moment
from assist_rules.engine.truth import Truth
from assist_rules.events import (
    Alert,
    CallInfo,
    Path,
    Retraction,
    RuleEvent,
    Severity,
    State,
)
from assist_rules.rulebook import Rulebook

__all__ = ["RuleSession"]

BACK_MS = 600_000
"""A clock that goes back further than this was wrong before; it is believed now."""
RAISED = {
    Severity.INFO: Severity.LOW,
    Severity.LOW: Severity.MEDIUM,
    Severity.MEDIUM: Severity.HIGH,
}
LOWERED = {
    Severity.LOW: Severity.INFO,
    Severity.MEDIUM: Severity.LOW,
    Severity.HIGH: Severity.MEDIUM,
    Severity.VETO: Severity.HIGH,
    Severity.CRITICAL: Severity.HIGH,
}


@dataclass(frozen=True, slots=True)
class _Live:
    """An alert that stands, and the moment that it stands on."""

    alert: Alert
    moment: Moment
    offered: bool


class RuleSession:
    """One call. Every method takes its input's audio time and returns what follows from it."""

    def __init__(self, rulebook: Rulebook, info: CallInfo) -> None:
        self._book = rulebook
        self._call = Call(rulebook.matcher, rulebook.judges, info)
        self._truth = Truth(self._call, rulebook.leaf_of, self._facts, rulebook.phases)
        self._live: dict[int, dict[tuple[str, ...], _Live]] = {}
        self._waiting: dict[int, int | None] = {}
        """Rules with an undecided moment, and when time alone may decide it."""
        self._alerts = 0
        self._suggestions = 0
        self._governor = Governor(rulebook.limits, self._suggestion_id)
        self._offers: list[Offer] = []
        """Cards of the alerts that the input under way has raised."""
        self._now_ms = 0
        self._slots: dict[str, str] = {}
        self._excluded = frozenset(
            i
            for i in rulebook.index.choosy
            if not all(self._truth.about(a) for a in rulebook.rules[i].about)
        )
        self._first_tail = len(rulebook.rules)
        self._tails: tuple[LiveChecklist | LiveCommitments, ...] = (
            *(LiveChecklist(one, self._call, self._truth) for one in rulebook.checklists),
            *(
                LiveCommitments(one, self._call, self._truth, self._commitment_id)
                for one in rulebook.commitments
            ),
        )
        self._list_due: dict[int, int] = {}
        """When time alone may make a step of a checklist due."""
        self._commitments = 0
        self._began = False
        self._latest = ""

    @property
    def score(self) -> float:
        """The sum of the scores of rules with standing alerts."""
        return sum(
            self._book.rules[i].score * len(alerts) for i, alerts in sorted(self._live.items())
        )

    def hear(self, transcript: Transcript) -> tuple[RuleEvent, ...]:
        """A revision of an utterance."""
        clean = clean_transcript(transcript, self._call.info.call)
        if clean is None:
            return ()
        self._pass_to(clean.at_ms)
        mixed = self._call.mixed
        changed = self._call.hear(clean)
        if changed is None:
            return self._settle(set())
        index = self._book.index
        dirty: set[int] = set()
        if mixed != self._call.mixed:
            dirty.update(range(self._first_tail, self._first_tail + len(self._tails)))
        for leaf in changed:
            dirty.update(index.by_leaf.get(leaf, ()))
        if self._call.rewritten:
            dirty.update(index.by_edge)
        if index.by_talk and clean.final:
            dirty.update(index.by_talk)
        if self._waiting and (clean.final or clean.utterance != self._latest):
            dirty.update(self._waiting)
        self._latest = clean.utterance
        return self._settle(dirty)

    def measure(self, metric: Metric) -> tuple[RuleEvent, ...]:
        """A measure of a party's sound."""
        clean = clean_metric(metric, self._call.info.call)
        if clean is None:
            return ()
        self._pass_to(clean.at_ms)
        self._call.measure(clean)
        return self._settle(set(self._book.index.by_metric.get(clean.name, ())))

    def advance(self, watermark: Watermark) -> tuple[RuleEvent, ...]:
        """Time has passed: deadlines up to ``heard_ms`` are decided."""
        heard = clean_ms(getattr(watermark, "heard_ms", 0))
        self._pass_to(clean_ms(getattr(watermark, "at_ms", 0)))
        call = self._call
        paused: set[int] = set()
        if heard > call.heard_ms or heard < call.heard_ms - BACK_MS:
            for leaf in call.pass_to(heard):
                paused.update(self._book.index.by_leaf.get(leaf, ()))
        due = {i for i, due in self._waiting.items() if due is not None and due <= call.heard_ms}
        due.update(i for i, due in self._list_due.items() if due <= call.heard_ms)
        return self._settle(due | paused)

    def feedback(self, suggestion_id: str, verdict: str, at_ms: int) -> tuple[RuleEvent, ...]:
        """The agent's answer to a card: used, dismissed or wrong."""
        self._pass_to(clean_ms(at_ms))
        if verdict not in ("used", "dismissed", "wrong"):
            return self._settle(set())
        events = self._governor.feedback(str(suggestion_id), verdict, self._now_ms)
        return (*events, *self._settle(set()))

    def end(self, at_ms: int) -> tuple[RuleEvent, ...]:
        """The call is over: whatever waited for it is decided."""
        self._pass_to(clean_ms(at_ms))
        self._call.heard_ms = max(self._call.heard_ms, self._now_ms)
        self._call.ended = True
        self._governor.close()
        return self._settle({*self._book.index.by_edge, *self._waiting})

    def _pass_to(self, at_ms: int) -> None:
        if at_ms >= self._now_ms:
            self._now_ms = at_ms
        elif at_ms < self._now_ms - BACK_MS:
            self._now_ms = at_ms
            self._governor.turn_back(at_ms)

    def _settle(self, dirty: set[int]) -> tuple[RuleEvent, ...]:
        """Look again at these rules and all that rest on them, in order of facts."""
        if not self._began:
            self._began = True
            dirty |= set(self._book.index.by_edge)
        events: list[RuleEvent] = []
        while dirty:
            rule = min(dirty)
            dirty.discard(rule)
            if rule >= self._first_tail:
                self._look_after(rule, events)
                continue
            if rule in self._excluded:
                continue
            if self._look(rule, events):
                dirty.update(i for i in self._book.index.dependents.get(rule, ()) if i > rule)
        if not self._governor.idle:
            events.extend(self._answered())
            events.extend(self._governor.tick(self._now_ms, self._talk()))
        if self._offers:
            events.extend(self._make_offers())
        return tuple(events)

    def _make_offers(self) -> list[RuleEvent]:
        """Of what comes at one moment the gravest is offered first, of equals the earlier rule."""
        offers = sorted(self._offers, key=lambda o: (-o.weight[0], -o.weight[1], o.place))
        self._offers = []
        events: list[RuleEvent] = []
        for offer in offers:
            events.extend(self._governor.offer(offer, self._now_ms, self._talk()))
        return events

    def _talk(self) -> Talk | None:
        return self._call.agent_talk(self._now_ms)

    def _look_after(self, number: int, events: list[RuleEvent]) -> None:
        """Bring a checklist or the commitments in line with what the rules have found."""
        tail = self._tails[number - self._first_tail]
        if isinstance(tail, LiveCommitments):
            events.extend(tail.look())
            return
        steps, due = tail.look()
        events.extend(steps)
        if due is None:
            self._list_due.pop(number, None)
        else:
            self._list_due[number] = due

    def _look(self, number: int, events: list[RuleEvent]) -> bool:
        """Bring one rule's alerts in line with what is true now; whether any came or went."""
        rule = self._book.rules[number]
        stands: dict[tuple[str, ...], tuple[Moment, list[str]]] = {}
        waits = False
        due: int | None = None
        for moment in self._truth.moments(rule.when):
            answer = self._conditions(rule, moment)
            if answer is None:
                continue
            whole, trace, open_until = answer
            if whole is None:
                waits = True
                if open_until is not None:
                    due = open_until if due is None else min(due, open_until)
                continue
            stands[moment.key] = (whole, trace)
        if waits:
            self._waiting[number] = due
        else:
            self._waiting.pop(number, None)
        live = self._live.get(number, {})
        if not stands and not live:
            return False
        live = self._live.setdefault(number, live)
        changed = False
        for key in [k for k in live if k not in stands]:
            first = live[key].moment.evidence[:1]
            if (
                first
                and number in self._book.index.by_talk
                and self._call.is_old(first[0].utterance)
            ):
                continue
            self._take_back(live.pop(key), events)
            changed = True
        for key, (moment, trace) in stands.items():
            old = live.get(key)
            if old is None:
                live[key] = self._raise(rule, moment, trace, len(live) + 1, events)
                changed = True
            elif old.moment != moment:
                live[key] = self._update(rule, old, moment, trace, events)
                changed = True
        return changed

    def _conditions(
        self, rule: Rule, moment: Moment
    ) -> tuple[Moment | None, list[str], int | None] | None:
        """(moment with all evidence, trace, None) when it stands; (None, …, due) when it is not
        known yet; None when it does not stand."""
        trace = [_describe(moment)]
        settled = moment.settled
        slots = dict(moment.slots)
        waiting, due = False, None
        first_evidence = moment.evidence
        for condition in rule.conditions:
            answer = self._truth.ask(condition, moment)
            if answer.value is False:
                return None
            if answer.value is None:
                waiting = True
                if answer.due_ms is not None:
                    due = answer.due_ms if due is None else min(due, answer.due_ms)
                continue
            settled = settled and answer.settled
            if answer.trace:
                trace.append(answer.trace)
            if isinstance(condition, Absent):
                # What was not said is the agent's turn; the trigger comes after it.
                first_evidence = answer.evidence + first_evidence
            else:
                first_evidence = first_evidence + answer.evidence
            slots.update(answer.slots)
        if waiting:
            return None, trace, due
        whole = replace(moment, settled=settled, evidence=first_evidence, slots=slots)
        return whole, trace, None

    def _raise(
        self, rule: Rule, moment: Moment, trace: list[str], standing: int, events: list[RuleEvent]
    ) -> _Live:
        self._alerts += 1
        alert = self._alert(f"a{self._alerts}", rule, moment, trace, standing)
        self._slots.update({k: v for k, v in moment.slots.items() if v})
        events.append(alert)
        return _Live(alert, moment, self._offer(rule, alert, moment))

    def _offer(self, rule: Rule, alert: Alert, moment: Moment) -> bool:
        """Offer the rule's card, unless it must wait for confirmation; whether it was offered."""
        if rule.card is None:
            return True
        accuses = alert.category == "agent.forbidden" or alert.severity is Severity.VETO
        if accuses and alert.state is not State.CONFIRMED:
            return False
        self._offers.append(
            make_offer(
                rule, alert, moment, self._call.info, self._book.settings, self._slots,
                self._book_number(rule),
            )
        )  # fmt: skip
        return True

    def _update(
        self, rule: Rule, old: _Live, moment: Moment, trace: list[str], events: list[RuleEvent]
    ) -> _Live:
        """The alert stands on other evidence than before; people hear of it when it matters."""
        standing = len(self._live.get(self._book_number(rule), {})) or 1
        alert = self._alert(old.alert.id, rule, moment, trace, standing)
        before = old.alert
        if before.state is State.CONFIRMED and alert.state is State.TENTATIVE:
            # A second pass may reopen words; what people were told stays until it is taken back.
            alert = replace(alert, state=State.CONFIRMED)
        if RANK[alert.severity] < RANK[before.severity] and not moment.lowered:
            alert = replace(alert, severity=before.severity)
        self._slots.update({k: v for k, v in moment.slots.items() if v})
        offered = old.offered
        if _shown(alert) != _shown(before):
            events.append(alert)
            if not offered:
                offered = self._offer(rule, alert, moment)
            elif alert.state is State.CONFIRMED:
                events.extend(self._governor.confirm(alert.id, alert.severity))
        return _Live(alert, moment, offered)

    def _book_number(self, rule: Rule) -> int:
        return self._book.number_of[rule.id]

    def _take_back(self, live: _Live, events: list[RuleEvent]) -> None:
        why = "corrected" if live.alert.state is State.CONFIRMED else "asr_revised"
        events.extend(self._governor.withdraw(live.alert.id, why))
        events.append(Retraction(live.alert.id, why))

    def _alert(
        self, name: str, rule: Rule, moment: Moment, trace: list[str], standing: int
    ) -> Alert:
        by_sound = any(e.path is Path.PINYIN for e in moment.evidence[:1])
        severity = Severity(rule.severity)
        for step in rule.escalate:
            if standing >= step.n and self._recent(rule, moment, step.within_ms) >= step.n:
                severity = max(severity, Severity(step.to), key=RANK.__getitem__)
        if moment.lowered:
            severity = LOWERED.get(severity, severity)
        elif self._call.info.tier in self._book.priority_tiers:
            severity = RAISED.get(severity, severity)
        if by_sound:
            severity = min(severity, Severity.MEDIUM, key=RANK.__getitem__)
        return Alert(
            id=name,
            rule=rule.id,
            category=rule.category,
            severity=severity,
            title=f"疑似：{rule.title}" if by_sound else rule.title,
            evidence=moment.evidence,
            state=State.CONFIRMED if moment.settled else State.TENTATIVE,
            confidence=moment.confidence,
            version=rule.version,
            pack=self._book.hash,
            trace=tuple(trace),
        )

    def _recent(self, rule: Rule, moment: Moment, within_ms: int | None) -> int:
        """Standing alerts of the rule in the window that ends at the moment, itself included."""
        others = self._live.get(self._book_number(rule), {})
        return 1 + sum(
            key != moment.key
            and live.moment.end_ms <= moment.end_ms
            and (within_ms is None or moment.end_ms - live.moment.end_ms <= within_ms)
            for key, live in others.items()
        )

    def _facts(self, names: tuple[str, ...]) -> Iterable[Moment]:
        """Standing alerts that establish one of these facts."""
        for number in self._book.index.facts.get(names, ()):
            for live in self._live.get(number, {}).values():
                key = ("fact", self._book.rules[number].id, *live.moment.key)
                yield replace(live.moment, key=key)

    def _answered(self) -> list[RuleEvent]:
        """Take away cards whose asked-for words have been said since."""
        events: list[RuleEvent] = []
        answers = self._book.index.answers
        for name in sorted(self._governor.rules_on_screen() & answers.keys()):
            for leaf in answers[name]:
                said = [c.evidence.end_ms for c in self._call.cues_of(leaf)]
                if said:
                    events.extend(self._governor.answered(name, max(said)))
        return events

    def _commitment_id(self) -> str:
        self._commitments += 1
        return f"c{self._commitments}"

    def _suggestion_id(self) -> str:
        self._suggestions += 1
        return f"s{self._suggestions}"


def _shown(alert: Alert) -> tuple[object, ...]:
    """What people see of an alert; when it changes they are told again."""
    first = alert.evidence[:1]
    span = [(e.utterance, e.start, e.end, e.text, e.path) for e in first]
    return (alert.state, alert.severity, alert.title, span)


def _describe(moment: Moment) -> str:
    words = f"heard {moment.evidence[0].text!r}" if moment.evidence else moment.key[0]
    notes = f" ({', '.join(moment.notes)})" if moment.notes else ""
    return f"{words} until {moment.end_ms} ms{notes}"
