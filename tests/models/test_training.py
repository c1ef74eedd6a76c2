"""Training text keeps off what is measured; training computes what streaming computes."""

from __future__ import annotations

import json
import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from models.training import architecture, channel, network, numbers
from models.training.dataset import Batcher, Corpus, Utterance, load_corpus
from models.training.speech import make_shard
from models.training.text import Generator, Grammar, Sentence, dictionary, vocabulary
from models.training.train import BETAS, WEIGHT_DECAY, Schedule, Weights
from models.training.voice import Voice, VoiceError, pronounce, say
from models.training.withheld import Withheld, clauses, load_withheld, withheld_sentences


@pytest.mark.parametrize(
    ("sentence", "blocked"),
    [
        ("我家的网从昨晚开始就上不去了", True),  # the sentence itself
        ("我家的网,从昨晚开始,就上不去了", True),  # with other pauses
        ("您好,我家的网从昨晚开始就上不去了,快点", True),  # contains it
        ("您好这里是客服中心,您的包裹在路上", True),  # shares a long clause
        ("您好这里是客服中心您的包裹", True),  # contains a long clause
        ("您好,您的包裹在路上", False),  # short clauses are everyday phrases
        ("我家的网今天开始就上不去了", False),
    ],
)
def test_keeps_out_what_gives_a_withheld_sentence_away(sentence: str, blocked: bool) -> None:
    withheld = Withheld(["我家的网从昨晚开始就上不去了", "您好这里是客服中心，请问怎么称呼"])
    assert withheld.blocks(sentence) is blocked


@given(st.text("我你网断了好", min_size=1, max_size=12), st.text("我你网断了好,", max_size=6))
def test_blocks_every_sentence_that_contains_a_long_clause(clause: str, around: str) -> None:
    expected = len(clause) >= 7 or clause == "".join(clauses(around + clause + around))
    assert Withheld([clause]).blocks(around + clause + around) >= expected


@pytest.fixture(scope="module")
def generator() -> Generator:
    grammar, words = Grammar(), dictionary()
    return Generator(grammar, words, vocabulary(grammar, words), load_withheld())


def test_generates_nothing_that_is_withheld(generator: Generator) -> None:
    withheld = load_withheld()
    known = {"".join(clauses(s)) for s in withheld_sentences()}
    sentences = list(islice(generator.stream(random.Random(1)), 2_000))
    assert len(withheld) > 300
    assert not any(withheld.blocks(s.text) for s in sentences)
    assert not known & {s.text.replace(",", "") for s in sentences}


def test_generates_the_same_again_from_the_same_seed(generator: Generator) -> None:
    first = list(islice(generator.stream(random.Random(5)), 50))
    assert first == list(islice(generator.stream(random.Random(5)), 50))


def test_lets_every_character_of_the_vocabulary_be_heard() -> None:
    grammar, words = Grammar(), dictionary()
    characters = vocabulary(grammar, words)
    generator = Generator(grammar, words, characters, Withheld([]))
    heard = {c for s in generator.distinct(300, random.Random(2)) for c in s.text}
    assert len(characters) >= 2_000
    assert set(characters) <= heard


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "零"),
        (15, "十五"),
        (110, "一百一十"),
        (1_008, "一千零八"),
        (1_236, "一千二百三十六"),
        (10_500, "一万零五百"),
        (250_000, "二十五万"),
    ],
)
def test_says_numbers_as_people_do(value: int, said: str) -> None:
    assert numbers.integer(value) == said


def test_spells_words_in_pinyin_with_their_own_reading() -> None:
    assert pronounce("去银行，行吗").syllables == ("qu4", "yin2", "hang2", "xing2", "ma5")


def test_says_what_to_write_instead_when_it_cannot_speak_a_character() -> None:
    with pytest.raises(VoiceError, match="write digits as they are spoken"):
        say("拨打12315")


@pytest.mark.speech
def test_tells_when_every_character_is_spoken() -> None:
    spoken = say("您好，请问有什么可以帮您", Voice("f2"))
    again = say("您好，请问有什么可以帮您", Voice("f2"))
    assert again.text == spoken.text
    assert np.allclose(again.times, spoken.times, atol=3)
    assert len(again.samples) == pytest.approx(len(spoken.samples), rel=0.001)
    assert spoken.text == "您好请问有什么可以帮您"
    assert len(spoken.times) == len(spoken.text)
    assert all(start < end for start, end in spoken.times)
    assert all(a[1] <= b[0] for a, b in zip(spoken.times, spoken.times[1:], strict=False))
    assert spoken.times[2][0] - spoken.times[1][1] > 50  # the comma is a pause


def test_lets_only_the_telephone_band_through() -> None:
    at = np.arange(16_000) / 16_000

    def loudness(hz: float) -> float:
        tone = (0.3 * np.sin(2 * np.pi * hz * at)).astype(np.float32)
        return float(channel.telephone(tone)[2_000:-2_000].std() / tone.std())

    assert loudness(1_000) > 0.9
    assert loudness(100) < 0.1
    assert loudness(6_000) < 0.1


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
def test_mixes_noise_at_the_ratio_asked_for(colour: channel.NoiseColour) -> None:
    tone = np.sin(np.arange(16_001) / 5).astype(np.float32)
    noisy = channel.add_noise(tone, 10, colour, np.random.default_rng(0))
    assert 10 * np.log10(np.var(tone) / np.var(noisy - tone)) == pytest.approx(10, abs=0.3)


def test_warms_up_stays_and_falls() -> None:
    schedule = Schedule(steps=1_000, decay=400, warm_up=100, rate=1e-3, last=0.02)
    rates = [schedule.at(step) for step in range(1_000)]
    assert rates[:100] == sorted(rates[:100])
    assert set(rates[100:600]) == {1e-3}
    assert rates[600:] == sorted(rates[600:], reverse=True)
    assert rates[-1] == pytest.approx(2e-5, rel=0.01)


def test_moves_weights_as_adamw_does() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    weights = Weights(ours, workers=1)
    weights.bind(0)
    optimiser = torch.optim.AdamW(
        theirs.parameters(), lr=0.01, betas=BETAS, weight_decay=WEIGHT_DECAY
    )
    for step in range(1, 6):
        gradient = torch.randn(18).bfloat16()
        weights.gradients[0].copy_(gradient)
        for parameter, part in zip(theirs.parameters(), gradient.split([15, 3]), strict=True):
            parameter.grad = part.float().view_as(parameter)
        nn.utils.clip_grad_norm_(theirs.parameters(), 5.0)
        optimiser.step()
        weights.update(0.01, step, 0, lambda: None)
    expected = torch.cat([p.detach().reshape(-1) for p in theirs.parameters()])
    torch.testing.assert_close(weights.master, expected, atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module")
def spoken_corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Corpus, list[str]]:
    """Three utterances of different length, with the directory of a random model."""
    folder = tmp_path_factory.mktemp("training")
    texts = ["好", "我的宽带断了,快点来修", "请问您的电话号码是多少,我帮您查一下现在的情况"]
    characters = sorted({c for text in texts for c in text if c != ","})
    architecture.write_tokens(folder / "tokens.json", characters)
    tokens = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    make_shard([Sentence(text, "template") for text in texts], 0).save(folder / "shard000000.npz")
    corpus = load_corpus(folder, tokens, Withheld([]))
    architecture.write_cmvn(folder / "am.mvn", corpus.mean, corpus.deviation)
    return folder, corpus, tokens


@pytest.mark.speech
def test_labels_give_every_character_a_weight_of_one(
    spoken_corpus: tuple[Path, Corpus, list[str]],
) -> None:
    _, corpus, _ = spoken_corpus
    for utterance in corpus.utterances:
        assert utterance.weights.sum() == pytest.approx(len(utterance.text), abs=1e-3)
        assert len(utterance.weights) == utterance.rows


@pytest.mark.speech
def test_drops_withheld_sentences_when_training_begins(
    spoken_corpus: tuple[Path, Corpus, list[str]],
) -> None:
    folder, corpus, tokens = spoken_corpus
    left = load_corpus(folder, tokens, Withheld(["我的宽带断了快点来修"]))
    assert [u.text for u in left.utterances] == [
        u.text for u in corpus.utterances if "宽带" not in u.text
    ]


@pytest.mark.speech
def test_computes_in_one_flat_batch_what_streaming_computes(
    spoken_corpus: tuple[Path, Corpus, list[str]],
) -> None:
    """Random weights; the engine's own step is the reference. It equals FunASR's by its tests."""
    from asr.paraformer.decoder import Decoder
    from asr.paraformer.load import load_model

    folder, corpus, _ = spoken_corpus
    torch.manual_seed(3)
    model = architecture.build(folder / "tokens.json", folder / "am.mvn").eval()
    with torch.no_grad():
        model.predictor.cif_output.bias.fill_(-1.2)
    architecture.write_model(
        model.half().float(), folder / "tokens.json", folder / "am.mvn", folder / "m"
    )
    engine = load_model(folder / "m")
    assert engine.tokens[0] == "<blank>"
    batch = Batcher(corpus, 0).pack([0, 1, 2], None)
    with torch.no_grad():
        memory, _ = network.encode(model.encoder, batch, 3)
        flat = network.fire_weights(model.predictor, memory).reshape(-1) * batch.emits
    windows = 0
    decoder = Decoder(engine)
    for utterance in corpus.utterances:
        part = slice(windows * network.WINDOW, (windows + utterance.windows) * network.WINDOW)
        ours = _streamed_text(model, memory, flat, part, utterance, batch)
        assert ours[:-1] == _engine_ids(decoder, corpus, utterance)[: len(ours) - 1]
        windows += utterance.windows


def _streamed_text(
    model: object,
    memory: torch.Tensor,
    flat: torch.Tensor,
    part: slice,
    utterance: Utterance,
    batch: network.Packed,
) -> list[int]:
    """Best tokens from the flat batch, with the weights as predicted, not scaled to the count."""
    from dataclasses import replace

    alone = torch.zeros_like(flat)
    alone[part] = flat[part]
    count = int(alone.sum())
    chain = torch.zeros_like(batch.chain)
    for position in range(count):
        chain[position, : position + 1] = 1
    with torch.no_grad():
        embeddings, fired = network.integrate(alone, memory, count)
        logits = network.decode(
            model.decoder,  # type: ignore[attr-defined]
            memory,
            embeddings,
            fired,
            replace(batch, chain=chain[:count]),
        )
    return [int(token) for token in logits.argmax(-1)]


def _engine_ids(decoder: object, corpus: Corpus, utterance: Utterance) -> list[int]:
    """Best tokens from the engine's step on the same frames, chunk by chunk."""
    from asr.paraformer.decoder import Decoder
    from asr.paraformer.features import _stack
    from asr.paraformer.step import Row

    assert isinstance(decoder, Decoder)
    frames = utterance.frames.astype(np.float32)
    missing = 6 * utterance.rows + 4 - len(frames)
    padded = np.concatenate([frames[:1]] * 3 + [frames] + [frames[-1:]] * missing)
    rows = _stack(padded, utterance.rows, decoder.model.cmvn)
    slot = decoder.slabs.take()
    ids: list[int] = []
    for start in range(0, len(rows), network.CHUNK):
        ends = start + network.CHUNK >= len(rows)
        heard = decoder._step([Row(slot, rows[start : start + network.CHUNK], ends)])[0]
        ids += heard.ids[: len(heard.ids) if ends else heard.firm, 0].tolist()
    decoder.slabs.give_back(slot)
    return ids
