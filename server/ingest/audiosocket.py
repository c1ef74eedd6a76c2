"""Asterisk AudioSocket: TCP, one leg of a call on each connection, three bytes before each message.

We only listen. A refused connection is closed without the hang-up message, which would make
Asterisk hang up on people who are talking.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from server import metrics
from server.ingest.legs import Leg, Legs, Lost
from server.ingest.line import Telephony
from server.refusals import Refusal

log = logging.getLogger(__name__)

HANGUP, IDENTITY, DTMF, ERROR = 0x00, 0x01, 0x03, 0xFF
RATES = {
    0x10: 8_000,
    0x11: 12_000,
    0x12: 16_000,
    0x13: 24_000,
    0x14: 32_000,
    0x15: 44_100,
    0x16: 48_000,
}
"""Signed linear audio by the type of its message."""
HEADER = struct.Struct(">BH")
CONNECTIONS = 4_000
FAREWELL_S = 5


class AudioSocketServer:
    """Listens for Asterisk where the settings give a port."""

    def __init__(self, telephony: Telephony) -> None:
        self.port: int | None = None
        """Where it listens."""
        self._telephony = telephony
        self._legs = Legs(telephony)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many legs are connected."""
        return len(self._tasks)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen until the context ends."""
        settings = self._telephony.settings
        port = settings.telephony.audiosocket_port
        if port is None:
            yield
            return
        server = await asyncio.start_server(self._connected, settings.host, port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers = self._telephony.settings.telephony.audiosocket_peers
        if not self._telephony.believes(writer.get_extra_info("peername")[0], peers):
            log.warning("AudioSocket: refused with forbidden; see telephony.audiosocket_peers")
            metrics.refused("forbidden")
            writer.close()
            return
        if len(self._tasks) >= CONNECTIONS:
            metrics.refused("full")
            log.warning("AudioSocket: refused with full")
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(Messages(reader))
        except Refusal as refusal:
            metrics.refused(refusal.code)
            log.info("AudioSocket: refused with %s: %s", refusal.code, refusal.message)
        except Lost:
            log.info("AudioSocket: a connection broke")
        except Exception:
            # The edge of a socket: what fails here must not reach other calls or the server.
            log.exception("AudioSocket: failed")
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await writer.wait_closed()

    async def _talk(self, messages: Messages) -> None:
        began = await self._telephony.greeting(self._begin(messages))
        if began is None:
            return
        call, kind, audio = began
        name, party = self._legs.identify(call)
        async with self._legs.hold(name, party, RATES[kind]) as leg:
            await leg.feed(audio)
            await self._audio(messages, leg, kind)

    async def _begin(self, messages: Messages) -> tuple[UUID, int, bytes] | None:
        """The call's id and the first audio, whose type tells the rate; None for no audio."""
        call = UUID(bytes=await messages.identity())
        while True:
            kind, payload = await messages.next()
            if kind == HANGUP:
                return None
            if kind in RATES:
                return call, kind, payload
            _passed_over(kind)

    async def _audio(self, messages: Messages, leg: Leg, rate_kind: int) -> None:
        while True:
            kind, payload = await messages.next()
            if kind == HANGUP:
                return
            if kind == rate_kind:
                await leg.feed(payload)
            elif kind in RATES:
                raise Refusal("bad_packet", f"type {kind:#04x}: the rate of a leg cannot change")
            else:
                _passed_over(kind)


class _Over(Lost):
    """The client closed the connection where it could."""


class Messages:
    """Cuts the stream of a connection."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def next(self) -> tuple[int, bytes]:
        """Type and payload; an end between two messages counts as hang-up.

        Raises :class:`Lost` when the connection breaks.
        """
        try:
            kind, length = HEADER.unpack(await self._exactly(HEADER.size))
        except _Over:
            return HANGUP, b""
        return kind, await self._exactly(length)

    async def identity(self) -> bytes:
        """The first message; judged by its header, as whoever is no Asterisk sends no more."""
        header = await self._exactly(HEADER.size)
        if header != HEADER.pack(IDENTITY, 16):
            raise Refusal("bad_hello", "a leg begins with type 0x01 and a UUID of 16 bytes")
        return await self._exactly(16)

    async def _exactly(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise (Lost if error.partial else _Over) from None
        except OSError:
            raise Lost from None


def _passed_over(kind: int) -> None:
    if kind not in (DTMF, ERROR):
        raise Refusal("bad_message", f"type {kind:#04x} is not known here")
