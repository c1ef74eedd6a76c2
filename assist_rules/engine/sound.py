"""How characters sound, without tones: each text also as one code per syllable.

Codes are private-use characters, so the same automaton that finds words finds sounds. Pairs that
telephones and accents merge (zh/z, n/l, -ng/-n) share a code; ``same_sound`` tells them apart.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_FIRST = 0xE100
DIGITS = {
    "0": "ling", "1": "yi", "2": "er", "3": "san", "4": "si", "5": "wu",
    "6": "liu", "7": "qi", "8": "ba", "9": "jiu",
}  # fmt: skip
HETERONYMS = {
    "1": ["yao"], "行": ["hang"], "长": ["zhang"], "重": ["chong"], "还": ["huan"], "都": ["du"],
    "的": ["di"], "着": ["zhao"], "了": ["liao"], "便": ["pian"], "没": ["mo"], "会": ["kuai"],
    "乐": ["yue"], "差": ["chai"], "调": ["tiao"], "觉": ["jiao"], "给": ["ji"], "数": ["shu"],
    "吗": ["ma"], "哪": ["nei"], "那": ["nei"], "谁": ["shei"], "血": ["xie"], "露": ["lou"],
    "撞": ["chuang"], "车": ["ju"], "期": ["ji"], "骑": ["ji"], "单": ["shan"], "降": ["xiang"],
}  # fmt: skip
"""Second readings worth a variant of a phrase."""


_HETERONYM = re.compile("[" + "".join(HETERONYMS) + "]")


def _folded(syllable: str) -> str:
    for old, new in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if syllable.startswith(old):
            syllable = new + syllable[2:]
    if syllable.startswith("n") and syllable != "n":
        syllable = "l" + syllable[1:]
    if syllable.endswith("ng") and len(syllable) > 3 - (syllable[0] in "ae"):
        syllable = syllable[:-1]
    return syllable


class _Codes(dict[int, str]):
    """Code point of a character to its code; what has no sound stands for itself."""

    def __missing__(self, code: int) -> str:
        return chr(code)


@cache
def _tables() -> tuple[_Codes, _Codes, dict[str, str]]:
    path = Path(__file__).parent.parent / "data" / "sounds.txt"
    exact, folded = _Codes(), _Codes()
    by_syllable: dict[str, str] = {}
    classes: dict[str, str] = {}
    lines = [line.split(" ") for line in path.read_text(encoding="utf-8").splitlines()]
    for i, (syllable, chars) in enumerate(lines):
        mine = chr(_FIRST + i)
        group = classes.setdefault(_folded(syllable), chr(_FIRST + 0x400 + len(classes)))
        by_syllable[syllable] = mine + group
        for char in chars:
            exact[ord(char)] = mine
            folded[ord(char)] = group
    for digit, syllable in DIGITS.items():
        exact[ord(digit)] = by_syllable[syllable][0]
        folded[ord(digit)] = by_syllable[syllable][1]
    return exact, folded, by_syllable


def sound_of(norm: str) -> str:
    """One code per character, merged pairs alike."""
    return norm.translate(_tables()[1])


def same_sound(one: str, other: str) -> bool:
    """Do these normalised texts of one length have the same toneless syllables?"""
    exact, _, by_syllable = _tables()
    for a, b in zip(one, other, strict=True):
        if a == b or exact[ord(a)] == exact[ord(b)]:
            continue
        readings = {exact[ord(b)]} | {
            by_syllable[r][0] for r in HETERONYMS.get(b, ()) if r in by_syllable
        }
        if exact[ord(a)] not in readings:
            return False
    return True


def sounds_of_phrase(norm: str, cap: int = 4) -> list[str]:
    """Codes of a phrase in each of its likely readings, at most ``cap``."""
    _, folded, by_syllable = _tables()
    if _HETERONYM.search(norm) is None:
        return [norm.translate(folded)]
    variants = [""]
    for char in norm:
        codes = [folded[ord(char)]]
        if len(variants) < cap:
            codes += [by_syllable[r][1] for r in HETERONYMS.get(char, ()) if r in by_syllable]
        variants = [v + c for c in dict.fromkeys(codes) for v in variants][:cap]
    return variants
