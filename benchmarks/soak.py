"""Hours of traffic in less time: calls come and go, and nothing of the server may grow.

Calls of the null recogniser are played faster than life, each watched by its agent, some cut and
resumed on the way. Memory, open files, tasks and delays are looked at every few seconds.
"""

from __future__ import annotations

import asyncio
import random
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from benchmarks import statistics
from benchmarks.expected import doubled, finals, missing
from benchmarks.faults import UNTIL_S, place, playing
from benchmarks.process import Server, cpu_s, descriptors, resident_mib

SHORTEST_S, LONGEST_S = 10, 60
CUT = 0.2
"""Part of the calls whose connection is cut once."""


def run(
    minutes: float,
    together: int = 12,
    speed: float = 6.0,
    every_s: float = 5.0,
    seed: int = 1,
    told: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """``together`` calls at a time for so long, ``speed`` times faster than life."""
    return asyncio.run(_run(minutes * 60, together, speed, every_s, seed, told))


def summarise(found: dict[str, Any]) -> dict[str, Any]:
    """What grew: the last third against the second, as the first warms up."""
    ticks = found["ticks"]
    third = max(1, len(ticks) // 3)
    middle, last = ticks[third : 2 * third] or ticks, ticks[-third:]

    def mean(rows: list[dict[str, Any]], name: str) -> float:
        values = [row[name] for row in rows if row[name] is not None]
        return round(sum(values) / len(values), 2) if values else 0.0

    grown = {
        name: {"second_third": mean(middle, name), "last_third": mean(last, name)}
        for name in ("rss_mib", "fds", "tasks", "p50_ms", "p99_ms", "cpu_share")
    }
    return {
        "minutes": round(ticks[-1]["at_s"] / 60, 2) if ticks else 0,
        "calls": found["calls"],
        "audio_minutes": round(found["audio_s"] / 60, 1),
        "lost": found["lost"],
        "doubled": found["doubled"],
        "failures": len(found["failures"]),
        "grown": grown,
    }


async def _run(
    seconds: float,
    together: int,
    speed: float,
    every_s: float,
    seed: int,
    told: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    quick = {"TINGBAN_CALLS__RESUME_S": "5", "TINGBAN_CALLS__LINGER_S": "5"}
    dice = random.Random(seed)
    found: dict[str, Any] = {
        "ticks": [], "calls": 0, "audio_s": 0, "lost": 0, "doubled": 0, "failures": [],
    }  # fmt: skip
    delays: list[float] = []
    with place(**quick, TINGBAN_STORE__ENABLED="true") as there:
        server = there.start()
        ends = time.monotonic() + seconds

        async def lane(number: int) -> None:
            turn = 0
            while time.monotonic() < ends:
                turn += 1
                length = dice.randint(SHORTEST_S, LONGEST_S)
                name = f"soak-{number}-{turn}"
                async with playing(server, name, length, speed) as played:
                    if dice.random() < CUT:
                        await asyncio.sleep(length / speed / 2)
                        played.client.drop()
                delays.extend(played.delays_ms)
                wanted = finals(name, length * 1000, UNTIL_S * 1000)
                found["lost"] += len(missing(wanted, played.sight.finals))
                found["doubled"] += doubled(wanted, played.sight.finals)
                found["calls"] += 1
                found["audio_s"] += length
                if played.error:
                    found["failures"].append(f"{name}: {played.error}")

        async def look() -> None:
            began, spent = time.monotonic(), cpu_s(server.pid)
            while time.monotonic() < ends:
                await asyncio.sleep(every_s)
                now = cpu_s(server.pid)
                quantiles = statistics.summary(delays)
                delays.clear()
                tick = {
                    "at_s": round(time.monotonic() - began, 1),
                    "rss_mib": round(resident_mib(server.pid), 1),
                    "fds": descriptors(server.pid),
                    "calls": found["calls"],
                    "tasks": await asyncio.to_thread(_gauge, server, "tingban_loop_tasks"),
                    "p50_ms": quantiles.get("p50"),
                    "p99_ms": quantiles.get("p99"),
                    "cpu_share": round((now - spent) / every_s, 3),
                }
                spent = now
                found["ticks"].append(tick)
                told(tick)

        async with asyncio.TaskGroup() as group:
            group.create_task(look())
            for number in range(together):
                group.create_task(lane(number))
        if server.process.poll() is not None:
            found["failures"].append("the server ended")
    return found


def _gauge(server: Server, name: str) -> float | None:
    """One value of the server's own metrics; None where it has none of that name."""
    with urllib.request.urlopen(f"{server.http}/metrics", timeout=30) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
    return None
