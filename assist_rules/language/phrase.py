"""From a phrase as written, ``我(要|想)<4>投诉``, to parts with gaps that can be looked up fast.

A phrase becomes one or more ``Sequence``s: alternating sets of plain normalised texts and the
gaps between them. Nothing here can backtrack over more than a few characters at match time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from assist_rules.engine.text import NUMERALS, norm

MAX_PLAIN = 8_000
"""Plain texts that one phrase may expand to."""
MAX_GAP = 20
ELLIPSIS_GAP = 6
NUMBER = -1
"""In place of a gap's length: a number of 1 to 6 characters."""
NUMBER_CHARS = 6

Fold = Callable[[str], str]
"""Brings plain text to the form that is matched."""
Lists = Callable[[str], Iterable[str]]
"""Looks up a named list; raises ``PhraseError`` when there is none."""


class PhraseError(ValueError):
    """A phrase cannot be read; ``fix`` says what to write instead, ``column`` where (from 0)."""

    def __init__(self, what: str, fix: str = "", column: int = 0) -> None:
        super().__init__(what)
        self.what, self.fix, self.column = what, fix, column


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts in order; ``gaps[i]`` lies between part i and i + 1. A part is a set of texts."""

    parts: tuple[frozenset[str], ...]
    gaps: tuple[int, ...]
    at_start: bool = False
    at_end: bool = False
    number_first: bool = False
    number_last: bool = False

    @property
    def shortest(self) -> int:
        """The fewest characters that the parts have together."""
        numbers = self.gaps.count(NUMBER) + self.number_first + self.number_last
        return sum(min(map(len, part)) for part in self.parts) + numbers

    @property
    def longest(self) -> int:
        """The most characters that a match can span."""
        gaps = sum(NUMBER_CHARS if gap == NUMBER else gap for gap in self.gaps)
        gaps += NUMBER_CHARS * (self.number_first + self.number_last)
        return sum(max(map(len, part)) for part in self.parts) + gaps


_Item = frozenset[str] | int
_Flat = tuple[_Item, ...]
"""Sets of plain texts and gaps in any order."""
_NUMERAL = frozenset(NUMERALS)
_NOTHING: frozenset[str] = frozenset([""])


def parse_phrase(source: str, lists: Lists, fold: Fold = norm) -> list[Sequence]:
    """Read one phrase; raises ``PhraseError``."""
    text = source.strip()
    if _SIMPLE.fullmatch(text):
        return _simple(text, source, fold)
    at_start = text.startswith("^")
    at_end = text.endswith("$")
    body = text[at_start : len(text) - at_end]
    offset = source.find(body) if body else 0
    flats = _Reader(body, lists, fold, max(offset, 0)).read()
    sequences = []
    for flat in flats:
        sequences.extend(_sequences(flat, at_start, at_end, source, fold))
    if not sequences:
        raise PhraseError(f"phrase {source!r} has no words", "write the words that people say")
    if sum(len(part) for s in sequences for part in s.parts) > MAX_PLAIN:
        raise _too_many(source)
    return sequences


_SIMPLE = re.compile(r"[^()<>@…|?^$]+(?:<\d+>[^()<>@…|?^$]+)*")
"""Most phrases are plain, or plain with gaps: they need no reader."""
_GAP = re.compile(r"<(\d+)>")


def _simple(text: str, source: str, fold: Fold) -> list[Sequence]:
    pieces = _GAP.split(text)
    parts = [fold(piece) for piece in pieces[::2]]
    gaps = tuple(map(int, pieces[1::2]))
    if not all(parts):
        what = f"phrase {source!r} has a part without words"
        raise PhraseError(what, "write the words that people say")
    if not all(1 <= gap <= MAX_GAP for gap in gaps):
        raise PhraseError(f"a gap in {source!r} is too long", f"<1> to <{MAX_GAP}>")
    return [Sequence(tuple(frozenset((part,)) for part in parts), gaps)]


def _too_many(source: str) -> PhraseError:
    return PhraseError(
        f"phrase {source!r} stands for more than {MAX_PLAIN} plain texts",
        "split it, or use a gap such as <4>",
    )


class _Reader:
    """Recursive descent over one phrase; depth is bounded by its length."""

    def __init__(self, body: str, lists: Lists, fold: Fold, offset: int) -> None:
        self.body, self.lists, self.fold, self.offset = body, lists, fold, offset
        self.at = 0

    def read(self) -> list[_Flat]:
        flats = self._alternatives(depth=0)
        if self.at < len(self.body):
            raise self._error(f"{self.body[self.at]!r} closes nothing", "remove it")
        return flats

    def _error(self, what: str, fix: str) -> PhraseError:
        return PhraseError(what, fix, self.offset + self.at)

    def _alternatives(self, depth: int) -> list[_Flat]:
        if depth > 8:
            raise self._error("groups lie too deep in one another", "split the phrase")
        branches = self._row(depth)
        while self.at < len(self.body) and self.body[self.at] == "|":
            self.at += 1
            branches = _join_plain(branches + self._row(depth))
        return branches

    def _row(self, depth: int) -> list[_Flat]:
        flats: list[_Flat] = [()]
        plain = ""
        while self.at < len(self.body) and self.body[self.at] not in "|)":
            char = self.body[self.at]
            if char in "(<@…":
                flats = _append(flats, [(frozenset([self.fold(plain)]),)] if plain else [()])
                plain = ""
                flats = _append(flats, self._special(char, depth))
            elif char == "?":
                raise self._error("'?' follows a group only", "(们)? for a 们 that may be missing")
            elif char in ">^$":
                raise self._error(f"{char!r} is out of place", "^ is first, $ last, <4> a gap")
            else:
                plain += char
                self.at += 1
        return _append(flats, [(frozenset([self.fold(plain)]),)] if plain else [()])

    def _special(self, char: str, depth: int) -> list[_Flat]:
        if char == "…":
            while self.body.startswith("…", self.at):
                self.at += 1
            return [(ELLIPSIS_GAP,)]
        if char == "(":
            return self._group(depth)
        if char == "<":
            return self._angle()
        return self._list()

    def _group(self, depth: int) -> list[_Flat]:
        opened = self.at
        self.at += 1
        branches = self._alternatives(depth + 1)
        if self.at >= len(self.body) or self.body[self.at] != ")":
            self.at = opened
            raise self._error("'(' is never closed", "add ')'")
        self.at += 1
        if self.body.startswith("?", self.at):
            self.at += 1
            branches = _join_plain([*branches, ()])
        return branches

    def _angle(self) -> list[_Flat]:
        close = self.body.find(">", self.at)
        inside = self.body[self.at + 1 : close] if close > 0 else ""
        if inside == "n":
            gap = NUMBER
        elif inside.isascii() and inside.isdigit() and 1 <= int(inside) <= MAX_GAP:
            gap = int(inside)
        else:
            raise self._error(
                f"<{inside}> is no gap", f"<1> to <{MAX_GAP}> for a gap, <n> for a number"
            )
        self.at = close + 1
        return [(gap,)]

    def _list(self) -> list[_Flat]:
        end = self.at + 1
        while end < len(self.body) and (
            (self.body[end].isascii() and self.body[end].isalnum()) or self.body[end] in "_."
        ):
            end += 1
        name = self.body[self.at + 1 : end]
        if not name:
            raise self._error("'@' needs the name of a list", "@soothe, for instance")
        flats: list[_Flat] = []
        for phrase in self.lists(name):
            flats.extend(_Reader(phrase.strip(), self.lists, self.fold, self.offset).read())
        self.at = end
        return _join_plain(flats)


def _append(flats: list[_Flat], more: list[_Flat]) -> list[_Flat]:
    """Every flat followed by every one of ``more``; neighbouring plain sets become one."""
    joined = []
    for flat in flats:
        for tail in more:
            if flat and tail and not isinstance(flat[-1], int) and not isinstance(tail[0], int):
                if len(flat[-1]) * len(tail[0]) > MAX_PLAIN:
                    raise _too_many("".join(sorted(flat[-1])[:3]) + "…")
                both = frozenset(a + b for a in flat[-1] for b in tail[0])
                joined.append((*flat[:-1], both, *tail[1:]))
            else:
                joined.append((*flat, *tail))
    if len(joined) > MAX_PLAIN:
        raise _too_many("this")
    return joined


def _join_plain(flats: list[_Flat]) -> list[_Flat]:
    """Branches without gaps become one set, so that they are looked up at once."""
    plain: set[str] = set()
    others: list[_Flat] = []
    for flat in flats:
        if not flat:
            plain.add("")
        elif len(flat) == 1 and not isinstance(flat[0], int):
            plain |= flat[0]
        elif flat not in others:
            others.append(flat)
    return ([(frozenset(plain),)] if plain else []) + others


def _sequences(
    flat: _Flat, at_start: bool, at_end: bool, source: str, fold: Fold
) -> list[Sequence]:
    """Drop empty texts: a part that may be empty makes a variant without it."""
    for i, item in enumerate(flat):
        if isinstance(item, int) or "" not in item:
            continue
        without = _merge_gaps((*flat[:i], *flat[i + 1 :]))
        found = _sequences(without, at_start, at_end, source, fold) if without else []
        rest = item - _NOTHING
        if rest:
            found += _sequences((*flat[:i], rest, *flat[i + 1 :]), at_start, at_end, source, fold)
        return found
    flat = _merge_gaps(flat)
    number_first, number_last = flat[:1] == (NUMBER,), flat[1:] and flat[-1] == NUMBER
    flat = flat[number_first : len(flat) - bool(number_last)]
    if not flat:
        return []
    # A gap at the edge says nothing: something always stands there.
    while flat and isinstance(flat[0], int):
        flat = flat[1:]
    while flat and isinstance(flat[-1], int):
        flat = flat[:-1]
    if not flat:
        return []
    # Folded once more: branches joined may stutter where none did alone (不了 + 了).
    parts = tuple(
        frozenset(norm(t) for t in item) if fold is norm else item
        for item in flat
        if not isinstance(item, int)
    )
    gaps = tuple(item for item in flat if isinstance(item, int))
    return [Sequence(parts, gaps, at_start, at_end, number_first, bool(number_last))]


def _merge_gaps(flat: _Flat) -> _Flat:
    """Neighbouring gaps become one; a number beside a gap becomes a numeral and a longer gap."""
    merged: list[_Item] = []
    for at, item in enumerate(flat):
        beside = any(
            isinstance(flat[i], int) and flat[i] != NUMBER
            for i in (at - 1, at + 1)
            if 0 <= i < len(flat)
        )
        for piece in (_NUMERAL, NUMBER_CHARS // 2) if item == NUMBER and beside else (item,):
            last = merged[-1] if merged else None
            if isinstance(piece, int) and isinstance(last, int) and NUMBER not in (piece, last):
                merged[-1] = min(piece + last, MAX_GAP)
            elif isinstance(piece, frozenset) and isinstance(last, frozenset):
                merged[-1] = frozenset(a + b for a in last for b in piece)
            elif piece == last == NUMBER:
                continue
            else:
                merged.append(piece)
    return tuple(merged)
