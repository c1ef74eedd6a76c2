"""How a model's candidates are read: with the language model beside it, or the best of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from asr.beam import Reader
from asr.homophones import Homophones
from asr.language_model import LanguageModel
from asr.paraformer.load import Model
from asr.paraformer.wording import Greedy, Wording
from asr.phrases import Phrases

LANGUAGE_MODEL = "lm.npz"
"""Name of the language model's file in a model directory."""


def reading_for(model: Model, phrases: Iterable[str] = ()) -> Callable[[], Wording]:
    """Begins the reading of an utterance; with ``lm.npz`` where the model's directory has one.

    ``phrases`` are favoured (:mod:`asr.phrases`); those the model cannot write are left out.

    Raises :class:`asr.language_model.LanguageModelError` if that file is damaged.
    """
    path = model.directory / LANGUAGE_MODEL
    lm = LanguageModel.load(path) if path.is_file() else None
    favoured = Phrases(phrases, model.tokens)
    bias = favoured if favoured.count else None
    if lm is not None or bias is not None:
        homophones = Homophones(model.tokens) if lm is not None else None
        return Reader(lm, model.tokens, model.unspoken, bias=bias, homophones=homophones).begin
    return lambda: Greedy(model.tokens, model.unspoken)
