"""The rule desk in a running server: boards hear of its rules, its files are watched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from server.desk.desk import Desk, Told
from server.desk.watch import watching
from server.live import bus as topics
from server.live.notice import Notice, encode
from server.live.switchboard import Switchboard


@asynccontextmanager
async def attended(
    desk: Desk | None, switchboard: Switchboard, every_s: float
) -> AsyncIterator[None]:
    """While the context lasts; ``every_s`` 0 does not watch."""
    if desk is None:
        yield
        return

    def tell(told: Told) -> None:
        notice = Notice(encode({"type": "rules", **asdict(told)}))
        switchboard.bus.publish([topics.BOARD], notice)

    desk.told = tell
    if not every_s:
        yield
        return
    async with watching(desk, every_s):
        yield
