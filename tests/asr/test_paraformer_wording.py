"""Tokens become text."""

from __future__ import annotations

import numpy as np

from asr.paraformer.wording import Greedy

TOKENS = ["<blank>", "<s>", "</s>", "你", "好", "hel@@", "lo", "world", "ok", "<unk>", "8"]


def read(*tokens: str, into: Greedy | None = None) -> Greedy:
    wording = into or Greedy(TOKENS, frozenset((0, 1, 2)))
    ids = np.array([[TOKENS.index(t)] for t in tokens], np.int64).reshape(-1, 1)
    wording.absorb(ids, np.log(np.full(ids.shape, 0.5, np.float32)))
    return wording


def test_chinese_characters_stand_side_by_side():
    wording = read("你", "好")
    assert (wording.text, wording.stable, list(wording.positions)) == ("你好", 2, [0, 1])
    np.testing.assert_allclose(wording.confidence, [0.5, 0.5])


def test_pieces_of_a_latin_word_are_joined_and_words_kept_apart():
    wording = read("你", "hel@@", "lo", "world", "好")
    assert wording.text == "你hello world好"
    assert list(wording.positions) == [0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 4]


def test_a_word_may_be_split_between_two_chunks():
    assert read("lo", into=read("hel@@")).text == "hello"


def test_what_stands_for_no_text_is_left_out_but_counted():
    wording = read("<s>", "你", "<unk>", "<blank>", "好", "</s>")
    assert (wording.text, list(wording.positions)) == ("你好", [1, 4])


def test_reading_on_in_a_copy_leaves_the_original():
    wording = read("你")
    copy = wording.clone()
    read("好", into=copy)
    assert (wording.text, copy.text) == ("你", "你好")
