"""One utterance as it grows and changes: which conditions are met in it now, and how surely.

The result is a function of the newest text alone; everything kept between revisions only saves
work. That is why any chunking and any revisions end where one look at the final text ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asr.events import Char, Party, Transcript
from assist_rules.engine.judge import Answer, Judge, Verdict
from assist_rules.engine.matcher import Anchor, Match, Matcher
from assist_rules.engine.sound import sound_of
from assist_rules.engine.text import Text, normalise
from assist_rules.events import Evidence, Path

REACH = 64
"""How far beyond its end the text can still decide about a hit: gaps, exceptions, windows."""
ROLES_OF = {
    Party.AGENT: frozenset(("agent", "any")),
    Party.CUSTOMER: frozenset(("customer", "any")),
    Party.UNKNOWN: frozenset(("customer", "any")),
}
"""Which conditions a party's words may meet. On mixed mono nothing is blamed on the agent."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that counts, in normalised characters."""

    start: int
    end: int
    confidence: float
    by_sound: bool
    lowered: bool
    settled: bool
    """Rests on characters that will not change."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cue:
    """A condition met in an utterance: the evidence, and what the guards said."""

    leaf: int
    evidence: Evidence
    confidence: float
    lowered: bool
    settled: bool
    notes: tuple[str, ...]

    @property
    def by_sound(self) -> bool:
        return self.evidence.path is Path.PINYIN


class Utterance:
    """What is known of one utterance."""

    __slots__ = (
        "_anchors", "_judged", "_judges", "_matcher", "_roles", "_sound", "_stable",
        "cues", "final", "latest", "text",
    )  # fmt: skip

    def __init__(self, matcher: Matcher, judges: Sequence[Judge], first: Transcript) -> None:
        self._roles = ROLES_OF[first.party]
        self._matcher = matcher
        self._judges = judges
        self._anchors: list[Anchor] = []
        self._judged: dict[Anchor, list[tuple[Match, Hit]]] = {}
        self._sound = ""
        self._stable = 0
        self.text: Text = normalise("")
        self.cues: dict[int, tuple[Cue, ...]] = {}
        self.latest = first
        self.final = False

    def hear(self, transcript: Transcript) -> frozenset[int]:
        """Take the newest revision; the leaves whose cues are not what they were."""
        old, new = self.text, normalise(transcript.text)
        stable = new.norm_length(max(transcript.stable, 0))
        if transcript.final:
            stable = len(new.norm)
        self.latest, self.text = transcript, new
        same = _common(old.norm, new.norm)
        changed = same < len(old.norm) or same < len(new.norm)
        if not changed and stable == self._stable and transcript.final == self.final:
            return self._cues_changed() if old.raw != new.raw else frozenset()
        self.final, self._stable = transcript.final, stable
        if changed:
            self._scan(same)
        if not self._anchors and not self.cues:
            return frozenset()
        self._judge(same)
        return self._cues_changed()

    def _scan(self, same: int) -> None:
        self._sound = sound_of(self.text.norm)
        while self._anchors and self._anchors[-1].end > same:
            self._judged.pop(self._anchors.pop(), None)
        fresh = self._matcher.anchors(self.text.norm, self._sound, same)
        fresh.sort(key=lambda a: (a.end, a.by_sound, a.start))
        self._anchors.extend(fresh)

    def _judge(self, same: int) -> None:
        """Look again at every anchor whose surroundings changed or whose hit is not settled."""
        for anchor in self._anchors:
            known = self._judged.get(anchor)
            far = known is not None and anchor.end + REACH <= same
            if far and all(hit.settled for _, hit in known or ()):
                continue
            self._judged[anchor] = self._hits(anchor)

    def _hits(self, anchor: Anchor) -> list[tuple[Match, Hit]]:
        norm, final = self.text.norm, self.final
        found = []
        for match in self._matcher.matches(anchor, self.text, norm, self._sound):
            judge = self._judges[match.leaf]
            if judge.say.role not in self._roles:
                continue
            answer = judge.judge(match, self.text, norm, final)
            if answer.verdict is Verdict.YES:
                found.append((match, self._hit(match, answer, judge)))
        return found

    def _hit(self, match: Match, answer: Answer, judge: Judge) -> Hit:
        settled = self.final
        if not settled and match.end <= self._stable:
            kept = self.text.norm[: self._stable]
            settled = judge.judge(match, self.text, kept, False).verdict is Verdict.YES
        return Hit(
            match.start, match.end, match.confidence, match.by_sound, answer.lowered, settled,
            answer.notes,
        )  # fmt: skip

    def _cues_changed(self) -> frozenset[int]:
        hits: dict[int, list[Hit]] = {}
        for anchor in self._anchors:
            for match, hit in self._judged.get(anchor, ()):
                hits.setdefault(match.leaf, []).append(hit)
        changed: set[int] = set()
        cues: dict[int, tuple[Cue, ...]] = {}
        for leaf, found in hits.items():
            before, after = self.cues.get(leaf, ()), self._cues_of(leaf, found)
            if len(before) == len(after) and all(map(_alike, before, after)):
                cues[leaf] = before
            else:
                cues[leaf] = after
                changed.add(leaf)
        changed |= self.cues.keys() - cues.keys()
        self.cues = cues
        return frozenset(changed)

    def _cues_of(self, leaf: int, hits: list[Hit]) -> tuple[Cue, ...]:
        """Overlapping hits are one cue: the surest, then the longest, speaks for them."""
        ordered = sorted(hits, key=lambda h: (h.start, -h.end))
        groups: list[list[Hit]] = []
        reach = -1
        for hit in ordered:
            if groups and hit.start < reach:
                groups[-1].append(hit)
            else:
                groups.append([hit])
                reach = -1
            reach = max(reach, hit.end)
        return tuple(self._cue(leaf, group) for group in groups)

    def _cue(self, leaf: int, group: list[Hit]) -> Cue:
        best = min(group, key=lambda h: (h.by_sound, h.lowered, h.start - h.end, h.start))
        heard = self.latest
        start, end = self.text.raw_span(best.start, best.end)
        confidence = best.confidence * _mean_confidence(heard.chars, start, end)
        evidence = Evidence(
            call=heard.call,
            party=heard.party,
            utterance=heard.utterance,
            revision=heard.revision,
            start=start,
            end=end,
            text=heard.text[start:end],
            start_ms=_time_at(heard, start - 1, heard.start_ms),
            end_ms=_time_at(heard, end - 1, heard.end_ms),
            path=Path.PINYIN if best.by_sound else Path.EXACT,
        )
        settled = any(h.settled for h in group if h.by_sound == best.by_sound)
        return Cue(leaf, evidence, round(confidence, 3), best.lowered, settled, best.notes)


def _alike(one: Cue, other: Cue) -> bool:
    """The same cue, but for the revision that it was seen in and how sure the recogniser is."""
    a, b = one.evidence, other.evidence
    return (
        one.settled == other.settled
        and one.lowered == other.lowered
        and one.notes == other.notes
        and (a.start, a.end, a.start_ms, a.end_ms, a.path, a.text)
        == (b.start, b.end, b.start_ms, b.end_ms, b.path, b.text)
    )


def _common(old: str, new: str) -> int:
    """Length of the common prefix."""
    if new.startswith(old):
        return len(old)
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[:middle] == new[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _time_at(heard: Transcript, index: int, default: int) -> int:
    if not 0 <= index < len(heard.chars):
        return default
    return heard.chars[index].ms


def _mean_confidence(chars: Sequence[Char], start: int, end: int) -> float:
    span = chars[start:end]
    return sum(c.confidence for c in span) / len(span) if span else 1.0
