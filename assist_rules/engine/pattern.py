"""One phrase ready for matching: an anchor that the automaton finds, and the rest around it.

Only the longest part of a phrase is in the automaton. When it is met, the other parts are looked
for in the few characters that the gaps allow, so thousands of phrases sharing 我 or 你们 cost
nothing until their telling part is heard.
"""

from __future__ import annotations

from collections.abc import Iterator

from assist_rules.engine.sound import sounds_of_phrase
from assist_rules.engine.text import NUMERALS
from assist_rules.language.phrase import NUMBER, NUMBER_CHARS, Sequence

LEAD_INS = frozenset(
    [
        "",
        "那",
        "那个",
        "这个",
        "就是",
        "哦",
        "好",
        "好的",
        "对",
        "不是",
        "喂",
        "哈",
        "反正",
        "那我",
        "他",
    ]
)
"""What may stand before a phrase that begins the utterance (``^``)."""
TAIL_CHARS = frozenset("了的吧呢吗呀哦哈啦嘞")
"""What may follow a phrase that ends the utterance (``$``)."""

_Spans = tuple[tuple[int, int], ...]


class Pattern:
    """A sequence with its anchor; immutable after construction but for cached sounds."""

    __slots__ = (
        "_sounds",
        "after",
        "anchor",
        "leaf",
        "longest",
        "plain",
        "sequence",
        "shortest",
        "sounds_around",
        "texts",
    )

    def __init__(self, leaf: int, sequence: Sequence, by_sound: bool = False) -> None:
        self.leaf = leaf
        self.sequence = sequence
        parts, gaps = sequence.parts, sequence.gaps
        self.texts = tuple(
            tuple(part) if len(part) == 1 else tuple(sorted(part, key=lambda t: (-len(t), t)))
            for part in parts
        )
        # The longest part is the most telling; of equals the last, which is heard when all are.
        anchor = 0
        for i in range(1, len(self.texts)):
            if len(self.texts[i][-1]) >= len(self.texts[anchor][-1]):
                anchor = i
        self.anchor = anchor
        self.shortest = sequence.shortest
        self.longest = sequence.longest
        after = sum(NUMBER_CHARS if gap == NUMBER else gap for gap in gaps[anchor:])
        after += sum(len(texts[0]) for texts in self.texts[anchor + 1 :])
        self.after = after + NUMBER_CHARS * sequence.number_last
        """Characters after the anchor within which the rest must come."""
        self.plain = len(parts) == 1 and not (
            sequence.at_start or sequence.at_end or sequence.number_first or sequence.number_last
        )
        """Nothing around the anchor to look for."""
        self.sounds_around = by_sound and len(self.texts) > 1 and self.shortest >= 4
        """May its other parts be met by sound when the anchor is met as written?"""
        self._sounds: list[tuple[str, ...] | None] = [None] * len(self.texts)

    def left_of(self, norm: str, start: int, sound: str = "") -> _Spans | None:
        """Where the parts before an anchor at ``start`` lie; None when they are not there.

        With ``sound`` parts of two and more characters may also be met by sound.
        """
        left = self._left(norm, self.anchor - 1, start, sound) if self.anchor else ()
        if left is None:
            return None
        sequence = self.sequence
        first = left[0][0] if left else start
        if sequence.at_start and norm[:first] not in LEAD_INS:
            return None
        if sequence.number_first:
            run = _numerals_before(norm, first)
            if not run:
                return None
            # A number is no part of the text that must stand together.
            return ((first - run, first), *left)
        return left

    def right_of(self, norm: str, end: int, sound: str = "") -> _Spans | None:
        """Where the parts after an anchor that ends at ``end`` lie; None when not (yet) there."""
        right = self._right(norm, self.anchor, end, sound)
        if right is None or not self.sequence.number_last:
            return right
        last = right[-1][1] if right else end
        run = _numerals_after(norm, last)
        return (*right, (last, last + run)) if run else None

    def ends_from(self, norm: str, start: int) -> Iterator[int]:
        """Every place where the phrase can end when it begins at ``start``."""
        if self.sequence.at_start and norm[:start] not in LEAD_INS:
            return
        for text in self.texts[0]:
            if norm.startswith(text, start):
                yield from self._ends(norm, 0, start + len(text))

    def _ends(self, norm: str, done: int, at: int) -> Iterator[int]:
        if done + 1 == len(self.texts):
            yield at
            return
        for place in self._gap_after(norm, done, at):
            for text in self.texts[done + 1]:
                if norm.startswith(text, place):
                    yield from self._ends(norm, done + 1, place + len(text))

    def _gap_after(self, norm: str, done: int, at: int) -> range:
        gap = self.sequence.gaps[done]
        if gap == NUMBER:
            return range(at + 1, at + _numerals_after(norm, at) + 1)
        return range(at, min(at + gap, len(norm)) + 1)

    def _right(self, norm: str, done: int, at: int, sound: str) -> _Spans | None:
        if done + 1 == len(self.texts):
            return ()
        places = self._gap_after(norm, done, at)
        for place in places:
            for text in self.texts[done + 1]:
                if norm.startswith(text, place):
                    found = self._right(norm, done + 1, place + len(text), sound)
                    if found is not None:
                        return ((place, place + len(text)), *found)
        if sound:
            for place in places:
                for code in self._sounds_of(done + 1):
                    if sound.startswith(code, place):
                        found = self._right(norm, done + 1, place + len(code), sound)
                        if found is not None:
                            return ((place, place + len(code)), *found)
        return None

    def _left(self, norm: str, part: int, at: int, sound: str) -> _Spans | None:
        if part < 0:
            return ()
        gap = self.sequence.gaps[part]
        if gap == NUMBER:
            places = range(at - 1, at - _numerals_before(norm, at) - 1, -1)
        else:
            places = range(at, max(at - gap, 0) - 1, -1)
        for place in places:
            for text in self.texts[part]:
                if len(text) <= place and norm.startswith(text, place - len(text)):
                    found = self._left(norm, part - 1, place - len(text), sound)
                    if found is not None:
                        return (*found, (place - len(text), place))
        if sound:
            for place in places:
                for code in self._sounds_of(part):
                    if len(code) <= place and sound.startswith(code, place - len(code)):
                        found = self._left(norm, part - 1, place - len(code), sound)
                        if found is not None:
                            return (*found, (place - len(code), place))
        return None

    def _sounds_of(self, part: int) -> tuple[str, ...]:
        known = self._sounds[part]
        if known is None:
            long = [text for text in self.texts[part] if len(text) >= 2]
            known = tuple(dict.fromkeys(s for text in long for s in sounds_of_phrase(text, 2)))
            self._sounds[part] = known
        return known


def _numerals_before(norm: str, at: int) -> int:
    run = 0
    while run < NUMBER_CHARS and at - run > 0 and norm[at - run - 1] in NUMERALS:
        run += 1
    return run


def _numerals_after(norm: str, at: int) -> int:
    run = 0
    while run < NUMBER_CHARS and at + run < len(norm) and norm[at + run] in NUMERALS:
        run += 1
    return run
