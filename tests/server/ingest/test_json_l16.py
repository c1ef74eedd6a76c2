"""FreeSWITCH and jambonz: metadata, then audio, over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from asr.events import Party
from server.client.audio import AudioClient, Call
from server.client.dialects import json_l16
from server.refusals import CLOSE_CODES
from tests.server.ingest.listening import (
    SAID,
    Ears,
    ended,
    of,
    recorded,
    send_all,
    settings,
    shown,
)
from tests.server.running import Running, running
from tests.server.test_native_refusals import healthy_call, refused

C, A, U = Party.CUSTOMER, Party.AGENT, Party.UNKNOWN
GOOD = {"call": "c-1", "sampleRate": 8000, "mixType": "stereo"}


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
async def server(ears: Ears) -> AsyncIterator[Running]:
    async with running(ears, settings=settings(idle_s=0.5)) as server:
        yield server


def stream(server: Running, query: str = "", **options: Any) -> connect:
    return connect(f"{server.ws}{json_l16.PATH}{query}", compression=None, **options)


def metadata(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


async def test_a_recorded_call_becomes_words_and_cards(server: Running, ears: Ears) -> None:
    clip = of(recorded(), (C, A))
    async with stream(server) as socket:
        await send_all(socket, json_l16.messages(Call("c-1", queue="broadband"), clip))
    session = await ended(server, "c-1")
    finals, cards = shown(session)
    assert finals == SAID
    assert cards == {"s1", "s2", "s4"}
    assert session.why == "ended"
    assert session.info.queue == "broadband"


async def test_hears_the_samples_that_the_native_socket_hears(server: Running, ears: Ears) -> None:
    clip = of(recorded(), (C, A))
    async with stream(server) as socket:
        await send_all(socket, json_l16.messages(Call("c-1"), clip))
    await AudioClient(server.ws, Call("c-2"), recorded(), speed=0).run()
    await ended(server, "c-1")
    assert ears.heard["c-1"] == ears.heard["c-2"]
    assert not ears.gaps


@pytest.mark.parametrize(
    ("said", "parties"),
    [
        ({"mixType": "mixed"}, [U]),
        ({"mixType": "mono"}, [C]),
        ({"mixType": "mono", "parties": "agent"}, [A]),
        ({}, [C, A]),
        ({"metadata": {"parties": "agent,customer"}}, [A, C]),
    ],
)
async def test_parties_come_from_the_channels(
    server: Running, ears: Ears, said: dict[str, Any], parties: list[Party]
) -> None:
    async with stream(server) as socket:
        await socket.send(metadata(**said))
        await socket.send(b"".join(bytes([n, n]) for n, _ in enumerate(parties, 1)))
    await ended(server, "c-1")
    assert ears.heard["c-1"] == {party: bytes([n, n]) for n, party in enumerate(parties, 1)}


@pytest.mark.parametrize(
    ("said", "agent"),
    [({"metadata": {"agent": "a-9"}}, "a-9"), ({"to": "6001"}, "a-7"), ({"to": "6002"}, None)],
)
async def test_binds_the_agent_by_name_or_extension(
    server: Running, said: dict[str, Any], agent: str | None
) -> None:
    async with stream(server) as socket:
        await socket.send(metadata(**said))
    assert (await ended(server, "c-1")).info.agent == agent


@pytest.mark.parametrize("name", ["audio.jambonz.org", "audio.drachtio.org"])
async def test_speaks_the_sub_protocols(server: Running, name: str) -> None:
    async with stream(server, subprotocols=["other", name]) as socket:
        assert socket.subprotocol == name


async def test_takes_all_metadata_from_the_address(server: Running, ears: Ears) -> None:
    async with stream(server, "?call=a/b@c&rate=16k&mix=mono&agent=a-3") as socket:
        await socket.send(bytes(640))
    session = await ended(server, "a-b-c")
    assert (session.lanes.rate, session.info.agent) == (16_000, "a-3")
    assert ears.heard["a-b-c"] == {C: bytes(640)}


async def test_a_lost_connection_goes_on_and_the_hole_is_a_gap(ears: Ears) -> None:
    async with running(ears, settings=settings()) as server:
        async with stream(server) as socket:
            await socket.send(metadata())
            await socket.send(bytes(4 * 8000))
            while not ears.heard["c-1"][C]:
                await socket.ping()
            socket.transport.abort()
        session = server.switchboard.get("c-1")
        assert session is not None
        # Three seconds go by without the test having to wait for them.
        server.app.state.telephony._began[session] -= 3
        async with stream(server) as socket:
            await socket.send(metadata())
            await socket.send(bytes(4 * 160))
        await ended(server, "c-1")
    first = {(party, start) for party, start, _ in ears.gaps["c-1"]}
    assert first == {(C, 8000), (A, 8000)}
    assert all(missing >= 2 * 8000 for _, _, missing in ears.gaps["c-1"])


Sent = Sequence[str | bytes]
BAD: dict[str, tuple[Sent, str, str]] = {
    "no JSON": (["hello"], "not_json", "JSON"),
    "deep JSON": (["[" * 200_000], "not_json", "JSON"),
    "a list": (["[]"], "bad_hello", "object"),
    "nothing said": (["{}"], "bad_hello", "rate"),
    "rate 0": ([metadata(sampleRate=0)], "bad_hello", "rate"),
    "rate fast": ([metadata(sampleRate="fast")], "bad_hello", "rate"),
    "unknown mix": ([metadata(mixType="quad")], "bad_hello", "mix"),
    "unknown parties": ([metadata(parties="boss")], "bad_hello", "parties"),
    "one party in stereo": ([metadata(parties="agent")], "bad_hello", "parties"),
    "agent is a number": ([metadata(agent=7)], "bad_hello", "agent"),
    "agent too long": ([metadata(agent="a" * 65)], "bad_hello", "agent"),
    "attributes are a text": ([metadata(attributes="x")], "bad_hello", "attributes"),
    "audio before metadata": ([bytes(640)], "text_expected", "rate"),
    "half a sample": ([metadata(), bytes(642)], "bad_packet", "whole number"),
    "six seconds at once": ([metadata(), bytes(4 * 8000 * 6)], "too_large", "5 s"),
    "600 KiB": ([metadata(), bytes(600 * 1024)], "too_large", "at most"),
    "nothing more": ([metadata()], "idle", "no audio"),
    "text for ever": ([metadata(), *["{}"] * 20], "idle", "no audio"),
}


@pytest.mark.parametrize("what", BAD)
async def test_refuses(server: Running, what: str) -> None:
    sent, code, named = BAD[what]
    async with healthy_call(server), stream(server) as socket:
        await send_all(socket, sent)
        close, told, text = await refused(socket)
        assert (told, close) == (code, CLOSE_CODES[code]), text
        assert named in text


async def test_refuses_a_second_stream_of_the_same_call(server: Running) -> None:
    async with stream(server) as first, stream(server) as second:
        await first.send(metadata())
        await first.send(bytes(640))
        while server.switchboard.get("c-1") is None:
            await first.ping()
        await second.send(metadata())
        assert (await refused(second))[1] == "call_taken"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
MESSAGES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.binary(max_size=64),
        JSON.map(json.dumps),
        st.dictionaries(st.sampled_from([*GOOD, "metadata", "parties", "agent", "to"]), JSON).map(
            lambda changes: json.dumps({**GOOD, **changes})
        ),
    ),
    min_size=1,
    max_size=4,
)


async def throw(socket: ClientConnection, sent: Sent) -> None:
    """Send it and hang up; the server may have hung up before."""
    try:
        await send_all(socket, sent)
    except ConnectionClosed:
        pass


async def test_garbage_harms_nobody(ears: Ears, caplog: pytest.LogCaptureFixture) -> None:
    async with running(ears, settings=settings()) as server, healthy_call(server):
        batches: list[Sent] = []

        @given(MESSAGES)
        @trying(max_examples=300, database=None, suppress_health_check=list(HealthCheck))
        def draw(sent: Sent) -> None:
            batches.append(sent)

        draw()
        for sent in batches:
            async with stream(server) as socket:
                await throw(socket, sent)
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
