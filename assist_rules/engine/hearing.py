"""One utterance as it grows and changes: which conditions are met in it now, and how surely.

The result is a function of the newest text alone; everything kept between revisions only saves
work. That is why any chunking and any revisions end where one look at the final text ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from asr.events import Char, Party, Transcript
from assist_rules.engine.judge import Answer, Judge, Judges, Verdict
from assist_rules.engine.matcher import Anchor, Candidates, Match, Matcher
from assist_rules.engine.sound import sound_of
from assist_rules.engine.text import Text, extended, normalise
from assist_rules.events import Evidence, Path

ROLES_OF = {
    Party.AGENT: frozenset(("agent", "any")),
    Party.CUSTOMER: frozenset(("customer", "any")),
    Party.UNKNOWN: frozenset(("customer", "any")),
}
"""Which conditions a party's words may meet. On mixed mono nothing is blamed on the agent."""


PAUSE_MS = 500
"""Silence inside an utterance after which the words before it are judged by themselves."""
_NOTHING: frozenset[int] = frozenset()


class Hit(NamedTuple):
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


class _Found:
    """An anchor, what it gave, and up to which place the text can still change that."""

    __slots__ = ("anchor", "candidates", "hits", "until")

    def __init__(self, anchor: Anchor) -> None:
        self.anchor = anchor
        self.candidates: Candidates | None = None
        self.hits: list[tuple[Match, Hit]] = []
        self.until = 1 << 30


class Utterance:
    """What is known of one utterance."""

    __slots__ = (
        "_found", "_judges", "_matcher", "_paused", "_roles", "_sound", "_stable",
        "cues", "final", "latest", "text",
    )  # fmt: skip

    def __init__(self, matcher: Matcher, judges: Judges, first: Transcript) -> None:
        self._roles = ROLES_OF[first.party]
        self._matcher = matcher
        self._judges = judges
        self._found: list[_Found] = []
        self._sound = ""
        self._stable = 0
        self._paused = False
        """Nothing has followed the newest words for a while."""
        self.text: Text = normalise("")
        self.cues: dict[int, tuple[Cue, ...]] = {}
        self.latest = first
        self.final = False

    def hear(self, transcript: Transcript) -> frozenset[int]:
        """Take the newest revision; the leaves whose cues are not what they were."""
        old, new = self.text, extended(self.text, transcript.text)
        stable = len(new.norm)
        if not transcript.final:
            stable = new.norm_length(max(transcript.stable, 0))
        before = self.latest
        self.latest, self.text = transcript, new
        same = _common(old.norm, new.norm)
        changed = same < len(old.norm) or same < len(new.norm)
        touched: set[int] = set()
        if changed:
            self._scan(same, touched)
        ended = transcript.final != self.final
        self._paused = self._paused and not changed
        settling = stable != self._stable
        self.final, self._stable = transcript.final, stable
        if not self._found and not self.cues:
            return frozenset()
        self._judge(same, changed, ended, settling, touched)
        if self.cues and (
            not new.raw.startswith(old.raw) or transcript.chars[: len(before.chars)] != before.chars
        ):
            # The same hits may stand at other places and times.
            touched.update(self.cues)
        return self._cues_changed(touched) if touched else _NOTHING

    def pause(self, heard_ms: int) -> frozenset[int]:
        """It has been heard up to there; the leaves of cues that a pause after them settles.

        Words that would undo a hit follow it in one breath. Should they come after all, the hit
        goes, as with any other correction.
        """
        if self._paused or self.final or heard_ms < self.latest.end_ms + PAUSE_MS:
            return _NOTHING
        self._paused = True
        touched: set[int] = set()
        for found in self._found:
            if found.hits and not all(hit.settled for _, hit in found.hits):
                before = found.hits
                self._look(found)
                if before != found.hits:
                    touched.update(match.leaf for match, _ in found.hits)
        return self._cues_changed(touched) if touched else _NOTHING

    def forget_workings(self) -> None:
        """Keep the cues and the text; the utterance will not be revised any more."""
        self._found = []
        self._sound = ""

    def _scan(self, same: int, touched: set[int]) -> None:
        """Find anchors in what is new; ``touched`` gets the leaves of hits that are gone."""
        norm = self.text.norm
        self._sound = self._sound[:same] + sound_of(norm[same:])
        found = self._found
        while found and found[-1].anchor.end > same:
            touched.update(match.leaf for match, _ in found.pop().hits)
        found.extend(map(_Found, self._matcher.anchors(norm, self._sound, same)))

    def _judge(
        self, same: int, changed: bool, ended: bool, settling: bool, touched: set[int]
    ) -> None:
        """Look again at what the new text can have changed; ``touched``: where a hit came or went."""
        for found in self._found:
            open_yet = found.until > same
            if (open_yet and (changed or ended)) or (
                settling and found.hits and not all(hit.settled for _, hit in found.hits)
            ):
                before = found.hits
                self._look(found)
                if before != found.hits:
                    touched.update(match.leaf for match, _ in before)
                    touched.update(match.leaf for match, _ in found.hits)

    def _look(self, found: _Found) -> None:
        norm, final = self.text.norm, self.final
        candidates = found.candidates
        if candidates is None:
            candidates = self._matcher.candidates(found.anchor)
        matches, until, found.candidates = self._matcher.matches(
            found.anchor, candidates, norm, self._sound
        )
        hits = []
        for match in matches:
            judge = self._judges[match.leaf]
            if judge.say.role not in self._roles:
                continue
            answer = judge.judge(match, self.text, norm, final)
            until = 1 << 30 if match.at_end else max(until, match.end + judge.reach)
            if answer.verdict is Verdict.YES:
                hits.append((match, self._hit(match, answer, judge)))
        found.hits, found.until = hits, until

    def _hit(self, match: Match, answer: Answer, judge: Judge) -> Hit:
        settled = self.final
        if not settled and match.end <= self._stable:
            # The words after it tell enough before they are stable themselves.
            judged = judge.judge(match, self.text, self.text.norm, self._paused, True)
            settled = judged.verdict is Verdict.YES
        return Hit(
            match.start, match.end, match.confidence, match.by_sound, answer.lowered, settled,
            answer.notes,
        )  # fmt: skip

    def _cues_changed(self, touched: set[int]) -> frozenset[int]:
        """Bring the cues of these leaves in line with their hits; those that are new or gone."""
        hits: dict[int, list[Hit]] = {leaf: [] for leaf in touched}
        for found in self._found:
            for match, hit in found.hits:
                if match.leaf in hits:
                    hits[match.leaf].append(hit)
        changed: set[int] = set()
        for leaf, of_leaf in hits.items():
            before, after = self.cues.get(leaf, ()), self._cues_of(leaf, of_leaf)
            if len(before) == len(after) and all(map(_alike, before, after)):
                continue
            changed.add(leaf)
            if after:
                self.cues[leaf] = after
            else:
                del self.cues[leaf]
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
            start_ms=time_at(heard, start - 1, heard.start_ms),
            end_ms=time_at(heard, end - 1, heard.end_ms),
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


def time_at(heard: Transcript, index: int, default: int) -> int:
    """When a character had been spoken; ``default`` where that is not known."""
    if not 0 <= index < len(heard.chars):
        return default
    return heard.chars[index].ms


def _mean_confidence(chars: Sequence[Char], start: int, end: int) -> float:
    span = chars[start:end]
    return sum(c.confidence for c in span) / len(span) if span else 1.0
