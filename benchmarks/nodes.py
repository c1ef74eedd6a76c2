"""What a second node costs: processor time per event of two nodes with Redis against one without.

Calls with their pages, once at one server that knows nothing of others, once at two that share a
Redis: twice as many there, so that each node has what the one has, or the same calls, halved. Runs are
paired and their order alternates, because machines are noisy.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import statistics
from benchmarks.process import Server, cpu_s, null_server
from benchmarks.redis_server import RedisServer, redis_server
from benchmarks.server import (
    Call,
    Heard,
    Load,
    agent_ear,
    board_ear,
    cores,
    dial,
    send,
    thinned,
    watch,
)
from benchmarks.wire import TEXT, frame

WARM_S = 3.0
TOGETHER_S = 20.0
QUICK = {"TINGBAN_CALLS__LINGER_S": "1"}
GONE_S = 1.5
"""After this a site has forgotten the calls of the run before."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Who watches."""

    name: str
    boards: int = 0
    """At each node, of all calls."""
    apart: bool = False
    """Half of the agents' pages are at a node that does not have their call."""
    control: bool = False
    """Also at two servers that know nothing of each other: what is not due to joining them."""
    halved: bool = False
    """Two nodes share the calls of the one; else each of them has as many as the one."""

    def calls(self, of_one: int, nodes: int) -> int:
        """Of all nodes together."""
        return of_one if self.halved else of_one * nodes


SETTINGS = (
    Pages("each node as many calls as the one", control=True),
    Pages("the same and a board at each node", boards=1),
    Pages("the same, half of the agents at the other node", apart=True),
    Pages("the calls of the one halved", control=True, halved=True),
)


_Runs = Mapping[int, Mapping[str, Any]]
"""By round."""


class ApartError(RuntimeError):
    """The nodes do not see each other."""


def measure(
    calls: int,
    seconds: float,
    rounds: int,
    settings: Sequence[Pages] = SETTINGS,
    warm_s: float = WARM_S,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Every setting at one and at two nodes, ``rounds`` times; raw figures of each run."""
    found = []
    before = os.sched_getaffinity(0)
    pinned = cores()
    try:
        if pinned:
            os.sched_setaffinity(0, {pinned[1]})
        with ExitStack() as stack:
            kinds = any(pages.control for pages in settings)
            sites = _sites(stack, pinned[0] if pinned else None, unjoined=kinds)
            for number in range(rounds):
                for pages in settings:
                    for kind, site in list(sites.items())[:: 1 if number % 2 else -1]:
                        if kind == "unjoined" and not pages.control:
                            continue
                        # The same names at each site: so the same is said.
                        load = _Run(f"{number}-{pages.name}", calls, pages, warm_s, seconds)
                        run = asyncio.run(_run(site, load))
                        found.append({"round": number, "pages": pages.name, "nodes": kind, **run})
                        progress(f"{kind}, {pages.name}: {run['us_per_event']} µs an event")
    finally:
        os.sched_setaffinity(0, before)
    return {"calls": calls, "seconds": seconds, "pinned": pinned is not None, "runs": found}


@dataclass(frozen=True, slots=True)
class _Site:
    servers: Sequence[Server]
    redis: RedisServer | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    calls: int
    pages: Pages
    warm_s: float
    seconds: float


def _sites(stack: ExitStack, core: int | None, *, unjoined: bool) -> dict[str, _Site]:
    """One server; two that are not joined; two with a Redis. All idle but for one at a time."""

    def servers(count: int, redis: RedisServer | None = None) -> list[Server]:
        return [
            stack.enter_context(
                null_server("--until-s", "120", core=core, **QUICK, **_joined(redis, number))
            )
            for number in range(count)
        ]

    redis = stack.enter_context(redis_server())
    two = _Site(servers(2, redis), redis)
    for server in two.servers:
        _see(server, 2)
    return {
        "one": _Site(servers(1)),
        **({"unjoined": _Site(servers(2))} if unjoined else {}),
        "two": two,
    }


def summarise(found: dict[str, Any]) -> dict[str, Any]:
    """For each setting: µs an event at one node and at two, and their ratio with its interval."""
    rows = {}
    for name in dict.fromkeys(run["pages"] for run in found["runs"]):
        runs = [run for run in found["runs"] if run["pages"] == name]
        one, two, unjoined = (
            {run["round"]: run for run in runs if run["nodes"] == kind}
            for kind in ("one", "two", "unjoined")
        )
        ratios = [two[n]["us_per_event"] / one[n]["us_per_event"] for n in one]
        rows[name] = {
            "one_us": _median(one.values(), "us_per_event"),
            "two_us": _median(two.values(), "us_per_event"),
            "unjoined_us": _median(unjoined.values(), "us_per_event") if unjoined else None,
            "redis_us": _median(two.values(), "redis_us_per_event"),
            "ratio": round(float(np.median(ratios)), 3),
            "interval": _interval(ratios),
            **_joining(two, unjoined),
            "agent_ms": statistics.summary([ms for run in two.values() for ms in run["agent_ms"]]),
            "board_ms": statistics.summary([ms for run in two.values() for ms in run["board_ms"]]),
        }
    return {"settings": rows}


def _joining(two: _Runs, unjoined: _Runs) -> dict[str, Any]:
    """The part of the ratio that is due to joining two servers."""
    if not unjoined:
        return {"joining": None, "joining_interval": None}
    ratios = [two[n]["us_per_event"] / unjoined[n]["us_per_event"] for n in two]
    middle = round(float(np.median(ratios)), 3)
    return {"joining": middle, "joining_interval": _interval(ratios)}


def _median(runs: Any, name: str) -> float:
    return round(float(np.median([run[name] for run in runs])), 1)


def _interval(ratios: Sequence[float]) -> list[float] | None:
    if len(ratios) < 2:
        return None
    low, high = statistics.bootstrap_interval(ratios, lambda values: float(np.median(values)))
    return [round(low, 3), round(high, 3)]


def _joined(redis: RedisServer | None, number: int) -> dict[str, str]:
    if redis is None:
        return {}
    return {"TINGBAN_NODES__REDIS": redis.url, "TINGBAN_NODES__NAME": f"node-{number}"}


def _see(server: Server, nodes: int) -> None:
    ends = time.monotonic() + TOGETHER_S
    while figure(server, "tingban_nodes") != nodes:
        if time.monotonic() > ends:
            raise ApartError(f"{server.address} does not see {nodes} nodes")
        time.sleep(0.1)


def figure(server: Server, name: str) -> float | None:
    """A metric of the server, summed over its labels; None if it has none of that name."""
    with urllib.request.urlopen(f"{server.http}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    values = [
        float(line.split()[-1]) for line in lines if line.startswith((name + " ", name + "{"))
    ]
    return sum(values) if values else None


async def _run(site: _Site, run: _Run) -> dict[str, Any]:
    heard, dice, servers, pages = Heard(), random.Random(1), site.servers, run.pages
    known: dict[str, Call] = {}
    sockets = [
        await watch(server, "/v1/board?batch=1", board_ear(heard, known, dice))
        for server in servers
        for _ in range(pages.boards)
    ]
    for number in range(pages.calls(run.calls, len(servers))):
        here = servers[number % len(servers)]
        at = servers[(number + 1) % len(servers)] if pages.apart and number % 4 < 2 else here
        name = f"{run.name}-{number}".replace(" ", "-").replace(",", "")
        sockets.append(await watch(at, f"/v1/agent?agent={name}", agent_ear(heard, known)))
        socket = await dial(here, name, heard, agent=name, queue=f"q{number % 8}")
        known[name] = Call(name, socket, 0.0)
        sockets.append(socket)
    began = time.monotonic()
    for call in known.values():
        call.began = began + dice.random() * 0.5
    ends = began + run.warm_s + run.seconds
    load = Load(len(known), pages.boards * len(servers))
    sending = asyncio.create_task(send(list(known.values()), load, ends, heard))
    await asyncio.sleep(run.warm_s)
    heard.agent_ms.clear()
    heard.board_ms.clear()
    first = [await _spent(server) for server in servers]
    redis_first = cpu_s(site.redis.pid) if site.redis else 0.0
    await sending
    last = [await _spent(server) for server in servers]
    events = sum(b[0] - a[0] for a, b in zip(first, last, strict=True))
    spent_s = sum(b[1] - a[1] for a, b in zip(first, last, strict=True))
    redis_s = cpu_s(site.redis.pid) - redis_first if site.redis else 0.0
    for call in known.values():
        call.socket.write(frame(TEXT, b'{"type":"end"}'))
    await asyncio.gather(*(call.socket.closed for call in known.values()))
    for one in sockets:
        one.abort()
    await asyncio.sleep(GONE_S)
    return {
        "calls": len(known),
        "events": int(events),
        "us_per_event": round(1e6 * spent_s / events, 1),
        "redis_us_per_event": round(1e6 * redis_s / events, 1),
        "agent_ms": [ms for _, ms in thinned(heard.agent_ms)],
        "board_ms": [ms for _, ms in thinned(heard.board_ms)],
        "refused": heard.refused,
    }


async def _spent(server: Server) -> tuple[float, float]:
    """Events published so far and processor seconds so far."""
    events = await asyncio.to_thread(figure, server, "tingban_events_total")
    return events or 0.0, cpu_s(server.pid)
