"""The native audio socket: one JSON hello, then binary packets. ``PROTOCOL.md`` is its contract."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.websockets import WebSocket

from asr.events import AudioFrame, CallId
from server import sockets
from server.ingest import hello as hellos
from server.ingest.hello import Hello
from server.ingest.packet import PacketReader
from server.live.lanes import Lanes
from server.live.session import CallSession
from server.live.switchboard import Switchboard
from server.refusals import Refusal
from server.settings import AudioSocketSettings

ACK_EVERY_S = 1


class End(BaseModel):
    """The client has no more audio."""

    model_config = ConfigDict(extra="forbid", strict=True)
    type: Literal["end"]


class NativeSocket:
    """One connection of a client that sends audio."""

    def __init__(
        self, socket: WebSocket, switchboard: Switchboard, settings: AudioSocketSettings
    ) -> None:
        self._socket = socket
        self._switchboard = switchboard
        self._settings = settings
        # One deadline serves the idle timer and whoever takes the call away.
        self._deadline = asyncio.timeout(None)
        self._now = asyncio.get_running_loop().time
        self._postpone_at = 0.0
        self._stopped: Refusal | None = None
        self._feeding = False

    async def talk(self) -> None:
        """Feed a call until its end. Raises :class:`Refusal` or a disconnect."""
        hello = await self._hello()
        await self._switchboard.admit(CallId(hello.call))
        session = self._switchboard.join(hello.info(), hello.roles(), hello.rate)
        session.attach(self._stop)
        session.can_move = True
        try:
            async with self._deadline:
                await self._ready(session)
                reader = PacketReader(hello.roles(), hello.codec, hello.rate)
                await sockets.on_its_own(self._packets(session, reader))
            session.finish("ended")
        except TimeoutError:
            raise self._stopped or self._too_long() from None
        finally:
            session.detach(self._stop)
        await session.done.wait()
        if session.why == "recogniser_failed":
            raise Refusal("recogniser_failed", "our fault; the end of the call was lost")
        # After this its client forgets the sound.
        await session.until_kept()
        await sockets.send(
            self._socket,
            {"type": "ended", "call": session.info.call, "duration_ms": session.lanes.end_ms},
        )

    def _stop(self, refusal: Refusal) -> None:
        self._stopped = refusal
        self._deadline.reschedule(asyncio.get_running_loop().time())

    def _too_long(self) -> Refusal:
        limit = f"{self._settings.idle_s:g} s"
        if self._feeding:
            return Refusal("recogniser_failed", f"the recogniser took nothing for {limit}")
        return Refusal("idle", f"no audio for {limit}; end a call with 'end'")

    async def _hello(self) -> Hello:
        try:
            async with asyncio.timeout(self._settings.hello_s):
                return hellos.read(await sockets.receive_text(self._socket))
        except TimeoutError:
            wait = f"no hello within {self._settings.hello_s:g} s"
            raise Refusal("hello_timeout", wait) from None

    async def _ready(self, session: CallSession) -> None:
        info = self._switchboard.recogniser.info
        await sockets.send(
            self._socket,
            {
                "type": "ready",
                "v": 1,
                "call": session.info.call,
                "next_sample": session.lanes.next_sample,
                "recogniser": {"name": info.name, "demonstration": info.demonstration},
                **self._switchboard.others(),
            },
        )

    async def _packets(self, session: CallSession, reader: PacketReader) -> None:
        """Take packets until the client says that the call has ended."""
        acknowledged = session.safe_sample
        while True:
            self._postpone()
            messages = await sockets.receive_waiting(self._socket)
            if isinstance(messages, str):
                return _check_end(messages)
            self._feeding = True
            await session.feed(_frames(messages, reader, session.lanes))
            self._feeding = False
            if session.safe_sample - acknowledged >= reader.rate * ACK_EVERY_S:
                acknowledged = session.safe_sample
                await sockets.send(self._socket, {"type": "ack", "next_sample": acknowledged})

    def _postpone(self) -> None:
        """Put the deadline off. Not at each of fifty packets a second: timers are not free."""
        now = self._now()
        if now < self._postpone_at or self._stopped is not None:
            return
        early = self._settings.idle_s / 4
        self._postpone_at = now + early
        self._deadline.reschedule(now + self._settings.idle_s + early)


def _frames(messages: Iterable[bytes], reader: PacketReader, lanes: Lanes) -> Iterator[AudioFrame]:
    """The new sound of packets; each is cut when those before it have been taken."""
    for message in messages:
        sockets.check_length(message)
        yield from lanes.cut(*reader.read(message))


def _check_end(text: str) -> None:
    """Text between packets can only be the end of the call."""
    try:
        End.model_validate_json(text)
    except ValidationError as error:
        refusal = hellos.refusal(error, "bad_message")
        if refusal.code == "not_json":
            raise Refusal(
                "binary_expected", "text where an audio packet is due; packets are binary"
            ) from None
        raise refusal from None
