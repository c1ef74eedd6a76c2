"""State slots: taken, cleared, grown, given back."""

from __future__ import annotations

import functools

import pytest

from asr.paraformer.decoder import Decoder, Kind, Question
from asr.paraformer.reference import TINY, random_reference
from asr.paraformer.state import CHUNK_600_MS, Slabs, SlotError
from tests.asr.streams import Player, Script, sound


@functools.cache
def model():
    return random_reference(TINY, seed=3).model()


def test_slabs_grow_by_doubling_and_keep_what_they_hold():
    slabs = Slabs(model().network, CHUNK_600_MS, slots=2)
    first = [slabs.take(), slabs.take()]
    slabs.keys[:, first[1]] = 7
    slabs.chunks[first[1]] = 3
    third = slabs.take()
    assert (slabs.slots, slabs.taken) == (4, 3)
    assert third not in first
    assert (slabs.keys[:, first[1]] == 7).all()
    assert slabs.chunks[first[1]] == 3


def test_a_slot_comes_back_clean():
    slabs = Slabs(model().network, CHUNK_600_MS, slots=1)
    slot = slabs.take()
    for tensor in (slabs.features, slabs.memory, slabs.carry):
        tensor[:, slot] = 9
    slabs.weight[slot], slabs.chunks[slot], slabs.decoded[slot] = 0.5, 4, True
    slabs.give_back(slot)
    assert slabs.take() == slot
    assert not any(t[:, slot].any() for t in (slabs.features, slabs.memory, slabs.carry))
    assert (slabs.weight[slot], slabs.chunks[slot], slabs.decoded[slot]) == (0, 0, False)


def test_giving_back_twice_is_an_error():
    slabs = Slabs(model().network, CHUNK_600_MS)
    slot = slabs.take()
    slabs.give_back(slot)
    with pytest.raises(SlotError):
        slabs.give_back(slot)
    with pytest.raises(SlotError):
        slabs.check_taken([slot])


def test_hundreds_of_utterances_need_no_more_than_one_slot():
    decoder = Decoder(model())
    size = decoder.slabs.slots
    for _ in range(300):
        utterance = decoder.open()
        utterance.push(sound(960, 1))
        decoder.hear([Question(utterance, Kind.EARLY, 960)])
        decoder.close(utterance)
        decoder.close(utterance)
    assert (decoder.slabs.slots, decoder.slabs.taken) == (size, 0)


def test_a_reused_slot_remembers_nothing():
    player = Player(Decoder(model()))
    [first] = player.play([Script(sound(33_000, 2))])
    player.play([Script(sound(50_000, seed)) for seed in range(3)])
    assert player.play([Script(sound(33_000, 2))]) == [first]
