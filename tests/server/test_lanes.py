"""However audio is cut, repeated or delayed: each sample reaches the recogniser at most once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.events import CallId, Party
from server.live.lanes import Lanes
from server.refusals import Refusal

BOTH = (Party.AGENT, Party.CUSTOMER)


def sound(start: int, samples: int) -> bytes:
    """Samples whose values are their own index."""
    return b"".join((i % 30_000).to_bytes(2, "little") for i in range(start, start + samples))


def take(lanes: Lanes, start: int, parties: tuple[Party, ...], samples: int) -> list[int]:
    starts = []
    for frame in lanes.cut(start, [(party, sound(start, samples)) for party in parties]):
        assert frame.pcm16 == sound(frame.start_sample, len(frame.pcm16) // 2)
        lanes.advance(frame)
        starts.append(frame.start_sample)
    return starts


def test_trims_what_has_arrived() -> None:
    lanes = Lanes(CallId("c"), BOTH, 8_000)
    assert take(lanes, 0, BOTH, 160) == [0, 0]
    assert take(lanes, 80, BOTH, 160) == [160, 160]
    assert take(lanes, 0, BOTH, 160) == []
    assert lanes.next_sample == 240


def test_asks_for_what_the_slower_party_lacks() -> None:
    lanes = Lanes(CallId("c"), BOTH, 8_000)
    take(lanes, 0, (Party.AGENT,), 320)
    take(lanes, 0, (Party.CUSTOMER,), 160)
    assert lanes.next_sample == 160
    assert lanes.end_ms == 40


def test_leaves_a_hole_where_audio_is_missing() -> None:
    lanes = Lanes(CallId("c"), (Party.UNKNOWN,), 8_000)
    assert take(lanes, 800, (Party.UNKNOWN,), 160) == [800]
    assert lanes.next_sample == 960


def test_refuses_a_packet_minutes_ahead() -> None:
    lanes = Lanes(CallId("c"), BOTH, 8_000)
    with pytest.raises(Refusal, match="ahead"):
        lanes.cut(8_000 * 400, [(Party.AGENT, bytes(2))])


def test_a_frame_that_was_not_taken_is_asked_for_again() -> None:
    lanes = Lanes(CallId("c"), BOTH, 8_000)
    lanes.cut(0, [(Party.AGENT, sound(0, 160))])
    assert lanes.next_sample == 0


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 200)), max_size=30))
def test_frames_of_a_party_never_overlap(packets: list[tuple[int, int]]) -> None:
    lanes = Lanes(CallId("c"), (Party.AGENT,), 8_000)
    end = 0
    for start, samples in packets:
        for frame in lanes.cut(start, [(Party.AGENT, sound(start, samples))]):
            assert frame.start_sample >= end
            end = frame.start_sample + len(frame.pcm16) // 2
            lanes.advance(frame)
