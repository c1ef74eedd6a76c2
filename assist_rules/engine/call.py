"""What is known of one call so far: utterances, cues, measures, and the time heard."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from asr.events import Metric, Party, Transcript
from assist_rules.engine.hearing import Cue, Utterance
from assist_rules.engine.judge import Judges
from assist_rules.engine.matcher import Matcher
from assist_rules.events import CallInfo

TURN_GAP_MS = 1_500
"""A party silent for longer has ended its turn."""
RECENT = 24
KEPT_UTTERANCES = 240
"""Older utterances keep their cues but can no longer be revised: memory stays flat over hours."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one party said until the other spoke, or it fell silent."""

    utterances: tuple[Utterance, ...]
    over: bool

    @property
    def start_ms(self) -> int:
        return self.utterances[0].latest.start_ms

    @property
    def end_ms(self) -> int:
        return self.utterances[-1].latest.end_ms

    @property
    def chars(self) -> int:
        return sum(len(u.text.norm) for u in self.utterances)


@dataclass(frozen=True, slots=True)
class Talk:
    """A stretch of one party's speech, as it is known so far."""

    began_ms: int
    ended_ms: int | None
    """None while it goes on."""

    def since(self, ms: int, now_ms: int) -> int:
        """How much of it came after that time, in ms; not positive if nothing did."""
        end = now_ms if self.ended_ms is None else self.ended_ms
        return end - max(self.began_ms, ms)


class Call:
    """State of one call; a function of the inputs it was given."""

    def __init__(self, matcher: Matcher, judges: Judges, info: CallInfo) -> None:
        self._matcher, self._judges = matcher, judges
        self.info = info
        self.utterances: dict[str, Utterance] = {}
        self._gone: set[str] = set()
        self._recent: deque[str] = deque(maxlen=RECENT)
        self.cues: dict[int, dict[str, tuple[Cue, ...]]] = {}
        self.metrics: dict[tuple[Party, str], list[tuple[int, float]]] = {}
        self.heard_ms = 0
        self.ended = False
        self.mixed = False
        self.chars = {party: 0 for party in Party}
        self._speaking: dict[Party, str] = {}
        """The utterance that each party is in."""
        self.rewritten = False
        """The latest revision took back words on which turns and deadlines were decided."""
        self._order: list[tuple[int, str]] = []
        """Start and name of every utterance with words in it, in order."""

    def hear(self, transcript: Transcript) -> frozenset[int] | None:
        """Leaves whose cues changed; None when the revision is older than what is known."""
        name = transcript.utterance
        self.rewritten = False
        utterance = self.utterances.get(name)
        if utterance is None:
            if name in self._gone:
                return None
            utterance = Utterance(self._matcher, self._judges, transcript)
            self.utterances[name] = utterance
            self._recent.append(name)
            self._forget_oldest()
        else:
            latest = utterance.latest
            if transcript.party != latest.party or transcript.revision < latest.revision:
                return None
            if latest.final and not transcript.final:
                return None
        self.mixed = self.mixed or transcript.party is Party.UNKNOWN
        before, place = len(utterance.text.norm), (utterance.latest.start_ms, name)
        was_final, old = utterance.final, utterance.text.norm
        changed = utterance.hear(transcript)
        after = len(utterance.text.norm)
        self.chars[transcript.party] += after - before
        self.rewritten = (was_final and old != utterance.text.norm) or (before > 0 and not after)
        self._keep_order(place if before else None, (transcript.start_ms, name) if after else None)
        if not transcript.final:
            self._speaking[transcript.party] = name
        elif self._speaking.get(transcript.party) == name:
            del self._speaking[transcript.party]
        self._take(utterance, changed)
        return changed

    def pass_to(self, heard_ms: int) -> set[int]:
        """Everything up to there has been heard; leaves whose cues a pause has settled."""
        self.heard_ms = heard_ms
        changed: set[int] = set()
        for name in self._speaking.values():
            utterance = self.utterances.get(name)
            if utterance is not None:
                settled = utterance.pause(heard_ms)
                self._take(utterance, settled)
                changed |= settled
        return changed

    def _take(self, utterance: Utterance, changed: frozenset[int]) -> None:
        name = utterance.latest.utterance
        for leaf in changed:
            cues = utterance.cues.get(leaf)
            if cues:
                self.cues.setdefault(leaf, {})[name] = cues
            else:
                self.cues.get(leaf, {}).pop(name, None)

    def _keep_order(self, old: tuple[int, str] | None, new: tuple[int, str] | None) -> None:
        if old == new:
            return
        if old is not None:
            del self._order[bisect_left(self._order, old)]
        if new is not None:
            insort(self._order, new)

    def is_old(self, name: str) -> bool:
        """Is the utterance so far back that conclusions from it are no longer looked at?"""
        recent = self._recent
        return bool(name) and name not in recent

    def _forget_oldest(self) -> None:
        while len(self.utterances) > KEPT_UTTERANCES:
            oldest = next(iter(self.utterances))
            gone = self.utterances.pop(oldest)
            if gone.text.norm:
                self._keep_order((gone.latest.start_ms, oldest), None)
            self._gone.add(oldest)

    def measure(self, metric: Metric) -> None:
        points = self.metrics.setdefault((metric.party, metric.name), [])
        points.append((metric.at_ms, metric.value))
        if len(points) > 4 * KEPT_UTTERANCES:
            del points[: 2 * KEPT_UTTERANCES]

    def cues_of(self, leaf: int) -> Iterator[Cue]:
        """All cues of a condition, in the order in which utterances began to be heard."""
        for cues in self.cues.get(leaf, {}).values():
            yield from cues

    def said_by(
        self, role: str, last: int, counts: Callable[[Utterance], bool] | None = None
    ) -> list[Utterance]:
        """The last non-empty utterances of a role, that count, in order of their start."""
        found: list[Utterance] = []
        for _, name in reversed(self._order):
            utterance = self.utterances[name]
            if speaks(utterance, role) and (counts is None or counts(utterance)):
                found.append(utterance)
                if len(found) == last:
                    break
        found.reverse()
        return found

    def turns(self, role: str, since_ms: int) -> list[Turn]:
        """Turns of a role that begin at or after ``since_ms``."""
        first = bisect_left(self._order, (since_ms - 200, ""))
        ordered = [self.utterances[name] for _, name in self._order[first:]]
        turns: list[Turn] = []
        open_turn: list[Utterance] = []

        def close(over: bool) -> None:
            if open_turn:
                turns.append(Turn(tuple(open_turn), over))
                open_turn.clear()

        for utterance in ordered:
            if not speaks(utterance, role):
                close(True)
                continue
            if open_turn:
                last = open_turn[-1].latest
                if last.final and utterance.latest.start_ms - last.end_ms > TURN_GAP_MS:
                    close(True)
            open_turn.append(utterance)
        if open_turn:
            last = open_turn[-1].latest
            silent = last.final and self.heard_ms >= last.end_ms + TURN_GAP_MS
            close(self.ended or silent)
        return turns

    def speaking_spans(self, role: str, since_ms: int) -> list[tuple[int, int]]:
        """When that role spoke after ``since_ms``: merged, in order."""
        spans = []
        for utterance in reversed(self.utterances.values()):
            latest = utterance.latest
            if speaks(utterance, role) and utterance.text.norm:
                end = latest.end_ms if latest.final else max(latest.end_ms, self.heard_ms)
                if end > since_ms:
                    spans.append((max(latest.start_ms, since_ms), end))
        for party in Party:
            if role in (str(party), "any"):
                spans.extend(self._measured_spans(party, since_ms))
        spans.sort()
        merged: list[tuple[int, int]] = []
        for start, end in spans:
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            elif end > start:
                merged.append((start, end))
        return merged

    def _measured_spans(self, party: Party, since_ms: int) -> list[tuple[int, int]]:
        spans = []
        began: int | None = None
        for at_ms, value in self.metrics.get((party, "speaking"), ()):
            if value >= 0.5 and began is None:
                began = at_ms
            elif value < 0.5 and began is not None:
                spans.append((began, at_ms))
                began = None
        if began is not None:
            spans.append((began, max(self.heard_ms, began)))
        return [(max(start, since_ms), end) for start, end in spans if end > since_ms]

    def agent_talk(self, now_ms: int) -> Talk | None:
        """The agent's latest sentence; None if there was none."""
        points = self.metrics.get((Party.AGENT, "speaking"))
        if points:
            return _measured_talk(points)
        for utterance in reversed(self.utterances.values()):
            latest = utterance.latest
            if latest.party is Party.AGENT and utterance.text.norm:
                over = latest.final or now_ms - latest.end_ms >= TURN_GAP_MS
                return Talk(latest.start_ms, latest.end_ms if over else None)
        return None


def _measured_talk(points: list[tuple[int, float]]) -> Talk | None:
    """The latest stretch between a 1 and a 0 of ``speaking``."""
    latest_ms, value = points[-1]
    if value >= 0.5:
        return Talk(latest_ms, None)
    began = [at_ms for at_ms, speaks in points[-2:-1] if speaks >= 0.5]
    return Talk(began[0], latest_ms) if began else None


def speaks(utterance: Utterance, role: str) -> bool:
    """Is this an utterance of that role? Mixed mono is nobody's but ``any``."""
    return role == "any" or str(utterance.latest.party) == role
