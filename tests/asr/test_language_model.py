"""The language model is a probability, prefers what was written, as it is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asr.language_model import LanguageModel, LanguageModelError
from models.training.text import Word
from tests.asr import plain_beam
from tests.asr.language import language_model

CHARACTERS = "我要投诉头素宽带款待银行因航修好了没"
SENTENCES = ("我要投诉,宽带没修好", "宽带修好了", "我要修宽带", "没修好")
WORDS = (Word("银行", 400), Word("款待", 100))


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return language_model(SENTENCES, CHARACTERS, WORDS)


@pytest.mark.parametrize("history", ["", "我", "我要", "宽带没", "行行行", "银"])
def test_gives_all_characters_together_one(lm: LanguageModel, history: str) -> None:
    context = lm.start()
    for character in history:
        context = lm.follow(context, lm.number(character))
    everything = np.arange(len(lm.characters))
    assert np.exp(lm.score([context], everything)).sum() == pytest.approx(
        1.0, abs=0.04
    )  # stored in steps


@pytest.mark.parametrize(
    ("said", "sounds_like"),
    [("我要投诉", "我要头素"), ("宽带没修好", "款待没修好"), ("银行", "因航")],
)
def test_prefers_what_people_write(lm: LanguageModel, said: str, sounds_like: str) -> None:
    assert lm.score_text(said) > lm.score_text(sounds_like) + 1


@pytest.mark.parametrize("order", [2, 3])
def test_scores_as_the_plain_search_through_the_tables_does(lm: LanguageModel, order: int) -> None:
    part = LanguageModel(lm.characters, lm.unigrams, lm.tables[:order])
    rng = np.random.default_rng(0)
    histories = rng.integers(0, len(lm.characters), (200, part.history_length))
    contexts = []
    for history in histories.tolist():
        context = 0
        for number in history:
            context = part.follow(context, number)
        contexts.append(context)
    everything = np.arange(len(lm.characters))
    expected = plain_beam.score(part, histories, everything)
    for _ in range(2):  # looked up, then remembered
        assert (part.score(contexts, everything) == expected).all()


def test_has_an_id_for_what_it_never_saw(lm: LanguageModel) -> None:
    assert lm.number("龘") == lm.number("<unk>") == 0
    assert np.isfinite(lm.score_text("我龘要"))


def test_says_that_nothing_is_lost_when_the_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match="works without one"):
        LanguageModel.load(tmp_path / "lm.npz")


def test_says_so_when_the_file_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "lm.npz"
    np.savez(path, other=np.zeros(3))
    with pytest.raises(LanguageModelError, match="not a language model"):
        LanguageModel.load(path)
