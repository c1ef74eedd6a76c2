"""Sees that the configured packs have changed on disk, and has them read again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.desk.desk import Desk

log = logging.getLogger(__name__)

Signature = tuple[tuple[str, int, int], ...]


def signature(folder: Path) -> Signature:
    """Name, size and time of every file; equal as long as nothing has been written."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.y*ml"))
    found = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            # Between listing and looking it went; the next look settles it.
            continue
        found.append((str(file), stat.st_size, stat.st_mtime_ns))
    return tuple(found)


@asynccontextmanager
async def watching(desk: Desk, every_s: float) -> AsyncIterator[None]:
    """While the context lasts, look every ``every_s`` seconds."""
    before = await asyncio.to_thread(signature, desk.base)
    task = asyncio.create_task(_watch(desk, every_s, before), name="rules")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(desk: Desk, every_s: float, seen: Signature) -> None:
    pending = False
    while True:
        await asyncio.sleep(every_s)
        now = await asyncio.to_thread(signature, desk.base)
        if now != seen:
            # Somebody is writing: wait until nothing has changed from one look to the next.
            seen, pending = now, True
        elif pending:
            pending = False
            try:
                await desk.reload()
            except OSError as error:
                log.error("rules: kept as they were: %s", error)
