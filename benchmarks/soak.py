"""Hours of traffic in less time: calls come and go, and nothing of the server may grow.

Calls are played faster than life, each watched by its agent, some cut and resumed on the way, while
a board comes and goes. Memory, open files, tasks and delays are looked at again and again. Calls of
the null recogniser have known words; on recordings of one's own the agent's page is held against
the archive.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import faults, statistics
from benchmarks.expected import doubled, finals, missing
from benchmarks.faults import UNTIL_S, Played, archived, playing
from benchmarks.growth import Growth, growth
from benchmarks.process import Server, cpu_s, descriptors, null_server, resident_mib, serving
from server.client.clip import Clip, load
from server.client.errors import ClientError
from server.client.viewer import ViewerClient

SHORTEST_S, LONGEST_S = 10, 60
CUT = 0.2
"""Part of the calls whose connection is cut once."""
LOOKS = 120
"""At the server, over a whole run."""
QUICK = {
    "TINGBAN_CALLS__RESUME_S": "60",
    "TINGBAN_CALLS__LINGER_S": "5",
    "TINGBAN_STORE__ENABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """By how much a figure may rise over the judged part and count as flat."""

    part: float
    floor: float
    server: bool = True
    """Only the server moves it. Delays and processor time also depend on who shares the machine."""


BOUNDS: Mapping[str, Bound] = {
    "rss_mib": Bound(0.02, 2.0),
    "fds": Bound(0.05, 2.0),
    "tasks": Bound(0.05, 3.0),
    "p50_ms": Bound(0.1, 5.0, server=False),
    "p99_ms": Bound(0.1, 25.0, server=False),
    "cpu_share": Bound(0.1, 0.02, server=False),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run plays."""

    minutes: float
    together: int = 12
    """Calls at a time."""
    speed: float = 6.0
    """Times faster than life."""
    seed: int = 1
    recordings: Sequence[Path] = ()
    """WAVs to play; none: calls of the null recogniser."""
    asr: str = "bundled"
    """The recogniser that hears these."""


@dataclass
class _Run:
    """A run under way."""

    plan: Plan
    server: Server
    dice: random.Random
    ends: float
    """Monotonic."""
    clips: Mapping[str, Clip]
    delays_ms: list[float] = field(default_factory=list)
    """Since the last look."""
    ticks: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    calls: int = 0
    audio_s: float = 0.0
    lost: int = 0
    doubled: int = 0
    board_messages: int = 0

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.ends


def run(plan: Plan, told: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, Any]:
    """Play it. Raises ``AudioFileError`` for a recording that cannot be read."""
    clips = {path.stem: load(path) for path in plan.recordings}
    with _server(plan) as server:
        return asyncio.run(_play(plan, server, clips, told))


def summarise(found: dict[str, Any]) -> dict[str, Any]:
    """What was covered, what was lost, and what grew."""
    ticks = found["ticks"]
    grown = {name: asdict(rise) for name, rise in _grown(ticks).items()}
    growing = [n for n, one in grown.items() if one["verdict"] == "grows" and BOUNDS[n].server]
    return {
        "minutes": round(ticks[-1]["at_s"] / 60, 2) if ticks else 0,
        "calls": found["calls"],
        "audio_minutes": round(found["audio_s"] / 60, 1),
        "board_messages": found["board_messages"],
        "lost": found["lost"],
        "doubled": found["doubled"],
        "failures": len(found["failures"]) + len(growing),
        "growing": growing,
        "grown": grown,
    }


def _grown(ticks: Sequence[Mapping[str, Any]]) -> dict[str, Growth]:
    found = {}
    for name, bound in BOUNDS.items():
        rows = [(tick["at_s"] / 3600, tick[name]) for tick in ticks if tick[name] is not None]
        found[name] = growth([x for x, _ in rows], [y for _, y in rows], bound.part, bound.floor)
    return found


@contextmanager
def _server(plan: Plan) -> Iterator[Server]:
    if plan.recordings:
        with serving("--asr", plan.asr, core=None, **QUICK) as server:
            yield server
    else:
        with null_server("--until-s", str(UNTIL_S), core=None, **QUICK) as server:
            yield server


async def _play(
    plan: Plan,
    server: Server,
    clips: Mapping[str, Clip],
    told: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    ends = time.monotonic() + plan.minutes * 60
    run = _Run(plan, server, random.Random(plan.seed), ends, clips)
    async with asyncio.TaskGroup() as group:
        group.create_task(_look(run, told))
        group.create_task(_board(run))
        for number in range(plan.together):
            group.create_task(_lane(run, number))
    if server.process.poll() is not None:
        run.failures.append("the server ended")
    kept = ("ticks", "calls", "audio_s", "board_messages", "lost", "doubled", "failures")
    return {name: getattr(run, name) for name in kept}


async def _lane(run: _Run, number: int) -> None:
    """One call after the other."""
    turn = 0
    while not run.over:
        turn += 1
        name, clip = _next(run, number, turn)
        async with playing(run.server, name, clip, run.plan.speed) as played:
            if run.dice.random() < CUT:
                await asyncio.sleep(clip.duration_ms / 1000 / run.plan.speed / 2)
                played.client.drop()
        run.delays_ms.extend(played.delays_ms)
        await _judge(run, name, played)
        run.calls += 1
        run.audio_s += clip.duration_ms / 1000
        if played.error:
            run.failures.append(f"{name}: {played.error}")


def _next(run: _Run, number: int, turn: int) -> tuple[str, Clip]:
    name = f"soak-{number}-{turn}"
    if run.clips:
        return name, run.clips[run.dice.choice(sorted(run.clips))]
    return name, faults.clip(run.dice.randint(SHORTEST_S, LONGEST_S))


async def _judge(run: _Run, name: str, played: Played) -> None:
    """What a page must have is known of the null recogniser; of another one the archive has it."""
    if run.clips:
        # In this order, because the archive may be masked where the page is not.
        wanted, got = played.sight.finals, await archived(run.server, name)
    else:
        wanted = finals(name, played.clip.duration_ms, UNTIL_S * 1000)
        got = played.sight.finals
    run.lost += len(missing(wanted, got))
    run.doubled += doubled(wanted, got)


async def _board(run: _Run) -> None:
    """Somebody looks at all calls for a while, leaves, and comes again."""
    while not run.over:
        stays_s = min(run.dice.uniform(5, 20), max(0.1, run.ends - time.monotonic()))
        board = ViewerClient(run.server.ws)
        with suppress(TimeoutError, ClientError):
            async with asyncio.timeout(stays_s), aclosing(board.messages()) as messages:
                async for _ in messages:
                    run.board_messages += 1


async def _look(run: _Run, told: Callable[[dict[str, Any]], None]) -> None:
    began, every_s = time.monotonic(), max(1.0, run.plan.minutes * 60 / LOOKS)
    pid = run.server.pid
    spent = cpu_s(pid)
    while not run.over and run.server.process.poll() is None:
        await asyncio.sleep(every_s)
        now, quantiles = cpu_s(pid), statistics.summary(run.delays_ms)
        run.delays_ms.clear()
        tick = {
            "at_s": round(time.monotonic() - began, 1),
            "rss_mib": round(resident_mib(pid), 2),
            "fds": descriptors(pid),
            "calls": run.calls,
            "tasks": await asyncio.to_thread(_gauge, run.server, "tingban_loop_tasks"),
            "p50_ms": quantiles.get("p50"),
            "p99_ms": quantiles.get("p99"),
            "cpu_share": round((now - spent) / every_s, 3),
            "load": round(os.getloadavg()[0], 2),
        }
        spent = now
        run.ticks.append(tick)
        told(tick)


def _gauge(server: Server, name: str) -> float | None:
    """One value of the server's own metrics; None where it has none of that name."""
    with urllib.request.urlopen(f"{server.http}/metrics", timeout=30) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
    return None
