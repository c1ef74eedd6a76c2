"""How many events one Redis carries for a site: synthetic nodes with thousands of calls.

First the traffic of the calls as they would be in life, then ever faster until what nodes send
each other comes too late or cannot be made in time. Whether Redis or the nodes were at their limit
is told by the processor time of each.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import redis as redis_client

from benchmarks import statistics, synthetic_node
from benchmarks.process import cpu_s
from benchmarks.redis_server import RedisServer, redis_server
from benchmarks.server import thinned

BOUND_MS = 250.0
"""p99 of the way from one node to another."""
LATE_PART = 0.02
"""So many events may be made late; beyond that the nodes cannot keep up."""
FASTEST = 64.0
PARTS = (0.25, 0.5, 0.75, 1.0)
PATIENCE_S = 120


def measure(
    calls: int,
    nodes: int,
    watched: float,
    seconds: float,
    most: float = FASTEST,
    parts: Sequence[float] = PARTS,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The traffic of so many calls in life, the fastest that is carried, and parts of that."""
    with redis_server() as redis, _synthetic(redis, calls, nodes, watched) as ports:

        def at(speed: float) -> dict[str, Any]:
            one = _step(redis, ports, speed, seconds)
            progress(line(one))
            return one

        life = at(1.0)
        fastest, speed = life, 2.0
        while carried(fastest) and speed <= most and carried(one := at(speed)):
            fastest, speed = one, speed * 1.5
        steps = [at(part * fastest["speed"]) for part in parts]
        return {
            "calls": calls, "nodes": nodes, "watched": watched, "seconds": seconds,
            "life": life, "fastest": fastest["speed"], "steps": steps,
        }  # fmt: skip


def carried(one: dict[str, Any]) -> bool:
    """Whether everything was said and came in time."""
    made = one["kept"] + one["sent"]
    in_time = statistics.percentile(one["delays_ms"], 0.99) <= BOUND_MS
    return bool(in_time and one["late"] <= LATE_PART * made and not one["outages"])


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
        "fastest": found["fastest"],
    }


@contextmanager
def _synthetic(
    redis: RedisServer, calls: int, nodes: int, watched: float
) -> Iterator[Sequence[Connection]]:
    spawn = multiprocessing.get_context("spawn")
    ports, processes = [], []
    try:
        for number in range(nodes):
            here, there = spawn.Pipe()
            words = (redis.url, f"synthetic-{number}", calls // nodes, watched, there)
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
        commands = asking.info("stats")["total_commands_processed"]
        carried_bytes = asking.info("stats")["total_net_input_bytes"]
        spent, began = cpu_s(redis.pid), time.monotonic()
        for port in ports:
            port.send((speed, seconds))
        told = [port.recv() for port in ports]
        took = time.monotonic() - began
        spent = cpu_s(redis.pid) - spent
        stats, memory = asking.info("stats"), asking.info("memory")
    totals = {
        name: sum(one[name] for one in told)
        for name in ("kept", "sent", "heard", "late", "outages")
    }
    delays = [ms for one in told for ms in one["delays_ms"]]
    return {
        "speed": round(speed, 3),
        **totals,
        "events_per_s": round((totals["kept"] + totals["sent"]) / took),
        "commands_per_s": round((stats["total_commands_processed"] - commands) / took),
        "mib_per_s": round((stats["total_net_input_bytes"] - carried_bytes) / took / 2**20, 2),
        "redis_cpu_share": round(spent / took, 3),
        "redis_mib": round(memory["used_memory"] / 2**20, 1),
        "nodes_cpu_share": round(sum(one["cpu_s"] for one in told) / took, 3),
        "delays_ms": thinned(delays),
    }
