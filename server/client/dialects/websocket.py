"""Plays a dialect's messages into a websocket as they are due, and hears what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake

from server.client.audio import bearer
from server.client.dialects.piece import Piece
from server.client.errors import Lost, Refused
from server.client.pace import Pace

Reply = dict[str, Any]


def refused(reply: Reply) -> Refused | None:
    """The refusal that a reply tells of, in the words that most dialects share."""
    return Refused(reply["code"], reply["message"]) if reply.get("type") == "error" else None


async def play(
    url: str,
    pieces: Iterable[Piece[str] | Piece[bytes] | Piece[str | bytes]],
    pace: Pace,
    token: str | None = None,
    last: Callable[[Reply], bool] | None = None,
    refusal: Callable[[Reply], Refused | None] = refused,
) -> None:
    """Send every piece, then hang up; before that wait for the ``last`` reply where there is one.

    Telephone systems do not resend, so neither does this. Raises :class:`Refused` or
    :class:`Lost`.
    """
    try:
        async with connect(
            url, compression=None, max_size=None, additional_headers=bearer(token)
        ) as socket:
            hearing = asyncio.create_task(_hear(socket, last, refusal))
            try:
                await _send(socket, pieces, pace)
                if last is None:
                    await socket.close()
            except ConnectionClosed:
                # What the server said last tells more than that it hung up.
                await hearing
                raise
            else:
                await hearing
            finally:
                hearing.cancel()
    except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
        raise Lost(f"{url}: {error}") from error


async def _send(
    socket: ClientConnection,
    pieces: Iterable[Piece[str] | Piece[bytes] | Piece[str | bytes]],
    pace: Pace,
) -> None:
    for stop, data in pieces:
        await pace.due(stop)
        await socket.send(data)
        pace.left(stop)


async def _hear(
    socket: ClientConnection,
    last: Callable[[Reply], bool] | None,
    refusal: Callable[[Reply], Refused | None],
) -> None:
    try:
        async for text in socket:
            reply = json.loads(text)
            why = refusal(reply)
            if why is not None:
                raise why
            if last is not None and last(reply):
                return
    except ConnectionClosedOK:
        pass
    if last is not None:
        raise Lost("the server hung up before it had heard everything")
