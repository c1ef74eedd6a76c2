"""How many rows a second the store takes for good: on its own disk, and in each kind of archive.

Rows are those of real calls: what the null recogniser's dialogues leave behind, masked by nobody,
one call after another, as fast as the outbox has room.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from asr.events import CallId, Party, Transcript
from assist_rules.events import CallInfo
from benchmarks.null_recogniser import SCRIPTS, events
from benchmarks.postgres import binaries, cluster
from server.events import CallEvent, Status
from server.live.notice import of_event
from server.settings import StoreSettings
from server.store.store import Store

CALL_MS = 300_000
PATIENCE_S = 0.002
PARTIES = (Party.AGENT, Party.CUSTOMER)
Rows = Sequence[tuple[CallEvent, str]]


def measure(rows: int) -> dict[str, Any]:
    """With SQLite, and with a PostgreSQL of our own where one is installed."""
    found = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bin_ = binaries()
        urls: dict[str, str | None] = {"sqlite": None}
        if bin_ is not None:
            urls["postgresql"] = stack.enter_context(cluster(bin_)).url
        for name, url in urls.items():
            found[name] = asyncio.run(_rates(folder / name, url, rows))
    return found


async def _rates(folder: Path, url: str | None, rows: int) -> dict[str, Any]:
    store = Store(folder, StoreSettings(url=url))
    calls = [_rows(number) for number in range(SCRIPTS)]
    put = number = 0
    async with store.open():
        began = time.monotonic()
        while put < rows:
            if store.outbox.queued > store.settings.memory_rows // 2:
                await asyncio.sleep(PATIENCE_S)
                continue
            put += _keep(store, f"c-{number}", calls[number % SCRIPTS])
            number += 1
            await asyncio.sleep(0)
        await _until(lambda: not store.outbox.queued)
        on_disk_s = time.monotonic() - began
        waited = store.outbox.backlog()
        await _until(lambda: not store.outbox.backlog())
        archived_s = time.monotonic() - began
        commits = store.outbox.figures.commits
    return {
        "calls": number,
        "rows": put,
        "disk_rows_per_s": round(put / on_disk_s),
        "archive_rows_per_s": round(put / archived_s),
        "backlog_at_the_end_of_load": waited,
        "commits": commits,
        "refused": store.outbox.figures.refused,
    }


async def _until(done: Callable[[], bool]) -> None:
    while True:
        if done():
            return
        await asyncio.sleep(PATIENCE_S)


def _rows(number: int) -> Rows:
    """What is kept of one call, but for its name."""
    spoken = [e for e in events(number, CALL_MS) if isinstance(e, Transcript) and e.final]
    bodies: list[Transcript | Status] = [
        *spoken,
        Status("call_ended", {"why": "ended", "duration_ms": CALL_MS}),
    ]
    made = [
        CallEvent(CallId("CALL"), seq, getattr(body, "at_ms", CALL_MS), body)
        for seq, body in enumerate(bodies, 1)
    ]
    return [(event, of_event(event).text) for event in made]


def _keep(store: Store, call: str, rows: Rows) -> int:
    info = CallInfo(CallId(call), agent="a-1", queue="q-1", attributes={"number": "13800138000"})
    journal = store.begin(info, time.time_ns() // 1_000_000, PARTIES, 8_000)
    for event, text in rows:
        journal.keep([(event, text.replace('"CALL"', f'"{call}"', 1))])
    return len(rows) + 1
