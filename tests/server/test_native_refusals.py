"""What a public socket gets: every wrong message has its answer, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from asr.recogniser import ScriptedRecogniser
from server.ingest.packet import write
from server.live.session import CallSession
from server.refusals import CLOSE_CODES
from server.settings import Settings
from tests.fixtures.script import LINES
from tests.server.running import (
    RATE,
    Running,
    fixture_recogniser,
    hello,
    message,
    packet,
    running,
)

GOOD = hello("c-bad")


@asynccontextmanager
async def healthy_call(server: Running) -> AsyncIterator[None]:
    """A call that is half over while something else happens, and must end as if alone."""
    async with server.audio() as socket:
        await socket.send(hello("c-healthy", agent="a-9"))
        assert (await message(socket))["type"] == "ready"
        # Half a second at once: here the neighbours matter, not the pace.
        for start in range(0, 30 * RATE, RATE // 2):
            await socket.send(interleaved(bytes(2 * RATE), start))
        yield
        for start in range(30 * RATE, 61 * RATE, RATE // 2):
            await socket.send(interleaved(bytes(2 * RATE), start))
        await socket.send('{"type":"end"}')
        while (last := await message(socket))["type"] == "ack":
            pass
        assert last == {"type": "ended", "call": "c-healthy", "duration_ms": 61_000}
    session = server.switchboard.get("c-healthy")
    assert session is not None
    assert finals(session) == [line.text for line in LINES]


def finals(session: CallSession) -> list[str]:
    events = session.snapshot(plain=True)["events"]
    assert isinstance(events, list)
    return [event["text"] for event in events if event["type"] == "transcript"]


async def refused(socket: ClientConnection) -> tuple[int, str, str]:
    """Close code, error code and message of a socket that is being closed."""
    code = text = ""
    try:
        while True:
            told = await message(socket)
            if told["type"] == "error":
                code, text = told["code"], told["message"]
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006, code, text


def interleaved(audio: bytes, start: int = 0) -> bytes:
    return write(255, start, audio)


Sent = Sequence[str | bytes]
BAD: dict[str, tuple[Sent, str, str]] = {
    "empty hello": (["{}"], "bad_hello", "call"),
    "no message at all": ([""], "not_json", "JSON"),
    "no JSON": (["hello"], "not_json", "JSON"),
    "a list": (["[1,2]"], "bad_hello", "object"),
    "binary where the hello is due": ([b"\x01\xff"], "text_expected", "binary"),
    "unknown version": ([hello(v=2)], "bad_hello", "v"),
    "unknown field": ([hello(colour="red")], "bad_hello", "colour"),
    "unknown type": ([hello(type="hallo")], "bad_hello", "type"),
    "no call": ([hello(call="")], "bad_hello", "call"),
    "call id with spaces": ([hello("a b")], "bad_hello", "call"),
    "rate 0": ([hello(rate=0)], "bad_hello", "rate"),
    "rate 10": ([hello(rate=10)], "bad_hello", "rate"),
    "rate 100000": ([hello(rate=100_000)], "bad_hello", "rate"),
    "rate as text": ([hello(rate="8000")], "bad_hello", "rate"),
    "no parties": ([hello(parties=[])], "bad_hello", "parties"),
    "the same party twice": ([hello(parties=["agent", "agent"])], "bad_hello", "parties"),
    "seven parties": ([hello(parties=["agent"] * 7)], "bad_hello", "parties"),
    "unknown coding": ([hello(codec="mp3")], "bad_hello", "codec"),
    "too many attributes": (
        [hello(attributes={str(i): "x" for i in range(99)})],
        "bad_hello",
        "attributes",
    ),
    "hello twice": ([GOOD, GOOD], "bad_message", "type"),
    "text where a packet is due": ([GOOD, "AAECAwQ="], "binary_expected", "binary"),
    "unknown text message": ([GOOD, '{"type":"stop"}'], "bad_message", "type"),
    "end with more in it": ([GOOD, '{"type":"end","now":true}'], "bad_message", "now"),
    "shorter than a header": ([GOOD, b"\x01\xff\x00"], "bad_packet", "header"),
    "wrong version byte": ([GOOD, b"\x02" + packet(0)[1:]], "bad_packet", "byte 0"),
    "channel out of range": ([GOOD, packet(0, channel=2, channels=1)], "bad_packet", "channel"),
    "reserved bytes used": ([GOOD, b"\x01\xff\x01\x00" + packet(0)[4:]], "bad_packet", "zero"),
    "odd byte count": ([GOOD, interleaved(bytes(641))], "bad_packet", "whole number"),
    "half a stereo sample": ([GOOD, interleaved(bytes(642))], "bad_packet", "whole number"),
    "far in the future": ([GOOD, interleaved(bytes(640), 2**63)], "bad_packet", "ahead"),
    "more than a second": ([GOOD, interleaved(bytes(4 * (RATE + 1)))], "too_large", "1 s"),
    "a frame of 600 KiB": ([GOOD, interleaved(bytes(600 * 1024))], "too_large", "at most"),
    "a hello of 600 KiB": ([hello(queue="x" * 600 * 1024)], "too_large", "at most"),
}


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


@pytest.mark.parametrize("what", BAD)
async def test_refuses(server: Running, what: str) -> None:
    sent, code, named = BAD[what]
    async with healthy_call(server), server.audio() as socket:
        for part in sent:
            await socket.send(part)
        close, told, text = await refused(socket)
        assert told == code, text
        assert close == CLOSE_CODES[code]
        assert named in text


async def test_refuses_a_frame_of_five_megabytes(server: Running) -> None:
    """Longer than what is worth an answer: the code alone, and no memory spent on it."""
    async with healthy_call(server), server.audio() as socket:
        await socket.send(GOOD)
        # The server hangs up before it has read all of it.
        with contextlib.suppress(ConnectionClosed):
            await socket.send(bytes(5 * 1024 * 1024))
        assert (await refused(socket))[0] == CLOSE_CODES["too_large"]


async def test_refuses_a_second_socket_for_the_same_call(server: Running) -> None:
    async with healthy_call(server), server.audio() as socket:
        await socket.send(hello("c-healthy"))
        assert (await refused(socket))[:2] == (1008, "call_taken")


async def test_refuses_a_call_that_changes_its_shape(server: Running) -> None:
    async with healthy_call(server), server.audio() as socket:
        await socket.send(hello("c-healthy", rate=16_000))
        close, code, text = await refused(socket)
        assert (close, code) == (1007, "bad_hello")
        assert "8000 Hz" in text


async def test_refuses_the_id_of_a_call_that_has_ended(server: Running) -> None:
    for answer in ("ended", "call_ended"):
        async with server.audio() as socket:
            await socket.send(hello("c-twice"))
            await socket.send('{"type":"end"}')
            told = await message(socket)
            if told["type"] == "ready":
                told = await message(socket)
            assert told.get("code", told["type"]) == answer


async def test_refuses_a_browser_page_of_another_site(server: Running) -> None:
    from websockets.asyncio.client import connect

    async with connect(f"{server.ws}/v1/audio", origin="https://example.org") as socket:  # type: ignore[arg-type]
        assert (await refused(socket))[:2] == (1008, "forbidden")


async def test_refuses_more_calls_than_the_recogniser_takes() -> None:
    async with (
        running(fixture_recogniser(max_calls=1)) as server,
        healthy_call(server),
        server.audio() as socket,
    ):
        await socket.send(GOOD)
        told = await message(socket)
        assert told["code"] == "full"
        assert told["retry_after_s"] > 0
        assert (await refused(socket))[0] == 1013


@pytest.mark.parametrize(
    ("sent", "code", "limit"),
    [
        ([], "hello_timeout", "hello_s"),
        ([GOOD], "idle", "idle_s"),
        ([GOOD, packet(0)], "idle", "idle_s"),
    ],
)
async def test_closes_a_silent_socket(sent: Sent, code: str, limit: str) -> None:
    impatient = Settings.model_validate({"port": 0, "audio": {limit: 0.2}, "calls": {"drain_s": 1}})
    async with running(settings=impatient) as server, server.audio() as socket:
        for part in sent:
            await socket.send(part)
        assert (await refused(socket))[:2] == (4408, code)


async def test_tells_when_the_recogniser_fails_and_takes_the_call_anew() -> None:
    recogniser = Breaking()
    async with running(recogniser) as server:
        async with healthy_call(server), server.audio() as socket:
            await socket.send(hello("c-broken"))
            assert (await message(socket))["type"] == "ready"
            recogniser.broken.set()
            assert (await refused(socket))[:2] == (1011, "recogniser_failed")
        session = server.switchboard.get("c-broken")
        assert session is not None
        await session.done.wait()
        recogniser.broken.clear()
        async with server.audio() as socket:
            await socket.send(hello("c-broken"))
            assert (await message(socket))["next_sample"] == 0


class Breaking(ScriptedRecogniser):
    """Fails the call ``c-broken`` while ``broken`` is set."""

    def __init__(self) -> None:
        from tests.server.running import SPOKEN

        super().__init__({"*": SPOKEN})
        self.broken = asyncio.Event()

    def open(self, call, parties, rate):  # type: ignore[no-untyped-def]
        audio = super().open(call, parties, rate)
        if call != "c-broken":
            return audio
        return Cracked(audio, self.broken)


class Cracked:
    def __init__(self, audio, broken: asyncio.Event) -> None:  # type: ignore[no-untyped-def]
        self._audio, self._broken = audio, broken
        self.push: Callable = audio.push  # type: ignore[type-arg]
        self.end, self.aclose = audio.end, audio.aclose

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        await self._broken.wait()
        raise RuntimeError("the model is gone")
        yield


async def test_survives_garbage(server: Running) -> None:
    """Random bytes and random damage to good messages, each on its own socket."""
    dice = random.Random(20_260_105)
    async with healthy_call(server):
        for number in range(150):
            good = [hello(f"c-{number}"), packet(0), '{"type":"end"}']
            sent = [damaged(part, dice) for part in good[: dice.randint(1, 3)]]
            async with server.audio() as socket:
                with contextlib.suppress(ConnectionClosed):
                    for part in sent:
                        await socket.send(part)
                    await asyncio.wait_for(socket.recv(), 5)


def damaged(part: str | bytes, dice: random.Random) -> str | bytes:
    """The message as it is, or cut, or with a byte changed, or nothing of it left."""
    raw = bytearray(part.encode() if isinstance(part, str) else part)
    match dice.randint(0, 4):
        case 0:
            return part
        case 1:
            raw = raw[: dice.randint(0, len(raw))]
        case 2:
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        case _:
            raw = bytearray(dice.randbytes(dice.randint(0, 99)))
    as_text = isinstance(part, str) == bool(dice.randint(0, 4))
    return raw.decode("utf-8", "replace") if as_text else bytes(raw)


async def test_nothing_is_left_of_refused_calls(server: Running) -> None:
    async with server.audio() as socket:
        await socket.send("{}")
        await refused(socket)
    assert list(server.switchboard.calls()) == []


def test_every_refusal_has_a_line_in_the_protocol() -> None:
    from pathlib import Path

    import server.refusals

    text = (Path(server.refusals.__file__).parent / "PROTOCOL.md").read_text("utf-8")
    missing = [code for code in CLOSE_CODES if f"`{code}`" not in text]
    assert missing == []


def test_every_status_has_a_line_in_the_protocol() -> None:
    from pathlib import Path

    import server.events

    text = (Path(server.events.__file__).parent / "PROTOCOL.md").read_text("utf-8")
    assert [name for name in server.events.STATUS if f"| `{name}` |" not in text] == []
