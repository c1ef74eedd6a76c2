"""Has it not been said? Deadlines on audio time, the agent's turn, the end of the call."""

from __future__ import annotations

from collections.abc import Mapping

from assist_rules.engine.call import TURN_GAP_MS, Call, Turn
from assist_rules.engine.conditions import Absent, Steps
from assist_rules.engine.hearing import Cue
from assist_rules.engine.moments import FALSE, Answer, Moment, whole


class Absence:
    """Bound to one call. What is decided rests only on what had been heard by its deadline."""

    def __init__(self, call: Call, leaf_of: Mapping[int, int]) -> None:
        self._call, self._leaf_of = call, leaf_of

    def absent(self, condition: Absent, at: Moment) -> Answer:
        since = 0 if condition.after_start else at.end_ms
        leaf = self._leaf_of[id(condition.say)]
        role = condition.say.role
        if role == "agent" and self._call.mixed:
            return FALSE
        if condition.until_end:
            return self._absent_at_end(condition, leaf, since)
        cues = sorted(
            (
                c
                for c in self._call.cues_of(leaf)
                if c.evidence.end_ms > since or condition.after_start
            ),
            key=lambda c: c.evidence.end_ms,
        )
        turn, turn_due = self._counted_turn(condition, role, since)
        deadline, due = self.deadline(condition.within_ms, condition.agent_clock, since)
        if turn is not None and (deadline is None or turn.end_ms <= deadline):
            names = {u.latest.utterance for u in turn.utterances}
            said = [
                c for c in cues if c.evidence.utterance in names or c.evidence.end_ms <= turn.end_ms
            ]
            if said:
                return _said(said[0])
            return _unsaid(f"not in the turn that ended at {turn.end_ms} ms", turn)
        if deadline is not None:
            said = [c for c in cues if c.evidence.end_ms <= deadline]
            if said:
                return _said(said[0])
            return _unsaid(f"not by {deadline} ms", self._turn_near(role, since, deadline))
        if cues:
            return _said(cues[0])
        if turn_due is not None:
            due = turn_due if due is None else min(due, turn_due)
        if self._call.ended:
            turns = self._call.turns(role, since)
            if not turns or condition.turns:
                return FALSE
            return _unsaid("not before the end", turns[0])
        return Answer(None, due_ms=due)

    def _absent_at_end(self, condition: Absent, leaf: int, since: int) -> Answer:
        if not self._call.ended:
            return Answer(None)
        role = condition.say.role
        turns = self._call.turns(role, 0 if condition.last_turn else since)
        if not turns:
            return FALSE
        last = turns[-1]
        if condition.last_turn:
            looked = [last]
            # A last 好的 after the farewell does not undo it.
            if last.chars < condition.min_chars and len(turns) > 1:
                looked.append(turns[-2])
            names = {u.latest.utterance for t in looked for u in t.utterances}
            cues = [c for c in self._call.cues_of(leaf) if c.evidence.utterance in names]
        else:
            cues = [c for c in self._call.cues_of(leaf) if c.evidence.end_ms >= since]
        return _said(cues[0]) if cues else _unsaid("not before the end", last)

    def _counted_turn(
        self, condition: Absent, role: str, since: int
    ) -> tuple[Turn | None, int | None]:
        """The turn after which it is decided, when it is over; else when silence may end it."""
        if not condition.turns:
            return None, None
        turns = self._call.turns(role, since)
        counted = [t for t in turns if t.chars >= condition.min_chars]
        if len(counted) >= condition.turns and counted[condition.turns - 1].over:
            return counted[condition.turns - 1], None
        if turns and not turns[-1].over and turns[-1].utterances[-1].latest.final:
            return None, turns[-1].end_ms + TURN_GAP_MS
        return None, None

    def _turn_near(self, role: str, since: int, deadline: int) -> Turn | None:
        turns = [t for t in self._call.turns(role, since) if t.start_ms <= deadline]
        return turns[0] if turns else None

    def deadline(
        self, within_ms: int | None, agent_clock: bool, since: int
    ) -> tuple[int | None, int | None]:
        """(the deadline when it has passed, else None; when to look again).

        On the agent's clock the time in which the customer speaks does not count.
        """
        if within_ms is None:
            return None, None
        heard = self._call.heard_ms
        deadline = since + within_ms
        if agent_clock:
            for start, end in self._call.speaking_spans("customer", since):
                if start < deadline:
                    deadline += end - max(start, since)
        return (deadline, None) if heard >= deadline else (None, deadline)

    def open_steps(self, condition: Steps, at: Moment) -> Answer:
        deadline, due = self.deadline(condition.within_ms, condition.agent_clock, at.end_ms)
        if deadline is None and not self._call.ended:
            return Answer(None, due_ms=due)
        until = self._call.heard_ms if deadline is None else deadline
        done: list[str] = []
        missing: list[str] = []
        for name, say in condition.steps:
            cues = self._call.cues_of(self._leaf_of[id(say)])
            said = any(at.start_ms < c.evidence.end_ms <= until for c in cues)
            (done if said else missing).append(name)
        slots = {"open": "、".join(missing), "done": "、".join(done), "next": (missing or [""])[0]}
        trace = f"open: {slots['open']}; done: {slots['done']}"
        return Answer(bool(missing), trace, slots=slots)


def _said(cue: Cue) -> Answer:
    return Answer(False, f"said at {cue.evidence.end_ms} ms: {cue.evidence.text}")


def _unsaid(trace: str, turn: Turn | None) -> Answer:
    if turn is None:
        return Answer(True, trace)
    settled = all(u.latest.final for u in turn.utterances)
    return Answer(True, trace, (whole(turn.utterances[0]),), settled)
