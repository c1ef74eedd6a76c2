"""The null recogniser says all of a conversation, wherever its audio begins; the load is measured."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.streams import StreamReader

from asr.events import AudioFrame, CallId, Metric, Party, Transcript, Watermark
from benchmarks import null_recogniser as null
from benchmarks.server import Load, measure, summarise
from benchmarks.wire import frame

PARTIES = (Party.AGENT, Party.CUSTOMER)
RATE = 8_000
SAMPLES = RATE // 50


@given(st.integers(0, 2**29), st.sampled_from([1, 2]))
def test_the_sound_says_which_packet_it_is(packet: int, parties: int) -> None:
    sound = null.sound(packet, RATE, parties)
    assert len(sound) == SAMPLES * 2 * parties
    for party in range(parties):
        channel = b"".join(sound[i : i + 2] for i in range(2 * party, len(sound), 2 * parties))
        assert null.place(channel) == packet


@given(st.integers(0, 2**29), st.integers(1, SAMPLES - 1))
def test_a_part_of_a_packet_is_no_packet(packet: int, cut: int) -> None:
    assert null.place(null.sound(packet, RATE)[cut * 2 :]) is None


@pytest.mark.parametrize("number", range(0, null.SCRIPTS, 9))
def test_a_conversation_is_what_a_recogniser_may_say(number: int) -> None:
    said = null.events(number, 90_000)
    assert [e.at_ms for e in said] == sorted(e.at_ms for e in said)  # type: ignore[union-attr]
    revisions: dict[str, list[Transcript]] = {}
    for event in said:
        if isinstance(event, Transcript):
            revisions.setdefault(event.utterance, []).append(event)
        else:
            assert isinstance(event, Metric)
    for row in revisions.values():
        assert [one.revision for one in row] == list(range(1, len(row) + 1))
        assert [one.final for one in row] == [False] * (len(row) - 1) + [True]
        for before, after in pairwise(row):
            assert after.text.startswith(before.text[: before.stable])
        assert all(len(one.chars) == len(one.text) for one in row)
    spoken = [row[-1].text for row in sorted(revisions.values(), key=lambda row: row[0].start_ms)]
    assert spoken == [line.text for line in null.conversation(number, 90_000)]


async def heard(first: int, last: int, until_ms: int = 90_000) -> list[object]:
    recogniser = null.NullRecogniser(until_ms)
    call = recogniser.open(CallId("c-1"), PARTIES, RATE)
    for packet in range(first, last):
        for party in PARTIES:
            start = (packet - first) * SAMPLES
            await call.push(AudioFrame(CallId("c-1"), party, start, null.sound(packet, RATE)))
    call.end()
    call.end()
    return [event async for event in call]


async def test_a_stream_that_begins_later_goes_on_where_it_is() -> None:
    whole = [e for e in await heard(0, 4_000) if isinstance(e, Transcript) and e.final]
    first = 1_500
    later = [e for e in await heard(first, 4_000) if isinstance(e, Transcript) and e.final]
    by = first * null.PACKET_MS
    wanted = [(e.text, e.start_ms - by) for e in whole if e.start_ms >= by]
    assert [(e.text, e.start_ms) for e in later] == wanted
    assert wanted


async def test_a_watermark_lies_before_whatever_is_not_yet_said() -> None:
    mark = 0
    for event in await heard(0, 4_000):
        if isinstance(event, Watermark):
            assert event.heard_ms >= mark
            mark = event.heard_ms
        elif isinstance(event, Transcript) and event.revision == 1:
            assert event.start_ms >= mark - null.CHUNK_MS


@settings(max_examples=20)
@given(st.integers(1, 10), st.binary(max_size=70_000))
def test_a_frame_is_read_as_it_was_written(opcode: int, payload: bytes) -> None:
    if opcode not in (1, 2, 9, 10) or (opcode > 8 and len(payload) > 125):
        opcode = 2
    reader = StreamReader()
    reader.feed_data(frame(opcode, payload))
    with pytest.raises(StopIteration) as read:
        next(Frame.parse(reader.read_exact, mask=True))
    assert (read.value.value.opcode, bytes(read.value.value.data)) == (opcode, payload)


def test_live_calls_boards_and_silent_calls_are_measured() -> None:
    before = os.sched_getaffinity(0)
    found = measure([Load(3, 2, "each", idle=4)], seconds=2, warm_s=1.5)
    assert os.sched_getaffinity(0) == before
    [row] = summarise(found)["loads"]
    [one] = found["loads"]
    later = {**one, "store": True, "agent_ms": [(call, ms + 3) for call, ms in one["agent_ms"]]}
    assert summarise({"loads": [one, later]})["store_adds_p99_ms"] == pytest.approx(3, abs=0.2)
    assert summarise(found)["store_adds_p99_ms"] is None
    assert row["agent_ms"]["n"] > 0
    assert row["delivered"] > row["agent_ms"]["n"]
    assert found["loads"][0]["refused"] == []
    assert row["cpu_ms_per_call_second"] > 0
