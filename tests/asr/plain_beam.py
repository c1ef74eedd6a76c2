"""The beam and its language model in their first, plain form: what the quick ones must equal.

Every history is an array, every lookup a search in the tables, every hypothesis an object. Slow
and easy to check by eye; :mod:`asr.beam` gives the same text, stability and confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.language_model import BASE, START, UNKNOWN, LanguageModel, Table
from asr.paraformer.wording import UNKNOWN as UNREADABLE
from asr.paraformer.wording import Greedy

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]


def find(table: Table, keys: Ids) -> tuple[NDArray[np.bool_], Ids]:
    """Which keys the table has, and where."""
    if not len(table.keys):
        return np.zeros(len(keys), bool), np.zeros(len(keys), np.int64)
    at = np.searchsorted(table.keys, keys)
    at[at == len(table.keys)] = 0
    return table.keys[at] == keys, at


def score(lm: LanguageModel, histories: Ids, following: Ids) -> Scores:
    """(h, history) ids and (k,) ids → (h, k) log probabilities of each after each."""
    logp = np.broadcast_to(lm.unigrams[following], (len(histories), len(following))).copy()
    context = np.zeros(len(histories), np.int64)
    for order in range(2, len(lm.tables) + 1):
        ago = order - 1
        context = histories[:, -ago] * BASE ** (ago - 1) + context
        known, at = find(lm.tables[order - 2], context)
        if len(lm.tables[order - 2].keys):
            backoff = lm.tables[order - 2].backoff[at]
            logp += np.where(known, backoff, np.float32(0))[:, None]
        found, place = find(
            lm.tables[order - 1], (context[:, None] * BASE + following[None]).ravel()
        )
        found = found.reshape(logp.shape)
        if found.any():
            logp = np.where(found, lm.tables[order - 1].logp[place].reshape(logp.shape), logp)
    return logp.astype(np.float32)


@dataclass
class _Hypothesis:
    score: float
    tokens: list[int] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)


class PlainBeam:
    """Reads one utterance; as :class:`asr.beam.Beam`, without clones."""

    def __init__(
        self,
        lm: LanguageModel,
        tokens: Sequence[str],
        unspoken: frozenset[int],
        *,
        width: int,
        weight: float,
        lag: int,
        spread: float,
    ) -> None:
        self._lm, self._width, self._weight, self._lag = lm, width, weight, lag
        self._spread = spread
        self._number = np.array([lm.number(token) for token in tokens], np.int64)
        self._silent = unspoken | {i for i, token in enumerate(tokens) if token in UNREADABLE}
        self._committed = Greedy(tokens, unspoken)
        self._open = [_Hypothesis(0.0)]
        history = np.full(lm.history_length, UNKNOWN, np.int64)
        history[-1:] = START
        self._histories = [history]

    @property
    def stable(self) -> int:
        return self._committed.stable

    def view(self) -> Greedy:
        """The best reading so far."""
        view = self._committed.clone()
        _spell(view, self._open[0].tokens, self._open[0].shares)
        return view

    def absorb(self, ids: Ids, logp: Scores) -> None:
        for candidates, scores in zip(ids, logp, strict=True):
            self._extend(candidates, scores)
            self._commit(self._agreed())
            if len(self._open[0].tokens) > self._lag:
                self._force(len(self._open[0].tokens) - self._lag)

    def finish(self) -> None:
        self._force(len(self._open[0].tokens))

    def _extend(self, ids: Ids, logp: Scores) -> None:
        if int(ids[0]) in self._silent:
            for h in self._open:
                h.tokens.append(int(ids[0]))
                h.shares.append(1.0)
            return
        spoken = [i for i, token in enumerate(ids.tolist()) if token not in self._silent]
        ids, scores = ids[spoken], np.asarray(logp[spoken], np.float64)
        totals = np.array([h.score for h in self._open])[:, None] + scores[None]
        totals += self._weight * score(self._lm, np.stack(self._histories), self._number[ids])
        mass = np.exp(totals - totals.max())
        shares = (mass.sum(0) / mass.sum()).tolist()
        chosen, kept, seen = [], [], set()
        for flat in np.argsort(-totals, axis=None, kind="stable").tolist():
            row, column = divmod(flat, len(ids))
            history = np.append(self._histories[row][1:], self._number[ids[column]])
            if self._lm.history_length == 0:
                history = history[:0]
            if tuple(history.tolist()) in seen:
                continue
            seen.add(tuple(history.tolist()))
            if totals[row, column] < totals.max() - self._spread:
                continue
            old = self._open[row]
            chosen.append(
                _Hypothesis(
                    float(totals[row, column]),
                    [*old.tokens, int(ids[column])],
                    [*old.shares, shares[column]],
                )
            )
            kept.append(history)
            if len(chosen) == self._width:
                break
        self._open, self._histories = chosen, kept

    def _agreed(self) -> int:
        count = 0
        for tokens in zip(*(h.tokens for h in self._open), strict=True):
            if len(set(tokens)) > 1:
                break
            count += 1
        return count

    def _force(self, count: int) -> None:
        head = self._open[0].tokens[:count]
        keep = [i for i, h in enumerate(self._open) if h.tokens[:count] == head]
        self._open = [self._open[i] for i in keep]
        self._histories = [self._histories[i] for i in keep]
        self._commit(count)

    def _commit(self, count: int) -> None:
        _spell(self._committed, self._open[0].tokens[:count], self._open[0].shares[:count])
        for h in self._open:
            del h.tokens[:count], h.shares[:count]


def _spell(view: Greedy, tokens: Sequence[int], shares: Sequence[float]) -> None:
    ids = np.array(tokens, np.int64)[:, None]
    view.absorb(ids, np.log(np.array(shares, np.float32))[:, None])
