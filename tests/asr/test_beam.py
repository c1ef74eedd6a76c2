"""A beam reads like the plain reading without knowledge, and never takes back what is stable."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.beam import Beam, Reader
from asr.language_model import LanguageModel
from asr.paraformer.wording import Greedy
from tests.asr.language import language_model
from tests.asr.plain_beam import PlainBeam

CHARACTERS = "我要投诉头素带宽代是时"
TOKENS = ("<blank>", "<s>", "</s>", *CHARACTERS, "<unk>")
UNSPOKEN = frozenset({0, 1, 2})

Candidates = tuple[NDArray[np.int64], NDArray[np.float32]]


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return language_model(("我要投诉", "我要宽带", "是我"), CHARACTERS)


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    """(n, k) distinct candidates per position, best first, with log probabilities."""
    count = draw(st.integers(0, 12))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.permutation(len(TOKENS))[:5] for _ in range(count)] or [np.zeros(5)])
    logp = -np.sort(rng.exponential(1.5, (max(count, 1), 5)), axis=1).astype(np.float32)
    return ids[:count].astype(np.int64), logp[:count]


@given(
    heard=candidates(),
    cuts=st.lists(st.integers(0, 12), max_size=3),
    width=st.integers(1, 8),
    lag=st.integers(0, 5),
    weight=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    spread=st.sampled_from([0.5, 4.0, math.inf]),
)
def test_equals_the_plain_beam(
    heard: Candidates, cuts: list[int], width: int, lag: int, weight: float, spread: float
) -> None:
    """Quick lookups and shared steps change nothing: text, stability, confidence, to the bit."""
    model = language_model(("我要投诉", "我要宽带", "投诉宽带"), CHARACTERS)
    with_model = Reader(model, TOKENS, UNSPOKEN, width=width, lag=lag, weight=weight, spread=spread)
    beam = with_model.begin()
    plain = PlainBeam(model, TOKENS, UNSPOKEN, width=width, lag=lag, weight=weight, spread=spread)
    edges = sorted({0, len(heard[0]), *(min(cut, len(heard[0])) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        for one in (beam, plain):
            one.absorb(heard[0][start:end], heard[1][start:end])
        view = plain.view()
        assert (beam.text, beam.stable) == (view.text, plain.stable)
        assert list(beam.confidence) == view.confidence
        assert list(beam.positions) == view.positions
    beam.finish()
    plain.finish()
    assert beam.text == plain.view().text


def read(beam: Beam, heard: Candidates) -> Beam:
    beam.absorb(*heard)
    return beam


@given(heard=candidates())
def test_reads_the_best_candidates_when_it_knows_nothing(heard: Candidates) -> None:
    plain = Greedy(TOKENS, UNSPOKEN)
    plain.absorb(*heard)
    beam = read(Reader(None, TOKENS, UNSPOKEN).begin(), heard)
    assert beam.text == plain.text
    assert list(beam.confidence) == list(plain.confidence)
    assert list(beam.positions) == list(plain.positions)
    assert beam.stable == len(plain.text)


@given(heard=candidates())
def test_reads_the_best_candidates_when_the_weight_is_nothing(heard: Candidates) -> None:
    plain = Greedy(TOKENS, UNSPOKEN)
    plain.absorb(*heard)
    model = language_model(("我要投诉",), CHARACTERS)
    beam = read(Reader(model, TOKENS, UNSPOKEN, weight=0.0).begin(), heard)
    beam.finish()
    assert beam.text == plain.text


@given(heard=candidates(), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_does_not_care_how_positions_are_grouped(heard: Candidates, cuts: list[int]) -> None:
    model = language_model(("我要投诉", "我要宽带"), CHARACTERS)
    reader = Reader(model, TOKENS, UNSPOKEN, width=4, lag=3)
    whole = read(reader.begin(), heard)
    parts = reader.begin()
    edges = sorted({0, len(heard[0]), *(min(cut, len(heard[0])) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        parts.absorb(heard[0][start:end], heard[1][start:end])
    assert (parts.text, parts.stable) == (whole.text, whole.stable)
    assert list(parts.confidence) == list(whole.confidence)


@given(heard=candidates(), lag=st.integers(0, 5))
def test_never_changes_the_stable_part(heard: Candidates, lag: int) -> None:
    model = language_model(("我要投诉", "我要宽带"), CHARACTERS)
    beam = Reader(model, TOKENS, UNSPOKEN, width=4, lag=lag).begin()
    stable = ""
    for position in range(len(heard[0])):
        beam.absorb(heard[0][position : position + 1], heard[1][position : position + 1])
        assert beam.text.startswith(stable)
        assert len(beam.positions) == len(beam.confidence) == len(beam.text)
        assert all(position - place < lag for place in beam.positions[beam.stable :])
        stable = beam.text[: beam.stable]
    beam.finish()
    assert beam.text.startswith(stable)
    assert beam.stable == len(beam.text)


@given(heard=candidates(), more=candidates())
def test_leaves_the_original_alone_when_a_clone_reads_on(
    heard: Candidates, more: Candidates
) -> None:
    model = language_model(("我要投诉", "我要宽带"), CHARACTERS)
    beam = read(Reader(model, TOKENS, UNSPOKEN).begin(), heard)
    before = (beam.text, beam.stable, list(beam.confidence))
    clone = beam.clone()
    clone.absorb(*more)
    clone.finish()
    assert (beam.text, beam.stable, list(beam.confidence)) == before
    twin = read(read(Reader(model, TOKENS, UNSPOKEN).begin(), heard), more)
    twin.finish()
    assert clone.text == twin.text


def spoken(text: str, doubts: dict[int, str]) -> Candidates:
    """Candidates for text; at a doubted place another character sounds slightly better."""
    ids = np.array([[TOKENS.index(c), 0] for c in text])
    logp = np.tile(np.array([-0.02, -9.0], np.float32), (len(text), 1))
    for place, other in doubts.items():
        ids[place] = [TOKENS.index(other), TOKENS.index(text[place])]
        logp[place] = [-0.6, -0.9]
    return ids, logp


def test_prefers_what_people_say_when_two_characters_sound_alike(lm: LanguageModel) -> None:
    beam = read(Reader(lm, TOKENS, UNSPOKEN).begin(), spoken("我要投诉", {2: "头"}))
    beam.finish()
    assert beam.text == "我要投诉"
