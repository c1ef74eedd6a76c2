"""One party: packets in, questions and transcripts out, on audio time alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asr.events import AudioFrame, AudioGap, CallId, Party, Transcript
from asr.paraformer.decoder import Decoder, Kind
from asr.paraformer.step import Heard
from asr.paraformer.wording import Greedy
from asr.party import BadAudio, PartyConfig, PartyStream
from asr.sentence import ShowConfig
from tests.asr.talk import RATE, model, talk

CALL = CallId("call")
SHOW_ALL = ShowConfig(hold_back=0.0)


def party(config: PartyConfig | None = None, who: Party = Party.AGENT) -> PartyStream:
    ears = model()
    return PartyStream(
        CALL,
        who,
        RATE,
        Decoder(ears),
        lambda: Greedy(ears.tokens, ears.unspoken),
        config or PartyConfig(show=SHOW_ALL),
    )


def frame(start: int, samples: np.ndarray | int, who: Party = Party.AGENT) -> AudioFrame:
    if isinstance(samples, int):
        samples = np.zeros(samples, np.int16)
    return AudioFrame(CALL, who, start, samples.astype("<i2").tobytes())


def questions(stream: PartyStream, **how) -> list[tuple[Kind, int, int]]:
    """All that a stretch of talk makes a party ask: kind, samples, position."""
    asked = []
    for packet in talk(parties=(Party.AGENT,), **how):
        stream.push(packet)
    stream.end()
    for entry in stream.entries:
        if entry.task:
            asked.append((entry.task.question.kind, entry.task.question.samples, entry.at_ms))
    return asked


def test_packets_do_not_change_what_is_asked_nor_when():
    expected = questions(party())
    assert {kind for kind, *_ in expected} == {Kind.CHUNK, Kind.EARLY, Kind.END}
    for samples in (1, 73, 800, 20_000)[1:]:
        assert questions(party(), samples=samples) == expected


def test_early_partials_come_every_200_ms_between_whole_chunks():
    samples = [n for kind, n, _ in questions(party(), seconds=4) if kind is not Kind.END]
    assert samples[:6] == [6_400, 9_600, 12_800, 16_000, 19_200, 22_400]


def test_without_early_partials_only_chunks_and_ends_are_asked():
    asked = questions(party(PartyConfig(early_every_ms=None)), seconds=8)
    assert {kind for kind, *_ in asked} == {Kind.CHUNK, Kind.END}


def test_silence_asks_nothing_and_moves_the_watermark():
    stream = party()
    for start in range(0, 10 * RATE, 160):
        stream.push(frame(start, 160))
    assert all(entry.task is None and not entry.events for entry in stream.entries)
    assert 9_000 < stream.entries[-1].heard_ms < 10_000
    assert len(stream.entries) < 50


@pytest.mark.parametrize(
    "wave",
    [np.full(RATE * 3, 12_000), np.where(np.arange(RATE * 3) % 80 < 40, 32_767, -32_768)],
    ids=["direct current", "clipped"],
)
def test_strange_sound_is_survived(wave):
    stream = party()
    stream.push(frame(0, wave))
    stream.end()


def test_an_odd_number_of_bytes_ends_this_party():
    with pytest.raises(BadAudio) as caught:
        party().push(AudioFrame(CALL, Party.AGENT, 0, b"\0" * 321))
    assert caught.value.code == "split_sample"


def test_an_empty_packet_is_nothing():
    stream = party()
    stream.push(frame(0, 0))
    stream.push(frame(5_000_000, 0))
    assert (stream.at_ms, stream.entries) == (0, [])


def gaps(stream: PartyStream) -> list[AudioGap]:
    return [e for entry in stream.entries for e in entry.events if isinstance(e, AudioGap)]


def test_a_missing_packet_is_reported_and_time_goes_on():
    stream = party()
    stream.push(frame(0, 800))
    stream.push(frame(960, 800))
    [gap] = gaps(stream)
    assert (gap.start_ms, gap.end_ms, stream.at_ms) == (100, 120, 220)


def test_a_long_gap_ends_the_utterance_and_keeps_times_right():
    stream = party()
    frames = list(talk(parties=(Party.AGENT,), seconds=8))
    for packet in frames[:100]:
        stream.push(packet)
    jump = 60 * RATE
    for packet in frames[100:]:
        stream.push(replace(packet, start_sample=packet.start_sample + jump))
    stream.end()
    [gap] = gaps(stream)
    assert (gap.start_ms, gap.end_ms) == (2_000, 62_000)
    ends = [e for e in stream.entries if e.task and e.task.question.kind is Kind.END]
    assert ends[0].at_ms <= 2_032
    assert all(62_000 < entry.at_ms <= 68_000 for entry in ends[1:])


def test_what_comes_twice_or_late_is_passed_over():
    whole = questions(party(), seconds=6)
    stream = party()
    frames = list(talk(parties=(Party.AGENT,), seconds=6))
    for at, packet in enumerate(frames):
        stream.push(packet)
        if at % 7 == 0:
            stream.push(packet)
        if at % 11 == 10:
            stream.push(frames[at - 5])
    stream.end()
    asked = [
        (e.task.question.kind, e.task.question.samples, e.at_ms) for e in stream.entries if e.task
    ]
    assert asked == whole
    assert not gaps(stream)


def test_a_packet_from_another_day_ends_this_party():
    stream = party()
    stream.push(frame(0, 160))
    with pytest.raises(BadAudio) as caught:
        stream.push(frame(10**12, 160))
    assert caught.value.code == "impossible_position"


def answered(stream: PartyStream, words: dict[int, str]) -> list[Transcript]:
    """Answer everything asked: ``words`` says how many characters each question finds."""
    revisions = []
    tokens = model().tokens
    for entry in stream.entries:
        if entry.task is None:
            continue
        question = entry.task.question
        text = words.get(question.samples if question.kind is not Kind.END else 0, "")
        ids = np.array([[tokens.index(c)] for c in text.replace("|", "")], np.int64).reshape(-1, 1)
        firm = len(ids) if question.kind is Kind.END else max(text.find("|"), 0)
        heard = Heard(ids, np.full(ids.shape, -0.1, np.float32), np.arange(len(ids)) + 5, firm)
        revisions.extend(stream.answer(entry.task, heard))
    return revisions


def test_revisions_grow_and_the_final_holds_everything():
    a, b, c, d = model().tokens[3:7]
    stream = party()
    for packet in talk(parties=(Party.AGENT,), seconds=7):
        stream.push(packet)
    stream.end()
    revisions = answered(
        stream,
        {6_400: a, 9_600: f"{a}|{b}", 12_800: b, 16_000: b + c, 19_200: f"{b}{c}|", 0: d},
    )
    texts = [(r.revision, r.text, r.stable, r.final) for r in revisions]
    assert texts == [
        (1, a, 0, False),
        (2, a + b, 1, False),
        (3, a + b + c, 1, False),
        (4, a + b + c + d, 4, True),
    ]
    assert {r.utterance for r in revisions} == {"agent-1"}
    assert all(len(r.chars) == len(r.text) for r in revisions)
    assert all(r.start_ms <= r.chars[0].ms <= r.end_ms <= r.at_ms for r in revisions)


def test_nothing_is_said_of_an_utterance_without_words():
    stream = party()
    for packet in talk(parties=(Party.AGENT,), seconds=7):
        stream.push(packet)
    stream.end()
    assert answered(stream, {}) == []


def test_words_that_were_shown_and_were_none_are_taken_back():
    a = model().tokens[3]
    stream = party()
    for packet in talk(parties=(Party.AGENT,), seconds=7):
        stream.push(packet)
    stream.end()
    first, last = answered(stream, {6_400: a})
    assert (first.text, first.final) == (a, False)
    assert (last.text, last.final, last.revision) == ("", True, 2)


def test_unsure_characters_at_the_end_wait():
    stream = party(PartyConfig(show=ShowConfig(hold_back=0.95)))
    for packet in talk(parties=(Party.AGENT,), seconds=7):
        stream.push(packet)
    stream.end()
    a, b = model().tokens[3:5]
    revisions = answered(stream, {6_400: a, 9_600: f"{a}|{b}"})
    assert [r.text for r in revisions] == [a, a]


def test_abandoning_makes_what_was_shown_final():
    stream = party()
    for packet in talk(parties=(Party.AGENT,), seconds=1.5):
        stream.push(packet)
    a = model().tokens[3]
    [shown] = answered(stream, {6_400: a})
    [final] = stream.abandon()
    assert isinstance(final, Transcript)
    assert (final.text, final.revision, final.final) == (a, shown.revision + 1, True)
    assert final.stable == 1
