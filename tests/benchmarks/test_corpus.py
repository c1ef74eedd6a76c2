"""The recorded calls: complete, in the stated format, and labelled where the words really are."""

from __future__ import annotations

import ctypes.util
import itertools
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from benchmarks.corpus import SCRIPTS, Call, calls, load
from benchmarks.corpus.synthesise import (
    LINE_RATE_HZ,
    Recording,
    Script,
    differences,
    read_script,
    record,
    scripts,
    write,
)
from benchmarks.dialogues import ABSENCES, CATEGORIES
from models.training.voice import WITHHELD_VARIANTS

CALLS = calls()
SCRIPT_OF = {script.id: script for script in scripts()}

every_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.id)
needs_espeak = pytest.mark.skipif(
    ctypes.util.find_library("espeak-ng") is None, reason="libespeak-ng is not installed"
)


def _script(call: Call) -> Script:
    return SCRIPT_OF[call.id]


def test_every_script_is_recorded_and_labelled() -> None:
    assert [call.id for call in CALLS] == sorted(SCRIPT_OF)
    assert all(call.wav.exists() for call in CALLS)
    assert all((SCRIPTS / f"{name}.yaml").exists() for name in SCRIPT_OF)


def test_enough_calls_and_at_least_two_in_which_nothing_may_fire() -> None:
    assert len(CALLS) >= 10
    calm = [call for call in CALLS if call.calm]
    assert len(calm) >= 2
    for call in calm:
        assert not [o for o in call.optional if o.category not in ("agent.rate", "agent.volume")]


def test_the_corpus_covers_what_agents_and_customers_do_wrong() -> None:
    labelled = {label.category for call in CALLS for label in call.labels}
    assert labelled >= {
        "agent.forbidden",
        "agent.missing_opening",
        "agent.missing_closing",
        "agent.missing_empathy",
        "customer.complaint",
        "customer.escalation",
        "customer.anger",
        "customer.danger",
        "customer.churn",
        "customer.repeat",
        "customer.praise",
    }


def test_recordings_stay_small() -> None:
    assert sum(call.wav.stat().st_size for call in CALLS) <= 15_000_000


@every_call
def test_wav_is_what_a_telephone_recorder_writes(call: Call) -> None:
    info = soundfile.info(call.wav)
    assert (info.channels, info.samplerate, info.subtype) == (2, LINE_RATE_HZ, "ULAW")
    assert info.frames * 1000 // info.samplerate == call.duration_ms
    assert call.rate == LINE_RATE_HZ
    assert 40_000 <= call.duration_ms <= 120_000


@every_call
def test_levels_are_those_of_a_call(call: Call) -> None:
    samples, rate = soundfile.read(call.wav, dtype="float64", always_2d=True)
    assert np.abs(samples).max() < 0.9
    speaking = np.zeros(samples.shape, bool)
    for turn in call.turns:
        first, last = (ms * rate // 1000 for ms in (turn.start_ms, turn.end_ms))
        speaking[first:last, 0 if turn.role == "agent" else 1] = True
    for channel in range(2):
        voice = samples[speaking[:, channel], channel]
        rest = samples[~speaking[:, channel], channel]
        assert -30 < _decibels(voice) < -18
        assert -70 < _decibels(rest) < -50
        assert np.mean(rest != 0) > 0.5, "an idle line still hisses"


@every_call
def test_every_turn_is_heard_from_its_first_to_its_last_character(call: Call) -> None:
    samples, rate = soundfile.read(call.wav, dtype="float64", always_2d=True)
    for turn in call.turns:
        voice = samples[:, 0 if turn.role == "agent" else 1]
        first, last = (ms * rate // 1000 for ms in (turn.start_ms, turn.end_ms))
        window = rate // 10
        assert _decibels(voice[last - window : last]) > -45
        assert _decibels(voice[last + 80 : last + window]) < -40
        assert _decibels(voice[max(0, first - window) : first - 40]) < -45


def _decibels(samples: npt.NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(np.square(samples)) + 1e-12))


@every_call
def test_turns_are_the_script_and_in_order(call: Call) -> None:
    script = _script(call)
    assert [(t.role, t.text) for t in call.turns] == [(t.role, t.characters) for t in script.turns]
    assert (call.domain, call.title, call.title_en) == (
        script.domain,
        script.title.zh,
        script.title.en,
    )
    starts = [turn.start_ms for turn in call.turns]
    assert starts == sorted(starts)
    for party in ("agent", "customer"):
        own = [turn for turn in call.turns if turn.role == party]
        assert all(a.end_ms < b.start_ms for a, b in itertools.pairwise(own))


@every_call
def test_characters_tile_their_turn(call: Call) -> None:
    for turn in call.turns:
        assert len(turn.chars) == len(turn.text)
        assert re.fullmatch("[\u4e00-\u9fff]+", turn.text)
        assert (turn.chars[0][0], turn.chars[-1][1]) == (turn.start_ms, turn.end_ms)
        assert all(start < end for start, end in turn.chars)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(turn.chars))
    assert call.turns[-1].end_ms < call.duration_ms


@every_call
def test_labels_are_those_of_the_script(call: Call) -> None:
    written = [
        (index, label.category, label.quote, label.card, label.at_once, label.accept_turns)
        for index, turn in enumerate(_script(call).turns)
        for label in turn.labels
    ]
    assert written == [
        (label.turn, label.category, label.quote, label.card, label.at_once, label.accept_turns)
        for label in call.labels
    ]
    assert call.absent == _script(call).absent


@every_call
def test_labels_sit_on_their_cue(call: Call) -> None:
    for label in call.labels:
        turn = call.turns[label.turn]
        assert label.category.split(".")[0] == turn.role
        if label.category in ABSENCES:
            assert label.quote == ""
            assert (label.start_ms, label.end_ms) == (turn.start_ms, turn.end_ms)
            continue
        first = turn.text.index(label.quote)
        last = first + len(label.quote) - 1
        assert len(label.quote) >= 3, "shorter cues are left to the text dialogues"
        assert (label.start_ms, label.end_ms) == (turn.chars[first][0], turn.chars[last][1])


@every_call
def test_absences_sit_where_they_are_looked_for(call: Call) -> None:
    agent = [index for index, turn in enumerate(call.turns) if turn.role == "agent"]
    for label in call.labels:
        if label.category == "agent.missing_opening":
            assert label.turn == agent[0]
        elif label.category == "agent.missing_closing":
            assert label.turn == agent[-1]
        elif label.category == "agent.missing_empathy":
            assert call.turns[label.turn - 1].role == "customer"


@every_call
def test_categories_are_known_and_do_not_contradict(call: Call) -> None:
    labelled = {label.category for label in call.labels}
    optional = {entry.category for entry in call.optional}
    assert labelled | optional | set(call.absent) <= set(CATEGORIES)
    assert not (labelled | optional) & set(call.absent)
    marked = [(label.turn, label.category) for label in call.labels]
    marked += [(entry.turn, entry.category) for entry in call.optional]
    assert len(marked) == len(set(marked)), "a turn has one entry per category"
    assert all(label.card != (label.category == "customer.praise") for label in call.labels)


@every_call
def test_voices_are_withheld_from_training_and_differ(call: Call) -> None:
    voices = _script(call).voices
    assert {voice.variant for voice in voices.values()} <= set(WITHHELD_VARIANTS)
    assert voices["agent"].variant != voices["customer"].variant


@needs_espeak
def test_a_call_is_made_again_from_its_script_and_a_changed_script_is_noticed(
    tmp_path: Path,
) -> None:
    script = read_script(SCRIPTS / "forbidden-parcel.yaml")
    first = script.turns[0].model_copy(update={"pause_ms": 900})
    changed = script.model_copy(update={"turns": (first, *script.turns[1:])})

    same, later = record([script, changed])

    assert differences(same) == []
    assert len(differences(later)) == 2
    write(same, tmp_path)
    again = load(tmp_path / "forbidden-parcel.labels.json")
    assert again.turns == next(call.turns for call in CALLS if call.id == script.id)


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    call = CALLS[0]
    labels_only = tmp_path / call.labels_file.name
    labels_only.write_bytes(call.labels_file.read_bytes())

    assert differences(Recording(call.id, b"", {}), tmp_path) == [f"{call.id}.wav is missing"]
