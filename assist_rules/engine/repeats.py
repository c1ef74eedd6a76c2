"""How alike two utterances are, without order mattering much: somebody says it again."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

MAX_COMPARED = 200


@lru_cache(maxsize=2048)
def _pairs(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(text[:MAX_COMPARED]))


def likeness(one: str, other: str) -> float:
    """Dice coefficient of character pairs, 0 to 1."""
    a, b = _pairs(one), _pairs(other)
    size = len(a) + len(b)
    return 2 * len(a & b) / size if size else 0.0
