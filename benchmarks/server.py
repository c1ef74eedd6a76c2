"""What the server costs and how late its events are, with a recogniser that costs nothing.

Calls send a packet every 20 ms on a grid of their own. Every event is due when the packet is due
that lets the null recogniser say it, so the delay holds whatever came between: a generator that was
late, a server that was busy, a queue. The server has one processor core and the generator another.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from typing import Any, TypeVar

from benchmarks import statistics
from benchmarks.null_recogniser import PACKET_MS, sound
from benchmarks.process import Server, cpu_s, null_server, resident_mib
from benchmarks.wire import BINARY, TEXT, Hear, Socket, connect, frame
from server.ingest.packet import ALL_CHANNELS, write

RATE = 8_000
SAMPLES = RATE * PACKET_MS // 1000
_EVENT = re.compile(
    rb'\{"type":"(transcript|alert|suggestion|metric)","call":"([^"]+)","seq":\d+,"at_ms":(\d+)'
)
BOARD_SAMPLE = 16
"""A board's viewer looks into one of so many batches: reading them all would be the generator's load."""


SETTING = ("calls", "boards", "packets", "idle", "store")
KEPT = 2_000
"""Samples of each kind that a result keeps of a setting."""


@dataclass(frozen=True, slots=True)
class Load:
    """One setting to be measured."""

    calls: int
    boards: int
    packets: str = "stereo"
    """``stereo``: one packet for both parties; ``each``: one for each party."""
    idle: int = 0
    """Further calls that are open and silent."""
    store: bool = False
    """Everything is kept, as on an ordinary server."""


@dataclass
class Call:
    """A call as its client knows it."""

    id: str
    socket: Socket
    began: float
    """Monotonic time of its first sample."""
    sent: int = 0
    """Packets."""


@dataclass
class Heard:
    """What came back."""

    agent_ms: list[tuple[str, float]] = field(default_factory=list)
    board_ms: list[tuple[str, float]] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    delivered: int = 0
    refused: list[str] = field(default_factory=list)


def cores() -> tuple[int, int] | None:
    """Core for the server and core for the generator; None where there is only one."""
    known = sorted(os.sched_getaffinity(0))
    return None if len(known) < 2 else (known[0], known[1])


def measure(
    loads: Sequence[Load],
    seconds: float,
    warm_s: float = 3.0,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Each load against a server of its own; raw samples."""
    pinned = cores()
    before = os.sched_getaffinity(0)
    found = []
    try:
        if pinned:
            os.sched_setaffinity(0, {pinned[1]})
        for load in loads:
            # Idle calls have to stay open for the whole run.
            with null_server(
                "--until-s", str(int(seconds + warm_s) + 30),
                core=pinned[0] if pinned else None, TINGBAN_AUDIO__IDLE_S="3600",
                TINGBAN_STORE__ENABLED=str(load.store).lower(),
            ) as server:  # fmt: skip
                one = asyncio.run(_at(server, load, seconds, warm_s))
            found.append(one)
            progress(line(one))
    finally:
        os.sched_setaffinity(0, before)
    return {"seconds": seconds, "pinned": pinned is not None, "loads": found}


def line(one: dict[str, Any]) -> str:
    """One load in words."""
    agent, board = (
        statistics.summary([ms for _, ms in one[f"{viewer}_ms"]]) for viewer in ("agent", "board")
    )
    return (
        f"{one['calls']} calls, {one['boards']} boards, {one['packets']}, {one['idle']} idle"
        f"{', kept' if one['store'] else ''}: "
        f"agent p50 {agent.get('p50')} p99 {agent.get('p99')} ms, "
        f"board p50 {board.get('p50')} p99 {board.get('p99')} ms, "
        f"{one['server_cpu_share']:.2f} of a core"
    )


def summarise(found: dict[str, Any]) -> dict[str, Any]:
    """The table."""
    rows = []
    for one in found["loads"]:
        cpu = one["cpu_ms_per_call_second"]
        rows.append(
            {
                **{name: one[name] for name in SETTING},
                "agent_ms": statistics.summary([ms for _, ms in one["agent_ms"]]),
                "board_ms": statistics.summary([ms for _, ms in one["board_ms"]]),
                "generator_late_ms": statistics.summary(one["late_ms"]),
                "cpu_ms_per_call_second": round(sum(cpu) / len(cpu), 3) if cpu else None,
                "server_cpu_share": one["server_cpu_share"],
                "delivered": one["delivered"],
                "resident_mib": one["resident_mib"],
            }
        )
    return {"loads": rows, "store_adds_p99_ms": _added(rows)}


def _added(rows: Sequence[dict[str, Any]]) -> float | None:
    """How much later the store makes the latest percent of agents' events, other things equal."""
    same = [name for name in SETTING if name != "store"]
    for kept in (row for row in rows if row["store"]):
        for row in rows:
            if not row["store"] and all(row[name] == kept[name] for name in same):
                return round(float(kept["agent_ms"]["p99"] - row["agent_ms"]["p99"]), 1)
    return None


async def _at(server: Server, load: Load, seconds: float, warm_s: float) -> dict[str, Any]:
    heard = Heard()
    calls: dict[str, Call] = {}
    dice = random.Random(1)
    sockets = [
        await watch(server, "/v1/board?batch=1", board_ear(heard, calls, dice))
        for _ in range(load.boards)
    ]
    for number in range(load.idle):
        sockets.append(await dial(server, f"idle-{number}", heard))
    for number in range(load.calls):
        agent = f"/v1/agent?agent=agent-{number}"
        sockets.append(await watch(server, agent, agent_ear(heard, calls)))
        name = f"load-{number}"
        socket = await dial(server, name, heard, agent=f"agent-{number}", queue=f"q{number % 8}")
        calls[name] = Call(name, socket, 0.0)
        sockets.append(socket)
    began = time.monotonic()
    for call in calls.values():
        call.began = began + dice.random() * 0.5
    sending = asyncio.create_task(send(list(calls.values()), load, began + warm_s + seconds, heard))
    await asyncio.sleep(warm_s)
    heard.agent_ms.clear()
    heard.board_ms.clear()
    heard.late_ms.clear()
    heard.delivered = 0
    spent, first = cpu_s(server.pid), time.monotonic()
    per_second: list[float] = []
    last, last_at = spent, first
    while time.monotonic() < first + seconds:
        await asyncio.sleep(1.0)
        now, now_at = cpu_s(server.pid), time.monotonic()
        if load.calls:
            per_second.append((now - last) * 1000 / load.calls / (now_at - last_at))
        last, last_at = now, now_at
    share = (last - spent) / (last_at - first)
    await sending
    result = {
        **{name: getattr(load, name) for name in SETTING},
        "agent_ms": thinned(heard.agent_ms),
        "board_ms": thinned(heard.board_ms),
        "late_ms": [round(ms, 2) for ms in thinned(heard.late_ms)],
        "cpu_ms_per_call_second": [round(ms, 3) for ms in per_second],
        "server_cpu_share": round(share, 3),
        "delivered": heard.delivered,
        "resident_mib": round(resident_mib(server.pid), 1),
        "refused": heard.refused,
    }
    for socket in sockets:
        socket.abort()
    return result


T = TypeVar("T")


def thinned(samples: list[T]) -> list[T]:
    """Every so-and-so-many-th, so that a result stays a file that can be kept."""
    return samples[:: -(-len(samples) // KEPT) or 1]


async def watch(server: Server, path: str, hear: Callable[[int, bytes], None]) -> Socket:
    return await connect(server.address, path, hear)


async def dial(server: Server, name: str, heard: Heard, **known: str) -> Socket:
    ready = asyncio.get_running_loop().create_future()

    def hear(_: int, payload: bytes) -> None:
        if not ready.done():
            ready.set_result(payload)
        elif payload.startswith(b'{"type":"error"'):
            heard.refused.append(payload.decode())

    socket = await connect(server.address, "/v1/audio", hear)
    socket.write(frame(TEXT, hello(name, **known)))
    answer = json.loads(await ready)
    if answer["type"] != "ready":
        raise ConnectionError(f"{name}: {answer}")
    return socket


def hello(name: str, **known: str) -> bytes:
    """The first message of a call."""
    parties = ["agent", "customer"]
    said = {
        "type": "hello",
        "v": 1,
        "call": name,
        "parties": parties,
        "codec": "pcm16",
        "rate": RATE,
    }
    return json.dumps({**said, **known}).encode()


def frames(packet: int, packets: str) -> bytes:
    """What a client sends every 20 ms, as it goes over the wire."""
    start = packet * SAMPLES
    if packets == "stereo":
        return frame(BINARY, write(ALL_CHANNELS, start, sound(packet, RATE, 2)))
    mono = sound(packet, RATE)
    return b"".join(frame(BINARY, write(channel, start, mono)) for channel in (0, 1))


async def send(calls: list[Call], load: Load, ends: float, heard: Heard) -> None:
    """Send every packet when it is due; one that is late delays no other."""
    ready: dict[int, bytes] = {}
    due = [(call.began + PACKET_MS / 1000, number) for number, call in enumerate(calls)]
    heapify(due)
    while due and due[0][0] < ends:
        at, number = due[0]
        wait = at - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        call = calls[number]
        if call.sent not in ready:
            ready[call.sent] = frames(call.sent, load.packets)
            ready.pop(call.sent - 200, None)
        call.socket.write(ready[call.sent])
        call.sent += 1
        heard.late_ms.append((time.monotonic() - at) * 1000)
        heapreplace(due, (call.began + (call.sent + 1) * PACKET_MS / 1000, number))
        if len(heard.late_ms) % 64 == 0:
            await asyncio.sleep(0)


def _delay(found: re.Match[bytes], calls: dict[str, Call]) -> tuple[str, float] | None:
    name = found[2].decode()
    call = calls.get(name)
    if call is None:
        return None
    packets = -(-int(found[3]) // PACKET_MS)
    due = call.began + packets * PACKET_MS / 1000
    return name, round((time.monotonic() - due) * 1000, 2)


def agent_ear(heard: Heard, calls: dict[str, Call]) -> Hear:
    def hear(_: int, payload: bytes) -> None:
        heard.delivered += 1
        match = _EVENT.match(payload)
        if match is not None and (found := _delay(match, calls)) is not None:
            heard.agent_ms.append(found)

    return hear


def board_ear(heard: Heard, calls: dict[str, Call], dice: random.Random) -> Hear:
    def hear(_: int, payload: bytes) -> None:
        heard.delivered += payload.count(b'"seq":')
        if dice.randrange(BOARD_SAMPLE):
            return
        for match in _EVENT.finditer(payload):
            if (found := _delay(match, calls)) is not None:
                heard.board_ms.append(found)

    return hear
