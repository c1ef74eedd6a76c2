"""Small language models for tests, stored and loaded as the real one is."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from asr.language_model import LanguageModel
from models.training.ngram import estimate
from models.training.text import Word


@functools.cache
def language_model(
    sentences: tuple[str, ...], characters: str, words: tuple[Word, ...] = ()
) -> LanguageModel:
    """Counted from each sentence thirty times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lm.npz"
        estimate(sentences * 30, words, list(characters)).save(path)
        return LanguageModel.load(path)
