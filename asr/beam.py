"""Reading with a language model: a small beam over the decoder's candidates.

Paraformer gives every character position its own candidates, at once and independently. The beam
joins them left to right: a hypothesis is worth its acoustic log probability plus `weight` times the
language model's, plus what :class:`Bias` gives it (:mod:`asr.phrases`: a customer's own words). It
is a :class:`asr.paraformer.wording.Wording`, like the plain reading.

A position is *committed* when every hypothesis kept has the same character there (those far below
the best are not kept), and at the latest `lag` positions after it was heard; what is committed never
changes, so `stable` always advances.
Without a language model and a bias the text is exactly that of the best candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from asr.homophones import Homophones
from asr.language_model import LanguageModel
from asr.paraformer.wording import UNKNOWN, Greedy

WIDTH = 8
WEIGHT = 0.5
LAG = 3
SPREAD = 4.0
"""A hypothesis whose log score is this much below the best is given up.

It hardly ever wins in the end, and until it is gone the text before it is not stable. The held-out
sentences have as many characters wrong as without it (``results/accuracy-20261123T000703.json``)."""


class Bias(Protocol):
    """Favours some sequences of tokens. A state says how far into them a hypothesis is; 0: not."""

    def follow(self, state: int, token: int) -> tuple[int, float]:
        """The state after one more token, and what that adds to the log score."""

    def suggest(self, states: Iterable[int], ids: Sequence[int]) -> list[tuple[int, int, float]]:
        """Tokens that no candidate is: each with the place of the candidate that sounds like it
        and what being another costs (a log score, negative or zero)."""


class Hypothesis(NamedTuple):
    """One reading of the positions not yet committed."""

    score: float
    tokens: tuple[int, ...]
    """One for every position not yet committed."""
    shares: tuple[float, ...]
    """Posterior of each of them among all readings when it was heard."""
    context: int
    """What the language model remembers of it."""
    state: int
    """What the bias does."""


class Beam:
    """The text of one utterance while it grows."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._committed = Greedy(reader.tokens, reader.unspoken)
        self._open = reader.first()
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
        tokens: list[int] = []
        shares: list[float] = []
        for hypotheses in self._reader.read(self, ids, logp):
            best = hypotheses[0]
            count = _agreed(hypotheses)
            late = len(best.tokens) - self._reader.lag
            if late > count:
                # What disagrees with the best hypothesis's first positions is dropped.
                count, head = late, best.tokens[:late]
                hypotheses = [h for h in hypotheses if h.tokens[:late] == head]
            if count:
                tokens += best.tokens[:count]
                shares += best.shares[:count]
                hypotheses = [
                    Hypothesis(score, seen[count:], parts[count:], context, state)
                    for score, seen, parts, context, state in hypotheses
                ]
            self._open = hypotheses
        _spell(self._committed, tokens, shares)

    @property
    def hypotheses(self) -> list[Hypothesis]:
        """The readings kept, best first."""
        return self._open

    def clone(self) -> Self:
        """A copy that can be read on without changing this one."""
        other = type(self).__new__(type(self))
        other._reader = self._reader
        other._committed = self._committed.clone()
        other._open = self._open  # hypotheses are values; absorbing replaces the list
        other._view = self._view
        return other

    def finish(self) -> None:
        """No more tokens: the best reading is it."""
        best = self._open[0]
        _spell(self._committed, best.tokens, best.shares)
        self._open = [best._replace(tokens=(), shares=())]
        self._view = None

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
        spread: float = SPREAD,
        bias: Bias | None = None,
        homophones: Homophones | None = None,
    ) -> None:
        """``unspoken`` are ids that stand for no text; ``weight`` multiplies the model's logs."""
        self.lm = lm
        self.tokens = tokens
        self.unspoken = unspoken
        self.lag = lag
        self._width = width
        self._weight = weight
        self._spread = spread
        self._bias = bias
        self._homophones = homophones
        silent = unspoken | {i for i, token in enumerate(tokens) if token in UNKNOWN}
        self._speaks = np.array([i not in silent for i in range(len(tokens))], np.bool_)
        numbers = [lm.number(token) if lm else 0 for token in tokens]
        self._number = np.array(numbers, np.int64)

    def begin(self) -> Beam:
        """A beam for a new utterance."""
        return Beam(self)

    def first(self) -> list[Hypothesis]:
        """What is thought before the first character."""
        return [Hypothesis(0.0, (), (), self.lm.start() if self.lm else 0, 0)]

    @property
    def plain(self) -> bool:
        """Nothing is known that could speak against the best candidates."""
        return self.lm is None and self._bias is None

    def read(
        self, beam: Beam, ids: NDArray[np.int64], logp: NDArray[np.float32]
    ) -> Iterable[list[Hypothesis]]:
        """Position by position, the beam's hypotheses with every candidate: the best that differ
        in what matters later. The beam moves on in between."""
        scores = logp.astype(np.float64)
        if self._homophones is not None:
            ids, scores = self._homophones.blur(ids, scores)
        speaks = self._speaks[ids]
        whole = np.all(speaks, axis=1)
        numbers = self._number[ids]
        for place, candidates in enumerate(ids.tolist()):
            best = candidates[0]
            if whole[place]:
                yield self._extend(beam.hypotheses, candidates, scores[place], numbers[place])
            elif not speaks[place, 0]:
                yield [
                    h._replace(tokens=(*h.tokens, best), shares=(*h.shares, 1.0))
                    for h in beam.hypotheses
                ]
            else:
                spoken = np.flatnonzero(speaks[place])
                yield self._extend(
                    beam.hypotheses,
                    [candidates[i] for i in spoken.tolist()],
                    scores[place, spoken],
                    numbers[place, spoken],
                )

    def _extend(
        self,
        hypotheses: list[Hypothesis],
        candidates: list[int],
        scores: NDArray[np.float64],
        numbers: NDArray[np.int64],
    ) -> list[Hypothesis]:
        totals = np.array([[h.score] for h in hypotheses])
        steps: dict[int, list[tuple[int, float]]] = {}
        if self._bias is not None:
            states = {h.state for h in hypotheses}
            if added := self._bias.suggest(states, candidates):
                alike = [place for _, place, _ in added]
                costs = np.array([cost for _, _, cost in added])
                scores = np.concatenate((scores, scores[alike] + costs))
                candidates = candidates + [token for token, _, _ in added]
                numbers = self._number[candidates]
            steps = {s: [self._bias.follow(s, token) for token in candidates] for s in states}
        totals = totals + scores
        if self.lm is not None:
            totals += self._weight * self.lm.score([h.context for h in hypotheses], numbers)
        if steps:
            gains = {s: [gain for _, gain in row] for s, row in steps.items()}
            totals += np.array([gains[h.state] for h in hypotheses])
        return self._select(hypotheses, candidates, numbers.tolist(), totals, steps)

    def _select(
        self,
        hypotheses: list[Hypothesis],
        candidates: list[int],
        numbers: list[int],
        totals: NDArray[np.float64],
        steps: dict[int, list[tuple[int, float]]],
    ) -> list[Hypothesis]:
        mass = np.exp(totals - totals.max())
        shares = (mass.sum(0) / mass.sum()).tolist()
        chosen: list[Hypothesis] = []
        seen: set[tuple[int, int]] = set()
        worth = totals.ravel().tolist()
        least = max(worth) - self._spread
        columns = len(candidates)
        for flat in (-totals).ravel().argsort(kind="stable").tolist():
            if worth[flat] < least:
                break
            row, column = divmod(flat, columns)
            _, tokens, parts, context, state = hypotheses[row]
            if steps:
                state = steps[state][column][0]
            if self.lm is not None:
                context = self.lm.follow(context, numbers[column])
                # Hypotheses that are alike in what both remember have one future: the better stays.
                if (context, state) in seen:
                    continue
                seen.add((context, state))
            chosen.append(
                Hypothesis(
                    worth[flat],
                    (*tokens, candidates[column]),
                    (*parts, shares[column]),
                    context,
                    state,
                )
            )
            if len(chosen) == self._width:
                break
        return chosen


def _agreed(hypotheses: list[Hypothesis]) -> int:
    """Leading open positions on which every hypothesis has the same token."""
    best = hypotheses[0].tokens
    count = len(best)
    for other in hypotheses:
        tokens = other.tokens
        same = 0
        while same < count and tokens[same] == best[same]:
            same += 1
        count = same
        if not count:
            break
    return count


def _spell(view: Greedy, tokens: Sequence[int], shares: Sequence[float]) -> None:
    """Append chosen tokens, with their share of the beam as confidence."""
    if tokens:
        ids = np.array(tokens, np.int64)[:, None]
        view.absorb(ids, np.log(np.array(shares, np.float32))[:, None])
