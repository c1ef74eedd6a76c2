"""The short way for packets gives what uvicorn's own parser gives, however the bytes come."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode

from server.framing import PacketProtocol

LIMIT = 400
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def heard(
    kind: type[WebSocketsSansIOProtocol], pieces: list[bytes], limit: int = LIMIT
) -> tuple[Any, ...]:
    """Messages that the application gets, what goes back, whether the connection is cut."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        opened.set()
        await asyncio.Event().wait()

    opened = asyncio.Event()
    config = uvicorn.Config(app, ws_max_size=limit, ws_per_message_deflate=False, log_config=None)
    config.load()
    protocol = kind(config, ServerState(), {})
    wire = Wire()
    protocol.connection_made(wire)
    protocol.data_received(HANDSHAKE)
    await opened.wait()
    wire.written.clear()
    try:
        for piece in pieces:
            if not wire.closed:
                protocol.data_received(piece)
    except InvalidState:
        # What uvicorn does about text that is no UTF-8 behind a close; the loop cuts it off then.
        wire.close()
    protocol.stop_keepalive()
    messages = []
    while not protocol.queue.empty():
        message = protocol.queue.get_nowait()
        messages.append({**message, "bytes": bytes(message.get("bytes") or b"")})
    for task in protocol.tasks:
        task.cancel()
    await asyncio.gather(*protocol.tasks, return_exceptions=True)
    return messages, b"".join(wire.written), wire.closed


def masked(opcode: Opcode, payload: bytes, fin: bool = True, mask: bool = True) -> bytes:
    frame = Frame(opcode, payload, fin=fin)
    return frame.serialize(mask=mask)


PAYLOADS = st.one_of(
    st.binary(max_size=60), st.sampled_from((125, 126, 127, 300, LIMIT + 1)).map(bytes)
)
FRAMES = st.one_of(
    st.builds(masked, st.sampled_from((Opcode.BINARY, Opcode.TEXT)), PAYLOADS),
    st.builds(masked, st.just(Opcode.BINARY), PAYLOADS, st.booleans(), st.booleans()),
    st.builds(masked, st.just(Opcode.CONT), PAYLOADS, st.booleans()),
    st.builds(masked, st.sampled_from((Opcode.PING, Opcode.PONG)), st.binary(max_size=125)),
    st.just(masked(Opcode.CLOSE, b"\x03\xe8")),
    st.binary(min_size=1, max_size=8),
)


@given(st.lists(FRAMES, max_size=6).map(b"".join), st.lists(st.integers(1, 3_000), max_size=12))
def test_any_bytes_in_any_pieces_mean_the_same(data: bytes, sizes: list[int]) -> None:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    pieces = [piece for piece in (*pieces, data[at:]) if piece]

    async def all_ways() -> tuple[tuple[Any, ...], ...]:
        single = [data[i : i + 1] for i in range(len(data))]
        return (
            await heard(PacketProtocol, pieces),
            await heard(WebSocketsSansIOProtocol, pieces),
            await heard(WebSocketsSansIOProtocol, single),
        )

    ours, plain, slow = asyncio.run(all_ways())
    assert ours[1:] == plain[1:]
    # Messages that come in one piece with a fault are dropped by uvicorn. Packets are not, here:
    # they come as if each byte had come alone.
    parsed, least, most = (content(messages) for messages, *_ in (ours, plain, slow))
    assert parsed[: len(least)] == least
    assert most[: len(parsed)] == parsed


def content(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What came before the end."""
    return [(m.get("text"), m["bytes"]) for m in messages if m["type"] == "websocket.receive"]


async def test_long_messages_come_whole() -> None:
    for size in (65_535, 65_536):
        data = masked(Opcode.BINARY, bytes(size))
        for pieces in ([data], [data[:3], data[3:]], [data[:40_000], data[40_000:]]):
            (message, *_), *_ = await heard(PacketProtocol, pieces, limit=100_000)
            assert message["bytes"] == bytes(size)


async def test_packets_take_the_short_way() -> None:
    taken: list[int] = []

    class Watched(PacketProtocol):
        def _packets(self, data: bytes) -> int:
            taken.append(super()._packets(data))
            return taken[-1]

    packet = masked(Opcode.BINARY, bytes(range(256)))
    messages, *_ = await heard(Watched, [packet, packet * 2, packet[:9], packet[9:], packet])
    assert [one["bytes"] for one in messages] == [bytes(range(256))] * 5
    assert taken == [len(packet), 2 * len(packet), 0, len(packet)]
