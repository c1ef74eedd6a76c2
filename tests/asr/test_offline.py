"""Recordings: the same events every time, alone or among others, in any packets."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from asr.events import (
    AudioFrame,
    CallId,
    Metric,
    Party,
    StreamFailed,
    Transcript,
    Watermark,
)
from asr.offline import Recording, listen, listen_many
from asr.party import PartyConfig
from asr.sentence import ShowConfig
from tests.asr.talk import BOTH, RATE, model, talk

CONFIG = PartyConfig(show=ShowConfig(hold_back=0.0))


def events(packets, call="call", parties=BOTH):
    return list(listen(model(), CallId(call), parties, RATE, packets, CONFIG))


@pytest.fixture(scope="module")
def expected():
    return events(talk(seconds=12))


def spoken(found):
    return [e for e in found if isinstance(e, Transcript)]


def test_transcripts_revise_and_end_with_a_final(expected):
    found = spoken(expected)
    assert {t.party for t in found} == set(BOTH)
    by_utterance: dict[str, list[Transcript]] = {}
    for transcript in found:
        by_utterance.setdefault(transcript.utterance, []).append(transcript)
    for revisions in by_utterance.values():
        assert [t.revision for t in revisions] == list(range(1, len(revisions) + 1))
        assert [t.final for t in revisions] == [False] * (len(revisions) - 1) + [True]
        for before, after in pairwise(revisions):
            assert after.text[: before.stable] == before.text[: before.stable]
            assert after.stable >= before.stable
            assert after.at_ms >= before.at_ms
        assert revisions[-1].stable == len(revisions[-1].text)


def test_a_replay_gives_the_same_events(expected):
    assert events(talk(seconds=12)) == expected


@pytest.mark.parametrize("samples", [37, 1_600])
def test_packets_do_not_change_what_a_party_says(expected, samples):
    found = events(talk(seconds=12, samples=samples))
    for party in BOTH:
        mine = [t for t in spoken(found) if t.party is party]
        assert mine == [t for t in spoken(expected) if t.party is party]


def test_among_other_calls_it_is_heard_as_alone(expected):
    recordings = [
        Recording(CallId("other-1"), BOTH, RATE, talk("other-1", 9, number=1)),
        Recording(CallId("call"), BOTH, RATE, talk(seconds=12)),
        Recording(CallId("other-2"), BOTH, RATE, talk("other-2", 5, number=2)),
    ]
    found = list(listen_many(model(), recordings, CONFIG, together=2))
    mine = [event for index, event in found if index == 1]
    # Scores may differ in their last bit with the size of a batch; texts, times and order not.
    assert [_plain(e) for e in mine] == [_plain(e) for e in expected]
    assert Counter(index for index, _ in found).keys() == {0, 1, 2}


def _plain(event):
    if isinstance(event, Transcript):
        return (event.utterance, event.revision, event.text, event.final, event.end_ms, event.at_ms)
    return event


def test_the_watermark_rises_to_the_end_and_never_ahead_of_the_words(expected):
    heard = 0
    for event in expected:
        if isinstance(event, Watermark):
            assert event.heard_ms > heard
            assert event.heard_ms <= event.at_ms
            heard = event.heard_ms
        elif isinstance(event, Transcript) and event.revision == 1:
            assert event.start_ms >= heard
    assert heard == 12_000


def test_sound_facts_are_told(expected):
    names = {e.name for e in expected if isinstance(e, Metric)}
    assert {"speaking", "talk_share"} <= names


def test_one_bad_party_fails_alone():
    def packets():
        for at, frame in enumerate(talk(seconds=12)):
            yield frame
            if at == 200:
                yield AudioFrame(frame.call, Party.CUSTOMER, frame.start_sample + 160, b"\1\2\3")

    found = events(packets())
    [failed] = [e for e in found if isinstance(e, StreamFailed)]
    assert (failed.party, failed.code) == (Party.CUSTOMER, "split_sample")
    after = found[found.index(failed) :]
    assert {t.party for t in spoken(after)} == {Party.AGENT}
    last = [e for e in found if isinstance(e, Watermark)][-1]
    assert last.heard_ms == 12_000


def test_no_audio_gives_no_events():
    assert events([]) == []


def test_mixed_mono_is_nobodys():
    found = events(
        (
            AudioFrame(f.call, Party.UNKNOWN, f.start_sample, f.pcm16)
            for f in talk(seconds=5, parties=(Party.AGENT,))
        ),
        parties=(Party.UNKNOWN,),
    )
    assert {t.party for t in spoken(found)} == {Party.UNKNOWN}
    assert spoken(found)[0].utterance == "unknown-1"
