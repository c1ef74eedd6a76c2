"""How alike two utterances are, without order mattering much: somebody says it again."""

from __future__ import annotations

from collections import Counter

MAX_COMPARED = 200


def likeness(one: str, other: str) -> float:
    """Dice coefficient of character pairs, 0 to 1."""
    a = Counter(zip(one[:MAX_COMPARED], one[1:MAX_COMPARED], strict=False))
    b = Counter(zip(other[:MAX_COMPARED], other[1:MAX_COMPARED], strict=False))
    size = a.total() + b.total()
    return 2 * (a & b).total() / size if size else 0.0
