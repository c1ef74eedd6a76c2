"""A node with thousands of calls and no sound: only what its calls say goes to Redis.

The calls play events of the null recogniser and the shipped rules, each from a place of its own. What
the server's log of a call gives to its link is taken down once, tick by tick, in the form that goes
over the wire. After that a step only sends it, so that Redis comes to its limit and not this.
What is watched elsewhere goes to one other node, which reads it, as boards and pages would have it.
"""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

import hiredis
import redis as redis_client

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
from server.nodes.link import BLOCK_MS, INBOX_LENGTH, READ, SOON_S, Link, Then
from server.settings import NodeSettings

SCRIPTS = 16
LOOP_MS = 60_000
MADE_MS = 10_000
"""So much of the calls' life is made beforehand; then it comes again."""
TICK_MS = round(SOON_S * 1000)
"""A link with something to say sends that often."""
PARTIES = (Party.AGENT, Party.CUSTOMER)
LATE_S = 0.25
ANSWERS_S = 30
"""Redis may take so long to answer what was sent last."""


@dataclass(frozen=True, slots=True)
class Said:
    """A moment of a script: what is kept, or only shown."""

    at_ms: int
    event: CallEvent
    text: str
    kept: bool


@dataclass(slots=True)
class Tick:
    """What a link sends at once."""

    commands: bytes = b""
    asked: int = 0
    """How many commands these are."""
    kept: int = 0
    notes: list[str] = field(default_factory=list)
    """For the other node; JSON."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one node."""

    node: str
    other: str
    """Which node gets what is watched."""
    count: int
    watched: float
    """Part of the calls that the other node shows."""


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


class _Paper(Link):
    """Takes down the commands of a link in Redis' own form."""

    def __init__(self, name: str) -> None:
        super().__init__(NodeSettings(redis="redis://127.0.0.1:1/0", name=name), name, "")
        self.taken: list[bytes] = []

    def command(self, *words: Any, then: Then | None = None, within_s: float = 0.0) -> None:
        """As if it had been done at once."""
        self.taken.append(packed(*words))
        if then is not None:
            then()


def packed(*words: Any) -> bytes:
    """A command as it goes over the wire."""
    made: bytes = hiredis.pack_command(words)
    return made


def inbox(link: Link, node: str) -> str:
    """The stream of what others tell a node."""
    return link.key("in", node)


def ticks(calls: Calls) -> tuple[Tick, list[Tick]]:
    """What begins the calls, and ``MADE_MS`` of their life."""
    paper = _Paper(calls.node)
    logs = [CallLog(paper, CallId(f"{calls.node}-{n}"), None) for n in range(calls.count)]
    for log in logs:
        log.begin(CallInfo(log.call, "agent", "queue", None, None, {}, ""), PARTIES, 8_000, 0)
    begun = Tick(b"".join(paper.taken), len(paper.taken))
    made = [Tick() for _ in range(MADE_MS // TICK_MS)]
    watched = round(calls.watched * calls.count)
    for due_ms, number, index, one in sorted(_due(calls, watched), key=lambda due: due[:2]):
        paper.taken.clear()
        log, tick = logs[number], made[due_ms // TICK_MS]
        if one.kept:
            tick.kept += 1
            log.keep([(one.event, one.text)])
        log.reached(dict.fromkeys(PARTIES, due_ms), index, _nothing)
        tick.commands += b"".join(paper.taken)
        tick.asked += len(paper.taken)
        if number < watched:
            names = json.dumps([f"masked:{one.event.call}", "board"])
            tick.notes.append(f'["note",{names},null,0,{json.dumps(one.text)}]')
    return begun, made


def _due(calls: Calls, watched: int) -> Iterator[tuple[int, int, int, Said]]:
    """When a call says what; of a call that nobody elsewhere watches, only what is kept."""
    dice = random.Random(calls.node)
    for number in range(calls.count):
        from_ms = dice.randrange(LOOP_MS)
        said = script(number % SCRIPTS, number >= watched)
        for index, one in enumerate(said):
            due_ms = (one.at_ms - from_ms) % LOOP_MS
            if due_ms < MADE_MS:
                yield due_ms, number, index, one


def _nothing() -> None:
    pass


class Answers(threading.Thread):
    """Takes what Redis answers, so that it never waits for us."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(daemon=True)
        self._connection = connection
        self._reader = hiredis.Reader()
        self._came = threading.Condition()
        self.count = self.errors = 0
        self.start()

    def run(self) -> None:
        """Until the connection is closed."""
        while data := self._connection.recv(1 << 20):
            self._reader.feed(data)
            with self._came:
                while (answer := self._reader.gets()) is not False:
                    self.count += 1
                    self.errors += isinstance(answer, hiredis.ReplyError)
                self._came.notify_all()

    def wait(self, asked: int) -> bool:
        """Whether so many came in time."""
        with self._came:
            return self._came.wait_for(lambda: self.count >= asked, ANSWERS_S)


class Heard(threading.Thread):
    """Reads what the other node says."""

    def __init__(self, port: int, stream: str) -> None:
        super().__init__(daemon=True)
        self._redis = redis_client.Redis(port=port)
        self._stream = stream
        self.count = 0
        self.delays_ms: list[float] = []
        self.start()

    def run(self) -> None:
        """As a node's link does."""
        last: bytes | str = "0"
        while True:
            found: Any = self._redis.xread({self._stream: last}, READ, BLOCK_MS)
            now = time.time()
            for _, entries in found:
                for entry, fields in entries:
                    _, _, said_at, notes = json.loads(fields[b"h"])
                    self.count += notes
                    self.delays_ms.append(round((now - said_at) * 1000, 2))
                    last = entry


class Sender:
    """A node's connection, and all it has to say."""

    def __init__(self, port: int, calls: Calls) -> None:
        link = _Paper(calls.node)
        self._calls, self._to = calls, inbox(link, calls.other)
        begun, self._made = ticks(calls)
        self._connection = socket.create_connection(("127.0.0.1", port))
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = Answers(self._connection)
        self._asked = begun.asked
        self._connection.sendall(begun.commands)
        self.answers.wait(self._asked)
        self._heard = Heard(port, inbox(link, calls.node))
        self._batches = 0

    def play(self, speed: float, seconds: float) -> Mapping[str, Any]:
        """Say everything when it is due, ``speed`` times faster than life."""
        first, errors = cpu_s(os.getpid()), self.answers.errors
        self._heard.count, self._heard.delays_ms = 0, []
        kept = sent = late = number = 0
        began, epoch = time.monotonic(), time.time()
        while (now := time.monotonic()) < began + seconds:
            due = [
                self._made[n % len(self._made)]
                for n in range(number, int((now - began) * 1000 / TICK_MS * speed) + 1)
            ]
            since_s = number * TICK_MS / 1000 / speed
            number += len(due)
            notes = [note for tick in due for note in tick.notes]
            made = sum(tick.kept for tick in due)
            self._send(due, notes, epoch + since_s)
            kept, sent = kept + made, sent + len(notes)
            late += (made + len(notes)) * (now - began - since_s > LATE_S)
            time.sleep(max(0.0, now + TICK_MS / 1000 - time.monotonic()))
        answered = self.answers.wait(self._asked)
        return {
            "kept": kept,
            "sent": sent,
            "late": late,
            "heard": self._heard.count,
            "delays_ms": self._heard.delays_ms,
            "seconds": time.monotonic() - began,
            "cpu_s": cpu_s(os.getpid()) - first,
            "errors": self.answers.errors - errors + (not answered),
        }

    def _send(self, due: Sequence[Tick], notes: Sequence[str], said_at: float) -> None:
        parts = [tick.commands for tick in due]
        self._asked += sum(tick.asked for tick in due)
        if notes:
            head = json.dumps([self._calls.node, self._batches, said_at, len(notes)])
            words = ("MAXLEN", "~", INBOX_LENGTH, "*", "h", head, "b", f"[{','.join(notes)}]")
            parts.append(packed("XADD", self._to, *words))
            self._batches += 1
            self._asked += 1
        self._connection.sendall(b"".join(parts))


def main(redis_port: int, calls: Calls, core: int | None, port: Connection) -> None:
    """Serve orders from the port: (speed, seconds), answered with what was done; None ends it."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    sender = Sender(redis_port, calls)
    port.send("ready")
    while (order := port.recv()) is not None:
        port.send(sender.play(*order))
