"""Utterances on top of the batched step: push samples, ask for what they say.

An utterance takes a state slot with its first question and gives it back when it is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from asr.paraformer.features import Features, compute
from asr.paraformer.load import Model
from asr.paraformer.state import CHUNK_600_MS, ChunkShape, Slabs
from asr.paraformer.step import Heard, Row, Step


class Kind(IntEnum):
    """What is asked of an utterance, most urgent first."""

    END = 0
    """Everything said, the speech being over. The last question of an utterance."""
    CHUNK = 1
    """What the next whole chunk says; state moves on."""
    EARLY = 2
    """What would be heard if the speech ended here; nothing is kept."""
    AGAIN = 3
    """Everything said, the whole utterance in one window (:mod:`asr.second_pass`)."""


class Utterance:
    """The acoustic side of one utterance."""

    __slots__ = ("chunks", "features", "slot")

    def __init__(self, shape: ChunkShape) -> None:
        self.features = Features(shape.size)
        self.slot: int | None = None
        self.chunks = 0

    def push(self, samples: NDArray[np.float32]) -> None:
        """Append 16 kHz samples in [−1, 1]."""
        self.features.push(samples)


@dataclass(frozen=True, slots=True)
class Question:
    """Ask ``utterance`` what its first ``samples`` say. Questions come in order of samples."""

    utterance: Utterance
    kind: Kind
    samples: int


class Decoder:
    """All utterances under way on one model. Not thread-safe: one worker owns it."""

    def __init__(
        self, model: Model, shape: ChunkShape = CHUNK_600_MS, candidates: int = 16
    ) -> None:
        self.model = model
        self.shape = shape
        self.slabs = Slabs(model.network, shape)
        self._step = Step(model.network, self.slabs, candidates)

    def open(self) -> Utterance:
        """A new utterance. Close it, or it keeps its slot."""
        return Utterance(self.shape)

    def close(self, utterance: Utterance) -> None:
        """Forget an utterance. Idempotent."""
        if utterance.slot is not None:
            self.slabs.give_back(utterance.slot)
            utterance.slot = None

    def hear(self, questions: Sequence[Question]) -> list[Heard]:
        """Answer one question each of different utterances, in one step.

        If it raises, no utterance has moved, and the questions can be asked again one by one.
        """
        compute([question.utterance.features for question in questions])
        rows = [self._row(question) for question in questions]
        heard = self._step(rows)
        for question in questions:
            if question.kind is Kind.CHUNK:
                question.utterance.features.advance()
                question.utterance.chunks += 1
        return heard

    def _row(self, question: Question) -> Row:
        utterance = question.utterance
        if utterance.slot is None:
            utterance.slot = self.slabs.take()
        left = question.samples - utterance.chunks * self.shape.samples
        if question.kind is Kind.CHUNK:
            if left != self.shape.samples:
                raise ValueError(f"a chunk was asked for with {left} new samples")
            return Row(utterance.slot, utterance.features.chunk(self.model.cmvn), ends=False)
        if not 0 <= left <= self.shape.samples:
            raise ValueError(f"{left} samples since the last chunk are not between 0 and a chunk")
        return Row(utterance.slot, utterance.features.rest(left, self.model.cmvn), ends=True)
