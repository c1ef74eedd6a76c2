"""How alike two utterances are, without order mattering much: somebody says it again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from asr.events import Transcript
from assist_rules.engine.conditions import Repeat
from assist_rules.engine.hearing import Utterance

MAX_COMPARED = 200


@lru_cache(maxsize=2048)
def _pairs(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(text[:MAX_COMPARED]))


def likeness(one: str, other: str) -> float:
    """Dice coefficient of character pairs, 0 to 1."""
    return _likeness(_pairs(one), _pairs(other))


def _likeness(a: frozenset[tuple[str, str]], b: frozenset[tuple[str, str]]) -> float:
    size = len(a) + len(b)
    return 2 * len(a & b) / size if size else 0.0


class Echoes:
    """Which earlier utterances each one repeats; only what is new is compared with the others."""

    def __init__(self, condition: Repeat) -> None:
        self._condition = condition
        self._heard: list[Transcript] = []
        self._alike: list[list[Utterance]] = []

    def of(self, said: Sequence[Utterance]) -> list[list[Utterance]]:
        """For each of ``said``, in order, those before it that are like it."""
        heard = [u.latest for u in said]
        # The oldest fall out of sight as new ones come.
        gone = 0
        while gone < len(self._heard) and (not heard or self._heard[gone] is not heard[0]):
            gone += 1
        old = self._heard[gone:]
        same = 0
        while same < min(len(old), len(heard)) and old[same] is heard[same]:
            same += 1
        inside = set(map(id, said[:same]))
        kept = self._alike[gone : gone + same]
        found = [[u for u in alike if id(u) in inside] if alike else alike for alike in kept]
        found.extend(self._compare(said, i) for i in range(same, len(said)))
        self._heard, self._alike = heard, found
        return found

    def _compare(self, said: Sequence[Utterance], at: int) -> list[Utterance]:
        condition, one = self._condition, said[at]
        since = one.latest.end_ms - (condition.within_ms or 10**12)
        pairs = _pairs(one.text.norm)
        size, similar = len(pairs), condition.similar
        alike = []
        for other in said[:at]:
            if other.latest.end_ms < since:
                continue
            theirs = _pairs(other.text.norm)
            # Texts of very different lengths cannot be alike enough.
            if 2 * min(size, len(theirs)) < similar * (size + len(theirs)):
                continue
            if _likeness(theirs, pairs) >= similar:
                alike.append(other)
        return alike
