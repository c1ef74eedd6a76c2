"""Does a met phrase count? All guards of one condition over one hit, with three answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from assist_rules.engine import guards
from assist_rules.engine.conditions import Say
from assist_rules.engine.matcher import Match
from assist_rules.engine.pattern import TAIL_CHARS, Pattern
from assist_rules.engine.text import Text
from assist_rules.language.phrase import Sequence

OPEN_GAP_HOLD = 4
"""How many characters an exception with a gap may hold a hit back while it is still open."""
OVERLAP = 2
"""Characters that an exception and a hit must have in common."""


class Verdict(Enum):
    """``WAIT``: the characters that decide have not been heard yet."""

    YES = 1
    WAIT = 2
    NO = 3


@dataclass(frozen=True, slots=True)
class Answer:
    verdict: Verdict
    lowered: bool = False
    notes: tuple[str, ...] = ()


_NO = Answer(Verdict.NO)
_WAIT = Answer(Verdict.WAIT)
_YES = Answer(Verdict.YES)


class _Words:
    """Phrases looked for in a short window: plain texts at once, those with gaps one by one."""

    __slots__ = ("gapped", "longest", "plain", "starts")

    def __init__(self, sequences: tuple[Sequence, ...]) -> None:
        self.plain: frozenset[str] = frozenset(
            text
            for s in sequences
            if len(s.parts) == 1 and not (s.at_start or s.at_end or s.number_first or s.number_last)
            for text in s.parts[0]
        )
        self.gapped = tuple(
            Pattern(-1, s)
            for s in sequences
            if len(s.parts) > 1 or s.at_start or s.at_end or s.number_first or s.number_last
        )
        lengths = [len(t) for t in self.plain] + [p.longest for p in self.gapped]
        self.longest = max(lengths, default=0)
        self.starts = frozenset(text[:i] for text in self.plain for i in range(1, len(text)))

    def __bool__(self) -> bool:
        return self.longest > 0

    def within(self, norm: str, low: int, high: int, latest_start: int, earliest_end: int) -> bool:
        """Is one of them in ``norm[low:high]``, starting and ending where it may?"""
        window = norm[low:high]
        for text in self.plain:
            at = window.find(text)
            while at >= 0:
                if low + at <= latest_start and low + at + len(text) >= earliest_end:
                    return True
                at = window.find(text, at + 1)
        for pattern in self.gapped:
            for start in range(low, min(latest_start, high - 1) + 1):
                if any(earliest_end <= end <= high for end in _ends(pattern, norm, start)):
                    return True
        return False


def _ends(pattern: Pattern, norm: str, start: int) -> list[int]:
    ends = list(pattern.ends_from(norm, start))
    if pattern.sequence.at_end:
        ends = [end for end in ends if end == len(norm)]
    return ends


class Judge:
    """The guards of one condition."""

    __slots__ = ("_after", "_before", "_excepts", "_needs_after", "_needs_before", "say")

    def __init__(self, say: Say) -> None:
        self.say = say
        self._excepts = _Words(say.excepts)
        self._before = _Words(say.unless_before)
        self._after = _Words(say.unless_after)
        self._needs_before = _Words(say.needs_before)
        self._needs_after = _Words(say.needs_after)

    def judge(self, match: Match, text: Text, norm: str, final: bool) -> Answer:
        """``norm`` may be a leading part of ``text.norm``: what is known to stay."""
        say = self.say
        wait = False
        if match.at_end and not (norm[match.end :] == "" or _only_tail(norm, match.end)):
            return _NO
        if match.at_end and not final:
            wait = True
        if _splits_number(norm, match.start, match.end):
            return _NO
        if say.literal:
            first, last = text.raw_span(match.start, match.end)
            if text.raw[first:last] not in say.literal:
                return _NO
        answer = self._surroundings(match, norm, final)
        if answer is Verdict.NO:
            return _NO
        wait = wait or answer is Verdict.WAIT
        meaning = self._meaning(match, text, norm)
        if meaning.verdict is Verdict.NO:
            return _NO
        bounded = self._bounded(match, text, norm, final)
        if bounded is Verdict.NO:
            return _NO
        if wait or bounded is Verdict.WAIT:
            return _WAIT
        return meaning

    def _surroundings(self, match: Match, norm: str, final: bool) -> Verdict:
        """Exceptions, and the words that must or must not stand around."""
        near, start, end = self.say.near, match.start, match.end
        if self._excepts:
            covered = self._covered(norm, start, end, final)
            if covered is not Verdict.YES:
                return covered
        if self._before:
            low = max(0, start - near - self._before.longest)
            # It may run into the hit: 麻烦你 before 你大声点.
            if self._before.within(norm, low, end, start - 1, max(0, start - near)):
                return Verdict.NO
        if self._needs_before:
            low = max(0, start - near - self._needs_before.longest)
            if not self._needs_before.within(norm, low, start, start, max(0, start - near)):
                return Verdict.NO
        verdict = Verdict.YES
        if self._after:
            high = min(len(norm), end + near + self._after.longest)
            if self._after.within(norm, end, high, end + near, 0):
                return Verdict.NO
            if not final and len(norm) <= end + near:
                verdict = Verdict.WAIT
        if self._needs_after:
            high = min(len(norm), end + near + self._needs_after.longest)
            if not self._needs_after.within(norm, end, high, end + near, 0):
                open_yet = not final and len(norm) < end + near + self._needs_after.longest
                return Verdict.WAIT if open_yet else Verdict.NO
        return verdict

    def _covered(self, norm: str, start: int, end: int, final: bool) -> Verdict:
        """NO when an exception lies over the hit, WAIT when one may still come to.

        Two common characters are enough: 不清楚的地方 undoes 我不清楚.
        """
        words = self._excepts
        low = max(0, start - words.longest + 1)
        latest, earliest = end - OVERLAP, start + OVERLAP
        if words.within(norm, low, min(len(norm), end + words.longest), latest, earliest):
            return Verdict.NO
        if final:
            return Verdict.YES
        for at in range(low, latest + 1):
            if len(norm) - at < words.longest and norm[at:] in words.starts:
                return Verdict.WAIT
        if len(norm) - end < OPEN_GAP_HOLD:
            for pattern in words.gapped:
                for at in range(max(0, start - pattern.longest), latest + 1):
                    if any(norm.startswith(t, at) for t in pattern.texts[0]):
                        return Verdict.WAIT
                    if any(t.startswith(norm[at:]) for t in pattern.texts[0]):
                        return Verdict.WAIT
        return Verdict.YES

    def _meaning(self, match: Match, text: Text, norm: str) -> Answer:
        """Negation, quotation, condition and question."""
        say, start, end = self.say, match.start, match.end
        if guards.is_choice(norm, start):
            return _NO
        lowered = False
        notes: list[str] = []
        if say.negation != "keep":
            odd = guards.negations(text, norm, match.parts) % 2 == 1
            if odd != (say.negation == "flip"):
                return _NO
            if odd:
                notes.append("negated")
        if guards.reported(norm, start):
            if say.quoted == "cancel":
                return _NO
            notes.append("quoted")
        if say.conditional != "keep" and guards.conditional(text, norm, start, end):
            if say.conditional == "cancel":
                return _NO
            lowered = True
            notes.append("conditional")
        if say.asked == "cancel" and guards.asked(norm, start, end):
            return _NO
        return Answer(Verdict.YES, lowered, tuple(notes)) if notes else _YES

    def _bounded(self, match: Match, text: Text, norm: str, final: bool) -> Verdict:
        rule = self.say.boundary
        short = len(match.parts) == 1 and match.end - match.start <= 2
        if rule == "off" or (rule == "auto" and not short):
            return Verdict.YES
        if not final and len(norm) < match.end + guards.HOLD:
            return Verdict.WAIT
        if guards.ends_where_words_end(text, match.start, match.end, len(norm)):
            return Verdict.YES
        return Verdict.NO


def _only_tail(norm: str, end: int) -> bool:
    return len(norm) - end <= 3 and all(char in TAIL_CHARS for char in norm[end:])


def _splits_number(norm: str, start: int, end: int) -> bool:
    """315 is not heard in 12315, nor 12315 in a longer number."""
    if norm[start].isdigit() and norm[start - 1 : start].isdigit():
        return norm[start : start + 2].isdigit() and end - start >= 2
    return False
