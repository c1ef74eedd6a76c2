"""Twilio Media Streams: both tracks, late and lost media, over real sockets."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from asr.audio.codec import decode_mulaw
from asr.events import Party
from server.client.audio import AudioClient, Call
from server.client.dialects import twilio
from server.ingest.reorder import WINDOW, Reorder
from server.refusals import CLOSE_CODES
from tests.server.ingest.garbage import JSON, harmless
from tests.server.ingest.listening import (
    SAID,
    Ears,
    ended,
    gaps,
    recorded,
    refused,
    send_all,
    settings,
    shown,
)
from tests.server.running import Running, running
from tests.server.test_native_refusals import healthy_call

C, A = Party.CUSTOMER, Party.AGENT


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
async def server(ears: Ears) -> AsyncIterator[Running]:
    async with running(ears, settings=settings()) as server:
        yield server


def stream(server: Running) -> connect:
    return connect(f"{server.ws}{twilio.PATH}", compression=None)


def start(**changes: Any) -> str:
    body = {"callSid": "CA1", "tracks": ["inbound", "outbound"], **changes}
    return json.dumps({"event": "start", "start": body})


def media(chunk: Any, audio: bytes = b"\xff" * 160, track: str = "inbound", **changes: Any) -> str:
    body = {
        "track": track,
        "chunk": str(chunk),
        "timestamp": str((int(chunk) - 1) * 20) if str(chunk).isdecimal() else "0",
        "payload": base64.b64encode(audio).decode(),
        **changes,
    }
    return json.dumps({"event": "media", "media": body})


CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'
STOP = '{"event":"stop","stop":{"callSid":"CA1"}}'


async def test_a_recorded_call_becomes_words_and_cards(server: Running, ears: Ears) -> None:
    """From the same samples as by the native socket, although messages overtake each other."""
    call = Call("CA1", agent="a-7", attributes={"order": "17"})
    sent = list(twilio.messages(call, recorded("mulaw")))
    for first in range(2, len(sent) - 9, 8):
        sent[first : first + 8] = reversed(sent[first : first + 8])
    async with stream(server) as socket:
        await send_all(socket, sent)
    session = await ended(server, "CA1")
    finals, cards = shown(session)
    assert finals == SAID
    assert cards == {"s1", "s2", "s4"}
    assert (session.info.agent, session.info.attributes) == ("a-7", {"order": "17"})
    assert session.why == "ended"
    await AudioClient(server.ws, Call("c-2"), recorded("mulaw"), speed=0).run()
    assert ears.heard["CA1"] == ears.heard["c-2"]
    assert not ears.gaps


async def test_a_lost_message_is_a_gap(server: Running, ears: Ears) -> None:
    chunks = [1, 2, 4, *range(5, 12)]
    async with stream(server) as socket:
        await send_all(socket, [CONNECTED, start(), *map(media, chunks), media(3), STOP])
    assert gaps(await ended(server, "CA1")) == [(C, 40, 60)]
    assert ears.gaps["CA1"] == [(C, 320, 160)]
    assert len(ears.heard["CA1"][C]) == 2 * 160 * 11


async def test_a_track_that_begins_later_belongs_later(server: Running, ears: Ears) -> None:
    late = media(1, track="outbound", timestamp="4000")
    async with stream(server) as socket:
        await send_all(socket, [start(), media(1), late, STOP])
    await ended(server, "CA1")
    assert ears.gaps["CA1"] == [(A, 0, 32_000)]


WHO: list[tuple[dict[str, Any], set[Party], str | None]] = [
    ({"tracks": ["inbound"]}, {C}, None),
    ({"tracks": ["outbound"]}, {A}, None),
    ({"tracks": ["inbound"], "customParameters": {"inbound": "agent"}}, {A}, None),
    ({"customParameters": {"extension": "6001"}}, {C, A}, "a-7"),
    ({"customParameters": {"agent": "a-8", "extension": "6001"}}, {C, A}, "a-8"),
]


async def test_parties_and_agent(server: Running, ears: Ears) -> None:
    for number, (changes, parties, agent) in enumerate(WHO):
        call = f"CA{number}"
        async with stream(server) as socket:
            said = start(callSid=call, **changes)
            await send_all(socket, [said, '{"event":"mark"}', '{"event":"dtmf"}', STOP])
        session = await ended(server, call)
        assert (set(ears.heard[call]), session.info.agent) == (parties, agent), changes


async def test_hears_what_the_bytes_say(server: Running, ears: Ears) -> None:
    code = bytes(range(160))
    async with stream(server) as socket:
        await send_all(socket, [start(), media(1, code), STOP])
    await ended(server, "CA1")
    assert ears.heard["CA1"][C] == decode_mulaw(code).tobytes()


@given(st.lists(st.permutations(range(WINDOW)), min_size=1, max_size=6))
def test_any_order_within_the_window_is_put_right(orders: list[list[int]]) -> None:
    order = [1 + block * WINDOW + n for block, inside in enumerate(orders) for n in inside]
    reorder: Reorder[bytes] = Reorder(8_000)
    out = [piece for n in order for piece in reorder.put(n, (n - 1) * 20, bytes([n]) * 160)]
    assert out == [((n - 1) * 160, bytes([n]) * 160, True) for n in sorted(order)]
    assert reorder.flush() == []


def test_time_stamps_that_are_rounded_make_no_holes() -> None:
    reorder: Reorder[bytes] = Reorder(8_000)
    out = [p for n in range(1, 100) for p in reorder.put(n, n * 20 + n % 3 * 30 - 20, bytes(160))]
    assert [piece.first for piece in out] == [160 * n for n in range(99)]


Sent = Sequence[str | bytes]
BAD: dict[str, tuple[Sent, str, str]] = {
    "no JSON": (["hello"], "not_json", "JSON"),
    "binary": ([b"{}"], "text_expected", "binary"),
    "no event": (["{}"], "bad_hello", "event"),
    "media before start": ([CONNECTED, media(1)], "bad_hello", "start"),
    "no call": ([json.dumps({"event": "start", "start": {}})], "bad_hello", "callSid"),
    "no tracks": ([start(tracks=[])], "bad_hello", "tracks"),
    "third track": ([start(tracks=["sideways"])], "bad_hello", "tracks"),
    "another coding": ([start(mediaFormat={"encoding": "opus"})], "bad_hello", "encoding"),
    "agent is a list": ([start(customParameters={"agent": []})], "bad_hello", "agent"),
    "agent is empty": ([start(customParameters={"agent": ""})], "bad_hello", "agent"),
    "too many parameters": (
        [start(customParameters={str(n): "x" for n in range(65)})],
        "bad_hello",
        "customParameters",
    ),
    "started twice": ([start(), start()], "bad_message", "once"),
    "unknown event": ([start(), '{"event":"clear"}'], "bad_message", "event"),
    "track not announced": (
        [start(callSid="CA2", tracks=["inbound"]), media(1, track="outbound")],
        "bad_message",
        "announced",
    ),
    "no base64": ([start(), media(1, payload="!!")], "bad_packet", "base64"),
    "chunk 0": ([start(), media(0)], "bad_message", "chunk"),
    "chunk is no number": ([start(), media("x")], "bad_message", "chunk"),
    "time before the call": ([start(), media(1, timestamp="-5")], "bad_message", "timestamp"),
    "far in the future": ([start(), media(1, timestamp=9**20)], "bad_packet", "ahead"),
    "more than a second": ([start(), media(1, bytes(8_001))], "too_large", "1 s"),
}


async def test_refuses_what_is_wrong(server: Running) -> None:
    async with healthy_call(server):
        for what, (sent, code, named) in BAD.items():
            async with stream(server) as socket:
                await send_all(socket, sent)
                close, told, text = await refused(socket)
                assert (told, close) == (code, CLOSE_CODES[code]), (what, text)
                assert named in text, what


async def test_closes_a_silent_line(ears: Ears) -> None:
    async with running(ears, settings=settings(idle_s=0.2)) as server:
        for sent in ([start()], [start(), *['{"event":"mark"}'] * 20]):
            async with stream(server) as socket:
                await send_all(socket, sent)
                assert (await refused(socket))[:2] == (CLOSE_CODES["idle"], "idle")


FIELDS = ["track", "chunk", "timestamp", "payload"]
MESSAGES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.binary(max_size=40),
        JSON.map(json.dumps),
        st.just(start()),
        st.dictionaries(st.sampled_from(["callSid", "tracks", "customParameters"]), JSON).map(
            lambda changes: start(**changes)
        ),
        st.dictionaries(st.sampled_from(FIELDS), JSON).map(
            lambda changes: media(**{"chunk": 1, **changes})
        ),
        st.integers(1, 40).map(media),
    ),
    min_size=1,
    max_size=6,
)


async def test_garbage_harms_nobody(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    await harmless(server, lambda: stream(server), MESSAGES, caplog)
