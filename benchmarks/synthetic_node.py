"""A node with thousands of calls and no sound: only what its calls say goes to Redis.

The calls play events of the null recogniser and the shipped rules over and over, each from a place
of its own. The link and the log of a call are the server's. What is watched elsewhere is sent to
one other node, as boards and pages there would have it.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heapify, heapreplace
from multiprocessing.connection import Connection
from typing import Any

from asr.events import CallId, Party
from assist_rules.events import CallInfo
from benchmarks.expected import published
from benchmarks.process import cpu_s
from server.engine import load_rules
from server.events import CallEvent, Status
from server.live.journal import worth_keeping
from server.live.notice import of_event
from server.live.switchboard import NewRules
from server.nodes.calllog import CallLog
from server.nodes.link import Link
from server.nodes.peers import Node
from server.settings import NodeSettings

SCRIPTS = 16
LOOP_MS = 60_000
PARTIES = (Party.AGENT, Party.CUSTOMER)
LATE_S = 0.25
LOOK_S = 0.005
SAMPLE = 20
"""One of so many messages carries the time at which it was said."""


@dataclass(frozen=True, slots=True)
class Said:
    """A moment of a script: what is kept together, or only shown."""

    at_ms: int
    event: CallEvent
    text: str
    kept: bool


@cache
def script(number: int, kept_only: bool) -> tuple[Said, ...]:
    """What a call says in a minute, without its beginning and end."""
    return tuple(
        Said(event.at_ms, event, of_event(event).text, worth_keeping(event))
        for event in _events(number)
        if not isinstance(event.body, Status) and (worth_keeping(event) or not kept_only)
    )


@cache
def _events(number: int) -> list[CallEvent]:
    return published(f"synthetic-{number}", LOOP_MS, LOOP_MS, _rules())


@cache
def _rules() -> NewRules:
    return load_rules(None)


class Playing:
    """The calls of one node."""

    def __init__(self, link: Link, name: str, calls: int, watched: float) -> None:
        """``watched``: part of the calls that a page of another node shows."""
        self._link = link
        self._dice = random.Random(name)
        self._logs = [CallLog(link, CallId(f"{name}-{n}"), None) for n in range(calls)]
        self._watched = round(watched * calls)
        for log in self._logs:
            info = CallInfo(log.call, "agent", "queue", None, None, {}, "")
            log.begin(info, PARTIES, 8_000, 0)
        self.kept = self.sent = self.late = 0

    async def run(self, seconds: float, speed: float) -> None:
        """Say everything when it is due, ``speed`` times faster than life."""
        began = time.monotonic()
        due = [self._first(number, began, speed) for number in range(len(self._logs))]
        heapify(due)
        while due[0][0] < began + seconds:
            at, number, index, from_ms = due[0]
            now = time.monotonic()
            if at > now:
                await asyncio.sleep(min(at - now, LOOK_S))
                continue
            self.late += now - at > LATE_S
            at_ms = self._say(number, index)
            later_ms = self._at_ms(number, index + 1)
            when = began + (later_ms - from_ms) / 1000 / speed
            heapreplace(due, (when, number, index + 1, from_ms))
            if at_ms % 7 == 0:
                await asyncio.sleep(0)

    def _first(self, number: int, began: float, speed: float) -> tuple[float, int, int, int]:
        """When the call says its first, where in its script that is, and where the call begins."""
        from_ms = self._dice.randrange(LOOP_MS)
        said = self._script(number)
        index = sum(one.at_ms < from_ms for one in said)
        return began + (self._at_ms(number, index) - from_ms) / 1000 / speed, number, index, from_ms

    def _script(self, number: int) -> tuple[Said, ...]:
        """Of a call that nobody elsewhere watches, only what is kept goes to Redis."""
        return script(number % SCRIPTS, number >= self._watched)

    def _at_ms(self, number: int, index: int) -> int:
        said = self._script(number)
        turn, place = divmod(index, len(said))
        return said[place].at_ms + turn * LOOP_MS

    def _say(self, number: int, index: int) -> int:
        said, log = self._script(number), self._logs[number]
        one, at_ms = said[index % len(said)], self._at_ms(number, index)
        if one.kept:
            self.kept += 1
            log.keep([(one.event, one.text)])
        log.reached(dict.fromkeys(PARTIES, at_ms), index, _nothing)
        if number < self._watched:
            self._send(one)
        return at_ms

    def _send(self, said: Said) -> None:
        other = next(iter(self._link.peers), None)
        if other is not None:
            self.sent += 1
            names = [f"masked:{said.event.call}", "board"]
            stamp = [time.time()] if self.sent % SAMPLE == 0 else []
            self._link.post(other, ["note", names, None, 0, said.text, *stamp])


def _nothing() -> None:
    pass


class Heard:
    """What came from others."""

    def __init__(self) -> None:
        self.count = 0
        self.delays_ms: list[float] = []

    def take(self, _: Node, items: Iterable[Sequence[Any]]) -> None:
        """As the bus of a node does."""
        now = time.time()
        for item in items:
            if item[0] == "note":
                self.count += 1
                if len(item) > 5:
                    self.delays_ms.append(round((now - item[5]) * 1000, 2))


def main(redis: str, name: str, calls: int, watched: float, port: Connection) -> None:
    """Serve orders from the port: (speed, seconds), answered with what was done; None ends it."""
    for number in range(SCRIPTS):
        for kept_only in (False, True):
            script(number, kept_only)
    asyncio.run(_main(redis, name, calls, watched, port))


async def _main(redis: str, name: str, calls: int, watched: float, port: Connection) -> None:
    settings = NodeSettings(redis=redis, name=name, queue_limit=500_000)
    link, heard = Link(settings, name, ""), Heard()
    link.on_items = heard.take
    async with link.open():
        playing = Playing(link, name, calls, watched)
        port.send("ready")
        while (order := await asyncio.to_thread(port.recv)) is not None:
            speed, seconds = order
            heard.count, heard.delays_ms = 0, []
            playing.kept = playing.sent = playing.late = 0
            first, began = cpu_s(os.getpid()), time.monotonic()
            await playing.run(seconds, speed)
            port.send(
                {
                    "kept": playing.kept,
                    "sent": playing.sent,
                    "late": playing.late,
                    "heard": heard.count,
                    "delays_ms": heard.delays_ms,
                    "seconds": time.monotonic() - began,
                    "cpu_s": cpu_s(os.getpid()) - first,
                    "outages": link.outages,
                    "peers": len(link.peers),
                }
            )
