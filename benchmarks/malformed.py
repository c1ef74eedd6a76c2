"""Nonsense on every public door, beside a call that must not notice.

Messages are real ones of each dialect, spoiled: bytes changed, cut or repeated, JSON with a field
gone or of another type, or pure noise. Seeded, so that a failure can be seen again.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, cast
from uuid import UUID, uuid4

from asr.events import Party
from benchmarks import wire
from benchmarks.faults import clip, place, playing
from benchmarks.process import descriptors, resident_mib
from benchmarks.server import frames, hello
from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects import audiohook, audiosocket, funasr, json_l16, siprec, twilio
from server.client.dialects.piece import Piece
from server.ingest import siprec_rtp as rtp

TOGETHER = 8
PER_CONNECTION = 10
GIVEN_UP_S = 4
"""After so long nothing is left of a call whose client has gone, by the settings below."""
SETTLES_S = 60
"""So long a recording client that does not answer is told of the end."""
LEAK_MIB = 64
"""More than this is no longer the allocator's untidiness."""
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


class Line(Protocol):
    """One connection to the server."""

    @property
    def closed(self) -> asyncio.Future[None]:
        """Done once the server has hung up; by UDP never."""

    def send(self, message: Message) -> None:
        """One message, as it is."""

    async def close(self) -> None:
        """Cut it, as a network does."""


Open = Callable[["Doors"], Awaitable[Line]]


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a server listens."""

    address: str
    audiosocket: int
    siprec: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """A way in, and messages that are right on it."""

    name: str
    open: Open
    messages: tuple[Message, ...]
    call: bytes = b""
    """What names the call in them, where each connection has to bring one of its own."""


def _bytes(message: Message) -> bytes:
    return message.encode("utf8", "replace") if isinstance(message, str) else message


class _Web:
    """A websocket."""

    def __init__(self, socket: wire.Socket) -> None:
        self._socket = socket
        self.closed = socket.closed

    def send(self, message: Message) -> None:
        opcode = wire.TEXT if isinstance(message, str) else wire.BINARY
        self._socket.write(wire.frame(opcode, _bytes(message)))

    async def close(self) -> None:
        self._socket.abort()
        await self.closed


class _Bare(asyncio.Protocol):
    """A TCP connection."""

    def __init__(self) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, message: Message) -> None:
        if not self._transport.is_closing():
            self._transport.write(_bytes(message))

    async def close(self) -> None:
        self._transport.abort()
        await self.closed


class _Datagrams(asyncio.DatagramProtocol):
    """A UDP port of ours; behind it may stand the session that the sound belongs to."""

    def __init__(self, targets: Sequence[tuple[str, int]], stack: AsyncExitStack) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._targets = targets
        self._stack = stack

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def send(self, message: Message) -> None:
        for target in self._targets:
            self._transport.sendto(_bytes(message)[:60_000], target)

    async def close(self) -> None:
        self._transport.close()
        await self._stack.aclose()


def _web(path: str) -> Open:
    async def open(doors: Doors) -> Line:
        return _Web(await wire.connect(doors.address, path, lambda *_: None))

    return open


async def _tcp(port: int) -> Line:
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(_Bare, "127.0.0.1", port)
    return line


async def _udp(targets: Sequence[tuple[str, int]], stack: AsyncExitStack) -> Line:
    loop = asyncio.get_running_loop()
    _, line = await loop.create_datagram_endpoint(
        lambda: _Datagrams(targets, stack), local_addr=("127.0.0.1", 0)
    )
    return line


async def _rtp(doors: Doors) -> Line:
    """The ports of a session that is in order; it ends with the line."""
    stack = AsyncExitStack()
    speaker = await stack.enter_async_context(siprec.Wire.open(f"udp://127.0.0.1:{doors.siprec}"))
    call, sound = Call(str(uuid4())), Clip((Party.AGENT, Party.CUSTOMER), "alaw", 8_000, b"")
    dialog = siprec.Dialog(call.id, *speaker.local)
    body = siprec.invitation(call, sound, "127.0.0.1", [4000, 4002])
    answer = siprec.accepted(await speaker.ask(dialog.request("INVITE", *body)))
    dialog.answered(answer)
    speaker.send(dialog.request("ACK"))
    stack.callback(lambda: speaker.send(dialog.request("BYE")))
    return await _udp(siprec.targets(answer), stack)


def dialects() -> list[Dialect]:
    """Every way in for messages from outside."""
    stereo = clip(1)
    mulaw = Clip(stereo.parties, "mulaw", 8_000, bytes(16_000))
    mono = Clip((Party.UNKNOWN,), "pcm16", 8_000, bytes(16_000))
    uuid = UUID("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    # Ready-made frames have a head of eight bytes before the packet.
    packet = frames(0, "stereo")[8:]
    up = '{"type":"painted","call":"c","seq":1,"at":1.0}'
    said = '{"type":"feedback","call":"c","suggestion":"s","verdict":"used"}'
    legs = audiosocket.messages(uuid, stereo, Party.CUSTOMER)
    keys = audiosocket.message(0x03, b"5")
    sip, name = _sip(), str(uuid).encode()
    sound = tuple(rtp.write(8, n, 160 * n, 7, bytes(160)) for n in range(5))

    def first(pieces: Iterable[Piece[Any]]) -> tuple[Message, ...]:
        return tuple(piece.data for piece in islice(pieces, 5))

    return [
        Dialect("native", _web("/v1/audio"), (hello("bad").decode(), packet, packet, '{"type":"end"}')),
        Dialect("l16", _web(json_l16.PATH), first(json_l16.messages(Call("bad"), stereo))),
        Dialect("twilio", _web(twilio.PATH), first(twilio.messages(Call("bad"), mulaw))),
        Dialect("funasr", _web(funasr.PATH), first(funasr.messages("bad", mono))),
        Dialect("audiohook", _web(audiohook.PATH), first(audiohook.messages(Call(str(uuid)), mulaw))),
        Dialect("audiosocket", lambda doors: _tcp(doors.audiosocket), (*first(legs), keys), uuid.bytes),
        Dialect("siprec tcp", lambda doors: _tcp(doors.siprec), sip, name),
        Dialect("siprec udp", lambda doors: _udp([("127.0.0.1", doors.siprec)], AsyncExitStack()), sip, name),
        Dialect("siprec rtp", _rtp, (*sound, rtp.write(101, 5, 800, 7, b"\1\0\0\xa0"))),
        Dialect("agent", _web("/v1/agent?agent=a"), (up, said, '{"type":"ping","id":1}')),
        Dialect("board", _web("/v1/board?batch=1"), (up, '{"type":"ping","id":1}')),
    ]  # fmt: skip


def _sip() -> tuple[bytes, ...]:
    """A recording client's requests, of a session that bears the call's name."""
    call = Call("3f2504e0-4f89-41d3-9a0c-0305e82c3301", agent="6001")
    sound = Clip((Party.AGENT, Party.CUSTOMER), "alaw", 8_000, b"")
    dialog = siprec.Dialog(call.id, "127.0.0.1", 5_070)
    body = siprec.invitation(call, sound, "127.0.0.1", [4000, 4002])
    return (
        dialog.request("INVITE", *body),
        dialog.request("ACK"),
        dialog.request("UPDATE", *body),
        dialog.request("OPTIONS"),
        dialog.request("BYE"),
    )


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


async def _throw(doors: Doors, dialect: Dialect, count: int, dice: random.Random) -> dict[str, Any]:
    before = await _refusals(doors)
    connections = 0

    async def batch(size: int) -> None:
        nonlocal connections
        line = await dialect.open(doors)
        connections += 1
        right = dice.randrange(len(dialect.messages))
        name = uuid4().bytes if len(dialect.call) == 16 else str(uuid4()).encode()
        for number in range(size):
            message = dialect.messages[number % len(dialect.messages)]
            if number >= right:
                message = spoil(message, dice)
            if dialect.call:
                message = _bytes(message).replace(dialect.call, name)
            line.send(message)
        with suppress(TimeoutError):
            # Most are refused; those that could still become right are left.
            await asyncio.wait_for(asyncio.shield(line.closed), 0.3)
        await line.close()

    left = count
    while left > 0:
        sizes = [min(PER_CONNECTION, left - PER_CONNECTION * i) for i in range(TOGETHER)]
        await asyncio.gather(*(batch(size) for size in sizes if size > 0))
        left -= TOGETHER * PER_CONNECTION
    codes = await _refusals(doors) - before
    return {
        "dialect": dialect.name,
        "messages": count,
        "connections": connections,
        "refusals": codes.total(),
        "codes": ", ".join(f"{code} {n}" for code, n in sorted(codes.items())),
    }


async def _refusals(doors: Doors) -> Counter[str]:
    """How many of each code the server has counted so far.

    Those that take a while, such as ``idle``, may count with the dialect that follows.
    """

    def read() -> str:
        with urllib.request.urlopen(f"http://{doors.address}/metrics", timeout=20) as answer:
            return str(answer.read().decode())

    text = await asyncio.to_thread(read)
    found = re.findall(r'^tingban_refusals_total\{code="(\w+)"\} ([0-9.e+]+)$', text, re.M)
    return Counter({code: int(float(number)) for code, number in found})


def _free() -> int:
    """A port that is free for TCP and for UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with suppress(OSError):
                udp.bind(tcp.getsockname())
                return int(tcp.getsockname()[1])


async def _settled(pid: int, before: int) -> int:
    """Open files once all that was begun has been given up, or after a while."""
    until = time.monotonic() + SETTLES_S
    # Nothing tells when another process has closed its files.
    while (now := descriptors(pid)) > before and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    return now


async def _run(count: int, seed: int, names: Sequence[str], told: Callable[[str], None]) -> Any:
    chosen = [one for one in dialects() if not names or one.name in names]
    audio, sip = _free(), _free()
    quick = {
        "TINGBAN_CALLS__RESUME_S": "1",
        "TINGBAN_CALLS__LINGER_S": "1",
        "TINGBAN_AUDIO__HELLO_S": "2",
        "TINGBAN_TELEPHONY__IDLE_S": "2",
        "TINGBAN_TELEPHONY__AUDIOSOCKET_PORT": str(audio),
        "TINGBAN_TELEPHONY__SIPREC__PORT": str(sip),
        "TINGBAN_TELEPHONY__SIPREC__RTP_PORTS": "0",
        "TINGBAN_TELEPHONY__SIPREC__SESSIONS": "5000",
    }
    failures: list[str] = []
    rows = []
    with place(**quick) as there:
        server = there.start()
        doors = Doors(server.address, audio, sip)
        # The first of everything costs memory once.
        for dialect in chosen:
            await _throw(doors, dialect, min(count, 80), random.Random(seed))
        await asyncio.sleep(GIVEN_UP_S)
        before = resident_mib(server.pid), descriptors(server.pid)
        async with playing(server, "healthy", 30) as healthy:
            for dialect in chosen:
                rows.append(
                    await _throw(doors, dialect, count, random.Random(f"{seed} {dialect.name}"))
                )
                told(dialect.name)
        await asyncio.sleep(GIVEN_UP_S)
        after = resident_mib(server.pid), await _settled(server.pid, before[1])
        if server.process.poll() is not None:
            failures.append("the server ended")
        if after[1] > before[1]:
            failures.append(f"{after[1] - before[1]} files or sockets were not closed")
        if after[0] - before[0] > LEAK_MIB:
            failures.append(f"memory grew from {before[0]:.0f} to {after[0]:.0f} MiB")
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
