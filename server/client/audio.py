"""Sends recorded audio into the native socket exactly as a softphone would: paced, resumable."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from server.client.clip import Clip
from server.client.errors import Lost, Refused
from server.client.pace import PACKET_MS, Pace
from server.ingest.packet import ALL_CHANNELS, write

KEEP_S = 60
"""How much of what was sent a client keeps to send again after a lost connection."""
GIVE_UP_S = 30
RETRY_S = 0.5
WORTH_RETRYING = {"full", "going_down", "recogniser_failed", "call_taken", "elsewhere"}
OPEN_S = 5
"""A machine that is switched off does not even refuse."""
NODES = 16
DIRECTIONS = 3
"""So often a client is sent on before it waits and asks at the first address again."""


def bearer(token: str | None) -> dict[str, str]:
    """The header that proves who is calling."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True, slots=True)
class Call:
    """What the hello says of a call besides how its audio is coded."""

    id: str
    agent: str | None = None
    queue: str | None = None
    tier: str | None = None
    brand: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def hello(self, clip: Clip) -> dict[str, Any]:
        """The first message."""
        return {
            "type": "hello",
            "v": 1,
            "call": self.id,
            "parties": [str(party) for party in clip.parties],
            "codec": clip.codec,
            "rate": clip.rate,
            **self.known(),
            "attributes": dict(self.attributes),
        }

    def known(self) -> dict[str, str]:
        """Agent, queue, tier and brand, as far as they are known."""
        names = {name: getattr(self, name) for name in ("agent", "queue", "tier", "brand")}
        return {name: value for name, value in names.items() if value is not None}


class _HungUp(Exception):
    """The connection was there and is gone."""


class _Told(Exception):
    """The server sent an ``error`` message."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        super().__init__(str(message.get("code")))
        self.code = str(message.get("code"))
        self.message = str(message.get("message"))
        self.retry_after_s = float(message.get("retry_after_s", RETRY_S))
        self.url: str | None = message.get("url")
        """Another node of the site, to go on with at once."""


class AudioClient:
    """Plays one clip into a server as one call.

    ``speed`` is that of :class:`Pace`.
    """

    def __init__(
        self,
        server: str,
        call: Call,
        clip: Clip,
        *,
        speed: float = 1.0,
        interleaved: bool = True,
        token: str | None = None,
    ) -> None:
        """``token`` is the bearer token of a user with the role ``ingest``, where one is needed."""
        self.ready = asyncio.Event()
        """Set once the server has taken the call."""
        self.acknowledged = 0
        """The first sample that the server has not yet acknowledged."""
        self.server = server
        """The node that has the call now."""
        self._nodes = [server]
        """Every node that it knows of, the first address first."""
        self._sent_on = 0
        self._headers = bearer(token)
        self._call = call
        self._clip = clip
        self._pace = Pace(clip.rate, speed)
        self._channels = [ALL_CHANNELS] if interleaved else list(range(len(clip.parties)))
        self._packet = clip.rate * PACKET_MS // 1000
        self._socket: ClientConnection | None = None

    def _named(self) -> str:
        agent = {"agent": self._call.agent} if self._call.agent else {}
        return urlencode({"call": self._call.id, **agent})

    def sent_at(self, ms: int) -> float | None:
        """As :meth:`Pace.sent_at`."""
        return self._pace.sent_at(ms)

    def spoken_at(self, ms: int) -> float | None:
        """As :meth:`Pace.spoken_at`."""
        return self._pace.spoken_at(ms)

    async def run(self) -> int:
        """Send everything, then ``end``; gives the call's length in ms as the server has it.

        A lost connection is opened again and the call goes on where the server lacks audio.
        Raises :class:`Refused` or :class:`Lost`.
        """
        well_at, sent = time.monotonic(), 0
        while True:
            wait_s = RETRY_S
            try:
                async with connect(
                    # Balancers go by these, so that a call and its agent's page meet at one node.
                    f"{self.server}/v1/audio?{self._named()}",
                    compression=None,
                    max_size=None,
                    open_timeout=OPEN_S,
                    additional_headers=self._headers,
                ) as socket:
                    self._socket = socket
                    return await self._converse(socket)
            except _Told as error:
                if error.code not in WORTH_RETRYING:
                    raise Refused(error.code, error.message) from None
                wait_s, reason = self._direct(error), error.message
            except (ConnectionClosed, _HungUp) as error:
                # Most often it is the network; then the call is still there.
                reason = str(error)
            except (OSError, InvalidHandshake, TimeoutError) as error:
                reason = str(error)
                self._turn()
            if self._pace.packets > sent:
                well_at, sent = time.monotonic(), self._pace.packets
            if time.monotonic() - well_at > GIVE_UP_S:
                raise Lost(f"{self.server}: {reason}")
            await asyncio.sleep(wait_s)

    def _direct(self, told: _Told) -> float:
        """Turn to where the server sends us; gives how long to wait before."""
        if told.url is not None and self._sent_on < DIRECTIONS:
            self._sent_on += 1
            self.server = told.url
            self._remember([told.url])
            return 0.0
        self._sent_on, self.server = 0, self._nodes[0]
        return told.retry_after_s

    def _remember(self, urls: Iterable[str]) -> None:
        """For the day when the node that has the call dies without a word."""
        new = [url for url in urls if url not in self._nodes]
        self._nodes = [*self._nodes, *new][:NODES]

    def _turn(self) -> None:
        """Go to the next node: this one does not answer."""
        at = self._nodes.index(self.server) if self.server in self._nodes else -1
        self.server = self._nodes[(at + 1) % len(self._nodes)]

    def drop(self) -> None:
        """Cut the connection, as a network does; :meth:`run` opens another and goes on."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _converse(self, socket: ClientConnection) -> int:
        with contextlib.suppress(ConnectionClosed):
            # Who is refused at the door is told why before the close, as the next message.
            await socket.send(json.dumps(self._call.hello(self._clip)))
        ready = json.loads(await socket.recv())
        if ready["type"] == "error":
            raise _Told(ready)
        self.ready.set()
        self._sent_on = 0
        self._remember(ready.get("others", ()))
        reader = asyncio.create_task(self._read(socket))
        try:
            await self._send(socket, ready["next_sample"])
            await socket.send('{"type":"end"}')
            return await reader
        except ConnectionClosed:
            # What the server said last tells more than that it hung up.
            return await reader
        finally:
            reader.cancel()

    async def _read(self, socket: ClientConnection) -> int:
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "ended":
                return int(message["duration_ms"])
            if message["type"] == "error":
                raise _Told(message)
            self.acknowledged = message["next_sample"]
        raise _HungUp("closed before the end of the call")

    async def _send(self, socket: ClientConnection, start: int) -> None:
        start = max(start, self._pace.sent - KEEP_S * self._clip.rate)
        while start < self._clip.samples:
            stop = min((start // self._packet + 1) * self._packet, self._clip.samples)
            await self._pace.due(stop)
            for channel in self._channels:
                await socket.send(write(channel, start, self._clip.part(start, stop, channel)))
            self._pace.left(stop)
            start = stop
