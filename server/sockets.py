"""What all websockets share: who may open one, how big a message may be, how a refusal is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from server import connection, metrics
from server.access import guard
from server.access.roles import Caller
from server.live.notice import encode
from server.refusals import Refusal

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 512 * 1024
"""Longest message in bytes that we answer; uvicorn itself cuts off twice this."""
FAREWELL_S = 5
"""How long a client may take to read why it is refused."""


async def serve(
    socket: WebSocket,
    talk: Callable[[], Awaitable[None]],
    subprotocol: str | None = None,
    admit: Callable[[WebSocket], Awaitable[Caller | None]] = guard.admit,
) -> None:
    """Accept a socket, hold the conversation, close it with the code that its end deserves.

    Whom ``admit`` lets in is ``socket.state.caller``.
    """
    await socket.accept(subprotocol)
    try:
        socket.state.caller = await admit(socket)
        await talk()
        await _close(socket, 1000)
    except Refusal as refusal:
        log.info("%s: refused with %s", socket.url.path, refusal.code)
        await _refuse(socket, refusal)
    except WebSocketDisconnect:
        pass
    except Exception:
        # The edge of a socket: what fails here must not reach other calls or the server.
        log.exception("%s: failed", socket.url.path)
        await _refuse(socket, Refusal("recogniser_failed", "our fault; connect again"))


async def _refuse(socket: WebSocket, refusal: Refusal) -> None:
    metrics.refused(refusal.code)
    try:
        async with asyncio.timeout(FAREWELL_S):
            await send(socket, refusal.wire())
            await _close(socket, refusal.close_code, refusal.code)
    except (TimeoutError, WebSocketDisconnect):
        log.info("%s: left before reading why", socket.url.path)


async def _close(socket: WebSocket, code: int, reason: str = "") -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        await socket.close(code, reason)


async def send(socket: WebSocket, message: dict[str, Any]) -> None:
    """Send a JSON message."""
    await socket.send_text(encode(message))


async def receive(socket: WebSocket) -> str | bytes:
    """The next message. Raises on a disconnect or on a message that is too long."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    data: bytes | None = message.get("bytes")
    content: str | bytes = message["text"] if data is None else data
    check_length(content)
    return content


def check_length(content: str | bytes) -> None:
    """Refuses a message that is too long."""
    if len(content) > MESSAGE_LIMIT:
        raise Refusal("too_large", f"a message of {len(content)}; at most {MESSAGE_LIMIT} bytes")


async def on_its_own(talk: Coroutine[Any, Any, None]) -> None:
    """Await it as a task, which wakes up without passing every layer of the application."""
    task = asyncio.create_task(talk)
    try:
        await task
    finally:
        # What it died of just as we were stopped is nobody's concern.
        if task.done() and not task.cancelled():
            task.exception()


async def receive_waiting(socket: WebSocket) -> str | list[bytes]:
    """All binary messages that have come, their length unchecked, or a text. Raises as above."""
    packets = await connection.of(socket).intake.packets()
    if packets:
        return packets
    # A text, a message that came in parts, or the end.
    message = await receive(socket)
    return message if isinstance(message, str) else [message]


async def receive_text(socket: WebSocket) -> str:
    """The next message, which has to be text."""
    content = await receive(socket)
    if isinstance(content, bytes):
        raise Refusal("text_expected", "a binary message where JSON text is due")
    return content
