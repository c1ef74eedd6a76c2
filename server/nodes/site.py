"""This server as one node of a site: who owns which call, who goes on when a node dies.

A call belongs to the node that claimed it in Redis. Claims are asked for when a call begins, with
a short limit: a call that cannot be claimed begins all the same and is claimed once Redis is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol
from weakref import WeakValueDictionary

from prometheus_client.core import Metric

from asr.events import CallId, Party
from assist_rules.events import CallInfo
from server.live import bus as topics
from server.live.elsewhere import Shown
from server.live.journal import Journal
from server.live.notice import AFRESH, Notice, encode
from server.live.switchboard import Switchboard
from server.live.takeover import Kept
from server.metrics import gauge
from server.nodes.bus import NodeBus
from server.nodes.calllog import ENDED, ENDED_S, KEEP_S, CallLog, load
from server.nodes.link import SOON_S, Away, Link
from server.nodes.peers import Node
from server.refusals import Refusal
from server.settings import NodeSettings, Settings
from server.wire import to_wire

log = logging.getLogger(__name__)

CLAIM = """
local owner = redis.call('GET', KEYS[1])
if not owner or owner == ARGV[1] or owner == ARGV[3] then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
    return ARGV[1]
end
return owner
"""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
SWEEP_S = 60.0
FIND_S = 1.0


class Keeper(Protocol):
    """The store of this node."""

    def carry_on(self, kept: Kept) -> Journal:
        """Keeps on with a call that another node began."""


class Site:
    """Fulfils ``live.elsewhere.Elsewhere``. Open it with :meth:`open`, before the switchboard."""

    def __init__(self, settings: NodeSettings, name: str, url: str, resume_s: float) -> None:
        self.link = Link(settings, settings.name or name, settings.url or url)
        self.bus = NodeBus(self.link, self, self._found)
        self._store: Keeper | None = None
        self._settings = settings
        self._resume_s = resume_s
        self._switchboard: Switchboard | None = None
        self._logs: WeakValueDictionary[CallId, CallLog] = WeakValueDictionary()
        self._unclaimed: set[CallId] = set()
        self._asked: dict[CallId, asyncio.Event] = {}
        self._claiming: set[asyncio.Task[None]] = set()
        self.resumed_calls = 0
        self.link.describe = self._describe
        self.link.on_items = self.bus.take
        self.link.on_gap = self.bus.resync
        self.link.on_peers = self._peers_changed
        self.link.on_up = self._up
        self.link.on_down = self._down

    def serve(self, switchboard: Switchboard) -> None:
        """These are the calls of this node."""
        self._switchboard = switchboard

    @asynccontextmanager
    async def open(self, store: Keeper | None = None) -> AsyncIterator[None]:
        """Be part of the site until the context ends; calls that are taken up go into the store."""
        self._store = store
        async with self.link.open():
            sweeping = asyncio.create_task(self._sweep(), name="nodes sweep")
            try:
                yield
            finally:
                sweeping.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.bus.sweep()

    def _describe(self) -> Node:
        live = [call for call in self.own_calls() if not call.done.is_set()]
        switchboard = self._switchboard
        ready = switchboard is not None and switchboard.ready
        free = switchboard.room() if switchboard is not None and ready else 0
        return replace(self.link.me, calls=len(live), free=free, ready=ready)

    # The calls of this node, for the bus

    def own(self, call: CallId) -> Any:
        """A call of ours."""
        return None if self._switchboard is None else self._switchboard.own(call)

    def own_calls(self) -> Iterable[Any]:
        """All calls of ours."""
        return () if self._switchboard is None else self._switchboard.calls()

    # Who owns a call

    async def admit(self, call: CallId) -> None:
        """Before a call begins here: take it up if its node has died.

        Raises :class:`Refusal` when it goes on at another node.
        """
        switchboard = self._switchboard
        if switchboard is None or self.own(call) is not None or not switchboard.room():
            return
        try:
            before = await self._claim(call)
            if before and self.own(call) is None:
                await self._take_up(call)
        except Away:
            self._unclaimed.add(call)

    async def claim(self, call: CallId) -> None:
        """This node goes on with a call from its own store. Raises :class:`Refusal`."""
        try:
            await self._claim(call)
        except Away:
            self._unclaimed.add(call)

    async def _claim(self, call: CallId) -> str | None:
        """Gives whose it was, if that node has died. Raises :class:`Refusal` or ``Away``."""
        owner = await self._ask_for(call, "")
        if owner == self.link.me.life:
            return None
        if owner == ENDED:
            raise Refusal("call_ended", f"call {call} has ended; use a new call id")
        if self.link.peers.of(owner) is None:
            now = await self._ask_for(call, owner)
            if now == self.link.me.life:
                return owner
            owner = now
        node = self.link.peers.of(owner)
        to = {} if node is None else {"node": node.name, "url": node.url}
        raise Refusal("elsewhere", f"call {call} goes on at another node", retry_after_s=1, **to)

    async def _ask_for(self, call: CallId, dead: str) -> str:
        key, me = self.link.key("owner", call), self.link.me.life
        answer = await self.link.ask("EVAL", CLAIM, 1, key, me, KEEP_S, dead)
        return answer if isinstance(answer, str) else str(answer, "ascii")

    async def _take_up(self, call: CallId) -> None:
        switchboard = self._switchboard
        assert switchboard is not None
        try:
            kept = await load(self.link, call)
        except (ValueError, LookupError, TypeError) as error:
            log.error("call %s cannot be taken up: %s", call, type(error).__name__)
            return
        if kept is None or self.own(call) is not None:
            return
        inner = None if self._store is None else self._store.carry_on(kept)
        journal = CallLog(self.link, call, inner)
        self._logs[call] = journal
        if inner is not None:
            inner.keep([(event, encode(to_wire(event))) for event in kept.events])
        self.bus.mirrors.pop(call, None)
        switchboard.take_up(kept, journal)
        journal.begin(kept.info, kept.parties, kept.rate, kept.epoch)
        self.resumed_calls += 1
        log.warning("call %s: taken up from a node that died", call)

    def release(self, call: CallId) -> None:
        """A call that was admitted did not begin after all."""
        self._unclaimed.discard(call)
        key = self.link.key("owner", call)
        self.link.command("EVAL", RELEASE, 1, key, self.link.me.life, within_s=SOON_S)

    def journal(
        self, info: CallInfo, parties: Sequence[Party], rate: int, inner: Journal | None
    ) -> Journal:
        """Keeps a call that begins here, in Redis and as ``inner`` does."""
        made = CallLog(self.link, info.call, inner)
        made.begin(info, parties, rate, getattr(inner, "epoch", 0))
        self._logs[info.call] = made
        return made

    # Where there is room

    def directions(self) -> dict[str, str]:
        """``node`` and ``url`` of the node with most room; empty if there is none."""
        node = self.link.peers.roomiest()
        return {} if node is None else {"node": node.name, "url": node.url}

    def may_hand_over(self) -> bool:
        """Whether another node can go on with our calls."""
        return self.link.up and self.link.peers.roomiest() is not None

    def hand_over(self, call: CallId) -> None:
        """Ours no more: whoever takes it up next may have it."""
        key = self.link.key("owner", call)
        self.link.command("SET", key, "handed-over", "EX", max(ENDED_S, KEEP_S), within_s=SOON_S)

    # What is shown of other nodes' calls

    def get(self, call: CallId) -> Shown | None:
        """A call of another node that is shown here already."""
        return self.bus.mirrors.get(call)

    def calls(self) -> Iterable[Shown]:
        """The calls of other nodes that are shown here."""
        return self.bus.shown()

    async def find(self, call: CallId) -> Shown | None:
        """A call of another node, to be shown here from now on."""
        if not len(self.link.peers) or self._is_whole(call):
            return self.get(call)
        came = self._asked.setdefault(call, asyncio.Event())
        with suppress(Away, TimeoutError):
            async with asyncio.timeout(FIND_S):
                owner = await self.link.ask("GET", self.link.key("owner", call))
                if owner is not None:
                    self.bus.ask(topics.of_call(call))
                    self.bus.ask(topics.of_masked(call))
                    while not self._is_whole(call):
                        await came.wait()
                        came.clear()
        self._asked.pop(call, None)
        return self.get(call)

    def _is_whole(self, call: CallId) -> bool:
        mirror = self.bus.mirrors.get(call)
        sides = [] if mirror is None else [mirror.side(plain) for plain in (False, True)]
        return bool(sides) and all(side is not None and side.full for side in sides)

    def _found(self, call: CallId) -> None:
        if call in self._asked:
            self._asked[call].set()

    def notice(self) -> dict[str, Any]:
        """What boards are told about the nodes that they see."""
        seen = sorted([self.link.me.name, *(node.name for node in self.link.peers)])
        state = "together" if self.link.up else "alone"
        return {"type": "nodes", "state": state, "node": self.link.me.name, "seen": seen}

    # Redis and nodes come and go

    def _peers_changed(self, came: list[Node], went: list[Node]) -> None:
        for node in came:
            log.warning("nodes: %s is here", node.name)
        for node in went:
            log.warning("nodes: %s is gone", node.name)
        self.bus.changed(came, went, self._resume_s)
        self._tell_boards()

    def _tell_boards(self) -> None:
        self.bus.tell_boards(Notice(encode(self.notice()), ("nodes",), passing=True))

    def _up(self) -> None:
        self._tell_boards()
        for session in self.own_calls():
            if not session.done.is_set():
                self._unclaimed.add(session.info.call)
        task = asyncio.get_running_loop().create_task(self._claim_all())
        self._claiming.add(task)
        task.add_done_callback(self._claiming.discard)

    async def _claim_all(self) -> None:
        while self._unclaimed:
            call = self._unclaimed.pop()
            session = self.own(call)
            if session is None or session.done.is_set():
                continue
            try:
                await self._claim(call)
                kept = self._logs.get(call)
                if kept is not None:
                    kept.rewrite()
            except Refusal:
                # Its client went to another node while Redis was away: that one has it now.
                session.leave(Refusal("elsewhere", "the call goes on at another node"))
            except Away:
                self._unclaimed.add(call)
                return

    def _down(self) -> None:
        self.bus.forget()
        self.bus.tell_boards(AFRESH)
        self._tell_boards()

    def gauges(self) -> Iterator[Metric]:
        """How the site looks from here."""
        yield from self.link.gauges()
        yield gauge(
            "tingban_mirrored_calls", "Calls of other nodes shown here", len(self.bus.mirrors)
        )
        yield gauge("tingban_calls_taken_up", "Calls taken up from dead nodes", self.resumed_calls)


def site_of(settings: Settings) -> Site | None:
    """The site that a server belongs to, if it is one of several."""
    if settings.nodes.redis is None:
        return None
    where = f"{settings.host}:{settings.port}"
    return Site(settings.nodes, where, f"ws://{where}", settings.calls.resume_s)
