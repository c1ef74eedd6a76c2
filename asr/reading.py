"""How a model's candidates are read: with the language model beside it, or the best of each."""

from __future__ import annotations

from collections.abc import Callable

from asr.beam import Reader
from asr.language_model import LanguageModel
from asr.paraformer.load import Model
from asr.paraformer.wording import Greedy, Wording

LANGUAGE_MODEL = "lm.npz"
"""Name of the language model's file in a model directory."""


def reading_for(model: Model) -> Callable[[], Wording]:
    """Begins the reading of an utterance; with ``lm.npz`` where the model's directory has one.

    Raises :class:`asr.language_model.LanguageModelError` if that file is damaged.
    """
    path = model.directory / LANGUAGE_MODEL
    if path.is_file():
        return Reader(LanguageModel.load(path), model.tokens, model.unspoken).begin
    return lambda: Greedy(model.tokens, model.unspoken)
