"""A call's own events on their way back to the telephone system that brings its audio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from starlette.websockets import WebSocketDisconnect

from asr.events import CallId
from server.live import bus as topics
from server.live.bus import Bus
from server.live.queue import TooSlow, ViewerQueue
from server.refusals import Refusal

LIMIT = 1_024
"""Messages that may wait for one client; partials merge, so a live one has a handful."""

Tell = Callable[[dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def replying(bus: Bus, call: str, tell: Tell) -> AsyncIterator[None]:
    """While the context lasts, ``tell`` gets each event of the call in its wire form.

    Enter it before the call begins. Leaving it normally waits for the last event of the call.
    """
    queue = ViewerQueue(LIMIT)
    with bus.listen([topics.of_call(CallId(call))], queue), first_error():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_down(queue, tell))
            yield


async def _down(queue: ViewerQueue, tell: Tell) -> None:
    while True:
        event = json.loads((await queue.get()).text)
        await tell(event)
        if event["type"] == "status" and event["name"] == "call_ended":
            return


@contextmanager
def first_error() -> Iterator[None]:
    """Of what failed at the same time, the error that the client can mend."""
    try:
        yield
    except ExceptionGroup as group:
        for kind in (Refusal, WebSocketDisconnect):
            for error in group.exceptions:
                if isinstance(error, kind):
                    raise error from None
        if all(isinstance(error, TooSlow) for error in group.exceptions):
            raise Refusal("too_slow", "too many replies waited; connect again") from None
        raise
