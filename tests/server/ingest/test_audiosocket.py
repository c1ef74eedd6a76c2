"""Asterisk AudioSocket: legs on TCP connections of their own, joined into calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from hypothesis import strategies as st

from asr.events import Party
from server.client.audio import AudioClient, Call
from server.client.dialects.audiosocket import message, messages
from server.settings import Settings
from tests.server.ingest.garbage import batches
from tests.server.ingest.listening import SAID, Ears, ended, gaps, recorded, settings, shown, until
from tests.server.running import Running, running
from tests.server.test_native_refusals import healthy_call

C, A = Party.CUSTOMER, Party.AGENT
CALL = UUID("7b0a4d1e-58f6-4b52-9a3e-2f1c9d7e6a50")
HELLO = message(0x01, CALL.bytes)
SOUND = message(0x10, bytes(range(20)))
HANGUP = message(0x00)


@pytest.fixture
def ears() -> Ears:
    return Ears()


@asynccontextmanager
async def asterisk(ears: Ears, **telephony: object) -> AsyncIterator[Running]:
    async with running(ears, settings=settings(audiosocket_port=0, **telephony)) as server:
        # Legs that connect at the same moment, however slow this machine is.
        server.app.state.telephony.clock = lambda: 0.0
        yield server


@pytest.fixture
async def server(ears: Ears) -> AsyncIterator[Running]:
    async with asterisk(ears) as server:
        yield server


class Connection:
    """Asterisk's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def closed(self) -> None:
        """Waits for the server to hang up; it never says anything."""
        with contextlib.suppress(ConnectionError):
            assert await self.reader.read() == b""


@asynccontextmanager
async def leg(server: Running, *parts: bytes) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.app.state.audiosocket.port)
    try:
        connection = Connection(reader, writer)
        await connection.send(*parts)
        yield connection
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def heard(ears: Ears, call: UUID, party: Party) -> None:
    """Wait until a party of a call has been heard."""
    await until(lambda: ears.heard[str(call)].get(party))


async def test_two_legs_become_one_call_with_words_and_cards(server: Running, ears: Ears) -> None:
    """From the same samples that the native socket hears."""
    customer, agent = (
        [piece.data for piece in messages(CALL, recorded(), party)] for party in (C, A)
    )
    async with leg(server, *customer[:2]) as first:
        await heard(ears, CALL, C)
        async with leg(server, *agent[:2]) as second:
            await heard(ears, CALL, A)
            for parts in zip(customer[2:], agent[2:], strict=True):
                await first.send(parts[0])
                await second.send(parts[1])
            session = await ended(server, str(CALL))
    finals, cards = shown(session)
    assert finals == SAID
    assert cards == {"s1", "s2", "s4"}
    assert (session.why, session.info.agent) == ("ended", None)
    await AudioClient(server.ws, Call("c-2"), recorded(), speed=0).run()
    assert ears.heard[str(CALL)] == ears.heard["c-2"]
    assert not ears.gaps


async def test_a_leg_that_comes_later_belongs_later(server: Running, ears: Ears) -> None:
    async with leg(server, HELLO, SOUND):
        await heard(ears, CALL, C)
        server.app.state.telephony.clock = lambda: 2.0
        async with leg(server, HELLO, SOUND):
            await heard(ears, CALL, A)
    assert gaps(await ended(server, str(CALL))) == [(A, 0, 2_000)]
    assert ears.gaps[str(CALL)] == [(A, 0, 16_000)]


async def test_the_last_digit_tells_the_party_where_so_set(ears: Ears) -> None:
    base = str(CALL)[:-1]
    async with asterisk(ears, audiosocket_legs="suffix") as server:
        async with leg(server, message(0x01, UUID(base + "a").bytes), SOUND) as agent:
            await heard(ears, CALL, A)
            async with leg(server, message(0x01, UUID(base + "c").bytes), SOUND, SOUND):
                await heard(ears, CALL, C)
            await agent.send(HANGUP)
            await ended(server, str(CALL))
        async with leg(server, message(0x01, UUID(base + "7").bytes), SOUND) as other:
            await other.closed()
    assert {party: len(sound) for party, sound in ears.heard[str(CALL)].items()} == {A: 20, C: 40}


async def test_a_call_goes_on_until_its_last_leg_hangs_up(server: Running, ears: Ears) -> None:
    async with leg(server, HELLO, SOUND) as first:
        await heard(ears, CALL, C)
        async with leg(server, HELLO, SOUND, HANGUP) as second:
            await second.closed()
            session = server.switchboard.get(str(CALL))
            assert session is not None
            assert session.why is None
            await first.send(SOUND, HANGUP)
            assert (await ended(server, str(CALL))).why == "ended"
    assert len(ears.heard[str(CALL)][C]) == 40


async def test_a_lost_leg_may_come_back(server: Running, ears: Ears) -> None:
    async with leg(server, HELLO, SOUND) as first:
        await heard(ears, CALL, C)
        # Breaking off within a message is no hang-up.
        await first.send(SOUND[:9])
    await until(lambda: not server.app.state.audiosocket.connections)
    async with leg(server, HELLO, message(0x10, bytes(40)), HANGUP):
        session = await ended(server, str(CALL))
    assert session.why == "ended"
    assert len(ears.heard[str(CALL)][C]) == 60


async def test_hears_other_rates(server: Running) -> None:
    for number, (kind, rate) in enumerate([(0x11, 12_000), (0x12, 16_000), (0x16, 48_000)]):
        call = UUID(int=number)
        sound = message(kind, bytes(20))
        async with leg(server, message(0x01, call.bytes), message(0x03, b"5"), sound, HANGUP):
            assert (await ended(server, str(call))).lanes.rate == rate


Sent = Sequence[bytes]
BAD: dict[str, tuple[Sent, str]] = {
    "audio before the id": ([SOUND], "bad_hello"),
    "a web browser": ([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], "bad_hello"),
    "a short id": ([message(0x01, b"abc")], "bad_hello"),
    "the id twice": ([HELLO, SOUND, HELLO], "bad_message"),
    "unknown type": ([HELLO, SOUND, message(0x55, b"x")], "bad_message"),
    "unknown type before audio": ([HELLO, message(0x55, b"x")], "bad_message"),
    "half a sample": ([HELLO, SOUND, message(0x10, b"abc")], "bad_packet"),
    "another rate": ([HELLO, SOUND, message(0x12, bytes(20))], "bad_packet"),
    "a rate beyond ours": ([HELLO, message(0x18, bytes(20))], "bad_message"),
}


async def test_refuses_what_is_wrong(ears: Ears, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "server.ingest.audiosocket")
    async with asterisk(ears) as server, healthy_call(server):
        for what, (sent, code) in BAD.items():
            caplog.clear()
            async with leg(server, *sent) as connection:
                await connection.closed()
            assert f"refused with {code}:" in caplog.text, what


async def test_refuses_a_third_leg_and_a_leg_of_another_rate(
    server: Running, ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "server.ingest.audiosocket")
    async with leg(server, HELLO, SOUND):
        await heard(ears, CALL, C)
        async with leg(server, HELLO, message(0x12, bytes(20))) as other:
            await other.closed()
        assert "8000 Hz" in caplog.text
        async with leg(server, HELLO, SOUND):
            await heard(ears, CALL, A)
            async with leg(server, HELLO, SOUND) as third:
                await third.closed()
        assert "call_taken" in caplog.text


async def test_does_not_wait_for_ever(ears: Ears) -> None:
    """A header that drips in, a message that never ends, a line that falls silent."""
    impatient = Settings.model_validate(
        {
            "port": 0,
            "audio": {"hello_s": 0.2},
            "telephony": {"audiosocket_port": 0, "idle_s": 0.2},
        }
    )
    slow = [[], [b"\x01\x00"], [HELLO], [HELLO, message(0x03, b"1")], [HELLO, SOUND[:-1]]]
    async with running(ears, settings=impatient) as server:
        for sent in [*slow, [HELLO, SOUND], [HELLO, SOUND, SOUND[:9]]]:
            async with leg(server, *sent) as connection:
                await connection.closed()


async def test_does_not_listen_unless_told(ears: Ears) -> None:
    async with running(ears, settings=settings()) as server:
        assert server.app.state.audiosocket.port is None


MESSAGES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.just(HELLO),
        st.builds(lambda call: message(0x01, call.bytes), st.uuids()),
        st.builds(message, st.integers(0, 255), st.binary(max_size=32)),
        st.builds(lambda kind, size: struct.pack(">BH", kind, size), st.integers(0, 255),
                  st.integers(0, 65_535)),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


async def test_garbage_harms_nobody(
    server: Running, ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    drawn = batches(MESSAGES)
    async with healthy_call(server):
        for sent in drawn:
            with contextlib.suppress(ConnectionError):
                async with leg(server, *sent):  # type: ignore[arg-type]
                    pass
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
