"""Utterances: nothing that is not speech, nothing lost of what is, the same for any packets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.codec import Samples
from asr.audio.gate import SoundError
from asr.audio.utterance import Action, Begin, CutterConfig, End, NotSpeech, Speech, UtteranceCutter
from asr.events import Party
from tests.asr.sounds import NOT_SPEECH, call, heard, hiss, silence

A, C = Party.AGENT, Party.CUSTOMER


def cut(sound: Samples, config: CutterConfig | None = None) -> list[Action]:
    cutter = UtteranceCutter(config)
    return [*cutter.push(sound), *cutter.end()]


def spans(actions: Sequence[Action]) -> list[tuple[Begin, End]]:
    begins = [a for a in actions if isinstance(a, Begin)]
    ends = [a for a in actions if isinstance(a, End)]
    return list(zip(begins, ends, strict=True))


def plain(actions: Sequence[Action]) -> list[object]:
    """Comparable: pieces of speech that follow each other are one."""
    made: list[object] = []
    for action in actions:
        if isinstance(action, Speech):
            if isinstance(made[-1], bytes):
                made[-1] += action.samples.tobytes()
            else:
                made.append(action.samples.tobytes())
        else:
            made.append(action)
    return made


@pytest.fixture(scope="module")
def customer() -> Samples:
    """The first 30 s of a customer: several turns, pauses between them."""
    return heard(call("danger-brakes"), C)[: 30 * 16_000]


@pytest.fixture(scope="module")
def whole(customer: Samples) -> list[object]:
    return plain(cut(customer))


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, 30 * 16_000), max_size=40))
def test_any_split_into_packets_gives_the_same_actions(
    customer: Samples, whole: list[object], cuts: list[int]
) -> None:
    cutter = UtteranceCutter()
    actions: list[Action] = []
    for part in np.split(customer, sorted(cuts)):
        actions += cutter.push(part)
    assert plain([*actions, *cutter.end()]) == whole


def test_packets_of_20_ms_give_the_same_actions(customer: Samples, whole: list[object]) -> None:
    cutter = UtteranceCutter()
    actions: list[Action] = []
    for at in range(0, len(customer), 320):
        actions += cutter.push(customer[at : at + 320])
    assert plain([*actions, *cutter.end()]) == whole


def test_speech_is_the_sound_between_begin_and_end(customer: Samples) -> None:
    actions = cut(customer)
    given_out: dict[int, list[Samples]] = {}
    position = None
    for action in actions:
        match action:
            case Begin():
                position = start = action.start_sample
                assert action.start_sample <= action.onset_sample
            case Speech():
                assert action.start_sample == position
                position += len(action.samples)
                given_out.setdefault(start, []).append(action.samples)
            case End():
                assert action.spoken_sample <= action.end_sample == position
                assert np.array_equal(np.concatenate(given_out[start]), customer[start:position])
    assert len(given_out) >= 2


@pytest.mark.parametrize("name", ["danger-brakes", "difficult-repeat-caller", "calm-inn-booking"])
def test_every_turn_of_a_call_is_cut_as_it_was_spoken(name: str) -> None:
    """No turn missed or cut in two, no utterance where nobody speaks, every character inside."""
    spoken = call(name)
    for party in (A, C):
        turns = [turn for turn in spoken.turns if turn.role == party.value]
        found = spans(cut(heard(spoken, party)))
        assert len(found) == len(turns)
        for turn, (begin, end) in zip(turns, found, strict=True):
            assert begin.start_sample / 16 <= turn.start_ms + 20
            assert turn.start_ms - 80 <= begin.onset_sample / 16 <= turn.start_ms + 300
            assert end.end_sample / 16 >= turn.end_ms
            assert abs(end.spoken_sample / 16 - turn.end_ms) <= 100
            assert end.why == "pause"
            assert 250 <= end.end_sample / 16 - turn.end_ms <= 600


@pytest.mark.parametrize("name", NOT_SPEECH)
def test_what_is_not_speech_makes_no_utterance(name: str) -> None:
    assert all(isinstance(action, NotSpeech) for action in cut(NOT_SPEECH[name]))


@pytest.mark.parametrize("name", ["hold music", "busy, China", "keypad", "hiss"])
def test_speech_after_what_is_not_speech_is_found(name: str) -> None:
    speech = heard(call("danger-brakes"), A)[: 4 * 16_000]
    lead = NOT_SPEECH[name]
    (alone, *_), (after, *_) = spans(cut(speech)), spans(cut(np.concatenate((lead, speech))))
    assert after[0].onset_sample - len(lead) == pytest.approx(alone[0].onset_sample, abs=16 * 130)


@pytest.mark.parametrize("db", [-30, -15, 0])
def test_faint_and_loud_speech_are_found(db: float) -> None:
    speech = heard(call("praise-delivery"), C)[: 25 * 16_000]
    usual = len(spans(cut(speech)))
    level = np.float32(10 ** (db / 20))
    made = np.clip(speech / np.abs(speech).max() * level, -1, 1).astype(np.float32)
    assert len(spans(cut(made))) == usual


def test_speech_in_noise_is_found() -> None:
    speech = heard(call("praise-delivery"), C)[: 25 * 16_000]
    active = speech[np.abs(speech) > 0.02]
    noise = hiss(25, float(np.std(active)) * 10 ** (-10 / 20))[: len(speech)]
    assert len(spans(cut(speech + noise))) == len(spans(cut(speech)))


def test_offset_and_clipping_change_nothing_much(customer: Samples) -> None:
    usual = [begin.onset_sample for begin, _ in spans(cut(customer))]
    for bent in (customer + np.float32(0.2), np.clip(customer * 8, -0.9, 0.9)):
        found = [begin.onset_sample for begin, _ in spans(cut(bent.astype(np.float32)))]
        assert found == pytest.approx(usual, abs=16 * 130)


def syllables(count: int) -> Samples:
    """One character after the other without a pause, spoken by a customer."""
    spoken = call("danger-brakes")
    sound = heard(spoken, C)
    turn = max((t for t in spoken.turns if t.role == "customer"), key=lambda t: len(t.text))
    (start, _), (_, end) = turn.chars[0], turn.chars[-1]
    return np.tile(sound[start * 16 : end * 16], count)


def test_endless_speech_is_cut_at_a_dip_and_nothing_is_lost() -> None:
    sound = np.concatenate((silence(0.5), syllables(12), silence(1.0)))
    config = CutterConfig(tiring_ms=10**6)  # no help from pauses between clauses
    found = spans(cut(sound, config))
    assert len(found) >= 2
    for (_, end), (begin, _) in pairwise(found):
        if end.why == "long":
            assert begin.start_sample == end.end_sample
    for begin, end in found:
        assert end.end_sample - begin.start_sample <= 20_032 * 16
        if end.why == "long":
            assert end.end_sample - begin.start_sample >= 16_000 * 16


def test_without_any_dip_it_is_cut_all_the_same() -> None:
    """Babble never pauses: here the verdict is forced, since no synthetic sound is so talkative."""
    config = CutterConfig(
        onset_probability=0.0, stay_probability=0.0, long_ms=1500, longest_ms=2000
    )
    found = spans(cut(hiss(7, 0.1), config))
    assert [end.why for _, end in found][:2] == ["long", "long"]
    assert all(end.end_sample - begin.start_sample <= 2_032 * 16 for begin, end in found)


def test_hangover_follows_the_speaker(customer: Samples) -> None:
    """Two words with a pause between: whoever pauses long is waited for, within limits."""
    turn = next(t for t in call("danger-brakes").turns if t.role == "customer")
    word = heard(call("danger-brakes"), C)[turn.start_ms * 16 : turn.chars[3][1] * 16]

    def after(pause_s: float) -> float:
        cutter = UtteranceCutter()
        cutter.push(np.concatenate([silence(1), *([word, silence(pause_s)] * 25)]))
        return cutter.hangover_ms

    assert after(0.18) == 250
    assert 560 <= after(0.5) <= 600
    assert UtteranceCutter().hangover_ms == 400


def test_gap_ends_the_utterance_and_moves_on(customer: Samples) -> None:
    begin, end = spans(cut(customer))[0]
    middle = (begin.onset_sample + end.spoken_sample) // 2
    cutter = UtteranceCutter()
    before = cutter.push(customer[:middle])
    assert cutter.speaking
    closing = cutter.gap(middle + 16_000)
    assert isinstance(closing[-1], End)
    assert (closing[-1].why, closing[-1].end_sample) == ("gap", middle)
    assert cutter.position == middle + 16_000
    after = cutter.push(customer[: 20 * 16_000])
    assert next(a for a in after if isinstance(a, Begin)).start_sample >= middle + 16_000
    assert len([a for a in before if isinstance(a, Begin)]) == 1


def test_end_closes_an_open_utterance_once(customer: Samples) -> None:
    begin, end = spans(cut(customer))[0]
    middle = (begin.onset_sample + end.spoken_sample) // 2 + 77
    cutter = UtteranceCutter()
    cutter.push(customer[:middle])
    last = cutter.end()[-1]
    assert isinstance(last, End)
    assert (last.why, last.end_sample) == ("end", middle)
    assert cutter.end() == []
    with pytest.raises(RuntimeError, match="after its end"):
        cutter.push(customer[:1])


def test_nothing_in_nothing_out() -> None:
    cutter = UtteranceCutter()
    assert cutter.push(np.zeros(0, np.float32)) == []
    assert cutter.end() == []


def test_samples_that_are_no_numbers_are_refused() -> None:
    sound = hiss(1, 0.01)
    sound[8000] = np.nan
    with pytest.raises(SoundError, match="no numbers"):
        cut(sound)


def test_it_starts_counting_where_it_is_told(customer: Samples) -> None:
    cutter = UtteranceCutter(start_sample=512 * 100)
    late = [*cutter.push(customer), *cutter.end()]
    shifted = [(b.onset_sample - 51_200, e.end_sample - 51_200) for b, e in spans(late)]
    assert shifted == [(b.onset_sample, e.end_sample) for b, e in spans(cut(customer))]
