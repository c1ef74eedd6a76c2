"""How much the wording of an utterance is like a category's, by weighed features.

Phrases find what handbooks name; people find ever new ways to be rude or bitter. A feature is a
run of characters, two characters with a few between them, a run of syllables (so that a homophone
counts), a class of words that mean alike (``data/classes.txt``), or two classes in order. What is
rare counts more. Weights are learnt from sentences written for this project (``tingban rules
learn``), stand in text files, and say which characters weighed most.
The same scores propose what no phrase foresaw and hold back a phrase that is met in harmless words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

import ahocorasick
import numpy as np

from assist_rules.engine.sound import sound_of
from assist_rules.engine.text import norm as folded

DATA = Path(__file__).parent.parent / "data"
FOLDER = DATA / "weights"
LONGEST = 3
"""Characters in a run."""
SYLLABLES = (2, 3)
"""Syllables in a run of sounds: shortest, longest."""
PAIR_GAP = 10
"""Characters that may stand between two classes."""
SKIPPED = 3
"""Most characters between the two of a pair."""
BEGIN, END = "^", "$"
SOUND, CLASS, PAIR = "~", "@", "+"
"""How the features of sounds, of classes and of pairs of characters begin."""


@cache
def _words() -> ahocorasick.Automaton:
    """Every word of a class, with its length and its classes."""
    classes: dict[str, set[str]] = {}
    for line in (DATA / "classes.txt").read_text(encoding="utf-8").splitlines():
        name, _, words = line.partition(":")
        for word in () if line.startswith("#") else words.split():
            classes.setdefault(folded(word), set()).add(CLASS + name)
    automaton = ahocorasick.Automaton()
    for word, names in classes.items():
        automaton.add_word(word, (len(word), tuple(sorted(names))))
    automaton.make_automaton()
    return automaton


def features(norm: str, begins: bool = True, ends: bool = True) -> Iterator[tuple[str, int, int]]:
    """Features of a normalised text with their half-open ranges; repeated ones come repeatedly.

    ``begins``, ``ends``: does the utterance begin and end where the text does?
    """
    shift = 1 if begins else 0
    size = len(norm)
    marked = (BEGIN if begins else "") + norm + (END if ends else "")
    length = len(marked)
    for i in range(length):
        for j in range(i + 1, min(length, i + LONGEST) + 1):
            yield marked[i:j], max(0, i - shift), min(size, j - shift)
    for i in range(size):
        for j in range(i + 2, min(size, i + SKIPPED + 2)):
            yield PAIR + norm[i] + norm[j], i, j + 1
    sounds = sound_of(marked)
    for i in range(length):
        for j in range(i + SYLLABLES[0], min(length, i + SYLLABLES[1]) + 1):
            yield SOUND + sounds[i:j], max(0, i - shift), min(size, j - shift)
    found = [
        (last + 1 - n, last + 1, name) for last, (n, names) in _words().iter(norm) for name in names
    ]
    found.sort()
    for i, (start, end, name) in enumerate(found):
        yield name, start, end
        for k in range(i + 1, len(found)):
            after, until, other = found[k]
            if after > end + PAIR_GAP:
                break
            if after >= end:
                yield name + other, start, until


class Weights:
    """The table of one party: a log-odds per category; 0 is even, 2 is seven to one."""

    def __init__(
        self, categories: tuple[str, ...], bias: np.ndarray, rows: Mapping[str, int],
        rarity: np.ndarray, table: np.ndarray,
    ) -> None:  # fmt: skip
        """``bias`` is (categories,), ``table`` (rows, categories); ``rows`` numbers features.

        ``rarity`` is (rows,): what a feature adds to the square of an utterance's length.
        """
        self.categories, self.bias, self.rows = categories, bias, rows
        self.rarity, self.table = rarity, table

    def score(self, norm: str, begins: bool = True, ends: bool = True) -> tuple[float, ...]:
        """How like each category the normalised text is."""
        rows = self.rows
        known = {rows[name] for name, _, _ in features(norm, begins, ends) if name in rows}
        if not known:
            return tuple(map(float, self.bias))
        places = sorted(known)
        length = math.sqrt(float(self.rarity[places].sum()))
        total = self.table[places].sum(axis=0) / length
        return tuple(map(float, self.bias + total))

    def telling(self, category: str, norm: str) -> tuple[int, int]:
        """The half-open range of characters that weigh most together."""
        column = self.categories.index(category)
        each = [0.0] * len(norm)
        for name, start, end in features(norm):
            row = self.rows.get(name)
            if row is not None and end > start:
                share = float(self.table[row, column]) / (end - start)
                for at in range(start, end):
                    each[at] += share
        best, first, last = 0.0, 0, len(norm)
        total, begin = 0.0, 0
        for at, weight in enumerate(each):
            if total <= 0:
                total, begin = 0.0, at
            total += weight
            if total > best:
                best, first, last = total, begin, at + 1
        return (first, last)


@cache
def names() -> tuple[str, ...]:
    """Categories for which there are weights."""
    return tuple(sorted(c for path in FOLDER.glob("*.txt") for c in weights(path.stem).categories))


@cache
def weights(party: str) -> Weights:
    """The table of a party, ``agent`` or ``customer``."""
    lines = (FOLDER / f"{party}.txt").read_text(encoding="utf-8").splitlines()
    categories = tuple(lines[0].split("\t")[2:])
    bias = np.array([float(x) for x in lines[1].split("\t")[2:]])
    rows: dict[str, int] = {}
    rarity = np.zeros(len(lines) - 2, dtype=np.float32)
    table = np.zeros((len(lines) - 2, len(categories)), dtype=np.float32)
    for i, line in enumerate(lines[2:]):
        name, rare, *values = line.split("\t")
        # Files name sounds by a character that sounds so.
        rows[SOUND + sound_of(name[1:]) if name[0] == SOUND else name] = i
        rarity[i] = float(rare)
        table[i] = [float(x) if x else 0.0 for x in values]
    return Weights(categories, bias, rows, rarity, table)


@lru_cache(maxsize=4096)
def _scores(party: str, norm: str, begins: bool, ends: bool) -> tuple[float, ...]:
    return weights(party).score(norm, begins, ends)


def score(category: str, norm: str, begins: bool = True, ends: bool = True) -> float:
    """The log-odds of one of ``names()``, remembered: utterances are asked about repeatedly."""
    party = category.partition(".")[0]
    return _scores(party, norm, begins, ends)[weights(party).categories.index(category)]


@lru_cache(maxsize=1024)
def telling(category: str, norm: str) -> tuple[int, int]:
    """``Weights.telling``, remembered."""
    return weights(category.partition(".")[0]).telling(category, norm)
