"""FunASR's protocol: what its clients send is heard, what they get is in their words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect

from asr.events import Party
from server.client.audio import AudioClient, Call
from server.client.dialects import funasr
from server.refusals import CLOSE_CODES
from tests.server.ingest.garbage import JSON, harmless
from tests.server.ingest.listening import (
    Ears,
    ended,
    gaps,
    of,
    recorded,
    refused,
    send_all,
    settings,
    until,
)
from tests.server.running import Running, message, running
from tests.server.test_native_refusals import healthy_call

U, C = Party.UNKNOWN, Party.CUSTOMER
END = '{"is_speaking":false}'


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
async def server(ears: Ears) -> AsyncIterator[Running]:
    async with running(ears, settings=settings()) as server:
        yield server


def stream(server: Running, query: str = "", path: str = funasr.PATH) -> connect:
    return connect(f"{server.ws}{path}{query}", compression=None)


def config(**changes: Any) -> str:
    return json.dumps({"mode": "2pass", "audio_fs": 8000, "is_speaking": True, **changes})


async def told(socket: ClientConnection) -> list[dict[str, Any]]:
    """Replies up to the last one."""
    replies = []
    while not replies or not replies[-1]["is_final"]:
        replies.append(await message(socket))
    return replies


def customer_says() -> list[str]:
    """What the scripted recogniser hears of the one party."""
    from tests.fixtures.script import LINES

    return [line.text for line in LINES if line.party is C]


async def test_two_passes_tell_stable_words_then_the_sentence(server: Running, ears: Ears) -> None:
    """From the same samples that the native socket hears."""
    clip = of(recorded(), (C,))
    async with stream(server, "?call=c-1&party=customer&extension=6001", "/") as socket:
        await send_all(socket, funasr.messages("demo", clip))
        replies = await told(socket)
        assert await message(socket) == {"wav_name": "demo", "is_end": True, "is_final": True}
    session = await ended(server, "c-1")
    assert (session.why, session.info.agent) == ("ended", "a-7")
    finals = [reply for reply in replies if reply["mode"] == "2pass-offline" and reply["text"]]
    assert [reply["text"] for reply in finals] == customer_says()
    assert all(len(json.loads(reply["timestamp"])) == len(reply["text"]) for reply in finals)
    assert {reply["wav_name"] for reply in replies} == {"demo"}
    grown, at = "", 0
    for reply in replies:
        if reply["mode"] == "2pass-online":
            grown += reply["text"]
        elif reply["text"]:
            # What a client has shown is never taken back.
            assert reply["text"].startswith(grown)
            grown, at = "", at + 1
    assert at == len(customer_says())
    await AudioClient(server.ws, Call("c-2"), clip, speed=0).run()
    assert ears.heard["c-1"] == ears.heard["c-2"]
    assert not ears.gaps


@pytest.mark.parametrize("mode", ["online", "offline"])
async def test_one_pass_tells_all_words_once(server: Running, mode: str) -> None:
    async with stream(server, "?party=customer") as socket:
        await send_all(socket, [config(mode=mode), bytes(3200), END])
        replies = await told(socket)
    assert {reply["mode"] for reply in replies} == {mode}
    assert "".join(reply["text"] for reply in replies) == "".join(customer_says())
    assert len(replies) == 1 or mode == "online"


async def test_recordings_on_one_connection_are_calls_of_their_own(
    server: Running, ears: Ears
) -> None:
    async with stream(server, "?call=c-1") as socket:
        for name in ("one", "two"):
            await send_all(socket, [config(wav_name=name), b"\1", b"\2\3", b"\4\5", END])
            assert {reply["wav_name"] for reply in await told(socket)} == {name}
    assert len(ears.heard) == 2
    # Bytes may be cut within a sample.
    assert [heard[U] for heard in ears.heard.values()] == [b"\1\2\3\4"] * 2


async def test_the_header_of_a_file_is_not_sound(server: Running, ears: Ears) -> None:
    async with stream(server, "?call=c-1") as socket:
        sent = [config(wav_format="wav"), b"RIFF" + bytes(40) + b"\1\2", b"RIFF", END]
        await send_all(socket, sent)
        await told(socket)
    assert ears.heard["c-1"][U] == b"\1\2RIFF"


async def test_hanging_up_ends_the_call(server: Running) -> None:
    async with stream(server, "?call=c-1") as socket:
        await send_all(socket, [config(), bytes(320)])
    assert (await ended(server, "c-1")).why == "ended"


async def test_a_lost_connection_goes_on_and_the_hole_is_a_gap(server: Running, ears: Ears) -> None:
    telephony = server.app.state.telephony
    telephony.clock = lambda: 0.0
    async with stream(server, "?call=c-1") as socket:
        await send_all(socket, [config(), bytes(16_000)])
        await until(lambda: ears.heard["c-1"].get(U))
        socket.transport.abort()
    session = server.switchboard.get("c-1")
    assert session is not None
    telephony.clock = lambda: 3.0
    async with stream(server, "?call=c-1") as socket:
        await send_all(socket, [config(), bytes(320), END])
        await told(socket)
    assert gaps(await ended(server, "c-1")) == [(U, 1_000, 3_000)]


Sent = Sequence[str | bytes]
BAD: dict[str, tuple[Sent, str, str]] = {
    "no JSON": (["hello"], "not_json", "JSON"),
    "a list": (["[]"], "bad_hello", "object"),
    "audio first": ([bytes(320)], "text_expected", "mode"),
    "unknown mode": ([config(mode="3pass")], "bad_hello", "mode"),
    "rate 10": ([config(audio_fs=10)], "bad_hello", "audio_fs"),
    "mp3": ([config(wav_format="mp3")], "bad_hello", "wav_format"),
    "name too long": ([config(wav_name="x" * 257)], "bad_hello", "wav_name"),
    "no JSON later": ([config(), "stop"], "not_json", "JSON"),
    "nonsense later": ([config(), '{"is_speaking":"perhaps"}'], "bad_message", "is_speaking"),
    "audio after the end": ([config(), END, bytes(320)], "text_expected", "mode"),
    "600 KiB": ([config(), bytes(600 * 1024)], "too_large", "at most"),
}


async def test_refuses_what_is_wrong(server: Running) -> None:
    async with healthy_call(server):
        for what, (sent, code, named) in BAD.items():
            async with stream(server) as socket:
                await send_all(socket, sent)
                close, said, text = await refused(socket)
                assert (said, close) == (code, CLOSE_CODES[code]), (what, text)
                assert named in text, what
        async with stream(server, "?party=boss") as socket:
            assert (await refused(socket))[1] == "bad_hello"


async def test_closes_a_silent_line(ears: Ears) -> None:
    async with running(ears, settings=settings(idle_s=0.2)) as server:
        for sent in ([config()], [config(), END]):
            async with stream(server) as socket:
                await send_all(socket, sent)
                assert (await refused(socket))[:2] == (CLOSE_CODES["idle"], "idle")


FIELDS = ["mode", "wav_name", "wav_format", "audio_fs", "is_speaking", "is_end"]
MESSAGES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.binary(max_size=40),
        JSON.map(json.dumps),
        st.just(config()),
        st.just(END),
        st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda changes: config(**changes)),
    ),
    min_size=1,
    max_size=6,
)


async def test_garbage_harms_nobody(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    await harmless(server, lambda: stream(server), MESSAGES, caplog)
