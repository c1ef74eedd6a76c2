"""Audio needs a token where somebody has to sign in: how each dialect can give it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from uuid import UUID

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from asr.events import Party
from server.client.audio import AudioClient, Call
from server.client.clip import Clip
from server.client.dialects import audiosocket, twilio
from server.client.errors import Refused
from tests.server.access.house import header, house, settings, token
from tests.server.running import Running, hello, message, running, silent_clip


async def answer(address: str, first: str, **headers: str) -> str:
    """``ok``, or the code with which a socket is refused."""
    async with connect(address, additional_headers=headers) as socket:
        with contextlib.suppress(ConnectionClosed):
            await socket.send(first)
        told = await message(socket)
        return str(told.get("code", "ok"))


async def test_a_token_comes_by_header_query_or_basic_authentication() -> None:
    async with house() as server:
        good, address = token(server, "pbx"), f"{server.ws}/v1/audio"
        basic = base64.b64encode(f"pbx:{good}".encode()).decode()
        assert await answer(address, hello("c-1"), Authorization=f"Bearer {good}") == "ok"
        assert await answer(address, hello("c-2"), Authorization=f"Basic {basic}") == "ok"
        assert await answer(f"{address}?token={good}", hello("c-3")) == "ok"
        assert await answer(f"{address}?token={good[:-4]}", hello("c-4")) == "unauthorized"
        assert await answer(address, hello("c-4"), Authorization="Basic !") == "unauthorized"
        assert await answer(address, hello("c-4")) == "unauthorized"
        agents = token(server, "a-7")
        assert await answer(f"{address}?token={agents}", hello("c-4")) == "forbidden"
        board = f"{server.ws}/v1/board?token={token(server, 'lead')}"
        # In an address it would end up in logs; that is for those who have no other way.
        assert await answer(board, "x") == "unauthorized"
        assert server.switchboard.get("c-4") is None


async def test_our_client_has_a_token() -> None:
    async with house() as server:
        clip = silent_clip(1)
        good = AudioClient(server.ws, Call("c-1"), clip, speed=0, token=token(server, "pbx"))
        assert await good.run() == 1_000
        with pytest.raises(Refused, match="unauthorized"):
            await AudioClient(server.ws, Call("c-2"), clip, speed=0).run()


def mulaw(seconds: float) -> Clip:
    samples = int(8_000 * seconds)
    return Clip((Party.CUSTOMER, Party.AGENT), "mulaw", 8_000, bytes([255]) * 2 * samples)


async def test_twilio_has_its_token_in_a_custom_parameter() -> None:
    async with house() as server:

        async def send(call: str, **attributes: str) -> str | None:
            said = twilio.messages(Call(call, agent="a-7", attributes=attributes), mulaw(0.2))
            async with connect(server.ws + twilio.PATH) as socket:
                with contextlib.suppress(ConnectionClosed):
                    for _, text in said:
                        await socket.send(text)
                await socket.wait_closed()
                return socket.close_reason

        assert await send("CA1", token=token(server, "pbx")) == ""
        session = server.switchboard.get("CA1")
        assert session is not None
        assert "token" not in session.info.attributes
        assert await send("CA2", token="guess") == "unauthorized"
        assert await send("CA3") == "unauthorized"
        assert server.switchboard.get("CA2") is server.switchboard.get("CA3") is None


async def test_a_network_of_its_own_needs_no_token() -> None:
    async with house(audio_without_token=True) as server:
        assert await answer(f"{server.ws}/v1/audio", hello("c-1")) == "ok"
        funasr = json.dumps({"mode": "online", "is_speaking": True, "wav_format": "mp3"})
        assert await answer(f"{server.ws}/", funasr) == "bad_hello"
        assert await answer(f"{server.ws}/v1/board", "x") == "unauthorized"


@pytest.mark.parametrize(
    ("peers", "taken"), [("", True), ("127.0.0.0/8", True), ("10.1.2.3", False)]
)
async def test_asterisk_is_believed_by_its_address(peers: str, taken: bool) -> None:
    with_asterisk = settings(mode="local").model_copy(
        update={
            "telephony": settings().telephony.model_copy(
                update={"audiosocket_port": 0, "audiosocket_peers": peers}
            )
        }
    )
    async with running(settings=with_asterisk) as server:
        assert await asterisk(server) == taken


async def asterisk(server: Running) -> bool:
    """Whether a leg becomes a call."""
    call = UUID("cb9d9b0f-5a32-4f5b-8d51-5fd6ad5b4a30")
    clip = Clip((Party.CUSTOMER,), "pcm16", 8_000, bytes(8_000))
    port = server.app.state.audiosocket.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in audiosocket.messages(call, clip, Party.CUSTOMER):
            writer.write(piece.data)
        await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()
    return server.switchboard.get(str(call)) is not None


def test_a_peer_that_is_no_address_is_named() -> None:
    with pytest.raises(ValueError, match="audiosocket_peers"):
        settings().telephony.model_validate({"audiosocket_peers": "asterisk.local"})


async def test_the_header_is_enough_for_every_dialect() -> None:
    async with house() as server:
        headers = header(server, "pbx")
        for path in ("/", "/v1/telephony/l16", "/v1/telephony/funasr"):
            assert await answer(server.ws + path, "x", **headers) in ("not_json", "bad_hello")
