"""Spoils text as a recogniser does: most of the wrong characters sound right."""

from __future__ import annotations

from collections.abc import Callable

from assist_rules.tools.slips import homophone
from assist_rules.tools.speech import Steps

HOMOPHONES, OTHERS, LOST = 70, 85, 95
"""Of 100 mistakes: same sound, another character, a lost one; the rest are doubled ones."""
COMMON = "的了我你是不在有这个那就说要也还去来好没到什么时候"


def spoiler(rate: float) -> Callable[[str, str], str]:
    """A function of (text, seed) that changes about ``rate`` of the characters."""

    def spoil(text: str, seed: str) -> str:
        steps = Steps(f"{seed}:{rate}:{text}")
        for _ in range(5):
            steps.below(2)
        heard = []
        for char in text:
            if steps.below(10_000) >= rate * 10_000:
                heard.append(char)
                continue
            kind = steps.below(100)
            if kind < HOMOPHONES:
                heard.append(homophone(char, steps.below(1000)))
            elif kind < OTHERS:
                heard.append(COMMON[steps.below(len(COMMON))])
            elif kind >= LOST:
                heard.append(char + char)
        return "".join(heard)

    return spoil
