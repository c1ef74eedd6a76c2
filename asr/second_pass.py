"""Hearing an utterance once more when it is over, as a whole: what would have been written had
nothing had to be told early.

The same network sees all of the utterance at once (or another one does), so a character may rest
on words that come after it. Whoever listens decides when there is time for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asr.paraformer.decoder import Decoder, Question
from asr.paraformer.features import RATE
from asr.paraformer.load import Model
from asr.paraformer.state import ChunkShape
from asr.paraformer.step import Heard
from asr.paraformer.wording import Wording
from asr.reading import reading_for

WHOLE = ChunkShape(400, ahead=0, encoder_look_back=0, decoder_look_back=0)
"""One window for everything, up to 24 s; utterances are cut at 20 s."""


@dataclass(frozen=True, slots=True)
class SecondPass:
    """A model, and how what it hears is read."""

    model: Model
    new_wording: Callable[[], Wording]

    @classmethod
    def of(cls, model: Model) -> SecondPass:
        """Read as the model's directory says."""
        return cls(model, reading_for(model))

    def decoder(self) -> Decoder:
        """Its own decoder: state is never shared with the live pass."""
        return Decoder(self.model, WHOLE)


def hear_whole(decoder: Decoder, questions: Sequence[Question]) -> list[Heard]:
    """Answer ``AGAIN`` questions in one step. Their utterances are over then, heard or not."""
    try:
        return decoder.hear(questions)
    finally:
        for question in questions:
            decoder.close(question.utterance)


def seconds(question: Question) -> float:
    """Length of what is asked."""
    return question.samples / RATE
