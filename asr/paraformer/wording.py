"""From token candidates to text: the plain reading, best candidate first.

:class:`Wording` is what a party needs of any reading; a beam with a language model is another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

UNKNOWN = frozenset({"<unk>", "<OOV>"})
JOIN = "@@"
"""Ends a piece of a Latin word that the next token goes on with."""


class Wording(Protocol):
    """The text of one utterance while it grows."""

    @property
    def text(self) -> str:
        """What is read so far."""

    @property
    def stable(self) -> int:
        """Leading characters of :attr:`text` that absorbing more will not change."""

    @property
    def confidence(self) -> Sequence[float]:
        """Posterior of each character of :attr:`text`."""

    @property
    def positions(self) -> Sequence[int]:
        """For each character of :attr:`text`, which absorbed token it comes from, from 0."""

    def absorb(self, ids: NDArray[np.int64], logp: NDArray[np.float32]) -> None:
        """Read ``n`` more tokens, given (n, k) candidates, best first, and log probabilities."""

    def clone(self) -> Self:
        """A copy that can be read on without changing this one."""

    def finish(self) -> None:
        """No more tokens: everything is stable."""


class Greedy:
    """Takes the best candidate of every token. Nothing it has read ever changes."""

    def __init__(self, tokens: Sequence[str], unspoken: frozenset[int]) -> None:
        self._tokens = tokens
        self._unspoken = unspoken
        self._seen = 0
        self._open = False  # the last token was the beginning of a Latin word
        self._text: list[str] = []
        self._confidence: list[float] = []
        self._positions: list[int] = []

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def stable(self) -> int:
        return len(self._text)

    @property
    def confidence(self) -> Sequence[float]:
        return self._confidence

    @property
    def positions(self) -> Sequence[int]:
        return self._positions

    def absorb(self, ids: NDArray[np.int64], logp: NDArray[np.float32]) -> None:
        for best, score in zip(ids[:, 0].tolist(), np.exp(logp[:, 0]).tolist(), strict=True):
            token = self._tokens[best]
            if best not in self._unspoken and token not in UNKNOWN:
                self._spell(token, score)
            self._seen += 1

    def _spell(self, token: str, score: float) -> None:
        word = token.removesuffix(JOIN)
        latin = word.isascii() and word[:1].isalpha()
        apart = latin and not self._open and self._text and self._text[-1].isascii()
        spelled = f" {word}" if apart else word
        self._text.extend(spelled)
        self._confidence.extend([score] * len(spelled))
        self._positions.extend([self._seen] * len(spelled))
        self._open = token.endswith(JOIN)

    def clone(self) -> Self:
        other = type(self)(self._tokens, self._unspoken)
        other._seen, other._open = self._seen, self._open
        other._text = self._text.copy()
        other._confidence = self._confidence.copy()
        other._positions = self._positions.copy()
        return other

    def finish(self) -> None:
        """Nothing was held back."""
