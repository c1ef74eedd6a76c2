"""Genesys AudioHook: sessions, their order of messages, holes and transcripts, real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from asr.events import Party
from server.client.audio import AudioClient, Call
from server.client.dialects import audiohook
from server.client.dialects.audiohook import CONVERSATION, Session
from server.refusals import CLOSE_CODES
from tests.server.ingest.garbage import JSON, harmless
from tests.server.ingest.listening import (
    SAID,
    Ears,
    ended,
    gaps,
    of,
    recorded,
    send_all,
    settings,
    shown,
    until,
)
from tests.server.running import Running, message, running
from tests.server.test_native_refusals import healthy_call

C, A = Party.CUSTOMER, Party.AGENT
ID = "6b1f2e0c-5d7a-4c8e-9f10-2a3b4c5d6e7f"
OTHER = "6b1f2e0c-5d7a-4c8e-9f10-2a3b4c5d6e70"
PROBE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
async def server(ears: Ears) -> AsyncIterator[Running]:
    async with running(ears, settings=settings()) as server:
        yield server


def stream(server: Running, **options: Any) -> connect:
    return connect(f"{server.ws}{audiohook.PATH}", compression=None, **options)


async def closed(socket: ClientConnection) -> list[dict[str, Any]]:
    """Messages up to ``closed``."""
    told = []
    while not told or told[-1]["type"] != "closed":
        told.append(await message(socket))
    return told


async def disconnected(socket: ClientConnection) -> tuple[int, str, str]:
    """Close code, reason and info of a session that is refused."""
    reason = info = ""
    try:
        while True:
            told = await message(socket)
            if told["type"] == "disconnect":
                reason, info = told["parameters"]["reason"], told["parameters"]["info"]
    except ConnectionClosed as over:
        return over.rcvd.code if over.rcvd else 1006, reason, info


async def test_a_recorded_call_becomes_words_and_cards(server: Running, ears: Ears) -> None:
    """From the same samples that the native socket hears; the words go back to Genesys."""
    clip = of(recorded("mulaw"), (C, A))
    async with stream(server) as socket:
        await send_all(socket, audiohook.messages(Call(ID, queue="broadband"), clip))
        told = await closed(socket)
    session = await ended(server, ID)
    finals, cards = shown(session)
    assert finals == SAID
    assert cards == {"s1", "s2", "s4"}
    # The agent sits at the number that was called.
    assert (session.info.agent, session.info.queue) == ("a-7", "broadband")
    assert session.info.attributes == {"conversation": CONVERSATION}
    await AudioClient(server.ws, Call("c-2"), recorded("mulaw"), speed=0).run()
    assert ears.heard[ID] == ears.heard["c-2"]
    assert not ears.gaps

    assert [m["seq"] for m in told] == list(range(1, len(told) + 1))
    assert {m["id"] for m in told} == {ID}
    assert told[0]["type"] == "opened"
    assert told[0]["parameters"]["media"] == [
        {"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000}
    ]
    assert told[-1]["clientseq"] == 2
    words = [m["parameters"]["entities"][0]["data"] for m in told if m["type"] == "event"]
    said = [word["alternatives"][0]["interpretations"][0] for word in words]
    assert [interpretation["transcript"] for interpretation in said] == SAID
    assert [word["channelId"] for word in words[:2]] == [1, 0]
    for interpretation in said:
        offsets = [token["offset"] for token in interpretation["tokens"]]
        assert len(set(offsets)) == len(offsets) == len(interpretation["transcript"])


async def test_parties_come_from_the_channels(server: Running, ears: Ears) -> None:
    for number, parties in enumerate([(C, A), (A, C), (C,), (A,)]):
        session = Session(ID[:-1] + str(number))
        sound = bytes([0x10 * (n + 1) for n, _ in enumerate(parties)])
        async with stream(server) as socket:
            await send_all(socket, [session.open(parties), sound, session.message("close")])
            opened, *_ = await closed(socket)
        names = [audiohook.CHANNELS[party] for party in parties]
        assert opened["parameters"]["media"][0]["channels"] == names
        heard = ears.heard[session.id]
        assert list(heard) == list(parties)
        assert len({bytes(sound) for sound in heard.values()}) == len(parties)


async def test_answers_what_clients_say(server: Running) -> None:
    session = Session(ID)
    kinds = ["ping", "update", "paused", "error", "ping", "close"]
    async with stream(server) as socket:
        opening = session.open((C, A), supportedLanguages=True, startPaused=True)
        await send_all(socket, [opening, *map(session.message, kinds)])
        told = [m for m in await closed(socket) if m["type"] != "event"]
    assert [m["type"] for m in told] == ["opened", "pong", "updated", "pong", "closed"]
    assert [m["clientseq"] for m in told] == [1, 2, 3, 6, 7]
    assert told[0]["parameters"]["supportedLanguages"] == ["zh-CN"]


async def test_a_tried_connection_is_no_call(server: Running) -> None:
    session = Session(ID)
    async with stream(server) as socket:
        opening = session.open((C, A), conversationId=PROBE)
        await send_all(socket, [opening, session.message("ping"), session.message("close")])
        told = await closed(socket)
    assert [m["type"] for m in told] == ["opened", "pong", "closed"]
    assert told[0]["parameters"]["media"] == []
    assert not server.switchboard.calls()


async def test_what_was_not_sent_is_a_gap(server: Running, ears: Ears) -> None:
    """And after a hold longer than a hole may be, Genesys' own times go on being right."""
    session = Session(ID)
    begin = session.open((C,))
    hold = session.message("resumed", 1_000, start="PT1S", discarded="PT2.5S")
    long = session.message("resumed", 3_500, start="PT3.5S", discarded="PT1000S")
    end = session.message("close")
    async with stream(server) as socket:
        await send_all(socket, [begin, bytes(8000), hold, bytes(80), long, b"\0", end])
        told = await closed(socket)
    assert ears.gaps[ID] == [(C, 8000, 20_000), (C, 28_080, 240 * 8000)]
    assert gaps(await ended(server, ID)) == [(C, 1_000, 3_500), (C, 3_510, 243_510)]
    words = [m["parameters"]["entities"][0]["data"] for m in told if m["type"] == "event"]
    # The script speaks of a time after the hold: 17.9 s of ours.
    assert {float(word["offset"][2:-1]) for word in words} >= {17.9 + 1000 - 240}


HOLES: list[tuple[str, dict[str, str], int, str]] = [
    ("resumed", {"start": "PT1S", "discarded": "PT0S"}, 1600, "PT6.100S"),
    ("update", {"language": "zh-CN"}, 1600, "PT6.100S"),
    ("discarded", {"start": "PT1S", "discarded": "PT0.05S"}, 400, "PT6.300S"),
    ("discarded", {"start": "PT1S", "discarded": "PT0.5S"}, 800, "PT6.700S"),
    ("discarded", {"start": "PT1S", "discarded": "PT2S"}, 16_000, "PT6.300S"),
]


async def test_holes_end_utterances_where_sentences_end(server: Running, ears: Ears) -> None:
    """And Genesys' own times stay right: the customer's first words are at 6.3 s of ours."""
    for number, (kind, parameters, hole, offset) in enumerate(HOLES):
        session = Session(ID[:-1] + str(number))
        begin, then = session.open((C,)), session.message
        async with stream(server) as socket:
            sent = [begin, bytes(8000), then(kind, 1_000, **parameters), bytes(8000), then("close")]
            await send_all(socket, sent)
            told = await closed(socket)
        assert ears.gaps[session.id] == [(C, 8000, hole)], kind
        words = [m["parameters"]["entities"][0]["data"] for m in told if m["type"] == "event"]
        assert words[0]["offset"] == offset, kind


async def test_a_session_that_continues_another_continues_its_call(ears: Ears) -> None:
    async with running(ears, settings=settings()) as server:
        server.app.state.telephony.clock = lambda: 0.0
        async with stream(server) as socket:
            await send_all(socket, [Session(ID).open((C,)), bytes(80)])
            await until(lambda: ears.heard[ID].get(C))
            socket.transport.abort()
        session, before = Session(OTHER), {"id": ID, "serverseq": 1, "clientseq": 1}
        await until(lambda: not server.server.server_state.connections)
        async with stream(server) as socket:
            opening = session.open((C,), continuedSessions=[before])
            await send_all(socket, [opening, bytes(40), session.message("close")])
            await closed(socket)
    assert list(ears.heard) == [ID]
    assert len(ears.heard[ID][C]) == 2 * 120


def one(**changes: Any) -> str:
    """A first message with fields changed."""
    return json.dumps({**json.loads(Session(ID).open((C, A))), **changes})


def opening(**changes: Any) -> str:
    return Session(ID).open((C, A), **changes)


def second(**changes: Any) -> str:
    return json.dumps({**json.loads(one()), "seq": 2, "type": "ping", **changes})


PCMU = {"type": "audio", "format": "PCMU", "rate": 8000}
Sent = Sequence[str | bytes]
BAD: dict[str, tuple[Sent, str, str]] = {
    "no JSON": (["hello"], "not_json", "JSON"),
    "binary": ([b"x"], "text_expected", "binary"),
    "another version": ([one(version="3")], "bad_message", "version"),
    "no id": ([one(id="x")], "bad_message", "id"),
    "not open": ([one(type="ping")], "bad_hello", "open"),
    "time in words": ([one(position="soon")], "bad_message", "PT1.25S"),
    "seq 2 first": ([one(seq=2)], "bad_message", "1 is due"),
    "more heard than said": ([one(serverseq=5)], "bad_message", "serverseq"),
    "no offer": ([opening(media=[])], "bad_hello", "PCMU"),
    "another coding": ([opening(media=[{**PCMU, "format": "OPUS"}])], "bad_hello", "PCMU"),
    "a channel twice": (
        [opening(media=[{**PCMU, "channels": ["external"] * 2}])],
        "bad_hello",
        "PCMU",
    ),
    "agent is a list": ([opening(customConfig={"agent": []})], "bad_hello", "agent"),
    "no conversation": ([opening(conversationId=None)], "bad_message", "conversationId"),
    "seq goes back": ([one(), second(seq=1)], "bad_message", "2 is due"),
    "another id": ([one(), second(id=OTHER)], "bad_message", "session"),
    "unknown type": ([one(), second(type="dance")], "bad_message", "dance"),
    "discarded without times": ([one(), second(type="discarded")], "bad_message", "start"),
    "half a frame": ([one(), b"\xff"], "bad_packet", "channels"),
    "six seconds at once": ([one(), bytes(6 * 16_000)], "too_large", "5 s"),
}


async def test_refuses_what_is_wrong(server: Running) -> None:
    async with healthy_call(server):
        for number, (what, (sent, code, named)) in enumerate(BAD.items()):
            mine = [
                m.replace(ID, ID[:-2] + f"{number:02}") if isinstance(m, str) else m for m in sent
            ]
            async with stream(server) as socket:
                await send_all(socket, mine)
                close, reason, info = await disconnected(socket)
                assert (close, reason) == (CLOSE_CODES[code], "error"), (what, info)
                assert info.startswith(f"{code}: "), what
                assert named in info, what
        headers = {"Audiohook-Organization-Id": OTHER}
        async with stream(server, additional_headers=headers) as socket:
            await socket.send(one())
            assert "organizationId" in (await disconnected(socket))[2]


async def test_closes_a_silent_line(ears: Ears) -> None:
    async with running(ears, settings=settings(idle_s=0.2)) as server:
        for sent in ([opening()], [opening(conversationId=PROBE)]):
            async with stream(server) as socket:
                await send_all(socket, sent)
                assert (await disconnected(socket))[0] == CLOSE_CODES["idle"]


MESSAGES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.binary(max_size=40),
        JSON.map(json.dumps),
        st.dictionaries(st.sampled_from([*json.loads(one())]), JSON).map(lambda c: one(**c)),
        st.dictionaries(st.sampled_from([*json.loads(one())["parameters"]]), JSON).map(
            lambda c: Session(OTHER).open((C, A), **c)
        ),
        st.dictionaries(st.sampled_from(["seq", "type", "parameters"]), JSON).map(
            lambda c: second(**c)
        ),
    ),
    min_size=1,
    max_size=6,
)


async def test_garbage_harms_nobody(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    await harmless(server, lambda: stream(server), MESSAGES, caplog)
