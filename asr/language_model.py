"""A character n-gram model: which character follows, in the language of customer service.

Acoustics hear syllables; Mandarin has many characters for one syllable. This model knows which of
them people write after 宽带 or 我要. It is made by `python -m models.training lm` and lies beside
the recogniser as `lm.npz`. Numpy only.

An n-gram is one integer: its characters' ids in base 4,096, the last one lowest. Each order has a
sorted table of n-grams with the log probability of the last character and, for when nothing longer
is known, the log weight of falling back to a shorter history. A history (*context*) is an integer
of the same form. The first two orders are spread out into a square, the others are searched for
all hypotheses and candidates of a position at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BASE = 4_096
UNKNOWN = 0
START = 1
"""Id of the beginning of an utterance."""

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]


class LanguageModelError(Exception):
    """The file is missing or is not a language model; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """All n-grams of one order."""

    keys: Ids
    """Sorted."""
    logp: Scores
    backoff: Scores
    """Zero in the highest order, which nothing extends."""

    def find(self, keys: Ids) -> tuple[NDArray[np.bool_], Ids]:
        """Which keys are here, and where. The table must not be empty."""
        at = self.keys.searchsorted(keys)
        return self.keys.take(at, mode="clip") == keys, at


class LanguageModel:
    """Log probabilities of characters after contexts."""

    def __init__(
        self, characters: Sequence[str], unigrams: Scores, tables: Sequence[Table]
    ) -> None:
        """``tables`` hold orders 1, 2, … ; ``unigrams`` is indexed by character id."""
        self.characters = tuple(characters)
        self.unigrams = unigrams
        # An order that nothing was counted for (a text too short) has nothing to find.
        self.tables = tuple(itertools.takewhile(lambda table: len(table.keys), tables))
        self._number = {c: i for i, c in enumerate(self.characters) if i > START}
        self._contexts: int = BASE**self.history_length
        self._pairs = self._spread() if self.history_length else None

    @property
    def history_length(self) -> int:
        """Characters of history that matter."""
        return len(self.tables) - 1

    def start(self) -> int:
        """The context at the beginning of an utterance."""
        return START if self.history_length else 0

    def follow(self, context: int, number: int) -> int:
        """The context once another character has come."""
        return (context * BASE + number) % self._contexts

    def number(self, token: str) -> int:
        """The id of a recogniser's token, :data:`UNKNOWN` for one this model has never seen."""
        return self._number.get(token, UNKNOWN)

    def score(self, contexts: Sequence[int], following: Ids) -> Scores:
        """``h`` contexts and (k,) ids → (h, k) log probabilities of each after each."""
        if self._pairs is None:
            return np.broadcast_to(self.unigrams[following], (len(contexts), len(following))).copy()
        whole = np.array(contexts, np.int64)[:, None]
        logp: Scores = self._pairs[whole % BASE, following]
        for order in range(3, len(self.tables) + 1):
            shorter, table = self.tables[order - 2 : order]
            context = whole if order == len(self.tables) else whole % BASE ** (order - 1)
            known, at = shorter.find(context)
            logp += shorter.backoff.take(at, mode="clip") * known
            found, at = table.find(context * BASE + following)
            np.copyto(logp, table.logp.take(at, mode="clip"), where=found)
        return logp

    def score_text(self, text: str) -> float:
        """Log probability of a whole utterance."""
        context, total = self.start(), 0.0
        for character in text:
            number = self.number(character)
            total += float(self.score([context], np.array([number]))[0, 0])
            context = self.follow(context, number)
        return total

    def _spread(self) -> Scores:
        """(V, V) log probability of each character after each, by the first two orders."""
        one, two = self.tables[:2]
        backoff = np.zeros(len(self.unigrams), np.float32)
        backoff[one.keys] = one.backoff
        pairs: Scores = self.unigrams[None] + backoff[:, None]
        pairs[two.keys // BASE, two.keys % BASE] = two.logp
        return pairs

    @classmethod
    def load(cls, path: Path | str) -> LanguageModel:
        """Read `lm.npz`. Raises :class:`LanguageModelError`."""
        try:
            with np.load(path) as data:
                characters = str(data["characters"])
                unigrams = _grow(data["unigrams"])
                tables: list[Table] = []
                while f"keys{len(tables) + 1}" in data:
                    order = len(tables) + 1
                    planes = np.ascontiguousarray(data[f"keys{order}"].T)
                    keys = np.cumsum(planes.view("<u8").ravel().astype(np.int64))
                    logp, backoff = _grow(data[f"logp{order}"]), _grow(data[f"backoff{order}"])
                    tables.append(Table(keys, logp, backoff))
            return cls(list(characters), unigrams, tables)
        except FileNotFoundError as error:
            raise LanguageModelError(
                f"there is no language model at {path}; the recogniser works without one"
            ) from error
        except (OSError, KeyError, ValueError, IndexError) as error:
            raise LanguageModelError(f"{path} is not a language model: {error}") from error


def _grow(steps: NDArray[np.uint8]) -> Scores:
    """Log values are stored in steps of a sixteenth."""
    return steps.astype(np.float32) / np.float32(-16)
