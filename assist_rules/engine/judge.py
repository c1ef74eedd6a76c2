"""Does a met phrase count? All guards of one condition over one hit, with three answers."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import ahocorasick

from assist_rules.engine import guards, weights
from assist_rules.engine.conditions import Say
from assist_rules.engine.matcher import Match
from assist_rules.engine.pattern import TAIL_CHARS, Pattern
from assist_rules.engine.text import Text
from assist_rules.language.phrase import Sequence

HOLD = 2
"""Characters for which a hit waits that words after it may still undo.

People should see it in time, so it is shown then, as tentative; if the words come after all, it is
taken back.
"""
SURE = 2
"""Characters after a hit that must have been heard for it to be confirmed.

What would undo it and has begun by then is waited for; what begins later is rare, and takes the hit
back as any correction does.
"""
PATIENCE = 3
"""Characters after a hit for which a begun exception with gaps keeps it from being confirmed."""
LEFT, RIGHT = 24, 4
"""Characters around a hit whose wording is weighed."""
OVERLAP = 2
"""Characters that an exception and a hit must have in common."""


class Verdict(Enum):
    """``WAIT``: the characters that decide have not been heard yet."""

    YES = 1
    WAIT = 2
    NO = 3


class Answer(NamedTuple):
    verdict: Verdict
    lowered: bool = False
    notes: tuple[str, ...] = ()


_NO = Answer(Verdict.NO)
_WAIT = Answer(Verdict.WAIT)
_YES = Answer(Verdict.YES)


class _Words:
    """Phrases looked for in a short window; one small automaton finds what begins them."""

    __slots__ = ("_automaton", "_first_starts", "_starts", "longest")

    def __init__(self, sequences: tuple[Sequence, ...]) -> None:
        self.longest = 0
        self._automaton: ahocorasick.Automaton | None = None
        self._starts: set[str] = set()
        """Proper beginnings of plain texts."""
        self._first_starts: set[str] = set()
        """Beginnings, whole ones too, of the first parts of phrases with gaps."""
        if not sequences:
            return
        begins: dict[str, list[Pattern | None]] = {}
        for sequence in sequences:
            pattern = Pattern(-1, sequence)
            self.longest = max(self.longest, pattern.longest)
            for text in pattern.texts[0]:
                begins.setdefault(text, []).append(None if pattern.plain else pattern)
                starts = self._starts if pattern.plain else self._first_starts
                starts.update(text[:i] for i in range(1, len(text) + (not pattern.plain)))
        self._automaton = ahocorasick.Automaton()
        for text, patterns in begins.items():
            self._automaton.add_word(text, (len(text), patterns))
        self._automaton.make_automaton()

    def __bool__(self) -> bool:
        return self.longest > 0

    def within(self, norm: str, low: int, high: int, latest_start: int, earliest_end: int) -> bool:
        """Is one of them in ``norm[low:high]``, starting and ending where it may?"""
        if self._automaton is None or low >= high:
            return False
        for last, (length, patterns) in self._automaton.iter(norm, low, high):
            start = last + 1 - length
            if start > latest_start or start < low:
                continue
            for pattern in patterns:
                if pattern is None:
                    if last + 1 >= earliest_end:
                        return True
                elif any(earliest_end <= end <= high for end in _ends(pattern, norm, start)):
                    return True
        return False

    def may_begin(self, norm: str, low: int, latest_start: int) -> bool:
        """Is one of the plain ones begun at the end of the text, and not finished?"""
        starts = self._starts
        first = max(low, len(norm) - self.longest)
        return any(norm[at:] in starts for at in range(first, latest_start + 1))

    def may_go_on(self, norm: str, low: int, latest_start: int) -> bool:
        """Is the first part of one with gaps there, or begun?"""
        starts = self._first_starts
        if not starts:
            return False
        longest = max(map(len, starts))
        return any(
            norm[at : at + n] in starts
            for at in range(low, latest_start + 1)
            for n in range(1, min(longest, len(norm) - at) + 1)
            if at + n == len(norm) or self._whole_first(norm[at : at + n])
        )

    def may_complete(self, norm: str, low: int, latest_start: int) -> bool:
        """Is one begun, plain or with gaps, that what comes after the text can still complete?"""
        if self._automaton is None or low > latest_start:
            return False
        if self.may_begin(norm, low, latest_start):
            return True
        starts = self._first_starts
        first = max(low, len(norm) - self.longest)
        if any(norm[at:] in starts for at in range(first, latest_start + 1)):
            return True
        for last, (length, patterns) in self._automaton.iter(norm, max(low, 0)):
            start = last + 1 - length
            if low <= start <= latest_start and any(
                pattern is not None and pattern.open_after(norm, last + 1) for pattern in patterns
            ):
                return True
        return False

    def _whole_first(self, text: str) -> bool:
        return self._automaton is not None and self._automaton.exists(text)


def _ends(pattern: Pattern, norm: str, start: int) -> list[int]:
    ends = list(pattern.ends_from(norm, start))
    if pattern.at_end:
        ends = [end for end in ends if end == len(norm)]
    return ends


class Judge:
    """The guards of one condition."""

    __slots__ = ("_after", "_before", "_excepts", "_needs_after", "_needs_before", "reach", "say")

    def __init__(self, say: Say) -> None:
        self.say = say
        self._excepts = _Words(say.excepts)
        self._before = _Words(say.unless_before)
        self._after = _Words(say.unless_after)
        self._needs_before = _Words(say.needs_before)
        self._needs_after = _Words(say.needs_after)
        self.reach = max(
            guards.REACH_RIGHT,
            self._excepts.longest,
            say.near + self._after.longest + 1 if self._after else 0,
            say.near + self._needs_after.longest + 1 if self._needs_after else 0,
            RIGHT + 1 if say.unlike else 0,
        )
        """Characters after a hit on which the answer can depend."""

    def judge(
        self, match: Match, text: Text, norm: str, final: bool, strict: bool = False
    ) -> Answer:
        """``norm`` may be a leading part of ``text.norm``: what is known to stay.

        ``strict``: yes only if nothing that has begun can still make it a no.
        """
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
        answer = self._surroundings(match, norm, final, strict)
        if answer is Verdict.NO:
            return _NO
        wait = wait or answer is Verdict.WAIT
        meaning = self._meaning(match, text, norm)
        if meaning.verdict is Verdict.NO:
            return _NO
        bounded = self._bounded(match, text, norm, final)
        if bounded is Verdict.NO:
            return _NO
        if say.unlike and not self._worded(match, norm, final, strict):
            return _NO
        if wait or bounded is Verdict.WAIT:
            return _WAIT
        return meaning

    def _worded(self, match: Match, norm: str, final: bool, strict: bool) -> bool:
        """Are the words around the hit enough like the category?

        What is heard so far decides, so nothing waits; a hit counts as settled only when the
        characters right after it have been heard.
        """
        assert self.say.unlike is not None
        category, least = self.say.unlike
        first, last = max(0, match.start - LEFT), min(len(norm), match.end + RIGHT)
        if strict and not final and match.end + SURE > len(norm):
            return False
        ends = final and last == len(norm)
        return weights.score(category, norm[first:last], first == 0, ends) >= least

    def _surroundings(self, match: Match, norm: str, final: bool, strict: bool) -> Verdict:
        """Exceptions, and the words that must or must not stand around."""
        near, start, end = self.say.near, match.start, match.end
        if self._excepts:
            covered = self._covered(norm, start, end, final, strict)
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
            hold = min(near, SURE) if strict else HOLD
            if not final and (
                len(norm) <= end + hold or self._after.may_begin(norm, end, end + near)
            ):
                verdict = Verdict.WAIT
        if self._needs_after:
            high = min(len(norm), end + near + self._needs_after.longest)
            if not self._needs_after.within(norm, end, high, end + near, 0):
                open_yet = not final and len(norm) < end + near + self._needs_after.longest
                return Verdict.WAIT if open_yet else Verdict.NO
        return verdict

    def _covered(self, norm: str, start: int, end: int, final: bool, strict: bool) -> Verdict:
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
        if strict and len(norm) - end < PATIENCE:
            return Verdict.WAIT if words.may_complete(norm, low, latest) else Verdict.YES
        if words.may_begin(norm, low, latest):
            return Verdict.WAIT
        if len(norm) - end <= HOLD and words.may_go_on(norm, low, latest):
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
        if say.conditional != "keep" and guards.conditional(norm, start, end):
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


class Judges:
    """The judges of all conditions, each made when it is first needed."""

    __slots__ = ("_made", "_says")

    def __init__(self, says: tuple[Say, ...]) -> None:
        self._says = says
        self._made: list[Judge | None] = [None] * len(says)

    def __getitem__(self, leaf: int) -> Judge:
        judge = self._made[leaf]
        if judge is None:
            judge = self._made[leaf] = Judge(self._says[leaf])
        return judge


def _only_tail(norm: str, end: int) -> bool:
    return len(norm) - end <= 3 and all(char in TAIL_CHARS for char in norm[end:])


def _splits_number(norm: str, start: int, end: int) -> bool:
    """315 is not heard in 12315, nor 12315 in a longer number."""
    if norm[start].isdigit() and norm[start - 1 : start].isdigit():
        return norm[start : start + 2].isdigit() and end - start >= 2
    return False
