"""Bad days of a site: nodes, Redis and PostgreSQL that go away; and what two faults at once cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from benchmarks.balancer import Front, balanced
from benchmarks.expected import finals, missing
from benchmarks.faults import (
    SPEED,
    UNTIL_S,
    Place,
    Row,
    archived,
    asked,
    counted,
    place,
    playing,
    row,
)
from benchmarks.postgres import binaries, cluster
from benchmarks.redis_server import RedisServer, installed, redis_server
from benchmarks.server import RATE

LONG_S = 60
"""A call of so much audio is played as in life, so that an outage can last as long as it says."""
REDIS_GONE_S, POSTGRES_GONE_S = 30.0, 60.0
QUICK = {"TINGBAN_NODES__HEARTBEAT_S": "0.5", "TINGBAN_NODES__LOST_S": "2"}


class MissingProgramError(OSError):
    """Something that the fault needs is not installed."""


@dataclass
class Site:
    """Two nodes, their Redis, and the one address that people know."""

    nodes: tuple[Place, Place]
    redis: RedisServer
    front: Front


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """Two nodes that see each other, until the context ends; the first gets what it can take."""
    if not installed():
        raise MissingProgramError("redis-server is not installed")
    with redis_server() as redis, ExitStack() as stack:
        nodes = tuple(
            stack.enter_context(
                place(**QUICK, TINGBAN_NODES__REDIS=redis.url, TINGBAN_NODES__NAME=f"node-{number}")
            )
            for number in (1, 2)
        )
        servers = [await asyncio.to_thread(node.start) for node in nodes]
        for server in servers:
            await asked(server, "tingban_nodes", 2)
        async with balanced([server.address for server in servers]) as front:
            yield Site((nodes[0], nodes[1]), redis, front)


def _pace(seconds: int, gone_s: float) -> tuple[float, float]:
    """How fast the call is played, and how long something is gone."""
    return (1.0, gone_s) if seconds >= LONG_S else (SPEED, seconds / SPEED / 3)


async def node_killed(seconds: int) -> Row:
    """kill -9 of the node that has the call; the other one goes on with it."""
    async with site() as there, playing(there.front, "taken-over", seconds) as played:
        await asyncio.sleep(seconds / SPEED / 2)
        at = time.time()
        await asyncio.to_thread(there.nodes[0].kill)
    return row(
        "a node is killed, another goes on", "reconnecting, then the call with its history",
        played, recovery_s=played.recovery_s(at),
    )  # fmt: skip


async def redis_gone(seconds: int) -> Row:
    """Redis dies and comes back empty; recovery is from its return until nodes see each other."""
    speed, gone_s = _pace(seconds, REDIS_GONE_S)
    async with site() as there, playing(there.front, "no-redis", seconds, speed) as played:
        await asyncio.sleep(seconds / speed / 6)
        await asyncio.to_thread(there.redis.kill)
        await asyncio.sleep(gone_s)
        await asyncio.to_thread(there.redis.start)
        at = time.time()
        servers = [node.server for node in there.nodes if node.server is not None]
        for server in servers:
            await asked(server, "tingban_nodes", 2)
        together_s = round(time.time() - at, 2)
        outages = [await counted(server, "tingban_bus_outages_total") for server in servers]
    return row(
        f"Redis gone for {gone_s:.0f} s", "agents nothing; boards that this node is alone", played,
        recovery_s=together_s, wrong=[] if all(outages) else ["no node noticed"],
    )  # fmt: skip


async def postgres_gone(seconds: int) -> Row:
    """The archive dies and comes back; recovery is from its return until it has the whole call."""
    bin_ = binaries()
    if bin_ is None:
        raise MissingProgramError("PostgreSQL is not installed")
    speed, gone_s = _pace(seconds, POSTGRES_GONE_S)
    with (
        cluster(bin_) as postgres,
        place(TINGBAN_STORE__ENABLED="true", TINGBAN_STORE__URL=postgres.url) as there,
    ):
        server = await asyncio.to_thread(there.start)
        async with playing(server, "no-postgres", seconds, speed) as played:
            await asyncio.sleep(seconds / speed / 6)
            await asyncio.to_thread(postgres.stop)
            gone_at = time.monotonic()
            await asked(server, "tingban_store_archive_up", 0)
        await asyncio.sleep(max(0.0, gone_s - (time.monotonic() - gone_at)))
        await asyncio.to_thread(postgres.start)
        at = time.time()
        found = await archived(server, "no-postgres")
        back_s = round(time.time() - at, 2)
        gone = missing(finals("no-postgres", seconds * 1000, UNTIL_S * 1000), found)
        wrong = [f"{len(gone)} finals are not in the archive"] if gone else []
    return row(
        f"PostgreSQL gone for {gone_s:.0f} s", "nothing; the archive lacks the latest calls",
        played, recovery_s=back_s, wrong=wrong,
    )  # fmt: skip


async def killed_without_redis(seconds: int) -> Row:
    """Two faults: a node is killed while Redis is away. What that loses is told, not judged.

    The client here has its sound from the beginning and sends it again. One that keeps only what has
    not been acknowledged cannot: the finals before that are what is counted as lost.
    """
    async with site() as there, playing(there.front, "double", seconds) as played:
        await asyncio.sleep(seconds / SPEED / 4)
        await asyncio.to_thread(there.redis.kill)
        await asyncio.sleep(seconds / SPEED / 4)
        at, safe_ms = time.time(), played.client.acknowledged * 1000 // RATE
        await asyncio.to_thread(there.nodes[0].kill)
    judged = row(
        "two faults: a node is killed while Redis is away",
        "reconnecting, then the call without its history", played,
        recovery_s=played.recovery_s(at),
    )  # fmt: skip
    forgotten = finals("double", safe_ms, UNTIL_S * 1000).total()
    told = f"finals before what was acknowledged: {forgotten}"
    return replace(
        judged,
        lost=judged.lost + forgotten,
        detail=f"{judged.detail} {told}".strip(),
        double=True,
        passed=played.sight.ended and not played.error and not judged.doubled,
    )
