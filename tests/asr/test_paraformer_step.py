"""The batched step says token for token what FunASR says of each stream alone."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.paraformer.decoder import Decoder, Kind, Question
from asr.paraformer.network import Precision, at_precision, to_device
from asr.paraformer.reference import FULL, TINY, Reference, random_reference
from asr.paraformer.state import CHUNK_600_MS, SHAPES, ChunkShape
from asr.paraformer.step import StepFailed
from tests.asr.streams import Player, Script, sound

LENGTHS = (0, 200, 959, 960, 5_000, 9_599, 9_600, 9_601, 10_559, 10_560, 19_200, 33_333, 60_001)


@functools.cache
def reference() -> Reference:
    return random_reference(TINY, seed=3)


@functools.cache
def expected(samples: int, seed: int, shape: ChunkShape) -> tuple[int, ...]:
    return tuple(reference().decode([sound(samples, seed)], shape))


def decoder(shape: ChunkShape = CHUNK_600_MS, precision: Precision = Precision.FP32) -> Decoder:
    model = reference().model()
    network = to_device(at_precision(model.network, precision), model.network.device)
    return Decoder(replace(model, network=network), shape)


streams = st.lists(
    st.tuples(
        st.sampled_from(LENGTHS),
        st.integers(0, 3),
        st.integers(0, 4),
        st.lists(st.integers(1, 12_000), min_size=1, max_size=4),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=[f"{ms} ms" for ms in SHAPES])
@settings(max_examples=25, deadline=None)
@given(streams=streams)
def test_any_mix_of_streams_says_what_funasr_says_of_each(shape, streams):
    scripts = [
        Script(sound(samples, seed), joins, tuple(max(p, 2_000) for p in packets), early)
        for samples, seed, joins, packets, early in streams
    ]
    said = Player(decoder(shape)).play(scripts)
    for ids, (samples, seed, *_) in zip(said, streams, strict=True):
        assert tuple(ids) == expected(samples, seed, shape)


def test_the_random_model_speaks_enough_for_the_proof_to_mean_something():
    said = [expected(60_001, seed, CHUNK_600_MS) for seed in range(4)]
    assert all(12 <= len(ids) <= 60 for ids in said)
    assert len(set().union(*said)) >= 8


@pytest.mark.parametrize("precision", list(Precision))
def test_a_row_does_not_depend_on_its_neighbours(precision):
    """Loud, silent and short neighbours: bit for bit the same candidates and scores."""
    mine = sound(9_600, 1)
    results = []
    for neighbours in ((sound(9_600, 2), sound(9_600, 3)), (mine * 0, sound(9_600, 4) * 5)):
        ears = decoder(precision=precision)
        questions = []
        for samples in (neighbours[0], mine, neighbours[1]):
            utterance = ears.open()
            utterance.push(samples)
            questions.append(Question(utterance, Kind.CHUNK, 9_600))
        results.append(ears.hear(questions)[1])
    assert len(results[0].ids)
    np.testing.assert_array_equal(results[0].ids, results[1].ids)
    np.testing.assert_array_equal(results[0].logp, results[1].logp)
    np.testing.assert_array_equal(results[0].frames, results[1].frames)


def test_lower_precisions_say_nearly_the_same():
    said = {}
    for precision in Precision:
        scripts = [Script(sound(60_001, seed)) for seed in range(4)]
        said[precision] = [
            i for ids in Player(decoder(precision=precision)).play(scripts) for i in ids
        ]
    exact = said[Precision.FP32]
    for precision in (Precision.BF16, Precision.INT8):
        # Random weights have thin margins; trained ones are held to 0.3 points by the benchmark.
        assert abs(len(said[precision]) - len(exact)) <= 3
        same = sum(a == b for a, b in zip(said[precision], exact, strict=False))
        assert same >= 0.5 * len(exact)


def test_a_row_that_is_no_number_fails_the_step_and_changes_nothing():
    ears = decoder()
    good, bad = ears.open(), ears.open()
    good.push(sound(60_001, 1))
    bad.push(np.full(9_600, np.nan, np.float32))
    ask = Question(good, Kind.CHUNK, 9_600)
    with pytest.raises(StepFailed):
        ears.hear([ask, Question(bad, Kind.CHUNK, 9_600)])
    ids = []
    for question in (
        ask,
        *(Question(good, Kind.CHUNK, 9_600 * k) for k in range(2, 7)),
        Question(good, Kind.END, 60_001),
    ):
        [heard] = ears.hear([question])
        ids.extend(heard.ids[: heard.firm, 0].tolist())
    unspoken = ears.model.unspoken
    assert tuple(i for i in ids if i not in unspoken) == expected(60_001, 1, CHUNK_600_MS)


def test_questions_out_of_order_are_refused():
    ears = decoder()
    utterance = ears.open()
    utterance.push(sound(20_000, 1))
    with pytest.raises(ValueError, match="chunk"):
        ears.hear([Question(utterance, Kind.CHUNK, 19_200)])
    with pytest.raises(ValueError, match="between"):
        ears.hear([Question(utterance, Kind.END, 20_000)])


def test_characters_come_with_candidates_in_order_and_frames_that_advance():
    ears = decoder()
    utterance = ears.open()
    utterance.push(sound(28_800, 2))
    last, count = -6, 0  # the window opens with the (empty) look-ahead before the first frame
    for k in range(1, 4):
        [heard] = ears.hear([Question(utterance, Kind.CHUNK, 9_600 * k)])
        assert heard.ids.shape == heard.logp.shape == (len(heard.frames), 16)
        assert (np.diff(heard.logp, axis=1) <= 0).all()
        assert (heard.logp <= 0).all()
        frames = heard.frames[: heard.firm].tolist()
        assert all(f >= 10 * (k - 1) - 5 for f in frames)
        assert all(f < 10 * k - 5 for f in frames)
        assert frames == sorted(frames)
        assert not frames or frames[0] > last
        last = frames[-1] if frames else last
        count += heard.firm
    assert count


def test_the_cost_of_a_chunk_does_not_grow_with_the_age_of_the_stream():
    """No tensor of the state grows; only counters do."""
    ears = decoder()
    utterance = ears.open()
    size = ears.slabs.bytes_per_slot()
    for k in range(1, 41):
        utterance.push(sound(9_600, k))
        ears.hear([Question(utterance, Kind.CHUNK, 9_600 * k)])
    assert ears.slabs.bytes_per_slot() == size
    assert len(utterance.features._frames) <= 7
    assert len(utterance.features._samples) <= 400


def test_full_size_says_what_funasr_says():
    """50 encoder and 16 decoder layers, 512 wide, 8404 tokens, random weights: a short proof."""
    full = random_reference(FULL, seed=1)
    lengths = (20_000, 10_300)
    ears = Decoder(full.model())
    said = Player(ears).play([Script(sound(n, n), joins=i) for i, n in enumerate(lengths)])
    assert said == [full.decode([sound(n, n)]) for n in lengths]
    assert sum(map(len, said)) >= 4
