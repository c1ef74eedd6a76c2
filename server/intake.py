"""How websocket messages wait for their reader: audio packets bare, and all that came at once.

uvicorn wraps every message for ASGI, stops reading the socket and begins again when the message has
been taken. For ten thousand packets a second that is more work than what is in them. Here a socket is
read on until too much waits, and who asks for packets gets every one that is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

ENOUGH = 64 * 1024
"""Bytes of binary messages that may wait before the socket is left to TCP."""

Event = dict[str, Any]
"""A message as ASGI has it."""


class Intake:
    """What one socket's client has sent, in order.

    It stands where uvicorn has an ``asyncio.Queue`` of ASGI messages, and serves one reader.
    """

    def __init__(self, resume: Callable[[], None]) -> None:
        """``resume`` is called when the reader has taken everything."""
        self._resume = resume
        self._waiting: deque[bytes | Event] = deque()
        self._size = 0
        self._reader: asyncio.Future[None] | None = None

    def put(self, packet: bytes) -> bool:
        """Add a binary message; False when enough waits."""
        self._size += len(packet)
        self._add(packet)
        return self._size < ENOUGH

    def put_nowait(self, event: Event) -> None:
        """Add any message."""
        self._add(event)

    def _add(self, item: bytes | Event) -> None:
        self._waiting.append(item)
        if self._reader is not None:
            if not self._reader.done():
                self._reader.set_result(None)
            self._reader = None

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    async def get(self) -> Event:
        """The next message; uvicorn resumes reading when it was the last."""
        await self._come()
        item = self._waiting.popleft()
        if not self._waiting:
            self._size = 0
        return {"type": "websocket.receive", "bytes": item} if isinstance(item, bytes) else item

    async def packets(self) -> list[bytes]:
        """All binary messages that wait, at least one; none when another message is next."""
        await self._come()
        waiting, taken = self._waiting, []
        while waiting and isinstance(waiting[0], bytes):
            taken.append(cast("bytes", waiting.popleft()))
        if not waiting:
            self._size = 0
            self._resume()
        return taken

    async def _come(self) -> None:
        while not self._waiting:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
