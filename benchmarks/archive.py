"""What keeping calls costs: PostgreSQL's processor time and bytes, and the outbox on the node's disk."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.nodes import figure
from benchmarks.postgres import binaries, cluster
from benchmarks.process import Server, cpu_s, null_server
from benchmarks.server import Call, Heard, Load, dial, send

WARM_S = 3.0
PATIENCE_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(calls: int, seconds: float) -> dict[str, Any] | None:
    """Live calls that are kept in a PostgreSQL of our own; None where none is installed."""
    bin_ = binaries()
    if bin_ is None:
        return None
    with cluster(bin_) as postgres:
        kept = {"TINGBAN_STORE__ENABLED": "true", "TINGBAN_STORE__URL": postgres.url}
        with null_server("--until-s", str(int(seconds) + 60), core=None, **kept) as server:
            return asyncio.run(_kept(server, postgres.pid, postgres.url, calls, seconds))


async def _kept(server: Server, pid: int, url: str, calls: int, seconds: float) -> dict[str, Any]:
    heard, known = Heard(), []
    before = await _bytes(url)
    for number in range(calls):
        socket = await dial(server, f"kept-{number}", heard)
        known.append(Call(f"kept-{number}", socket, time.monotonic()))
    began, postgres_s, server_s = time.monotonic(), spent_s(pid), cpu_s(server.pid)
    for call in known:
        call.began = began
    await send(known, Load(calls, 0), began + seconds, heard)
    took = time.monotonic() - began
    server_s = cpu_s(server.pid) - server_s
    for call in known:
        call.socket.abort()
    await _shipped(server)
    postgres_s = spent_s(pid) - postgres_s
    events = await asyncio.to_thread(figure, server, "tingban_events_total")
    grown = await _bytes(url) - before
    minutes = calls * took / 60
    return {
        "calls": calls,
        "seconds": round(took, 1),
        "events": int(events or 0),
        "postgres_ms_per_call_minute": round(1000 * postgres_s / minutes, 2),
        "postgres_kib_per_call_minute": round(grown / 1024 / minutes, 2),
        "server_ms_per_call_second": round(1000 * server_s / calls / took, 3),
    }


async def _shipped(server: Server) -> None:
    """Until the archive has all that was kept."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        if not await asyncio.to_thread(figure, server, "tingban_store_outbox_backlog"):
            return
        await asyncio.sleep(0.2)


async def _bytes(url: str) -> int:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.connect() as connection:
            size = await connection.scalar(text("SELECT pg_database_size(current_database())"))
            return int(size)
    finally:
        await engine.dispose()


def spent_s(pid: int) -> float:
    """Processor seconds of a process and of its children, those that have ended included."""
    family = [pid, *(int(path.name) for path in Path("/proc").iterdir() if _is_child(path, pid))]
    spent = 0
    for one in family:
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # utime, stime; of the parent also those of its dead children.
        spent += sum(map(int, fields[11:15] if one == pid else fields[11:13]))
    return spent / _TICKS


def _is_child(path: Path, pid: int) -> bool:
    if not path.name.isdigit():
        return False
    try:
        fields = (path / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(fields[1]) == pid
