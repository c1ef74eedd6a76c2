"""Which candidates sound alike, and how far the decoder is believed about which of them it is.

A recogniser trained on little text hears the syllable but knows few sentences: its choice among 是,
事 and 试 says more about that text than about the speech. So a character's log probability is moved
towards that of everything that sounds like it, and the language model chooses:

    log p'(c) = trust · log p(c) + (1 - trust) · log Σ p(c')   over the c' that can be read as c is
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TRUST = 0.4
"""Chosen on the hand-written development sentences; 1 believes the decoder as it is."""


class Homophones:
    """The toneless readings of a recogniser's tokens."""

    def __init__(self, tokens: Sequence[str], trust: float = TRUST) -> None:
        """A token that is not one Hanzi sounds like nothing else."""
        self.trust = trust
        names: dict[str, int] = {}
        readings = [_readings(token) for token in tokens]
        for reading in readings:
            for name in reading:
                names.setdefault(name, len(names))
        self._sounds = np.zeros((len(tokens), len(names)), np.float32)
        for row, reading in enumerate(readings):
            for name in reading:
                self._sounds[row, names[name]] = 1

    def blur(
        self, ids: NDArray[np.int64], logp: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(n, k) candidates and log probabilities → the same, best first after the blur."""
        sounds = self._sounds[ids]
        alike = (sounds @ sounds.transpose(0, 2, 1)) > 0
        mass = (alike * np.exp(logp)[:, None, :]).sum(-1)
        blurred = self.trust * logp + (1 - self.trust) * np.log(mass)
        order = np.argsort(-blurred, axis=1, kind="stable")
        return np.take_along_axis(ids, order, 1), np.take_along_axis(blurred, order, 1)


def _readings(token: str) -> list[str]:
    """The ways a token can be read, without tones."""
    from pypinyin import Style, pinyin

    if len(token) != 1 or not "\u4e00" <= token <= "\u9fff":
        return [token]
    return sorted(set(pinyin(token, style=Style.NORMAL, heteronym=True)[0]))
