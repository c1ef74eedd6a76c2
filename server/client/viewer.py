"""Watches calls as a page does: snapshot, then events; comes back where it left off."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from server.client.audio import bearer
from server.client.errors import ClientError, Lost, Refused

RETRY_S = 0.5
GIVE_UP_S = 30
WORTH_RETRYING = {"too_slow", "going_down", "recogniser_failed"}


@dataclass(frozen=True, slots=True)
class Received:
    """One message from the server."""

    at: float
    """Epoch seconds of its receipt."""
    message: dict[str, Any]


class ViewerClient:
    """Iterate it for messages. It reconnects by itself; viewers of one call resume by ``seq``."""

    def __init__(
        self,
        server: str,
        *,
        agent: str | None = None,
        call: str | None = None,
        token: str | None = None,
    ) -> None:
        """Without agent and call it is a board. ``token`` is a bearer token, if one is needed."""
        self.open = asyncio.Event()
        """Set once the server has said hello."""
        self.seq: int | None = None
        """Number of the last event of the call that is watched."""
        self._server = server
        self._agent = agent
        self._call = call
        self._headers = bearer(token)
        self._socket: ClientConnection | None = None

    def _url(self) -> str:
        if self._agent is None and self._call is None:
            return f"{self._server}/v1/board"
        asked = {"agent": self._agent} if self._call is None else {"call": self._call}
        if self._call is not None and self.seq is not None:
            asked["resume_from"] = str(self.seq)
        return f"{self._server}/v1/agent?{urlencode(asked)}"

    def __aiter__(self) -> AsyncGenerator[Received, None]:
        return self.messages()

    async def messages(self) -> AsyncGenerator[Received, None]:
        """Messages without end; leave by closing it (``contextlib.aclosing``).

        Raises :class:`Refused` or :class:`Lost`.
        """
        well_at = time.monotonic()
        while True:
            try:
                async with connect(
                    self._url(),
                    compression=None,
                    max_size=None,
                    max_queue=256,
                    additional_headers=self._headers,
                ) as self._socket:
                    async for text in self._socket:
                        received = Received(time.time(), json.loads(text))
                        self._note(received.message)
                        yield received
                        well_at = time.monotonic()
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
                if time.monotonic() - well_at > GIVE_UP_S:
                    raise Lost(str(error)) from error
            self._socket = None
            await asyncio.sleep(RETRY_S)

    def _note(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "hello":
                self.open.set()
            case "error" if message["code"] not in WORTH_RETRYING:
                raise Refused(message["code"], message["message"])
            case (
                "snapshot"
                | "transcript"
                | "alert"
                | "suggestion"
                | "suppressed"
                | ("retraction" | "metric" | "status")
            ) if self._call is not None:
                self.seq = message["seq"]

    async def say(self, message: dict[str, Any]) -> None:
        """Send feedback, a paint acknowledgement or a ping."""
        if self._socket is None:
            raise ClientError("not connected")
        await self._socket.send(json.dumps(message))

    def drop(self) -> None:
        """Cut the connection, as a network does; the iteration opens another."""
        if self._socket is not None:
            self._socket.transport.abort()
