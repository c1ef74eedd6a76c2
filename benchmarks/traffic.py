"""How many events one Redis carries for a site: synthetic nodes with thousands of calls.

First the traffic of the calls as they would be in life, then ever faster until what nodes send
each other comes too late or cannot be sent in time. Whether Redis or the nodes were at their limit
then is told by the processor time of each.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import redis as redis_client

from benchmarks import statistics, synthetic_node
from benchmarks.process import cpu_s
from benchmarks.redis_server import RedisServer, redis_server
from benchmarks.server import cores, thinned

BOUND_MS = 250.0
"""p99 of the way from one node to another."""
LATE_PART = 0.02
"""So many events may be sent late; beyond that the nodes cannot keep up."""
FASTEST = 64.0
FASTER = 1.5
PATIENCE_S = 120


def measure(
    calls: int,
    nodes: int,
    watched: float,
    seconds: float,
    most: float = FASTEST,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The traffic of so many calls in life, then faster, up to the first that is not carried."""
    with redis_server() as redis, _synthetic(redis, calls, nodes, watched) as ports:
        steps: list[dict[str, Any]] = []
        speed = 1.0
        while speed <= most:
            steps.append(_step(redis, ports, speed, seconds))
            progress(line(steps[-1]))
            if not carried(steps[-1]):
                break
            speed *= FASTER
    beyond = [one for one in steps[1:] if not carried(one)]
    return {
        "calls": calls, "nodes": nodes, "watched": watched, "seconds": seconds, "life": steps[0],
        "steps": [one for one in steps[1:] if carried(one)],
        "beyond": beyond[0] if beyond else None,
    }  # fmt: skip


def carried(one: dict[str, Any]) -> bool:
    """Whether everything was said and came in time."""
    made = one["kept"] + one["sent"]
    in_time = statistics.percentile(one["delays_ms"], 0.99) <= BOUND_MS
    return bool(in_time and one["late"] <= LATE_PART * made and not one["errors"])


def line(one: dict[str, Any]) -> str:
    """One step in words."""
    delays = statistics.summary(one["delays_ms"])
    return (
        f"{one['speed']:.2f} times life: {one['events_per_s']} events/s, Redis "
        f"{one['redis_cpu_share']:.2f} of a core, nodes {one['nodes_cpu_share']:.2f}, "
        f"p50 {delays.get('p50')} p99 {delays.get('p99')} ms, {one['late']} late"
    )


def summarise(found: dict[str, Any]) -> dict[str, Any]:
    """Without the samples."""

    def row(one: dict[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in one.items() if name != "delays_ms"}
        return {**rest, "delivery_ms": statistics.summary(one["delays_ms"])}

    return {
        "life": row(found["life"]),
        "steps": [row(one) for one in found["steps"]],
        "beyond": row(found["beyond"]) if found["beyond"] else None,
    }


@contextmanager
def _synthetic(
    redis: RedisServer, calls: int, nodes: int, watched: float
) -> Iterator[Sequence[Connection]]:
    """Nodes in processes of their own; Redis has a core that they do not have, if there are two."""
    spawn, pinned = multiprocessing.get_context("spawn"), cores()
    if pinned:
        os.sched_setaffinity(redis.pid, {pinned[0]})
    ports, processes = [], []
    names = [f"synthetic-{number}" for number in range(nodes)]
    try:
        for name, other in zip(names, [*names[1:], names[0]], strict=True):
            here, there = spawn.Pipe()
            own = synthetic_node.Calls(name, other, calls // nodes, watched)
            words = (redis.port, own, pinned[1] if pinned else None, there)
            process = spawn.Process(target=synthetic_node.main, args=words, daemon=True)
            process.start()
            there.close()
            ports.append(here)
            processes.append(process)
        for port in ports:
            port.recv()
        yield ports
        for port in ports:
            port.send(None)
        for process in processes:
            process.join(PATIENCE_S)
    finally:
        for process in processes:
            process.kill()


def _step(
    redis: RedisServer, ports: Sequence[Connection], speed: float, seconds: float
) -> dict[str, Any]:
    with redis_client.Redis(port=redis.port) as asking:
        before, held = asking.info("stats"), asking.info("memory")["used_memory"]
        spent, began = cpu_s(redis.pid), time.monotonic()
        for port in ports:
            port.send((speed, seconds))
        told = [port.recv() for port in ports]
        took = time.monotonic() - began
        spent = cpu_s(redis.pid) - spent
        stats, memory = asking.info("stats"), asking.info("memory")["used_memory"]
    totals = {
        name: sum(one[name] for one in told) for name in ("kept", "sent", "heard", "late", "errors")
    }
    events, commands = totals["kept"] + totals["sent"], "total_commands_processed"
    return {
        "speed": round(speed, 3),
        **totals,
        "events_per_s": round(events / took),
        "redis_us_per_event": round(1e6 * spent / events, 2),
        "redis_bytes_per_event": round((memory - held) / events, 1),
        "commands_per_s": round((stats[commands] - before[commands]) / took),
        "mib_per_s": round(_mib(stats["total_net_input_bytes"] - before["total_net_input_bytes"]) / took, 2),
        "redis_cpu_share": round(spent / took, 3),
        "redis_mib": round(_mib(memory), 1),
        "nodes_cpu_share": round(sum(one["cpu_s"] for one in told) / took, 3),
        "delays_ms": thinned([ms for one in told for ms in one["delays_ms"]]),
    }  # fmt: skip


def _mib(size: float) -> float:
    return size / 2**20
