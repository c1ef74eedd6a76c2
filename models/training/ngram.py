"""Count a character n-gram model from generated text and a dictionary.

Interpolated Kneser-Ney: the highest order counts occurrences, lower orders count the different
characters seen before. The dictionary adds its words to the lower orders, so that words no template
holds still cost little.

The text is generated: that a template came up often is no evidence about people. So counts are
raised to a small power, and nearly a whole count is taken off each n-gram for what was never seen.
On hand-written development sentences this is worth more than a longer history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .text import Word
from .withheld import clauses

Ids = NDArray[np.int64]
Counts = NDArray[np.float64]
Scores = NDArray[np.float32]

#: Shared with asr/language_model.py, which reads what is written here.
BASE = 4_096
START = 1

ORDER = 3
POWER = 0.3
DISCOUNT = 0.95
DICTIONARY_WEIGHT = 0.05


@dataclass(frozen=True, slots=True)
class Table:
    """All n-grams of one order: sorted keys, log probability, log weight of falling back to it."""

    keys: Ids
    logp: Scores
    backoff: Scores

    def find(self, keys: Ids) -> tuple[NDArray[np.bool_], Ids]:
        """Which keys are here, and where."""
        if not len(self.keys):
            return np.zeros(len(keys), bool), np.zeros(len(keys), np.int64)
        at = np.searchsorted(self.keys, keys)
        at[at == len(self.keys)] = 0
        return self.keys[at] == keys, at


@dataclass(frozen=True, slots=True)
class Ngrams:
    """A model to be stored. Ids 0 and 1 are the unknown character and the start mark."""

    characters: list[str]
    tables: list[Table]

    def save(self, path: Path) -> None:
        """Write `lm.npz`: keys as differences, scores in steps of 1/16; both compress well."""
        arrays: dict[str, NDArray[np.generic]] = {
            "characters": np.array("".join(c or " " for c in self.characters)),
            "unigrams": _shrink(self.tables[0].logp),
        }
        for order, table in enumerate(self.tables, 1):
            step = np.diff(table.keys, prepend=0)
            # Byte planes: the high bytes of the differences are nearly all zero.
            planes = step.astype("<u8").view(np.uint8).reshape(-1, 8).T
            arrays[f"keys{order}"] = np.ascontiguousarray(planes)
            arrays[f"logp{order}"] = _shrink(table.logp)
            arrays[f"backoff{order}"] = _shrink(table.backoff)
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def _shrink(scores: Scores) -> NDArray[np.uint8]:
    """Log values in (-16, 0] as one byte each."""
    return np.clip(np.round(-scores * 16), 0, 255).astype(np.uint8)


def estimate(
    sentences: Iterable[str],
    words: Sequence[Word],
    characters: Sequence[str],
    order: int = ORDER,
    dictionary_weight: float = DICTIONARY_WEIGHT,
    power: float = POWER,
) -> Ngrams:
    """A language model over `characters`."""
    names = ["", "", *characters]
    number = {c: i for i, c in enumerate(names) if c}
    flat = _flatten(sentences, number)
    extra = _dictionary_counts(words, number, dictionary_weight, order)
    raw = {n: _grams(flat, n, power) for n in range(1, order + 1)}
    counted: dict[int, tuple[Ids, Counts]] = {order: raw[order]}
    for n in range(order - 1, 0, -1):
        counted[n] = _merge(*_continuations(raw[n + 1], raw[n], n), *extra[n])
    return _smooth(counted, names, order)


def _flatten(sentences: Iterable[str], number: dict[str, int]) -> Ids:
    """Every sentence twice over: whole, as when spoken without a pause, and by its clauses."""
    ids: list[int] = []
    for sentence in sentences:
        pieces = clauses(sentence)
        for piece in ["".join(pieces), *(pieces if len(pieces) > 1 else [])]:
            ids.append(START)
            ids.extend(number[c] for c in piece)
    return np.array(ids, np.int64)


def _grams(flat: Ids, order: int, power: float) -> tuple[Ids, Counts]:
    """Distinct n-grams and their counts to a power. The start mark may only come first."""
    length = len(flat) - order + 1
    keys = np.zeros(length, np.int64)
    inside = np.ones(length, bool)
    for place in range(order):
        part = flat[place : place + length]
        keys = keys * BASE + part
        if place or order == 1:
            inside &= part != START
    found, counts = np.unique(keys[inside], return_counts=True)
    return found, np.asarray(counts**power, np.float64)


def _continuations(
    longer: tuple[Ids, Counts], own: tuple[Ids, Counts], order: int
) -> tuple[Ids, Counts]:
    """How many different characters come before each n-gram; at the start, how often it occurs."""
    found, counts = np.unique(longer[0] % BASE**order, return_counts=True)
    first = own[0] // BASE ** (order - 1) == START
    if order == 1:
        return found, counts.astype(np.float64)
    return _merge(found, counts.astype(np.float64), own[0][first], own[1][first])


def _merge(a: Ids, a_counts: Counts, b: Ids, b_counts: Counts) -> tuple[Ids, Counts]:
    keys, inverse = np.unique(np.concatenate([a, b]), return_inverse=True)
    counts = np.zeros(len(keys))
    np.add.at(counts, inverse, np.concatenate([a_counts, b_counts]))
    return keys, counts


def _dictionary_counts(
    words: Sequence[Word], number: dict[str, int], weight: float, order: int
) -> dict[int, tuple[Ids, Counts]]:
    """n-grams inside words, each word worth the square root of its count times the weight."""
    found: dict[int, dict[int, float]] = {n: {} for n in range(1, order + 1)}
    for word in words:
        if all(c in number for c in word.text):
            ids = [number[c] for c in word.text]
            for n in range(1, min(order, len(ids)) + 1):
                for first in range(len(ids) - n + 1):
                    key = 0
                    for i in ids[first : first + n]:
                        key = key * BASE + i
                    found[n][key] = found[n].get(key, 0.0) + weight * word.count**0.5
    return {
        n: (np.array(list(table), np.int64), np.array(list(table.values()), np.float64))
        for n, table in found.items()
    }


def _smooth(counted: dict[int, tuple[Ids, Counts]], names: Sequence[str], order: int) -> Ngrams:
    keys, counts = counted[1]
    unigram = np.full(len(names), 0.5)
    unigram[keys] += counts
    unigram /= unigram.sum()
    unigrams = np.log(unigram).astype(np.float32)
    tables = [Table(np.arange(len(names)), unigrams, np.zeros(len(names), np.float32))]
    for n in range(2, order + 1):
        keys, counts = counted[n]
        shorter = tables[-1]
        history, at = np.unique(keys // BASE, return_inverse=True)
        total = np.bincount(at, counts)
        known, place = shorter.find(history)
        keep = known[at] & (counts > DISCOUNT)
        share = np.where(keep, np.maximum(counts - DISCOUNT, 0), 0) / total[at]
        left = 1 - np.bincount(at, share, len(history))
        lower = _score_keys(tables, keys % BASE ** (n - 1), n - 1)
        logp = np.log(share + left[at] * np.exp(lower)).astype(np.float32)
        backoff = np.zeros(len(shorter.keys), np.float32)
        backoff[place[known]] = np.log(np.maximum(left[known], 1e-6))
        tables[-1] = Table(shorter.keys, shorter.logp, backoff)
        kept = keys[keep]
        tables.append(Table(kept, logp[keep], np.zeros(len(kept), np.float32)))
    return Ngrams(list(names), tables)


def _score_keys(tables: list[Table], keys: Ids, order: int) -> NDArray[np.float64]:
    """Log probability of the last character of each packed n-gram."""
    logp = tables[0].logp[keys % BASE].astype(np.float64)
    for n in range(2, order + 1):
        part = keys % BASE**n
        known, at = tables[n - 2].find(part // BASE)
        logp += np.where(known, tables[n - 2].backoff[at], 0.0)
        found, place = tables[n - 1].find(part)
        logp = np.where(found, tables[n - 1].logp[place], logp)
    return logp
