"""One phrase ready for matching: an anchor that the automaton finds, and the rest around it.

Only the longest part of a phrase is in the automaton. When it is met, the other parts are looked
for in the few characters that the gaps allow, so thousands of phrases sharing 我 or 你们 cost
nothing until their telling part is heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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


_Sets = tuple[tuple[int, frozenset[str]], ...]
"""Texts by their length, the longest first."""


class Pattern:
    """A sequence with its anchor; immutable after construction but for cached sounds."""

    __slots__ = (
        "_by_length",
        "_edge", "_sounds", "after", "anchor", "at_end", "at_start", "gaps", "leaf", "longest",
        "number_first", "number_last", "plain", "reach", "shortest", "sounds_around", "texts",
    )  # fmt: skip

    def __init__(self, leaf: int, sequence: Sequence, by_sound: bool = False) -> None:
        self.leaf = leaf
        self.gaps = sequence.gaps
        self.at_start, self.at_end = sequence.at_start, sequence.at_end
        self.number_first, self.number_last = sequence.number_first, sequence.number_last
        parts = sequence.parts
        self.texts: tuple[tuple[str, ...], ...] = tuple(map(tuple, parts))
        self._by_length: list[_Sets | None] = [None] * len(parts)
        self._edge: dict[int, frozenset[str]] = {}
        self._sounds: list[_Sets | None] = [None] * len(parts)
        bare = not (self.at_start or self.at_end or self.number_first or self.number_last)
        self.plain = bare and len(parts) == 1
        """Nothing around the anchor to look for."""
        least = [min(map(len, part)) for part in parts]
        most = [max(map(len, part)) for part in parts]
        if self.plain:
            self.anchor = self.after = self.reach = 0
            self.shortest, self.longest = least[0], most[0]
            self.sounds_around = False
            return
        # The longest part is the most telling; of equals the last, which is heard when all are.
        self.anchor = max(range(len(parts)), key=lambda i: (least[i], i))
        gaps = [NUMBER_CHARS if gap == NUMBER else gap for gap in self.gaps]
        ends = NUMBER_CHARS * self.number_last
        self.after = sum(gaps[self.anchor :]) + sum(most[self.anchor + 1 :]) + ends
        """Characters after the anchor within which the rest must come."""
        self.reach = self.gaps[self.anchor - 1] + 1 if self.anchor else 0
        """Characters before the anchor in one of which the part before it ends; 0: not known."""
        self.shortest = sequence.shortest
        self.longest = sum(gaps) + sum(most) + ends + NUMBER_CHARS * self.number_first
        self.sounds_around = by_sound and len(parts) > 1 and self.shortest >= 4
        """May its other parts be met by sound when the anchor is met as written?"""

    def fails_before(self, norm: str, start: int, sound: str) -> bool:
        """A quick look: does no character before an anchor end the part that must stand there?"""
        reach = self.reach
        if reach <= 0:
            return False
        low = max(0, start - reach)
        part = self.anchor - 1
        if not self._edges(part, True, -1).isdisjoint(norm[low:start]):
            return False
        return not self.sounds_around or self._edges(part, False, -1).isdisjoint(sound[low:start])

    def left_of(self, norm: str, start: int, sound: str = "") -> _Spans | None:
        """Where the parts before an anchor at ``start`` lie; None when they are not there.

        With ``sound`` parts of two and more characters may also be met by sound.
        """
        left = self._left(norm, self.anchor - 1, start, sound) if self.anchor else ()
        if left is None:
            return None
        first = left[0][0] if left else start
        if self.at_start and norm[:first] not in LEAD_INS:
            return None
        if self.number_first:
            run = _numerals_before(norm, first)
            if not run:
                return None
            # A number is no part of the text that must stand together.
            return ((first - run, first), *left)
        return left

    def right_of(self, norm: str, end: int, sound: str = "") -> _Spans | None:
        """Where the parts after an anchor that ends at ``end`` lie; None when not (yet) there."""
        right = self._right(norm, self.anchor, end, sound)
        if right is None or not self.number_last:
            return right
        last = right[-1][1] if right else end
        run = _numerals_after(norm, last)
        return (*right, (last, last + run)) if run else None

    def ends_from(self, norm: str, start: int) -> Iterator[int]:
        """Every place where the phrase can end when it begins at ``start``."""
        if self.at_start and norm[:start] not in LEAD_INS:
            return
        for length, texts in self._sets(0):
            if norm[start : start + length] in texts:
                yield from self._ends(norm, 0, start + length)

    def open_after(self, norm: str, end: int, done: int = 0) -> bool:
        """Can what comes after the text still complete it, part ``done`` ending at ``end``?"""
        if done + 1 == len(self.texts):
            return False
        gap, sets = self.gaps[done], self._sets(done + 1)
        if gap == NUMBER:
            run = _numerals_after(norm, end)
            if end + run == len(norm):
                return True
            places = range(end + 1, end + run + 1)
        else:
            if end + gap >= len(norm):
                return True
            places = range(end, end + gap + 1)
        for place in places:
            for length, texts in sets:
                piece = norm[place : place + length]
                if len(piece) < length:
                    if any(text.startswith(piece) for text in texts):
                        return True
                elif piece in texts and self.open_after(norm, place + length, done + 1):
                    return True
        return False

    def _ends(self, norm: str, done: int, at: int) -> Iterator[int]:
        if done + 1 == len(self.texts):
            yield at
            return
        sets = self._sets(done + 1)
        for place in self._gap_after(norm, done, at):
            for length, texts in sets:
                if norm[place : place + length] in texts:
                    yield from self._ends(norm, done + 1, place + length)

    def _gap_after(self, norm: str, done: int, at: int) -> range:
        gap = self.gaps[done]
        if gap == NUMBER:
            return range(at + 1, at + _numerals_after(norm, at) + 1)
        return range(at, min(at + gap, len(norm)) + 1)

    def _right(self, norm: str, done: int, at: int, sound: str) -> _Spans | None:
        part = done + 1
        if part == len(self.texts):
            return ()
        gap = self.gaps[done]
        for heard, sets in self._ways(part, norm, sound):
            if gap != NUMBER and len(sets) == 1 and len(sets[0][1]) == 1:
                length, (text,) = sets[0]
                place = heard.find(text, at, at + gap + length)
                while place >= 0:
                    found = self._right(norm, part, place + length, sound)
                    if found is not None:
                        return ((place, place + length), *found)
                    place = heard.find(text, place + 1, at + gap + length)
                continue
            edges = self._edges(part, heard is norm, 0)
            for place in self._gap_after(norm, done, at):
                if heard[place : place + 1] not in edges:
                    continue
                for length, texts in sets:
                    if heard[place : place + length] in texts:
                        found = self._right(norm, part, place + length, sound)
                        if found is not None:
                            return ((place, place + length), *found)
        return None

    def _left(self, norm: str, part: int, at: int, sound: str) -> _Spans | None:
        if part < 0:
            return ()
        gap = self.gaps[part]
        for heard, sets in self._ways(part, norm, sound):
            if gap != NUMBER and len(sets) == 1 and len(sets[0][1]) == 1:
                length, (text,) = sets[0]
                low = max(0, at - gap - length)
                place = heard.rfind(text, low, at)
                while place >= 0:
                    found = self._left(norm, part - 1, place, sound)
                    if found is not None:
                        return (*found, (place, place + length))
                    place = heard.rfind(text, low, place + length - 1)
                continue
            if gap == NUMBER:
                ends = range(at - 1, at - _numerals_before(norm, at) - 1, -1)
            else:
                ends = range(at, max(at - gap, 0) - 1, -1)
            edges = self._edges(part, heard is norm, -1)
            for end in ends:
                if end <= 0 or heard[end - 1] not in edges:
                    continue
                for length, texts in sets:
                    if length <= end and heard[end - length : end] in texts:
                        found = self._left(norm, part - 1, end - length, sound)
                        if found is not None:
                            return (*found, (end - length, end))
        return None

    def _ways(self, part: int, norm: str, sound: str) -> tuple[tuple[str, _Sets], ...]:
        """As it is written first, then, where asked for, as it sounds."""
        if not sound:
            return ((norm, self._sets(part)),)
        return ((norm, self._sets(part)), (sound, self._sounds_of(part)))

    def _edges(self, part: int, written: bool, index: int) -> frozenset[str]:
        """First (0) or last (-1) characters of a part: most places need no closer look."""
        key = part * 4 + 2 * written + index
        known = self._edge.get(key)
        if known is None:
            sets = self._sets(part) if written else self._sounds_of(part)
            known = frozenset(text[index] for _, texts in sets for text in texts)
            self._edge[key] = known
        return known

    def _sets(self, part: int) -> _Sets:
        known = self._by_length[part]
        if known is None:
            known = self._by_length[part] = _grouped(self.texts[part])
        return known

    def _sounds_of(self, part: int) -> _Sets:
        known = self._sounds[part]
        if known is None:
            long = [text for text in self.texts[part] if len(text) >= 2]
            known = _grouped([s for text in long for s in sounds_of_phrase(text, 2)])
            self._sounds[part] = known
        return known


def _grouped(texts: Iterable[str]) -> _Sets:
    by_length: dict[int, set[str]] = {}
    for text in texts:
        by_length.setdefault(len(text), set()).add(text)
    return tuple((n, frozenset(by_length[n])) for n in sorted(by_length, reverse=True))


def _numerals_before(norm: str, at: int) -> int:
    run = 0
    while run < NUMBER_CHARS and at - run > 0 and norm[at - run - 1] in NUMERALS:
        run += 1
    # 你好30分钟 names no number 好30, nor is there one in 你好天气.
    while run and not _begins_number(norm, at - run):
        run -= 1
    return run


def _numerals_after(norm: str, at: int) -> int:
    run = 0
    if not _begins_number(norm, at):
        return 0
    while run < NUMBER_CHARS and at + run < len(norm) and norm[at + run] in NUMERALS:
        run += 1
    return run


def _begins_number(norm: str, at: int) -> bool:
    """好 counts only before 几 and 多, 无 only before 数."""
    char = norm[at : at + 1]
    if char == "好":
        return norm[at + 1 : at + 2] in ("几", "多")
    return char != "无" or norm[at + 1 : at + 2] == "数"
