"""One form for all ways to write the same Chinese words, with a way back to the characters heard.

Phrases of rules go through the same function as transcripts, so a phrase needs writing only once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

MAX_CHARS = 20_000
"""An utterance is read up to here; nobody says more without a pause, and work stays bounded."""

FILLERS = "嗯呃啊诶欸唉哎唔嗳"
SAME = {
    "您": "你", "俺": "我", "咱": "我", "她": "他", "它": "他", "妳": "你", "牠": "他",
    "地": "的", "得": "的", "做": "作", "嘛": "吗", "噢": "哦", "喔": "哦",
    "零": "0", "〇": "0", "○": "0", "一": "1", "壹": "1", "幺": "1", "么1": "1",
    "二": "2", "贰": "2", "两": "2", "三": "3", "叁": "3", "四": "4", "肆": "4",
    "五": "5", "伍": "5", "六": "6", "陆": "6", "七": "7", "柒": "7", "八": "8",
    "捌": "8", "九": "9", "玖": "9",
}  # fmt: skip
"""Written differently, heard alike or meant alike."""
LONGER = {"啥": "什么", "咋": "怎么", "甭": "不用"}
STUTTER = "我你他这那就要不是的了投在怎什为没有还给把对"
"""Doubled, these are a stumble: 我我要 is 我要. 谢谢 and 刚刚 are not."""
ER_WORD_BEFORE = "女婴幼少孤胎育托健小"
ER_WORD_AFTER = "子童媳女科歌孙"
NUMERALS = frozenset("0123456789十百千万半几好多数无")

_DROP = "\x00"
_EXPAND = {char: chr(0xE000 + i) for i, char in enumerate(LONGER)}
_EXPANDED = {code: LONGER[char] for char, code in _EXPAND.items()}
_SPECIAL = re.compile(
    "[" + _DROP + "".join(_EXPANDED) + "儿]|([" + STUTTER + r"])\1|(.)\2\2",
    re.DOTALL,
)
STRONG_BREAK = frozenset("。！？!?；;\n")
ANY_BREAK = STRONG_BREAK | frozenset("，,、：:")


class _Folding(dict[int, str]):
    """Character to its one form, worked out when first met; ``_DROP`` for what is not a word."""

    def __missing__(self, code: int) -> str:
        char = unicodedata.normalize("NFKC", chr(code)).lower()
        # What NFKC makes several characters of (㎏) is rare; its first one stands for it.
        char = char[:1]
        char = _traditional().get(char, char)
        char = SAME.get(char, char)
        if char in LONGER:
            char = _EXPAND[char]
        elif char in FILLERS or not char.isalnum():
            char = _DROP
        self[code] = char
        return char


@cache
def _traditional() -> dict[str, str]:
    path = Path(__file__).parent.parent / "data" / "traditional.txt"
    lines = path.read_text(encoding="utf-8").split()
    return {old: line[0] for line in lines for old in line[1:]}


_FOLD = _Folding()


class Text(NamedTuple):
    """A normalised text and, for each of its characters, the place of the raw one."""

    raw: str
    norm: str
    places: Sequence[int]
    """Index into ``raw`` for each character of ``norm``, never falling."""

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Half-open range of raw characters that the half-open ``norm`` range came from."""
        if end <= start:
            return (0, 0)
        return (self.places[start], self.places[end - 1] + 1)

    def norm_length(self, raw_length: int) -> int:
        """How many leading normalised characters come from the first ``raw_length`` raw ones."""
        if raw_length >= len(self.raw):
            return len(self.norm)
        if isinstance(self.places, range):
            return min(raw_length, len(self.norm))
        low, high = 0, len(self.places)
        while low < high:
            middle = (low + high) // 2
            if self.places[middle] < raw_length:
                low = middle + 1
            else:
                high = middle
        return low

    def breaks_before(self, index: int, marks: frozenset[str] = ANY_BREAK) -> bool:
        """Does punctuation stand between normalised characters ``index - 1`` and ``index``?"""
        if index <= 0 or index >= len(self.norm) or isinstance(self.places, range):
            return False
        between = self.raw[self.places[index - 1] + 1 : self.places[index]]
        return any(char in marks for char in between)


def normalise(raw: str) -> Text:
    """The one form of ``raw``; deterministic, and the same for phrases and transcripts."""
    if len(raw) > MAX_CHARS:
        raw = raw[:MAX_CHARS]
    folded = raw.translate(_FOLD)
    if _SPECIAL.search(folded) is None:
        return Text(raw, folded, range(len(folded)))
    chars: list[str] = []
    places: list[int] = []
    for place, char in enumerate(folded):
        if char == _DROP:
            continue
        if char in _EXPANDED:
            longer = _EXPANDED[char]
            chars.extend(longer)
            places.extend([place] * len(longer))
            continue
        if char == "儿" and _is_erhua(folded, place, chars):
            continue
        if chars and _is_stutter(chars, char):
            continue
        chars.append(char)
        places.append(place)
    return Text(raw, "".join(chars), places)


def extended(known: Text, raw: str) -> Text:
    """``normalise(raw)``, faster where ``raw`` only goes on after the known text."""
    old = known.raw
    if not old or len(raw) > MAX_CHARS or not isinstance(known.places, range):
        return normalise(raw)
    if not raw.startswith(old):
        return normalise(raw)
    # What stands last may be a stumble together with what comes; so the seam is looked at too.
    tail = raw[len(old) :].translate(_FOLD)
    if _SPECIAL.search(known.norm[-2:] + tail) is not None:
        return normalise(raw)
    both = known.norm + tail
    return Text(raw, both, range(len(both)))


def norm(raw: str) -> str:
    """Only the normalised characters, for phrases and word tables."""
    if len(raw) <= MAX_CHARS:
        folded = raw.translate(_FOLD)
        if _SPECIAL.search(folded) is None:
            return folded
    return normalise(raw).norm


def _is_erhua(folded: str, place: int, before: list[str]) -> bool:
    if not before or before[-1] in ER_WORD_BEFORE:
        return False
    following = folded[place + 1 : place + 2]
    return following not in ER_WORD_AFTER if following else True


def _is_stutter(before: list[str], char: str) -> bool:
    if before[-1] != char or char.isdigit():
        return False
    return char in STUTTER or (len(before) > 1 and before[-2] == char)
