"""Sound facts, held against sound whose rate, level, pitch and overlaps are known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from asr.audio.codec import Samples
from asr.audio.pitch import SPAN, pitch_hz, semitones
from asr.audio.utterance import Begin, End, UtteranceCutter
from asr.events import METRICS, CallId, Char, Metric, Party, Transcript
from asr.metrics import MeterConfig, SoundMeter
from tests.asr.sounds import HZ, call, dice, heard, hiss

A, C, U = Party.AGENT, Party.CUSTOMER, Party.UNKNOWN
CALL = CallId("c-1")
PIECE = 512


def voiced(hz: float, seconds: float, level: float = 0.1, from_hz: float = 0) -> Samples:
    """A vowel-like sound: harmonics of ``hz``, those below ``from_hz`` cut off by the telephone."""
    t = np.arange(round(seconds * HZ)) / HZ
    parts = [
        np.sin(2 * np.pi * hz * k * t + k) / k for k in range(1, 20) if from_hz < hz * k < 3400
    ]
    wave = np.sum(parts, axis=0)
    return (wave / np.std(wave) * level).astype(np.float32)


class Call:
    """Feeds a meter as the engine does: each party's sound in turn, activity as it happens."""

    def __init__(
        self, parties: Sequence[Party] = (A, C), config: MeterConfig | None = None
    ) -> None:
        self.meter = SoundMeter(CALL, parties, config)
        self.at = 0
        self.metrics: list[Metric] = []

    def play(self, seconds: float, **sounds: Samples) -> None:
        pieces = round(seconds * HZ / PIECE)
        for piece in range(pieces):
            for name, sound in sounds.items():
                samples = sound[piece * PIECE : (piece + 1) * PIECE]
                self.metrics += self.meter.hear(Party(name), samples, self.at)
            self.at += PIECE

    def speaking(self, party: Party, speaking: bool) -> None:
        self.metrics += self.meter.activity(party, speaking, self.at // 16)

    def values(self, name: str, party: Party | None = None) -> list[float]:
        return [m.value for m in self.metrics if m.name == name and party in (None, m.party)]


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * HZ) + PIECE, np.float32)


# --- pitch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_hz", [0, 300])
@pytest.mark.parametrize("hz", [80, 100, 130, 170, 220, 280])
def test_pitch_of_a_voice_also_without_its_lowest_harmonics(hz: float, from_hz: float) -> None:
    found = pitch_hz(voiced(hz, 0.1, from_hz=from_hz)[:SPAN])
    assert found is not None
    assert abs(semitones(found) - semitones(hz)) < 0.4


def test_pitch_of_what_has_none() -> None:
    assert pitch_hz(hiss(1, 0.1)[:SPAN]) is None
    assert pitch_hz(np.zeros(SPAN, np.float32)) is None
    assert pitch_hz(np.full(SPAN, 0.5, np.float32)) is None


def test_an_octave_is_twelve_semitones() -> None:
    assert semitones(220) - semitones(110) == pytest.approx(12)


# --- level and pitch, relative to the speaker ------------------------------------------------------


def test_louder_and_higher_than_at_first_is_told_once_the_baseline_is_known() -> None:
    scene = Call()
    scene.speaking(C, True)
    scene.play(30.1, agent=quiet(31), customer=voiced(150, 31))
    assert [abs(v) < 0.5 for v in scene.values("level", C)] == [True]
    assert [abs(v) < 0.5 for v in scene.values("pitch", C)] == [True]
    first = next(m for m in scene.metrics if m.name == "level")
    assert 20_000 <= first.at_ms <= 20_600
    scene.play(
        6, agent=quiet(7), customer=voiced(150 * 2 ** (4 / 12), 7, level=0.1 * 10 ** (6 / 20))
    )
    assert scene.values("level", C)[-1] == pytest.approx(6, abs=1.1)
    assert scene.values("pitch", C)[-1] == pytest.approx(4, abs=1.1)
    assert scene.values("level", A) == scene.values("pitch", A) == []


def test_values_come_at_most_once_a_second() -> None:
    scene = Call()
    scene.speaking(C, True)
    rng = dice(3)
    loud = np.repeat(rng.uniform(0.2, 4, 160), HZ // 4)[: 40 * HZ].astype(np.float32)
    scene.play(39, agent=quiet(40), customer=voiced(150, 40) * loud)
    for name in ("level", "pitch"):
        times = [m.at_ms for m in scene.metrics if m.name == name]
        assert all(later - earlier >= 1000 for earlier, later in pairwise(times))
    assert len(scene.values("level", C)) > 5


# --- rate ----------------------------------------------------------------------------------------


def transcript(party: Party, until_ms: int, ms_each: int, number: int = 1) -> Transcript:
    times = range(ms_each, until_ms + 1, ms_each)
    chars = tuple(Char(ms, 1.0) for ms in times)
    return Transcript(
        CALL,
        party,
        f"{party}-{number}",
        number,
        "好" * len(chars),
        0,
        chars,
        False,
        0,
        until_ms,
        until_ms,
    )


@pytest.mark.parametrize("ms_each", [150, 200, 300])
def test_rate_is_characters_a_minute(ms_each: int) -> None:
    scene = Call()
    scene.speaking(A, True)
    scene.play(10, agent=voiced(120, 11), customer=quiet(11))
    metrics = scene.meter.read(transcript(A, 10_000, ms_each))
    assert [m.name for m in metrics] == ["rate"]
    assert metrics[0].value == pytest.approx(60_000 / ms_each, rel=0.05)


def test_pauses_do_not_count_into_the_rate() -> None:
    scene = Call()
    scene.speaking(A, True)
    sound = np.concatenate(
        [np.concatenate((voiced(120, 0.96), np.zeros(HZ * 64 // 100, np.float32)))] * 8
    )
    scene.play(12, agent=sound, customer=quiet(13))
    times = [start + at for start in range(0, 12_000, 1600) for at in (200, 400, 600, 800)]
    chars = tuple(Char(ms, 1.0) for ms in times)
    said = Transcript(CALL, A, "agent-1", 1, "好" * len(chars), 0, chars, True, 0, 12_000, 12_000)
    (rate,) = scene.meter.read(said)
    assert rate.value == pytest.approx(250, rel=0.08)  # 4 in 0.96 s; 150 with the pauses


def test_too_few_characters_have_no_rate() -> None:
    scene = Call()
    scene.speaking(A, True)
    scene.play(3, agent=voiced(120, 4), customer=quiet(4))
    assert scene.meter.read(transcript(A, 2_800, 200)) == []  # 14 characters
    assert scene.meter.read(transcript(A, 3_000, 200)) != []  # 15


def test_rate_agrees_with_the_script_of_a_call() -> None:
    spoken = call("calm-inn-booking")
    meter, cutter = SoundMeter(CALL, (A, C)), UtteranceCutter()
    sound = heard(spoken, A)
    turns = [turn for turn in spoken.turns if turn.role == "agent"]
    rates: list[tuple[float, float]] = []
    for at in range(0, len(sound) - PIECE, PIECE):
        meter.hear(A, sound[at : at + PIECE], at)
        for action in cutter.push(sound[at : at + PIECE]):
            if isinstance(action, Begin):
                meter.activity(A, True, action.onset_sample // 16)
            elif isinstance(action, End):
                meter.activity(A, False, action.spoken_sample // 16)
                turn = turns.pop(0)
                chars = tuple(Char(end, 1.0) for _, end in turn.chars)
                said = Transcript(
                    CALL, A, f"agent-{len(turns)}", 1, turn.text, len(chars), chars, True,
                    turn.start_ms, turn.end_ms, (at + PIECE) // 16,
                )  # fmt: skip
                true = len(chars) * 60_000 / (turn.end_ms - turn.start_ms)
                rates += [(m.value, true) for m in meter.read(said)]
    assert len(rates) >= 2
    for found, true in rates:
        assert found == pytest.approx(true, rel=0.1)


# --- silence, overlap, talk share ----------------------------------------------------------------


def test_silence_is_counted_in_whole_seconds_and_ends_with_speech() -> None:
    scene = Call()
    scene.play(5, agent=quiet(6), customer=quiet(6))
    assert scene.values("silence") == [2, 3, 4]
    scene.speaking(A, True)
    assert scene.values("silence") == [2, 3, 4, 0]
    scene.play(3, agent=voiced(120, 4), customer=quiet(4))
    scene.speaking(A, False)
    scene.play(2.5, agent=quiet(3), customer=quiet(3))
    assert scene.values("silence") == [2, 3, 4, 0, 2]
    assert {m.party for m in scene.metrics if m.name == "silence"} == {U}


def test_silence_waits_for_the_party_that_is_behind() -> None:
    meter = SoundMeter(CALL, (A, C))
    assert meter.hear(A, quiet(10), 0) == []
    assert [m.value for m in meter.hear(C, quiet(3), 0)] == [3]


def test_who_begins_later_interrupts() -> None:
    scene = Call()
    scene.speaking(C, True)
    scene.play(2, agent=quiet(3), customer=voiced(200, 3))
    scene.speaking(A, True)
    scene.play(2.5, agent=voiced(120, 3), customer=voiced(200, 3))
    scene.speaking(C, False)
    assert scene.values("overlap", C) == []
    found = scene.values("overlap", A)
    assert found[0] == pytest.approx(0.5, abs=0.04)
    assert found[-2:] == [pytest.approx(2.5, abs=0.1), 0]


def test_a_short_word_between_is_no_interruption() -> None:
    scene = Call()
    scene.speaking(C, True)
    scene.play(1, agent=quiet(2), customer=voiced(200, 2))
    scene.speaking(A, True)
    scene.play(0.4, agent=voiced(120, 1), customer=voiced(200, 1))
    scene.speaking(A, False)
    assert scene.values("overlap") == []


def test_hangover_after_the_last_word_is_no_overlap() -> None:
    """The customer answers while the agent's utterance is still kept open."""
    scene = Call()
    scene.speaking(A, True)
    scene.play(2, agent=voiced(120, 3), customer=quiet(3))
    scene.speaking(C, True)
    scene.play(1, agent=quiet(2), customer=voiced(200, 2))
    assert scene.values("overlap") == []


def test_talk_share_is_of_all_speech_so_far() -> None:
    scene = Call()
    scene.speaking(A, True)
    scene.play(3, agent=voiced(120, 4), customer=quiet(4))
    scene.speaking(A, False)
    assert (scene.values("talk_share", A), scene.values("talk_share", C)) == ([1], [0])
    scene.speaking(C, True)
    scene.play(1, agent=quiet(2), customer=voiced(200, 2))
    scene.speaking(C, False)
    assert scene.values("talk_share", A)[-1] == pytest.approx(0.75, abs=0.02)
    assert scene.values("talk_share", C)[-1] == pytest.approx(0.25, abs=0.02)


def test_speaking_is_told_once_and_a_mixed_recording_has_no_share() -> None:
    scene = Call(parties=(U,))
    scene.speaking(U, True)
    scene.speaking(U, True)
    scene.play(1, unknown=voiced(150, 2))
    scene.speaking(U, False)
    scene.speaking(U, False)
    assert scene.values("speaking") == [1, 0]
    assert scene.values("talk_share") == []


def test_names_are_those_on_the_wire_and_times_never_go_back() -> None:
    scene = Call()
    for _ in range(3):
        scene.speaking(A, True)
        scene.play(9, agent=voiced(120, 10), customer=quiet(10))
        scene.speaking(A, False)
        scene.speaking(C, True)
        scene.play(9, agent=quiet(10), customer=voiced(220, 10))
        scene.speaking(C, False)
        scene.play(3, agent=quiet(4), customer=quiet(4))
    assert {m.name for m in scene.metrics} <= set(METRICS)
    times = [m.at_ms for m in scene.metrics]
    assert times == sorted(times)
    assert len(scene.metrics) < 3 * 21 * 2
