"""A character n-gram model: which character follows, in the language of customer service.

Acoustics hear syllables; Mandarin has many characters for one syllable. This model knows which of
them people write after 宽带 or 我要. It is made by `python -m models.training lm` and lies beside
the recogniser as `lm.npz`. Numpy only; a lookup for a whole beam is one batch of binary searches.

An n-gram is one integer: its characters' ids in base 4,096, the last one lowest. Each order has a
sorted table of n-grams with the log probability of the last character and, for when nothing longer
is known, the log weight of falling back to a shorter history.
"""

from __future__ import annotations

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

    def find(self, keys: Ids) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which keys are here, and where."""
        if not len(self.keys):
            return np.zeros(len(keys), bool), np.zeros(len(keys), np.int64)
        at = np.searchsorted(self.keys, keys)
        at[at == len(self.keys)] = 0
        return self.keys[at] == keys, at


class LanguageModel:
    """Log probabilities of characters after histories."""

    def __init__(
        self, characters: Sequence[str], unigrams: Scores, tables: Sequence[Table]
    ) -> None:
        """``tables`` hold orders 1, 2, … ; ``unigrams`` is indexed by character id."""
        self.characters = tuple(characters)
        self._unigrams = unigrams
        self._tables = tuple(tables)
        self._number = {c: i for i, c in enumerate(self.characters) if i > START}

    @property
    def history_length(self) -> int:
        """Characters of history that matter."""
        return len(self._tables) - 1

    def start(self) -> Ids:
        """The history at the beginning of an utterance."""
        history = np.full(self.history_length, UNKNOWN, np.int64)
        history[-1:] = START
        return history

    def number(self, token: str) -> int:
        """The id of a recogniser's token, :data:`UNKNOWN` for one this model has never seen."""
        return self._number.get(token, UNKNOWN)

    def score(self, histories: Ids, following: Ids) -> Scores:
        """(h, history) ids and (k,) ids → (h, k) log probabilities of each after each."""
        logp = np.broadcast_to(self._unigrams[following], (len(histories), len(following))).copy()
        context = np.zeros(len(histories), np.int64)
        for order in range(2, len(self._tables) + 1):
            ago = order - 1
            context = histories[:, -ago] * BASE ** (ago - 1) + context
            known, at = self._tables[order - 2].find(context)
            logp += np.where(known, self._tables[order - 2].backoff[at], np.float32(0))[:, None]
            found, place = self._tables[order - 1].find(
                (context[:, None] * BASE + following[None]).ravel()
            )
            found = found.reshape(logp.shape)
            logp = np.where(found, self._tables[order - 1].logp[place].reshape(logp.shape), logp)
        return logp.astype(np.float32)

    def score_text(self, text: str) -> float:
        """Log probability of a whole utterance."""
        history, total = self.start(), 0.0
        for character in text:
            number = np.array([self.number(character)])
            total += float(self.score(history[None], number)[0, 0])
            history = np.append(history[1:], number)
        return total

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
        except FileNotFoundError as error:
            raise LanguageModelError(
                f"there is no language model at {path}; the recogniser works without one"
            ) from error
        except (OSError, KeyError, ValueError) as error:
            raise LanguageModelError(f"{path} is not a language model: {error}") from error
        return cls(list(characters), unigrams, tables)


def _grow(steps: NDArray[np.uint8]) -> Scores:
    """Log values are stored in steps of a sixteenth."""
    return steps.astype(np.float32) / np.float32(-16)
