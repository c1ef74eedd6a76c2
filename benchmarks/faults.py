"""What a bad day does to a call: real processes, one fault at a time, nothing may be lost or doubled.

A call of the null recogniser is played by the client that softphones use, and an agent watches it
as the widget does. What should be final and confirmed is known beforehand. Each fault is judged by
what the agent has at the end: finals and confirmed alerts that are missing or there twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from asr.events import Party
from benchmarks import wire
from benchmarks.corpus import calls
from benchmarks.expected import Sight, compare_alerts, confirmed, doubled, finals, missing
from benchmarks.null_recogniser import PACKET_MS, sound
from benchmarks.process import Server, own_data, resident_mib, running, start
from benchmarks.server import RATE
from server.client.audio import AudioClient, Call
from server.client.clip import Clip, load
from server.client.errors import ClientError
from server.client.viewer import ViewerClient
from server.engine import load_rules

UNTIL_S = 120
SPEED = 3.0
PATIENCE_S = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    fault: str
    seen: str
    """What people see."""
    lost: int
    doubled: int
    recovery_s: float | None
    """From the fault to the next live word at the agent; None: there was no break."""
    passed: bool
    detail: str = ""
    double: bool = False
    """Two faults at once: what is lost is stated, not judged."""


@dataclass
class Played:
    """A call that was played under a fault."""

    name: str
    clip: Clip
    client: AudioClient
    viewer: ViewerClient
    sight: Sight = field(default_factory=Sight)
    at: list[float] = field(default_factory=list)
    """Epoch seconds of each live message."""
    delays_ms: list[float] = field(default_factory=list)
    """Of words and metrics, from when the packet was due that lets them be said."""
    error: str = ""
    ended_ms: int = 0

    def recovery_s(self, fault_at: float) -> float | None:
        """Until the next live message after a moment."""
        later = [at for at in self.at if at > fault_at]
        return round(later[0] - fault_at, 2) if later else None

    def judged(self) -> tuple[int, int, str]:
        """Lost, doubled, and which; finals and confirmed alerts together."""
        until_ms, duration_ms = UNTIL_S * 1000, self.clip.duration_ms
        wanted = finals(self.name, duration_ms, until_ms)
        judged = confirmed(self.name, duration_ms, until_ms, load_rules(None))
        lost = missing(wanted, self.sight.finals)
        fewer, more = compare_alerts(judged, self.sight.confirmed)
        said = [f"lost: {text}" for _, text in lost]
        said += [f"alerts missing: {judged - self.sight.confirmed}"] if fewer else []
        said += [f"alerts too many: {self.sight.confirmed - judged}"] if more else []
        said += [self.error] if self.error else []
        if not wanted:
            said.append("nothing was to be heard")
        return len(lost) + fewer, doubled(wanted, self.sight.finals) + more, "; ".join(said)


def clip(seconds: int) -> Clip:
    """A call whose packets say which they are."""
    packets = range(seconds * 1000 // PACKET_MS)
    audio = b"".join(sound(packet, RATE, 2) for packet in packets)
    return Clip((Party.AGENT, Party.CUSTOMER), "pcm16", RATE, audio)


class Reachable(Protocol):
    """A server, or what stands before several."""

    @property
    def ws(self) -> str:
        """For sockets."""


@asynccontextmanager
async def playing(
    server: Reachable, name: str, sound: int | Clip, speed: float = SPEED
) -> AsyncIterator[Played]:
    """A call under way; leaving the context waits for its end.

    ``sound``: a recording, or seconds of the null recogniser's own.
    """
    recording = clip(sound) if isinstance(sound, int) else sound
    viewer = ViewerClient(server.ws, agent=f"agent-{name}")
    client = AudioClient(server.ws, Call(name, agent=f"agent-{name}"), recording, speed=speed)
    played = Played(name, recording, client, viewer)
    over = asyncio.Event()

    async def watch() -> None:
        async for received in viewer:
            message = received.message
            if message.get("call") == name:
                played.sight.take(message)
                if message["type"] in ("transcript", "alert", "metric"):
                    played.at.append(received.at)
                    due = client.spoken_at(max(0, message["at_ms"] - 1))
                    if due is not None:
                        played.delays_ms.append((received.at - due) * 1000)
                if played.sight.ended:
                    over.set()

    async def play() -> None:
        try:
            played.ended_ms = await client.run()
        except ClientError as error:
            played.error = str(error)

    watching = asyncio.create_task(watch())
    await asyncio.wait_for(viewer.open.wait(), PATIENCE_S)
    feeding = asyncio.create_task(play())
    try:
        yield played
        await feeding
        if not played.error:
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), PATIENCE_S)
    finally:
        feeding.cancel()
        watching.cancel()
        await asyncio.gather(feeding, watching, return_exceptions=True)


class Place:
    """Where the server of one scenario is: a port, folders, variables. It can be started again."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.server: Server | None = None

    def start(self, *arguments: str) -> Server:
        """On the same port each time."""
        command = ["-m", "benchmarks.null_server", "--port", str(self._port)]
        command += ["--until-s", str(UNTIL_S), *arguments]
        self.server = start(command, self._environment)
        return self.server

    def kill(self) -> None:
        """As a crash does."""
        if self.server is not None:
            self.server.kill()


@contextmanager
def place(**environment: str) -> Iterator[Place]:
    """A place of its own until the context ends."""
    with own_data() as own:
        there = Place({**own, "TINGBAN_STORE__ENABLED": "false", **environment})
        try:
            yield there
        finally:
            if there.server is not None:
                there.server.stop()


def row(
    fault: str,
    seen: str,
    played: Played,
    *,
    recovery_s: float | None = None,
    wrong: Sequence[str] = (),
) -> Row:
    lost, twice, detail = played.judged()
    detail = "; ".join([*wrong, *([detail] if detail else [])])
    passed = not (lost or twice or wrong or played.error or not played.sight.ended)
    return Row(fault, seen, lost, twice, recovery_s, passed, detail)


async def killed(seconds: int) -> Row:
    """kill -9 in the middle of a call; a new process takes it up from what was kept."""
    with place(TINGBAN_STORE__ENABLED="true") as there:
        async with playing(there.start(), "killed", seconds) as played:
            await asyncio.sleep(seconds / SPEED / 2)
            at = time.time()
            await asyncio.to_thread(there.kill)
            await asyncio.to_thread(there.start)
        return row(
            "server killed (kill -9)", "reconnecting, then the call goes on with its history",
            played, recovery_s=played.recovery_s(at),
        )  # fmt: skip


async def dropping(seconds: int) -> Row:
    """The client's connection is cut again and again."""
    with place() as there:
        async with playing(there.start(), "dropping", seconds) as played:
            worst, ends = 0.0, time.time() + seconds / SPEED
            while time.time() < ends - 1:
                await asyncio.sleep(min(5.0, seconds / SPEED / 3))
                at = time.time()
                played.client.drop()
                await asyncio.sleep(1.5)
                worst = max(worst, played.recovery_s(at) or 0.0)
        return row("client drops every 5 s", "nothing", played, recovery_s=round(worst, 2))


async def viewer_drops(seconds: int) -> Row:
    """The agent's page loses its connection again and again."""
    with place() as there:
        async with playing(there.start(), "viewer", seconds) as played:
            at = time.time()
            for _ in range(3):
                await asyncio.sleep(seconds / SPEED / 4)
                at = time.time()
                played.viewer.drop()
        return row("the page's connection drops", "reconnecting for a moment", played,
                    recovery_s=played.recovery_s(at))  # fmt: skip


async def stalled(seconds: int) -> Row:
    """A board and a second tab of the agent read nothing."""
    with place(TINGBAN_VIEWERS__QUEUE_LIMIT="32") as there:
        server = there.start()
        before = resident_mib(server.pid)
        paused = []
        for path in ("/v1/board", "/v1/agent?agent=agent-stalled"):
            one = await wire.connect(server.address, path, lambda *_: None, receive_buffer=4_096)
            one.pause()
            paused.append(one)
        async with playing(server, "stalled", seconds) as played, AsyncExitStack() as stack:
            others = [
                await stack.enter_async_context(playing(server, f"crowd-{n}", UNTIL_S - 10, 30))
                for n in range(6)
            ]
        grown = resident_mib(server.pid) - before
        wrong = [f"{one.name}: {one.error}" for one in others if one.error]
        cut = await counted(server, 'tingban_refusals_total{code="too_slow"}')
        for one in paused:
            one.abort()
        judged = row("viewers that read nothing", "nothing", played,
                   wrong=wrong)  # fmt: skip
        # What the system holds for a socket has to be full before the server notices.
        told = f"{cut:.0f} of {len(paused)} cut off so far, memory +{grown:.0f} MiB"
        return replace(judged, detail=f"{judged.detail} {told}".strip())


async def slow_loris(seconds: int) -> Row:
    """Hundreds of connections that say almost nothing."""
    with place(TINGBAN_AUDIO__HELLO_S="2") as there:
        server = there.start()
        host, _, port = server.address.rpartition(":")
        async with playing(server, "loris", seconds) as played:
            slow = []
            for _ in range(150):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(b"GET /v1/audio HTTP/1.1\r\nHost: x\r\nX-A")
                slow.append((reader, writer))
            mute = [
                await wire.connect(server.address, "/v1/audio", lambda *_: None) for _ in range(50)
            ]
            for _ in range(5):
                await asyncio.sleep(seconds / SPEED / 8)
                for _, writer in slow:
                    with suppress(ConnectionError):
                        writer.write(b"a")
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*(one.closed for one in mute)), 20)
            wrong = (
                [f"{sum(not one.closed.done() for one in mute)} silent sockets stay open"]
                if any(not one.closed.done() for one in mute)
                else []
            )
            for _, writer in slow:
                writer.transport.abort()
        return row("slow loris, 200 connections", "nothing", played, wrong=wrong)


async def clock(seconds: int) -> Row:
    """The wall clock goes an hour on, then two hours back."""
    with place() as there:
        server = there.start()
        async with playing(server, "clock", seconds) as played:
            at = time.time()
            for name in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR2):
                await asyncio.sleep(seconds / SPEED / 4)
                at = time.time()
                os.kill(server.pid, name)
        return row("clock jumps by an hour", "nothing", played, recovery_s=played.recovery_s(at))


async def recogniser(seconds: int) -> Row:
    """The recogniser's stream of a call fails under it."""
    with place() as there:
        server = there.start("--break-at-ms", str(seconds * 400))
        async with playing(server, "broken", seconds) as played:
            await asyncio.sleep(seconds * 0.4 / SPEED)
            at = time.time()
        failed = 'tingban_calls_ended_total{why="recogniser_failed"}'
        wrong = [] if await counted(server, failed) == 1 else ["it did not fail"]
        return row("recogniser fails under a call", "the call begins anew and is heard again",
                    played, recovery_s=played.recovery_s(at), wrong=wrong)  # fmt: skip


async def worker(seconds: int) -> Row:
    """The thread that hears all calls breaks in the middle of one; here with the bundled recogniser.

    Nobody knows beforehand what a real recogniser writes: what the page had stays there, and the
    archive has at the end what the page has.
    """
    recorded = load(calls()[0].wav)
    sound = replace(
        recorded, audio=recorded.part(0, min(seconds * recorded.rate, recorded.samples))
    )
    command = ["-m", "benchmarks.breaking_server", "serve", "--port", "0"]
    with own_data() as own, running(command, {**own, "TINGBAN_STORE__ENABLED": "true"}) as server:
        async with playing(server, "worker", sound, 1.0) as played:
            async with asyncio.timeout(seconds):
                while not played.sight.finals.total():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            before, at = played.sight.finals, time.time()
            async with asyncio.timeout(PATIENCE_S):
                while await counted(server, "tingban_recogniser_restarts_total") < 1:
                    os.kill(server.pid, signal.SIGUSR1)
                    await asyncio.sleep(0.5)
            back_s = None
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while (back_s := played.recovery_s(at)) is None:  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
        stored = await archived(server, "worker")
    after = played.sight.finals
    gaps = [s["detail"] for s in played.sight.statuses if s["name"] == "audio_gap"]
    lost = missing(before, after) + missing(after, stored)
    more = doubled(after, stored)
    wrong = [] if gaps else ["no gap was told"]
    wrong += [] if after.total() > before.total() else ["nothing was heard after it"]
    longest_ms = max((gap["end_ms"] - gap["start_ms"] for gap in gaps), default=0)
    return Row(
        "recogniser worker killed", "what was being said is a gap; the call goes on",
        len(lost), more, back_s, not (lost or more or wrong or played.error),
        "; ".join([*wrong, f"gap of {longest_ms / 1000:.1f} s"]),
    )  # fmt: skip


async def disk_full(seconds: int) -> Row:
    """No file of the server can grow any more, then they can again."""
    with place(TINGBAN_STORE__ENABLED="true") as there:
        server = there.start()
        never = resource.RLIM_INFINITY
        async with playing(server, "disk", seconds) as played:
            await asyncio.sleep(seconds / SPEED / 4)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4_096, never))
            await asyncio.sleep(seconds / SPEED / 3)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (never, never))
            at = time.time()
            back = None
            while back is None and time.time() - at < PATIENCE_S:
                await asyncio.sleep(0.05)
                if [s["detail"]["state"] for s in _durability(played)][-1:] == ["ok"]:
                    back = round(time.time() - at, 2)
        states = [s["detail"]["state"] for s in _durability(played)]
        wrong = [] if states[:1] == ["lost"] and states[-1:] == ["ok"] else [f"told {states}"]
        stored = await archived(server, "disk")
        if stored is not None:
            wanted = finals("disk", seconds * 1000, UNTIL_S * 1000)
            gone = missing(wanted, stored)
            wrong += [f"{len(gone)} finals are not in the archive"] if gone else []
        return row("disk full, then room again", "a notice that the call is not being kept",
                    played, recovery_s=back, wrong=wrong)  # fmt: skip


async def bad_pack(seconds: int) -> Row:
    """Somebody publishes a rule pack that is broken."""
    with place() as there:
        server = there.start()
        async with playing(server, "pack", seconds) as played:
            await asyncio.sleep(seconds / SPEED / 4)
            wrong = []
            files = {"broken/pack.yaml": "rules: [{id: '', when: [[["}
            status, _ = await _ask(server, "PUT", "/v1/desk/drafts/broken", {"files": files})
            if status >= 300:
                wrong.append(f"it was not even a draft: {status}")
            status, said = await _ask(server, "POST", "/v1/desk/drafts/broken/publish", {})
            if status not in (409, 422):
                wrong.append(f"publishing it gave {status}: {said}")
        return row("corrupted rule pack published", "whoever publishes it is told why not",
                    played, wrong=wrong)  # fmt: skip


def _durability(played: Played) -> list[dict[str, Any]]:
    return [status for status in played.sight.statuses if status["name"] == "durability"]


async def _ask(
    server: Server, method: str, path: str, body: Mapping[str, Any] | None = None
) -> tuple[int, Any]:
    """Status and JSON of a request."""

    def ask() -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(server.http + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode("utf8", "replace")

    return await asyncio.to_thread(ask)


async def counted(server: Server, series: str) -> float:
    """A counter of the server's own metrics."""

    def ask() -> float:
        with urllib.request.urlopen(f"{server.http}/metrics", timeout=PATIENCE_S) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(series + " "))

    return await asyncio.to_thread(ask)


async def asked(server: Server, series: str, value: float) -> None:
    """Wait until a metric of the server has a value. Raises ``TimeoutError``."""
    async with asyncio.timeout(PATIENCE_S):
        while await counted(server, series) != value:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.1)


async def archived(server: Server, call: str) -> Any:
    """The finals of an ended call in the archive, once its last event has come there."""
    ends = time.monotonic() + PATIENCE_S
    sight = Sight()
    while not sight.ended and time.monotonic() < ends:
        status, stored = await _ask(server, "GET", f"/v1/archive/{call}")
        if status == 404 and "no such route" in str(stored):
            return None
        if status == 200:
            sight.take({"type": "snapshot", "events": stored["events"]})
        if not sight.ended:
            await asyncio.sleep(0.5)
    return sight.finals
