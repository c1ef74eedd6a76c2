"""Every fault by name, and the table that ``tingban bench faults`` prints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from benchmarks import faults, site_faults
from benchmarks.faults import Row
from benchmarks.process import NotUp

LONGEST_S = 180

FAULTS: Mapping[str, Callable[[int], Coroutine[Any, Any, Row]]] = {
    "killed": faults.killed,
    "node": site_faults.node_killed,
    "redis": site_faults.redis_gone,
    "postgres": site_faults.postgres_gone,
    "disk": faults.disk_full,
    "dropping": faults.dropping,
    "viewer": faults.viewer_drops,
    "stalled": faults.stalled,
    "clock": faults.clock,
    "loris": faults.slow_loris,
    "recogniser": faults.recogniser,
    "worker": faults.worker,
    "pack": faults.bad_pack,
    "double": site_faults.killed_without_redis,
}


async def _bounded(name: str, seconds: int) -> Row:
    try:
        async with asyncio.timeout(LONGEST_S):
            return await FAULTS[name](seconds)
    except (TimeoutError, OSError, NotUp) as error:
        said = str(error) or f"not over after {LONGEST_S} s"
        return Row(name, "", 0, 0, None, False, said)


def run(
    names: Sequence[str], seconds: int, progress: Callable[[Row], None] = lambda _: None
) -> list[Row]:
    """Each fault after the other, on a call of so many seconds of audio."""
    rows = []
    for name in names:
        row = asyncio.run(_bounded(name, seconds))
        rows.append(row)
        progress(row)
    return rows
