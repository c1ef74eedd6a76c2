"""Works that ask the voice network: side by side as alone."""

from __future__ import annotations

import numpy as np
import pytest

from asr.audio.together import Asking, alone, side_by_side
from asr.audio.utterance import Action, UtteranceCutter
from asr.audio.vad import HOP, VoiceActivity
from asr.events import Party
from tests.asr.sounds import call, heard


def cutting(cutter: UtteranceCutter, sound: np.ndarray, into: list[Action]) -> Asking[None]:
    for at in range(0, len(sound), 3 * HOP):
        into += yield from cutter.taking(sound[at : at + 3 * HOP])
    into += cutter.end()


def shown(actions: list[Action]) -> list[str]:
    return [
        repr(a) if not hasattr(a, "samples") else f"{a.start_sample}+{len(a.samples)}"
        for a in actions
    ]


def test_utterances_are_cut_side_by_side_as_they_are_alone() -> None:
    sound = heard(call("danger-brakes"), Party.CUSTOMER)
    parts = [sound[n * 40_000 : n * 40_000 + 30_000 * (1 + n % 4)] for n in range(6)]
    found: list[list[Action]] = [[] for _ in parts]
    side_by_side(
        cutting(UtteranceCutter(), part, into) for part, into in zip(parts, found, strict=True)
    )
    assert any(found)
    for part, actions in zip(parts, found, strict=True):
        by_itself: list[Action] = []
        alone(cutting(UtteranceCutter(), part, by_itself))
        assert shown(actions) == shown(by_itself)


def test_a_work_gives_its_result() -> None:
    def asking() -> Asking[str]:
        verdict = yield VoiceActivity(), np.zeros(HOP, np.float32)
        return "voice" if verdict > 0.5 else "none"

    assert alone(asking()) == "none"


def test_what_a_work_raises_comes_out() -> None:
    def broken() -> Asking[None]:
        yield VoiceActivity(), np.zeros(HOP, np.float32)
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        alone(broken())
