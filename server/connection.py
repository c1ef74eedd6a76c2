"""uvicorn's side of a websocket, with two short ways: packets in, and what many pages get out.

Frames are read by ``websockets``, and all else is as uvicorn does it. The application finds the
connection of its socket among the extensions of the ASGI scope.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

from server.intake import Event, Intake

EXTENSION = "tingban.connection"


class Connection(WebSocketsSansIOProtocol):
    """One websocket."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.intake = Intake(self._read_on)
        self.queue = cast("asyncio.Queue[Any]", self.intake)

    def handle_connect(self, event: Request) -> None:
        """Tell the application of this connection."""
        super().handle_connect(event)
        if not self.handshake_complete:
            cast("Event", self.scope["extensions"])[EXTENSION] = {"connection": self}

    def handle_bytes(self, event: Frame) -> None:
        """A whole binary message waits as it is; the first part of one is uvicorn's to complete."""
        if not event.fin or self.close_sent:
            super().handle_bytes(event)
        elif not self.intake.put(bytes(event.data)) and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _read_on(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    async def send_frame(self, ready: bytes) -> None:
        """Send a whole message that is a frame already. Raises ``WebSocketDisconnect``."""
        await self.writable.wait()
        if self.disconnected or self.close_sent or self.conn.state is not State.OPEN:
            raise WebSocketDisconnect(1006)
        self.transport.write(ready)


def of(socket: WebSocket) -> Connection:
    """The connection of a websocket."""
    connection: Connection = socket.scope["extensions"][EXTENSION]["connection"]
    return connection
