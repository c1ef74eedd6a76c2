"""A checklist of one call: which steps are done, which are due, which will not come any more.

Its states are a function of what stands now, like everything here; only what was told to people
is remembered, so that they hear of changes alone.
"""

from __future__ import annotations

from assist_rules.engine.call import Call
from assist_rules.engine.conditions import Checklist, Condition, Edge, ListStep
from assist_rules.engine.moments import Moment
from assist_rules.engine.truth import Truth
from assist_rules.events import Step, StepState

BEFORE_ALL = -1


class LiveChecklist:
    """Bound to one call."""

    def __init__(self, checklist: Checklist, call: Call, truth: Truth) -> None:
        self._list, self._call, self._truth = checklist, call, truth
        self._told: dict[str, Step] = {}

    def look(self) -> tuple[list[Step], int | None]:
        """Steps whose state has changed; when time alone may change another."""
        begun = self._begun()
        if begun is None:
            gone = [self._step(step, StepState.SKIPPED) for step in self._list.steps]
            told, self._told = self._told, {}
            return (gone if told else []), None
        changed: list[Step] = []
        if not self._told:
            changed = [self._step(step, StepState.OPEN) for step in self._list.steps]
            self._told = {step.step: step for step in changed}
        done: dict[str, Moment] = {}
        soonest: int | None = None
        for step in self._list.steps:
            now, due = self._state(step, begun, done)
            if due is not None:
                soonest = due if soonest is None else min(soonest, due)
            if _seen(now) != _seen(self._told[step.name]):
                self._told[step.name] = now
                changed.append(now)
        return changed, soonest

    def _begun(self) -> Moment | None:
        moments = self._truth.moments(self._list.begins)
        return next((moment for moment in moments if moment.settled), None)

    def _state(
        self, step: ListStep, begun: Moment, done: dict[str, Moment]
    ) -> tuple[Step, int | None]:
        call, truth = self._call, self._truth
        if call.mixed:
            # Nobody knows which words are the agent's.
            return self._step(step, StepState.SKIPPED), None
        # What a call begins with lies after its beginning, however short the first word is.
        since = BEFORE_ALL if isinstance(self._list.begins, Edge) else begun.start_ms
        found = None
        if not step.after or step.after in done:
            floor = done[step.after].end_ms if step.after else since
            found = truth.soonest(step.done, floor)
        if found is not None:
            done[step.name] = found
            return self._step(step, StepState.DONE, found), None
        if call.ended or self._came(step.skip_when, since):
            return self._step(step, StepState.SKIPPED), None
        if self._came(step.due_when, since):
            return self._step(step, StepState.DUE), None
        passed, due = truth.absence.deadline(step.due_ms, step.agent_clock, begun.end_ms)
        state = StepState.OPEN if passed is None else StepState.DUE
        return self._step(step, state), due

    def _came(self, condition: Condition | None, since: int) -> bool:
        return condition is not None and self._truth.soonest(condition, since) is not None

    def _step(self, step: ListStep, state: StepState, found: Moment | None = None) -> Step:
        evidence = found.evidence[:1] if found is not None else ()
        return Step(self._list.name, step.name, step.title, state, evidence)


def _seen(step: Step) -> tuple[object, ...]:
    """What people see of a step; when it changes they are told again."""
    spans = [(e.utterance, e.start, e.end, e.text) for e in step.evidence]
    return (step.state, spans)
