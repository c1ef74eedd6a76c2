"""What is on a line besides speech is marked as what it is."""

from __future__ import annotations

import numpy as np
import pytest

from asr.audio.actions import NotSpeech
from asr.audio.tones import shape_of
from asr.audio.utterance import UtteranceCutter
from tests.asr.sounds import NOT_SPEECH, hiss, silence, tone

KINDS = {
    "ringback, China": "ringback",
    "ringback, United States": "ringback",
    "busy, China": "ringback",
    "congestion, China": "ringback",
    "dial tone": "ringback",
    "special information": "ringback",
    "dtmf": "dtmf",
    "hold music": "music",
    "loud hiss": "noise",
    "keypad": "noise",
}


@pytest.mark.parametrize("name", KINDS)
def test_marks_say_what_it_is(name: str) -> None:
    cutter = UtteranceCutter()
    marks = [*cutter.push(np.concatenate((silence(1), NOT_SPEECH[name]))), *cutter.end()]
    assert marks
    assert all(isinstance(mark, NotSpeech) for mark in marks)
    assert {mark.kind for mark in marks if isinstance(mark, NotSpeech)} == {KINDS[name]}
    assert all(
        mark.end_sample - mark.start_sample <= 10 * 16_000
        for mark in marks
        if isinstance(mark, NotSpeech)
    )


def test_a_mark_lies_where_the_tone_is() -> None:
    cutter = UtteranceCutter()
    (mark,) = [
        *cutter.push(np.concatenate((silence(2), tone((450,), 1), silence(2)))),
        *cutter.end(),
    ]
    assert isinstance(mark, NotSpeech)
    assert mark.start_sample == pytest.approx(32_000, abs=512)
    assert mark.end_sample == pytest.approx(48_000, abs=1024)


@pytest.mark.parametrize("name", ["digital silence", "offset"])
def test_what_is_not_there_or_too_short_is_not_marked(name: str) -> None:
    cutter = UtteranceCutter()
    assert [*cutter.push(NOT_SPEECH[name]), *cutter.end()] == []


def test_shapes() -> None:
    assert shape_of(tone((450,), 0.1)[:512]) == "ringback"
    assert shape_of(tone((697, 1209), 0.1)[:512]) == "dtmf"
    assert shape_of(tone((697, 1100), 0.1)[:512]) == "ringback"  # no key
    assert shape_of(hiss(0.1, 0.1)[:512]) == "noise"
    assert shape_of(np.zeros(512, np.float32)) == "noise"
