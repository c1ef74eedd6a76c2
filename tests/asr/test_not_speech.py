"""What is on a line and makes no words comes out as events with a kind and a place."""

from __future__ import annotations

import itertools

import numpy as np

from asr.audio.codec import Samples, to_pcm16
from asr.events import AudioFrame, CallId, NotSpeech, Party, Transcript
from asr.offline import listen
from tests.asr.sounds import NOT_SPEECH, call, heard, silence
from tests.asr.talk import model
from tests.asr.test_audio_crosstalk import room

CALL = CallId("call")


def events(**sounds: Samples) -> list[NotSpeech | Transcript]:
    """Of a call at 16 kHz whose parties hear these, packet by packet in turn."""
    pcm = {Party(name): to_pcm16(sound).astype("<i2") for name, sound in sounds.items()}
    length = max(len(sound) for sound in pcm.values())
    packets = (
        AudioFrame(CALL, party, at, part.tobytes())
        for at in range(0, length, 320)
        for party, sound in pcm.items()
        if len(part := sound[at : at + 320])
    )
    found = listen(model(), CALL, list(pcm), 16_000, packets)
    return [event for event in found if isinstance(event, NotSpeech | Transcript)]


def test_ringing_keys_and_music_are_told_apart_and_make_no_words() -> None:
    parts = [NOT_SPEECH[name] for name in ("ringback, China", "dtmf", "hold music")]
    pause = silence(2)
    told = events(customer=np.concatenate([p for part in parts for p in (pause, part, pause)]))
    assert all(isinstance(event, NotSpeech) for event in told)
    kinds = [event.kind for event in told if isinstance(event, NotSpeech)]
    assert list(dict.fromkeys(kinds)) == ["ringback", "dtmf", "music"]
    starts = [event.start_ms for event in told if isinstance(event, NotSpeech)]
    assert starts == sorted(starts)
    assert 1_800 <= starts[0] <= 2_200


def test_a_leaking_voice_is_told_as_few_stretches_of_crosstalk() -> None:
    customer = heard(call("danger-brakes"), Party.CUSTOMER)[: 20 * 16_000]
    leak = room(customer, 50, -20)
    told = [
        event
        for event in events(agent=leak, customer=customer)
        if isinstance(event, NotSpeech) and event.party is Party.AGENT
    ]
    lasts = sum(event.end_ms - event.start_ms for event in told)
    leaks = sum(e.end_ms - e.start_ms for e in told if e.kind == "crosstalk")
    assert leaks > 0.6 * lasts > 0
    assert all(first.end_ms <= then.start_ms for first, then in itertools.pairwise(told))
    assert len(told) <= 8
