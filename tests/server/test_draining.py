"""A server that stops hangs up on nobody before they have been told why."""

from __future__ import annotations

import asyncio

from asr.events import CallId, Party
from assist_rules.events import CallInfo
from server.live.bus import InProcessBus
from server.live.switchboard import Switchboard
from server.refusals import Refusal
from tests.server.running import RATE, fixture_recogniser, scripted_rules


async def test_drained_only_when_the_clients_have_been_told() -> None:
    board = Switchboard(
        fixture_recogniser(), scripted_rules, InProcessBus(), resume_s=9, linger_s=9, drain_s=60
    )
    told: asyncio.Queue[str] = asyncio.Queue()
    slow = asyncio.Event()

    async def feed(attached: asyncio.Event) -> None:
        stopping: asyncio.Future[Refusal] = asyncio.get_running_loop().create_future()
        call = board.join(CallInfo(CallId("c-1")), (Party.CUSTOMER,), RATE)
        call.attach(stopping.set_result)
        attached.set()
        refusal = await stopping
        await slow.wait()
        told.put_nowait(refusal.code)

    async with board.open():
        attached = asyncio.Event()
        feeding = asyncio.create_task(feed(attached))
        await attached.wait()
        draining = asyncio.create_task(board.drain())
        (call,) = board.calls()
        await call.done.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not draining.done(), "the socket has not passed it on yet"
        slow.set()
        await draining
        assert told.get_nowait() == "going_down"
        await feeding
