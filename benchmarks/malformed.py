"""Nonsense on every public socket, beside a call that must not notice.

Messages are real ones of each dialect, spoiled: bytes changed, cut or repeated, JSON with a field
gone or of another type, or pure noise. Seeded, so that a failure can be seen again.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from asr.events import Party
from benchmarks import wire
from benchmarks.faults import clip, place, playing
from benchmarks.process import Server, descriptors, resident_mib
from benchmarks.server import frames, hello
from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects import audiohook, funasr, json_l16, twilio
from server.client.dialects.piece import Piece

TOGETHER = 8
PER_CONNECTION = 10
Message = str | bytes
JSON: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**70,
    1.5,
    "",
    "x" * 300,
    [],
    {},
    [[]],
    {"type": {}},
    "\u0000",
    "你好",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """A socket, and messages that are right on it."""

    name: str
    path: str
    messages: tuple[Message, ...]


def dialects() -> list[Dialect]:
    """Every websocket that takes messages from outside."""
    stereo = clip(1)
    mulaw = Clip(stereo.parties, "mulaw", 8_000, bytes(16_000))
    mono = Clip((Party.UNKNOWN,), "pcm16", 8_000, bytes(16_000))
    uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    # Ready-made frames have a head of eight bytes before the packet.
    packet = frames(0, "stereo")[8:]
    up = '{"type":"painted","call":"c","seq":1,"at":1.0}'
    said = '{"type":"feedback","call":"c","suggestion":"s","verdict":"used"}'

    def first(pieces: Iterable[Piece[Any]]) -> tuple[Message, ...]:
        return tuple(piece.data for piece in islice(pieces, 5))

    return [
        Dialect("native", "/v1/audio", (hello("bad").decode(), packet, packet, '{"type":"end"}')),
        Dialect("l16", json_l16.PATH, first(json_l16.messages(Call("bad"), stereo))),
        Dialect("twilio", twilio.PATH, first(twilio.messages(Call("bad"), mulaw))),
        Dialect("funasr", funasr.PATH, first(funasr.messages("bad", mono))),
        Dialect("audiohook", audiohook.PATH, first(audiohook.messages(Call(uuid), mulaw))),
        Dialect("agent", "/v1/agent?agent=a", (up, said, '{"type":"ping","id":1}')),
        Dialect("board", "/v1/board?batch=1", (up, '{"type":"ping","id":1}')),
    ]  # fmt: skip


def spoil(message: Message, dice: random.Random) -> Message:
    """The message with something wrong in it."""
    roll = dice.random()
    if roll < 0.1:
        noise = dice.randbytes(dice.randrange(200))
        return noise if dice.random() < 0.5 else noise.decode("latin1")
    if roll < 0.2:
        return message.encode() if isinstance(message, str) else message.decode("latin1")
    if isinstance(message, str) and roll < 0.8:
        with suppress(ValueError):
            return json.dumps(_bent(json.loads(message), dice))
    data = bytearray(message.encode() if isinstance(message, str) else message)
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(3):
            case 0:
                data[at : at + dice.randrange(1, 20)] = b""
            case 1:
                data[at:at] = dice.randbytes(dice.randrange(1, 20))
            case _ if at < len(data):
                data[at] = dice.randrange(256)
    return bytes(data) if isinstance(message, bytes) else data.decode("utf8", "replace")


def _bent(value: Any, dice: random.Random) -> Any:
    """A field gone, added or of another type, somewhere inside."""
    if isinstance(value, dict) and value and dice.random() < 0.8:
        key = dice.choice(list(value))
        match dice.randrange(4):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                return {**value, "unforeseen": dice.choice(JSON)}
            case _:
                return {**value, key: _bent(value[key], dice)}
    return dice.choice(JSON)


async def _throw(
    server: Server, dialect: Dialect, count: int, dice: random.Random
) -> dict[str, Any]:
    codes: Counter[str] = Counter()
    connections = 0

    def hear(_: int, payload: bytes) -> None:
        with suppress(ValueError):
            message = json.loads(payload)
            if isinstance(message, dict) and message.get("type") == "error":
                codes[str(message.get("code"))] += 1

    async def batch(size: int) -> None:
        nonlocal connections
        socket = await wire.connect(server.address, dialect.path, hear)
        connections += 1
        right = dice.randrange(len(dialect.messages))
        for number in range(size):
            message = dialect.messages[number % len(dialect.messages)]
            if number >= right:
                message = spoil(message, dice)
            opcode = wire.TEXT if isinstance(message, str) else wire.BINARY
            data = message.encode("utf8", "replace") if isinstance(message, str) else message
            socket.write(wire.frame(opcode, data))
        with suppress(TimeoutError):
            # Most are refused; those that could still become right are left.
            await asyncio.wait_for(asyncio.shield(socket.closed), 0.3)
        socket.abort()
        await socket.closed

    left = count
    while left > 0:
        sizes = [min(PER_CONNECTION, left - PER_CONNECTION * i) for i in range(TOGETHER)]
        await asyncio.gather(*(batch(size) for size in sizes if size > 0))
        left -= TOGETHER * PER_CONNECTION
    return {
        "dialect": dialect.name,
        "messages": count,
        "connections": connections,
        "refusals": codes.total(),
        "codes": ", ".join(f"{code} {n}" for code, n in sorted(codes.items())),
    }


async def _run(count: int, seed: int, names: Sequence[str], told: Callable[[str], None]) -> Any:
    chosen = [one for one in dialects() if not names or one.name in names]
    quick = {"TINGBAN_CALLS__RESUME_S": "1", "TINGBAN_CALLS__LINGER_S": "1"}
    failures: list[str] = []
    rows = []
    with place(**quick, TINGBAN_AUDIO__HELLO_S="2") as there:
        server = there.start()
        # The first of everything costs memory once.
        for dialect in chosen:
            await _throw(server, dialect, min(count, 80), random.Random(seed))
        before = resident_mib(server.pid), descriptors(server.pid)
        async with playing(server, "healthy", 30) as healthy:
            for dialect in chosen:
                rows.append(
                    await _throw(server, dialect, count, random.Random(f"{seed} {dialect.name}"))
                )
                told(dialect.name)
        await asyncio.sleep(4)
        after = resident_mib(server.pid), descriptors(server.pid)
        if server.process.poll() is not None:
            failures.append("the server ended")
        lost, doubled, detail = healthy.judged()
        if lost or doubled or healthy.error:
            failures.append(f"the healthy call noticed: {detail}")
        failures += [line for line in server.said if line.startswith("Traceback")][:5]
    return {
        "dialects": rows,
        "memory_mib": {"before": round(before[0], 1), "after": round(after[0], 1)},
        "descriptors": {"before": before[1], "after": after[1]},
        "lost": lost,
        "doubled": doubled,
        "failures": failures,
    }


def run(
    count: int = 10_000,
    seed: int = 1,
    names: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """So many messages on every dialect, or on those named."""
    found: dict[str, Any] = asyncio.run(_run(count, seed, names, told))
    return found
