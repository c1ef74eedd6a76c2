"""FreeSWITCH and jambonz: metadata, then audio, over real sockets."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from asr.events import Party
from server.client.audio import AudioClient, Call
from server.client.dialects import json_l16
from server.refusals import CLOSE_CODES
from tests.server.ingest.garbage import JSON, harmless
from tests.server.ingest.listening import (
    SAID,
    Ears,
    ended,
    gaps,
    of,
    recorded,
    refused,
    send_all,
    settings,
    shown,
    until,
)
from tests.server.running import Running, running
from tests.server.test_native_refusals import healthy_call

C, A, U = Party.CUSTOMER, Party.AGENT, Party.UNKNOWN
GOOD = {"call": "c-1", "sampleRate": 8000, "mixType": "stereo"}


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
async def server(ears: Ears) -> AsyncIterator[Running]:
    async with running(ears, settings=settings()) as server:
        yield server


def stream(server: Running, query: str = "", **options: Any) -> connect:
    return connect(f"{server.ws}{json_l16.PATH}{query}", compression=None, **options)


def metadata(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


async def test_a_recorded_call_becomes_words_and_cards(server: Running, ears: Ears) -> None:
    """From the same samples that the native socket hears."""
    clip = of(recorded(), (C, A))
    await json_l16.play(server.ws, Call("c-1", queue="broadband"), clip, speed=0)
    session = await ended(server, "c-1")
    finals, cards = shown(session)
    assert finals == SAID
    assert cards == {"s1", "s2", "s4"}
    assert (session.why, session.info.queue) == ("ended", "broadband")
    await AudioClient(server.ws, Call("c-2"), recorded(), speed=0).run()
    assert ears.heard["c-1"] == ears.heard["c-2"]
    assert not ears.gaps


PARTIES: list[tuple[dict[str, Any], list[Party]]] = [
    ({"mixType": "mixed"}, [U]),
    ({"mixType": "mono"}, [C]),
    ({"mixType": "mono", "parties": "agent"}, [A]),
    ({}, [C, A]),
    ({"metadata": {"parties": "agent,customer"}}, [A, C]),
]


async def test_parties_come_from_the_channels(server: Running, ears: Ears) -> None:
    for number, (said, parties) in enumerate(PARTIES):
        async with stream(server) as socket:
            await socket.send(metadata(call=f"c-{number}", **said))
            await socket.send(b"".join(bytes([n, n]) for n, _ in enumerate(parties, 1)))
        await ended(server, f"c-{number}")
        heard = {party: bytes([n, n]) for n, party in enumerate(parties, 1)}
        assert ears.heard[f"c-{number}"] == heard, said


AGENTS: list[tuple[dict[str, Any], str | None]] = [
    ({"metadata": {"agent": "a-9"}}, "a-9"),
    ({"to": "6001"}, "a-7"),
    ({"to": "6002"}, None),
]


async def test_binds_the_agent_by_name_or_extension(server: Running) -> None:
    for number, (said, agent) in enumerate(AGENTS):
        async with stream(server) as socket:
            await socket.send(metadata(call=f"c-{number}", **said))
        assert (await ended(server, f"c-{number}")).info.agent == agent, said


async def test_speaks_the_sub_protocols(server: Running) -> None:
    for name in ("audio.jambonz.org", "audio.drachtio.org"):
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
            await until(lambda: ears.heard["c-1"].get(C))
            socket.transport.abort()
        session = server.switchboard.get("c-1")
        assert session is not None
        # Three seconds go by without the test having to wait for them.
        later = time.monotonic() + 3
        server.app.state.telephony.clock = lambda: later
        async with stream(server) as socket:
            await socket.send(metadata())
            await socket.send(bytes(4 * 160))
        told = gaps(await ended(server, "c-1"))
    assert {(party, start_ms) for party, start_ms, _ in told} == {(C, 1_000), (A, 1_000)}
    first = {(party, start) for party, start, _ in ears.gaps["c-1"]}
    assert first == {(C, 8000), (A, 8000)}
    assert all(missing >= 2 * 8000 for _, _, missing in ears.gaps["c-1"])


Sent = Sequence[str | bytes]
BAD: dict[str, tuple[Sent, str, str]] = {
    "no JSON": (["hello"], "not_json", "JSON"),
    "deep JSON": (["[" * 200_000], "not_json", "JSON"),
    "a list": (["[]"], "bad_hello", "object"),
    "nothing said": (["{}"], "bad_hello", "rate"),
    "rate 0": ([metadata(sampleRate=0)], "bad_hello", "sampleRate"),
    "rate fast": ([metadata(sampleRate="fast")], "bad_hello", "sampleRate"),
    "unknown mix": ([metadata(mixType="quad")], "bad_hello", "mixType"),
    "unknown parties": ([metadata(parties="boss")], "bad_hello", "parties"),
    "one party in stereo": ([metadata(parties="agent")], "bad_hello", "parties"),
    "agent is a number": ([metadata(agent=7)], "bad_hello", "agent"),
    "agent too long": ([metadata(agent="a" * 65)], "bad_hello", "agent"),
    "attributes are a text": ([metadata(attributes="x")], "bad_hello", "attributes"),
    "audio before metadata": ([bytes(640)], "text_expected", "rate"),
    "half a sample": ([metadata(), bytes(642)], "bad_packet", "whole number"),
    "six seconds at once": ([metadata(), bytes(4 * 8000 * 6)], "too_large", "5 s"),
    "600 KiB": ([metadata(), bytes(600 * 1024)], "too_large", "at most"),
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
        for sent in ([metadata()], [metadata(), *["{}"] * 20]):
            async with stream(server) as socket:
                await send_all(socket, sent)
                assert (await refused(socket))[:2] == (CLOSE_CODES["idle"], "idle")


async def test_refuses_a_second_stream_of_the_same_call(server: Running) -> None:
    async with stream(server) as first, stream(server) as second:
        await first.send(metadata())
        await first.send(bytes(640))
        await until(lambda: server.switchboard.get("c-1"))
        await second.send(metadata())
        assert (await refused(second))[1] == "call_taken"


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


async def test_garbage_harms_nobody(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    await harmless(server, lambda: stream(server), MESSAGES, caplog)
