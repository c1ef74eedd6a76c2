"""The one way to Redis. Nothing that serves a call waits for it.

What goes out is queued and sent in pipelines. The queue is bounded: when Redis is slow, what does
not fit is given up and counted; when it is away, the queue is emptied. Whoever missed something
notices by the numbers of the batches and asks anew, so a drop costs time and never correctness.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import secrets
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import Metric
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from server import metrics
from server.metrics import counter, gauge
from server.nodes.peers import Node, Peers
from server.settings import NodeSettings

log = logging.getLogger(__name__)

SOON_S = 0.01
"""Within this time what people or nodes wait for is sent; each sending costs as much as many items."""
SHOWN_S = 0.05
"""The same for what a page shows in passing, and for boards."""
KEPT_S = 0.1
"""The same for what is only written down."""
BATCH = 2_000
"""Most commands of one pipeline."""
READ = 64
"""Most batches that are read at once."""
BLOCK_MS = 1_000
INBOX_LENGTH = 20_000
"""About how many batches of others an inbox holds; older ones are forgotten by Redis."""
CONNECT_S = 1.0
ANSWER_S = 3.0
"""Redis that has not answered for so long is away."""
FAULTS = (RedisError, OSError, TimeoutError)

Item = list[Any]
"""One message between nodes: its kind, then what belongs to it. JSON."""
Then = Callable[[], None]


class Away(Exception):
    """Redis did not answer in time."""


@dataclass(slots=True)
class _Command:
    words: tuple[Any, ...]
    then: Then | None


class Link:
    """One node's connection to the site. Open it with :meth:`open`."""

    def __init__(self, settings: NodeSettings, name: str, url: str) -> None:
        self.me = Node(name, secrets.token_hex(6), url)
        self.peers = Peers()
        self.up = False
        self.why = "not yet connected"
        self.on_items: Callable[[Node, list[Item]], None] = lambda node, items: None
        """Items of another node, in its order."""
        self.on_gap: Callable[[Node], None] = lambda node: None
        """Something of that node never came."""
        self.on_peers: Callable[[list[Node], list[Node]], None] = lambda came, went: None
        self.on_up: Callable[[], None] = lambda: None
        self.on_down: Callable[[], None] = lambda: None
        self.describe: Callable[[], Node] = lambda: self.me
        """This node as its next heartbeat shall say."""
        self._settings = settings
        self._redis = self._client(ANSWER_S)
        self._reading = self._client(ANSWER_S + BLOCK_MS / 1000)
        self._commands: deque[_Command] = deque()
        self._items: defaultdict[str, list[Item]] = defaultdict(list)
        self._waiting = 0
        self._sent: defaultdict[str, int] = defaultdict(int)
        self._expected: dict[str, int] = {}
        self._flush_at = math.inf
        """Monotonic time by which what waits is to be sent."""
        self._sooner = asyncio.Event()
        self._away_since: float | None = None
        self._ending = False
        self.outages = 0

    def _client(self, answer_s: float) -> Any:
        return Redis.from_url(
            self._settings.redis or "",
            protocol=2,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=answer_s,
            retry=Retry(NoBackoff(), 0),
        )

    def key(self, *parts: str) -> str:
        """A key of this site."""
        return ":".join((self._settings.prefix, *parts))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Stay connected until the context ends; Redis may come later."""
        with suppress(*FAULTS):
            async with asyncio.timeout(CONNECT_S):
                await self._beat()
        beating, *others = [
            asyncio.create_task(work(), name=f"nodes {work.__name__}")
            for work in (self._heartbeats, self._flushes, self._reads)
        ]
        try:
            yield
        finally:
            # Redis' client may take a cancellation for a lost connection: then this ends the loops,
            # and nobody hears of us again after the farewell.
            self._ending = True
            beating.cancel()
            await asyncio.wait([beating])
            with suppress(*FAULTS):
                async with asyncio.timeout(CONNECT_S):
                    await self._flush()
                    await self._redis.srem(self.key("nodes"), self.me.life)
                    await self._redis.delete(
                        self.key("node", self.me.life), self.key("in", self.me.life)
                    )
            for task in others:
                task.cancel()
            await asyncio.gather(beating, *others, return_exceptions=True)
            for client in (self._redis, self._reading):
                with suppress(*FAULTS):
                    await client.aclose()

    # Out

    def post(self, node: Node, item: Item, within_s: float = SOON_S) -> None:
        """Send an item to another node."""
        if self.up and self._room():
            self._items[node.life].append(item)
            self._waiting += 1
            self._soon(within_s)
        elif self.up:
            self._sent[node.life] += 1  # so that the other side sees the gap

    def command(self, *words: Any, then: Then | None = None, within_s: float = KEPT_S) -> None:
        """Have Redis do something. ``then`` is called afterwards, or at once if it cannot be."""
        if self.up and self._room():
            self._commands.append(_Command(words, then))
            self._waiting += 1
            self._soon(within_s)
        elif then is not None:
            then()

    def _soon(self, within_s: float) -> None:
        at = time.monotonic() + within_s
        if at < self._flush_at:
            self._flush_at = at
            self._sooner.set()

    def _room(self) -> bool:
        if self._waiting < self._settings.queue_limit:
            return True
        metrics.dropped_total.labels("nodes_out").inc()
        return False

    async def ask(self, *words: Any) -> Any:
        """Redis' answer to a command. Raises :class:`Away`; waits for ``nodes.wait_s`` at most."""
        if not self.up:
            raise Away(self.why)
        try:
            async with asyncio.timeout(self._settings.wait_s):
                return await self._redis.execute_command(*words)
        except FAULTS as error:
            raise Away(type(error).__name__) from error

    async def _flushes(self) -> None:
        while not self._ending:
            await self._sooner.wait()
            while (wait_s := self._flush_at - time.monotonic()) > 0:
                self._sooner.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._sooner.wait()
            self._flush_at = math.inf
            self._sooner.clear()
            try:
                await self._flush()
            except FAULTS as error:
                self._lose(error)

    async def _flush(self) -> None:
        while self._commands or self._items:
            pipeline = self._redis.pipeline(transaction=False)
            thens: list[Then] = []
            self._pack(pipeline, thens)
            try:
                answers = await pipeline.execute(raise_on_error=False)
            finally:
                # A call does not wait for a copy elsewhere that cannot be made now.
                for then in thens:
                    then()
            refused = next((one for one in answers if isinstance(one, RedisError)), None)
            if refused is not None:
                raise refused

    def _pack(self, pipeline: Any, thens: list[Then]) -> None:
        for _ in range(min(BATCH, len(self._commands))):
            command = self._commands.popleft()
            self._waiting -= 1
            pipeline.execute_command(*command.words)
            if command.then is not None:
                thens.append(command.then)
        items, self._items = self._items, defaultdict(list)
        for life, batch in items.items():
            self._waiting -= len(batch)
            number = self._sent[life]
            self._sent[life] = number + 1
            text = json.dumps(batch, ensure_ascii=False, separators=(",", ":"))
            head = json.dumps([self.me.life, number, time.time()])
            pipeline.execute_command(
                "XADD", self.key("in", life), "MAXLEN", "~", INBOX_LENGTH, "*", "h", head, "b", text
            )

    # In

    async def _reads(self) -> None:
        inbox, last = self.key("in", self.me.life), "0"
        while not self._ending:
            try:
                found = await self._reading.execute_command(
                    "XREAD", "COUNT", READ, "BLOCK", BLOCK_MS, "STREAMS", inbox, last
                )
            except FAULTS:
                # The heartbeat finds out whether Redis is away; here it is enough to wait.
                await asyncio.sleep(self._settings.heartbeat_s)
                continue
            for _, stream in found or ():
                for entry, fields in entries(stream):
                    last = entry
                    self._take(fields)

    def _take(self, fields: dict[str, str]) -> None:
        life, number, sent = json.loads(fields["h"])
        node = self.peers.of(life)
        if node is None:
            return
        metrics.bus_lag.observe(max(0.0, time.time() - sent))
        expected = self._expected.get(life, number)
        self._expected[life] = number + 1
        if number != expected:
            metrics.dropped_total.labels("nodes_in").inc(max(1, number - expected))
            self.on_gap(node)
        self.on_items(node, json.loads(fields["b"]))

    # Heartbeats

    async def _heartbeats(self) -> None:
        while not self._ending:
            await asyncio.sleep(self._settings.heartbeat_s)
            try:
                await self._beat()
            except FAULTS as error:
                self._lose(error)

    async def _beat(self) -> None:
        self.me = self.describe()
        lost_ms = int(self._settings.lost_s * 1000)
        pipeline = self._redis.pipeline(transaction=False)
        mine = self.key("node", self.me.life)
        pipeline.execute_command("SET", mine, json.dumps(self.me.wire()), "PX", lost_ms)
        pipeline.execute_command("SADD", self.key("nodes"), self.me.life)
        pipeline.execute_command("PEXPIRE", self.key("in", self.me.life), 10 * lost_ms)
        pipeline.execute_command("SMEMBERS", self.key("nodes"))
        *_, members = await pipeline.execute()
        lives = sorted(_text(member) for member in members)
        values = await self._redis.mget([self.key("node", life) for life in lives])
        alive, dead = [], []
        for life, value in zip(lives, values, strict=True):
            if value is None:
                dead.append(life)
            elif life != self.me.life:
                alive.append(Node(**json.loads(value)))
        if dead:
            await self._redis.srem(self.key("nodes"), *dead)
        self._find()
        came, went = self.peers.update(alive)
        for node in went:
            self._expected.pop(node.life, None)
            self._sent.pop(node.life, None)
        if came or went:
            self.on_peers(came, went)

    def _find(self) -> None:
        if self.up:
            return
        self.up, self.why = True, ""
        if self._away_since is not None:
            log.warning("nodes: Redis is back after %.1f s", time.monotonic() - self._away_since)
        self._away_since = None
        self.on_up()

    def _lose(self, error: BaseException) -> None:
        if not self.up:
            return
        self.up, self.why = False, type(error).__name__
        self.outages += 1
        self._away_since = time.monotonic()
        log.error("nodes: Redis is away (%s); this node goes on alone", self.why)
        commands, self._commands = self._commands, deque()
        for life in self._items:
            self._sent[life] += 1
        self._items.clear()
        self._waiting = 0
        for command in commands:
            if command.then is not None:
                command.then()
        _, went = self.peers.update(())
        self.on_peers([], went)
        self.on_down()

    def gauges(self) -> Iterator[Metric]:
        """How the connection is doing."""
        yield gauge("tingban_bus_up", "1 while Redis answers", self.up)
        yield gauge("tingban_bus_queue_messages", "Messages that wait for Redis", self._waiting)
        yield gauge(
            "tingban_nodes", "Nodes that this one sees, itself included", 1 + len(self.peers)
        )
        yield counter("tingban_bus_outages", "Times that Redis was away", self.outages)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


def entries(stream: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Ids and fields of a stream's entries."""
    for name, fields in stream:
        yield _text(name), {_text(key): _text(value) for key, value in fields.items()}
