"""How alike two utterances are, without order mattering much: somebody says it again."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

MAX_COMPARED = 200


def likeness(one: str, other: str) -> float:
    """Dice coefficient of character pairs, 0 to 1."""
    a = Counter(pairwise(one[:MAX_COMPARED]))
    b = Counter(pairwise(other[:MAX_COMPARED]))
    size = a.total() + b.total()
    return 2 * (a & b).total() / size if size else 0.0
