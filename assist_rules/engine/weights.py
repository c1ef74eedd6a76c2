"""How much the wording of an utterance is like a category's, by weighed runs of characters.

Phrases find what handbooks name; people find ever new ways to be rude or bitter. Ordinary talk of
agents is formulaic, so what is unlike it shows. Weights are learnt from sentences written for this
project (``tingban rules learn``), stand in a text file, and say which characters weighed most.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "data" / "weights"
LONGEST = 3
"""Characters in a run."""
EDGES = ("^", "$")


class Weights:
    """One category's table. ``score`` is a log-odds: 0 is even, 2 is seven to one."""

    def __init__(self, bias: float, table: dict[str, float]) -> None:
        self.bias = bias
        self.table = table

    def score(self, norm: str) -> float:
        """How like the category the whole normalised utterance is."""
        found = [self.table[run] for run in runs(norm) if run in self.table]
        return self.bias + (sum(found) / math.sqrt(len(found)) if found else 0.0)

    def telling(self, norm: str) -> tuple[int, int]:
        """The half-open range of characters that weigh most together."""
        each = [0.0] * len(norm)
        for start in range(len(norm)):
            for size in range(1, LONGEST + 1):
                weight = self.table.get(norm[start : start + size])
                if weight is not None and start + size <= len(norm):
                    for at in range(start, start + size):
                        each[at] += weight / size
        best, first, last = 0.0, 0, len(norm)
        total, begin = 0.0, 0
        for at, weight in enumerate(each):
            if total <= 0:
                total, begin = 0.0, at
            total += weight
            if total > best:
                best, first, last = total, begin, at + 1
        return (first, last)


def runs(norm: str) -> set[str]:
    """All runs of 1 to 3 characters, the edges of the utterance marked."""
    text = EDGES[0] + norm + EDGES[1]
    return {
        text[i:j] for i in range(len(text)) for j in range(i + 1, min(len(text), i + LONGEST) + 1)
    }


def names() -> tuple[str, ...]:
    """Categories for which there are weights."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


@cache
def weights(name: str) -> Weights:
    """The table of a category; ``name`` is one of ``names()``."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    table = {run: float(weight) for run, weight in (line.split("\t") for line in lines[1:])}
    return Weights(float(lines[0]), table)


@lru_cache(maxsize=4096)
def score(name: str, norm: str) -> float:
    """``weights(name).score(norm)``, remembered: utterances are asked about again and again."""
    return weights(name).score(norm)


@lru_cache(maxsize=1024)
def telling(name: str, norm: str) -> tuple[int, int]:
    """``weights(name).telling(norm)``, remembered."""
    return weights(name).telling(norm)
