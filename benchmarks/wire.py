"""A websocket client for thousands of sockets in one process: frames written ready-made, read raw.

It is a load generator and no more: no fragments from the server, no extensions. What a client
should be is ``server.client``.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket as sockets
import struct
from collections.abc import Callable

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
Hear = Callable[[int, bytes], None]
"""Gets opcode and payload of every frame."""


class HandshakeError(ConnectionError):
    """The server did not agree to a websocket."""


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame. Its mask is zero, which is a mask like any other and costs nothing."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


class Socket(asyncio.Protocol):
    """One connection. ``hear`` is called in the loop for each frame as it comes."""

    def __init__(self, hear: Hear) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.code: int | None = None
        """Of the server's close frame."""
        self._hear = hear
        self._transport: asyncio.Transport | None = None
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server listens."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, from whichever side."""
        if not self.upgraded.done():
            self.upgraded.set_exception(HandshakeError("closed during the handshake"))
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Cut what came into frames."""
        data = self._held + data
        if not self.upgraded.done():
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._held = head
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.upgraded.set_exception(HandshakeError(head.decode("latin1")[:200]))
                return
            self.upgraded.set_result(None)
        at, end = 0, len(data)
        while end - at >= 2:
            size, start = data[at + 1] & 0x7F, at + 2
            if size == 126:
                if end - at < 4:
                    break
                (size,), start = struct.unpack_from("!H", data, at + 2), at + 4
            elif size == 127:
                if end - at < 10:
                    break
                (size,), start = struct.unpack_from("!Q", data, at + 2), at + 10
            if end < start + size:
                break
            self._one(data[at] & 0x0F, data[start : start + size])
            at = start + size
        self._held = data[at:]

    def _one(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.write(frame(PONG, payload))
        elif opcode == CLOSE:
            self.code = int.from_bytes(payload[:2], "big") if payload else 1005
            self.write(frame(CLOSE, payload[:2]))
            self.abort()
        else:
            self._hear(opcode, payload)

    def write(self, data: bytes) -> None:
        """Send whole frames."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def pause(self) -> None:
        """Read nothing any more, as a stalled browser does."""
        assert self._transport is not None
        self._transport.pause_reading()

    def abort(self) -> None:
        """Cut the connection, as a network does."""
        if self._transport is not None:
            self._transport.abort()


async def connect(address: str, path: str, hear: Hear, receive_buffer: int = 0) -> Socket:
    """A socket that has shaken hands. Raises ``OSError``, :class:`HandshakeError` among them.

    ``receive_buffer``: bytes that the system may hold for it; 0: as many as it likes.
    """
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    line = sockets.socket()
    line.setblocking(False)
    if receive_buffer:
        line.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer)
    await loop.sock_connect(line, (host, int(port)))
    _, socket = await loop.create_connection(lambda: Socket(hear), sock=line)
    key = base64.b64encode(os.urandom(16)).decode()
    socket.write(
        f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await socket.upgraded
    return socket
