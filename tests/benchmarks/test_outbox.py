"""What is counted as kept is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import outbox
from server.store import schema
from server.store.archive import Archive, database


async def counted(folder: Path) -> tuple[int, int]:
    """Calls and events of an archive."""
    archive = Archive(database(None, folder / "archive.sqlite3"))
    try:
        async with archive.engine.connect() as connection:
            calls, events = [
                (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                for table in (schema.calls, schema.events)
            ]
    finally:
        await archive.aclose()
    return calls, events


def test_every_row_is_in_the_archive_when_the_clock_stops(tmp_path: Path) -> None:
    found = asyncio.run(outbox._rates(tmp_path, None, 300))
    assert found["refused"] == 0
    assert found["rows"] >= 300
    calls, events = asyncio.run(counted(tmp_path))
    assert calls == found["calls"]
    assert calls + events == found["rows"]
