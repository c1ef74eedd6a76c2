"""What the agent has promised on one call: the words, the time, and whether they still stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from assist_rules.engine.call import Call
from assist_rules.engine.conditions import CommitmentRule
from assist_rules.engine.moments import Moment
from assist_rules.engine.text import STRONG_BREAK
from assist_rules.engine.truth import Truth
from assist_rules.events import Commitment, CommitmentState, Evidence

AROUND = 24
"""Characters kept on either side of the telling words: who promises what."""


class LiveCommitments:
    """Bound to one call and one rule; an utterance makes at most one commitment.

    It is told when its words will not change any more, so that it does not come and go while an
    utterance is revised.
    """

    def __init__(
        self, rule: CommitmentRule, call: Call, truth: Truth, new_id: Callable[[], str]
    ) -> None:
        self._rule, self._call, self._truth, self._new_id = rule, call, truth, new_id
        self._made: dict[str, Commitment] = {}

    def look(self) -> list[Commitment]:
        """Commitments that are new, understood better, or no longer stand."""
        found: dict[str, Moment] = {}
        for moment in self._truth.moments(self._rule.when):
            if not moment.evidence:
                continue
            name = moment.evidence[0].utterance
            before = found.get(name)
            if before is None or (self._due(moment) and not self._due(before)):
                found[name] = moment
        changed: list[Commitment] = []
        for name in [n for n in self._made if n not in found]:
            changed.append(replace(self._made.pop(name), state=CommitmentState.WITHDRAWN))
        for name, moment in found.items():
            old = self._made.get(name)
            if old is None and not moment.settled:
                continue
            new = self._commitment(old.id if old else "", moment)
            if old is None:
                new = replace(new, id=self._new_id())
            elif not self._better(name, old, new):
                continue
            self._made[name] = new
            changed.append(new)
        return changed

    def _due(self, moment: Moment) -> str:
        return moment.slots.get(self._rule.due, "")

    def _better(self, name: str, old: Commitment, new: Commitment) -> bool:
        """While an utterance grows only another time is news; in the end its whole words are."""
        if old.due != new.due:
            return True
        utterance = self._call.utterances.get(name)
        return utterance is not None and utterance.final and old.text != new.text

    def _commitment(self, name: str, moment: Moment) -> Commitment:
        evidence = moment.evidence[0]
        text = self._around(evidence)
        due = self._due(moment)
        return Commitment(name, text, due, CommitmentState.MADE, (evidence,))

    def _around(self, evidence: Evidence) -> str:
        """The sentence of the evidence, as far as punctuation tells, and not too much of it."""
        utterance = self._call.utterances.get(evidence.utterance)
        if utterance is None:
            return evidence.text
        raw = utterance.latest.text
        first, last = evidence.start, evidence.end
        low, high = max(0, first - AROUND), min(len(raw), last + AROUND)
        while first > low and raw[first - 1] not in STRONG_BREAK:
            first -= 1
        while last < high and raw[last] not in STRONG_BREAK:
            last += 1
        return raw[first:last].strip()
