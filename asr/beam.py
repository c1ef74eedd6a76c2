"""Reading with a language model: a small beam over the decoder's candidates.

Paraformer gives every character position its own candidates, at once and independently. The beam
joins them left to right: a hypothesis is worth its acoustic log probability plus `weight` times the
language model's, plus whatever `bonus` gives it (the place for phrases of a customer's own). It is
a :class:`asr.paraformer.wording.Wording`, like the plain reading.

A position is *committed* when every hypothesis kept has the same character there, and at the latest
`lag` positions after it was heard; what is committed never changes, so `stable` always advances.
Without a language model and a bonus the text is exactly that of the best candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from asr.language_model import LanguageModel
from asr.paraformer.wording import UNKNOWN, Greedy

Bonus = Callable[[tuple[int, ...], int], float]
"""Log score of a token id after the token ids of the last positions (:data:`REACH` or more)."""

REACH = 8

WIDTH = 8
WEIGHT = 0.5
LAG = 3


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One reading of the positions not yet committed."""

    score: float
    tokens: tuple[int, ...]
    """One for every position not yet committed."""
    shares: tuple[float, ...]
    """Posterior of each of them among all readings when it was heard."""


class Beam:
    """The text of one utterance while it grows."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._committed = Greedy(reader.tokens, reader.unspoken)
        self._behind: tuple[int, ...] = ()
        self._open = [Hypothesis(0.0, (), ())]
        self._histories = reader.first_history()
        self._view: Greedy | None = None

    @property
    def text(self) -> str:
        """The best reading so far."""
        return self._best().text

    @property
    def stable(self) -> int:
        """Leading characters of :attr:`text` that absorbing more will not change."""
        return self._committed.stable

    @property
    def confidence(self) -> Sequence[float]:
        """Posterior of each character of :attr:`text` given what came before it."""
        return self._best().confidence

    @property
    def positions(self) -> Sequence[int]:
        """For each character of :attr:`text`, which absorbed token it comes from, from 0."""
        return self._best().positions

    def absorb(self, ids: NDArray[np.int64], logp: NDArray[np.float32]) -> None:
        """Read ``n`` more tokens, given (n, k) candidates, best first, and log probabilities."""
        self._view = None
        if self._reader.plain:
            self._committed.absorb(ids, logp)
            return
        for candidates, scores in zip(ids, logp, strict=True):
            self._open, self._histories = self._reader.extend(
                self._open, self._histories, self._behind, candidates, scores
            )
            self._commit(self._agreed())
            if len(self._open[0].tokens) > self._reader.lag:
                self._force(len(self._open[0].tokens) - self._reader.lag)

    def clone(self) -> Self:
        """A copy that can be read on without changing this one."""
        other = type(self).__new__(type(self))
        other._reader = self._reader
        other._committed = self._committed.clone()
        other._behind = self._behind
        other._open = self._open  # hypotheses are values; absorbing replaces the list
        other._histories = self._histories
        other._view = self._view
        return other

    def finish(self) -> None:
        """No more tokens: the best reading is it."""
        self._force(len(self._open[0].tokens))
        self._view = None

    def _agreed(self) -> int:
        """Leading open positions on which every hypothesis has the same token."""
        best = self._open[0].tokens
        count = len(best)
        for other in self._open[1:]:
            same = 0
            while same < count and other.tokens[same] == best[same]:
                same += 1
            count = same
        return count

    def _force(self, count: int) -> None:
        """Commit the best hypothesis's first positions; what disagrees with them is dropped."""
        if not count:
            return
        head = self._open[0].tokens[:count]
        keep = [i for i, other in enumerate(self._open) if other.tokens[:count] == head]
        self._open = [self._open[i] for i in keep]
        self._histories = self._histories[keep]
        self._commit(count)

    def _commit(self, count: int) -> None:
        if not count:
            return
        best = self._open[0]
        _spell(self._committed, best.tokens[:count], best.shares[:count])
        self._behind = (*self._behind, *best.tokens[:count])[-REACH:]
        self._open = [Hypothesis(h.score, h.tokens[count:], h.shares[count:]) for h in self._open]

    def _best(self) -> Greedy:
        if self._view is None:
            self._view = self._committed.clone()
            _spell(self._view, self._open[0].tokens, self._open[0].shares)
        return self._view


class Reader:
    """What the beams of one recogniser have in common: knowledge, settings, and one step.

    Make one for a loaded model; :meth:`begin` a beam with it for every utterance.
    """

    def __init__(
        self,
        lm: LanguageModel | None,
        tokens: Sequence[str],
        unspoken: frozenset[int] = frozenset(),
        *,
        width: int = WIDTH,
        weight: float = WEIGHT,
        lag: int = LAG,
        bonus: Bonus | None = None,
    ) -> None:
        """``unspoken`` are ids that stand for no text; ``weight`` multiplies the model's logs."""
        self.lm = lm
        self.tokens = tokens
        self.unspoken = unspoken
        self.lag = lag
        self._width = width
        self._weight = weight
        self._bonus = bonus
        self._silent = unspoken | {i for i, token in enumerate(tokens) if token in UNKNOWN}
        numbers = [lm.number(token) for token in tokens] if lm else []
        self._number = np.array(numbers, np.int64)

    def begin(self) -> Beam:
        """A beam for a new utterance."""
        return Beam(self)

    def first_history(self) -> NDArray[np.int64]:
        """(1, history) what the language model is told before the first character."""
        return (self.lm.start() if self.lm else np.zeros(0, np.int64))[None]

    @property
    def plain(self) -> bool:
        """Nothing is known that could speak against the best candidates."""
        return self.lm is None and self._bonus is None

    def extend(
        self,
        hypotheses: list[Hypothesis],
        histories: NDArray[np.int64],
        behind: tuple[int, ...],
        ids: NDArray[np.int64],
        logp: NDArray[np.float32],
    ) -> tuple[list[Hypothesis], NDArray[np.int64]]:
        """Every hypothesis with every candidate; the best that differ in what matters later."""
        best = int(ids[0])
        if best in self._silent:
            silent = [Hypothesis(h.score, (*h.tokens, best), (*h.shares, 1.0)) for h in hypotheses]
            return silent, histories
        spoken = [i for i, token in enumerate(ids.tolist()) if token not in self._silent]
        ids, scores = ids[spoken], np.asarray(logp[spoken], np.float64)
        totals = np.array([h.score for h in hypotheses])[:, None] + scores[None]
        if self.lm is not None:
            totals += self._weight * self.lm.score(histories, self._number[ids])
        if self._bonus is not None:
            for row, hypothesis in enumerate(hypotheses):
                recent = (*behind, *hypothesis.tokens)
                totals[row] += [self._bonus(recent, token) for token in ids.tolist()]
        return self._select(hypotheses, histories, ids, totals)

    def _select(
        self,
        hypotheses: list[Hypothesis],
        histories: NDArray[np.int64],
        ids: NDArray[np.int64],
        totals: NDArray[np.float64],
    ) -> tuple[list[Hypothesis], NDArray[np.int64]]:
        mass = np.exp(totals - totals.max())
        shares = (mass.sum(0) / mass.sum()).tolist()
        chosen: list[Hypothesis] = []
        kept: list[NDArray[np.int64]] = []
        seen: set[tuple[int, ...]] = set()
        for flat in np.argsort(-totals, axis=None, kind="stable").tolist():
            row, column = divmod(flat, len(ids))
            token = int(ids[column])
            history = histories[row]
            if self.lm is not None:
                history = np.append(history[1:], self._number[token])
                # Without a bonus, hypotheses with one history have one future: the better stays.
                future = tuple(history.tolist())
                if self._bonus is None and future in seen:
                    continue
                seen.add(future)
            chosen.append(
                Hypothesis(
                    float(totals[row, column]),
                    (*hypotheses[row].tokens, token),
                    (*hypotheses[row].shares, shares[column]),
                )
            )
            kept.append(history)
            if len(chosen) == self._width:
                break
        return chosen, np.stack(kept)


def _spell(view: Greedy, tokens: Sequence[int], shares: Sequence[float]) -> None:
    """Append chosen tokens, with their share of the beam as confidence."""
    ids = np.array(tokens, np.int64)[:, None]
    view.absorb(ids, np.log(np.array(shares, np.float32))[:, None])
