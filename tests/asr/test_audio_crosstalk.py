"""One party's voice in the other's channel opens nothing there; a second voice does."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from asr.audio.actions import Action, Begin, NotSpeech
from asr.audio.codec import Samples
from asr.audio.crosstalk import CrossTalk
from asr.audio.utterance import UtteranceCutter
from asr.events import Party
from tests.asr.sounds import HZ, call, dice, heard

A, C = Party.AGENT, Party.CUSTOMER
CALLS = ("danger-brakes", "difficult-repeat-caller")
SECONDS = 40
"""Of each call: every party has spoken several times by then."""


def both(agent: Samples, customer: Samples, packet: int = 320) -> tuple[list[Action], list[Action]]:
    """The actions of two parties whose packets come in turn."""
    talk = CrossTalk()
    cutters = [UtteranceCutter(ear=talk.ear()) for _ in range(2)]
    made: tuple[list[Action], list[Action]] = ([], [])
    for at in range(0, len(agent), packet):
        for own, cutter, sound in zip(made, cutters, (agent, customer), strict=True):
            own += cutter.push(sound[at : at + packet])
    for own, cutter in zip(made, cutters, strict=True):
        own += cutter.end()
    return made


def begins(actions: list[Action]) -> list[int]:
    return [action.onset_sample for action in actions if isinstance(action, Begin)]


@cache
def parties(name: str) -> tuple[Samples, Samples]:
    agent, customer = heard(call(name), A), heard(call(name), C)
    length = min(len(agent), len(customer), SECONDS * HZ)
    return agent[:length], customer[:length]


@cache
def clean(name: str) -> tuple[list[int], list[int]]:
    """Where each party begins to speak when nothing leaks."""
    agent, customer = both(*parties(name))
    return begins(agent), begins(customer)


def room(sound: Samples, delay_ms: int, db: float) -> Samples:
    """Through an earpiece, a room and a microphone."""
    rng = dice(5)
    answer = rng.standard_normal(1600) * np.exp(-np.arange(1600) / 250)
    answer /= np.sqrt(np.sum(answer**2))
    answer[0] += 1
    heard_there = np.convolve(sound, answer)[: len(sound)]
    late = np.concatenate((np.zeros(delay_ms * 16), heard_there))[: len(sound)]
    return (late * 10 ** (db / 20)).astype(np.float32)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("delay_ms", "db"), [(0, -12), (50, -20), (150, -25), (250, -30)])
def test_a_leaking_voice_opens_nothing(name: str, delay_ms: int, db: float) -> None:
    agent, customer = parties(name)
    alone, undisturbed = clean(name)
    leaking, other = both(agent + room(customer, delay_ms, db), customer)
    assert begins(leaking) == pytest.approx(alone, abs=16 * 500)
    assert begins(other) == undisturbed


def test_a_leak_is_marked() -> None:
    agent, customer = parties("danger-brakes")
    leaking, _ = both(agent + room(customer, 50, -15), customer)
    marks = [a for a in leaking if isinstance(a, NotSpeech) and a.kind == "crosstalk"]
    assert marks
    assert all(mark.start_sample < mark.end_sample for mark in marks)


@pytest.mark.parametrize("db", [0, -15])
def test_both_talking_at_once_are_both_heard_even_if_one_is_faint(db: float) -> None:
    agent, _ = parties("praise-delivery")
    customer = heard(call("danger-brakes"), A)
    length = min(len(agent), len(customer))
    faint = (agent[:length] * 10 ** (db / 20)).astype(np.float32)
    alone = begins(both(faint, np.zeros(length, np.float32))[0])
    assert begins(both(faint, customer[:length])[0]) == pytest.approx(alone, abs=16 * 130)


def test_ears_change_nothing_where_nothing_leaks() -> None:
    agent, customer = parties("calm-inn-booking")
    for sound, with_ear in zip((agent, customer), clean("calm-inn-booking"), strict=True):
        cutter = UtteranceCutter()
        without = [*cutter.push(sound), *cutter.end()]
        assert begins(without) == with_ear


def test_packets_of_any_usual_size_give_the_same() -> None:
    agent, customer = parties("danger-brakes")
    agent = agent + room(customer, 50, -20)
    small, large = (begins(both(agent, customer, size)[0]) for size in (160, 960))
    assert small == pytest.approx(large, abs=16 * 130)


def test_a_party_without_sound_yet_is_no_reason_to_wait() -> None:
    agent, _ = parties("danger-brakes")
    talk = CrossTalk()
    talk.ear()
    cutter = UtteranceCutter(ear=talk.ear())
    alone = UtteranceCutter()
    assert begins(cutter.push(agent)) == begins(alone.push(agent))
