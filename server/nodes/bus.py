"""The bus of a site: what happens here goes to the pages here and to the nodes that want it.

A node says which topics its pages watch; owners of calls send these and nothing else, so a call
that nobody elsewhere looks at costs nothing elsewhere. The answer to such a wish is everything so
far, in the same line as what follows, so nothing is missed between the two.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from asr.events import CallId
from server.live import bus as topics
from server.live.bus import InProcessBus
from server.live.elsewhere import Shown
from server.live.notice import AFRESH, Notice, encode
from server.live.queue import ViewerQueue
from server.nodes.link import SHOWN_S, SOON_S, Item, Link
from server.nodes.mirror import Mirror, started
from server.nodes.peers import Node

log = logging.getLogger(__name__)

HEAD = re.compile(r'\{"type":"(\w+)","call":"([A-Za-z0-9._-]+)"(?:,"seq":(\d+))?')
"""How every message about one call begins."""
INTEREST_S = 10.0
"""A page that reloads finds what it watched still coming."""
PASSING, FOR_BOARD = 1, 2
ORDERS = ("feedback", "painted", "bind", "whisper", "act", "raise_hand")
"""What another node may have a call of ours do."""


class Calls(Protocol):
    """The calls of this node."""

    def own(self, call: CallId) -> Any:
        """The live or lately ended call, or None."""

    def own_calls(self) -> Iterable[Any]:
        """All of them."""


class NodeBus(InProcessBus):
    """Fulfils ``live.bus.Bus`` over a link."""

    def __init__(self, link: Link, calls: Calls, found: Callable[[CallId], None]) -> None:
        """``found`` is told when a call of another node has come to be shown here."""
        super().__init__()
        self._link = link
        self._calls = calls
        self._found = found
        self._wanted: defaultdict[str, set[str]] = defaultdict(set)
        """Topic to the lives of nodes that want it."""
        self._watched: Counter[str] = Counter()
        self._letting_go: dict[str, asyncio.TimerHandle] = {}
        self.mirrors: dict[CallId, Mirror] = {}
        self.accounts: Mapping[str, Callable[[], Iterable[Notice]]] = {}
        """What this node has to say under a topic to one that has just come, beside its calls."""

    # From here to others

    def publish(self, topics: Iterable[str], notice: Notice) -> None:
        """To the pages of this node, and to nodes that want one of the topics."""
        names = tuple(topics)
        super().publish(names, notice)
        if self._wanted:
            self._forward(names, notice)

    def _forward(self, names: tuple[str, ...], notice: Notice) -> None:
        lives: set[str] = set()
        for name in names:
            lives |= self._wanted.get(name, set())
        if lives:
            flags = PASSING * notice.passing + FOR_BOARD * notice.for_board
            item = ["note", names, notice.about, flags, notice.text]
            awaited = _plain(names[0]) and not notice.passing
            for life in lives:
                node = self._link.peers.of(life)
                if node is not None:
                    self._link.post(node, item, SOON_S if awaited else SHOWN_S)

    @contextmanager
    def listen(self, topics: Iterable[str], queue: ViewerQueue) -> Iterator[None]:
        """Listen here, and have other nodes send what belongs to the topics."""
        names = tuple(topics)
        with super().listen(names, queue):
            self._want(names)
            try:
                yield
            finally:
                self._let_go(names)

    def _want(self, names: Iterable[str]) -> None:
        for name in names:
            self._watched[name] += 1
            letting_go = self._letting_go.pop(name, None)
            if letting_go is not None:
                letting_go.cancel()
            elif self._watched[name] == 1:
                for node in self._link.peers:
                    self._link.post(node, ["want", name])

    def _let_go(self, names: Iterable[str]) -> None:
        loop = asyncio.get_running_loop()
        for name in names:
            self._watched[name] -= 1
            if not self._watched[name]:
                self._letting_go[name] = loop.call_later(INTEREST_S, self._forget, name)

    def _forget(self, name: str) -> None:
        del self._letting_go[name]
        del self._watched[name]
        for node in self._link.peers:
            self._link.post(node, ["unwant", name])
        if name.startswith(topics.BOARD):
            return  # calls that end, or that nobody watches, leave one by one
        for call, mirror in list(self.mirrors.items()):
            if not self._is_watched(mirror):
                del self.mirrors[call]

    def _is_watched(self, mirror: Mirror) -> bool:
        info = mirror.info
        names = [topics.of_call(mirror.call), topics.of_masked(mirror.call), topics.BOARD]
        names += [topics.of_agent(info.agent)] if info.agent else []
        names += [topics.of_queue(info.queue)] if info.queue else []
        return any(name in self._watched for name in names)

    def ask(self, name: str) -> None:
        """Have everything about a topic sent for a while, although no page watches it yet."""
        self._want([name])
        self._let_go([name])

    # From others to here

    def take(self, node: Node, items: Iterable[Item]) -> None:
        """What another node sent, in its order."""
        for item in items:
            match item:
                case ["note", names, about, flags, text]:
                    self._note(node, names, about, flags, text)
                case ["hello"]:
                    # It knows us only now: what we asked before, it did not hear.
                    self.resync(node)
                case ["want", name]:
                    self._wanted[name].add(node.life)
                    self._answer(node, name)
                case ["unwant", name]:
                    self._unwant(node, name)
                case ["have", name, heads]:
                    self._have(node, name, heads)
                case ["do", call, name, words] if name in ORDERS:
                    session = self._calls.own(CallId(call))
                    if session is not None:
                        getattr(session, name)(*words)
                case _:
                    # A newer node may know more kinds than this one.
                    log.info("nodes: %s sent an item of an unknown kind", node.name)

    def _answer(self, node: Node, name: str) -> None:
        if name in self.accounts:
            for notice in self.accounts[name]():
                self._link.post(node, ["note", [name], None, 0, notice.text])
            return
        kind, _, which = name.partition(":")
        calls = [call for call in self._calls.own_calls() if not call.done.is_set()]
        if kind in ("call", "masked"):
            session = self._calls.own(CallId(which))
            heads = [] if session is None else [session.snapshot(plain=kind == "call")]
        elif kind == "agent":
            heads = [call.snapshot(plain=True) for call in calls if call.info.agent == which]
        else:
            heads = [call.overview() for call in calls if not which or call.info.queue == which]
        self._link.post(node, ["have", name, heads])

    def _unwant(self, node: Node, name: str) -> None:
        self._wanted[name].discard(node.life)
        if not self._wanted[name]:
            del self._wanted[name]

    def _have(self, node: Node, name: str, heads: list[dict[str, Any]]) -> None:
        for head in heads:
            self._mirror(node, head, _plain(name))
            if "events" in head:
                super().publish([name], Notice(encode({"type": "snapshot", **head})))
        if name.startswith(topics.BOARD):
            told = {head["call"] for head in heads}
            for call, mirror in list(self.mirrors.items()):
                # What it did not tell of has ended while we could not hear it.
                if mirror.life == node.life and call not in told and name == topics.BOARD:
                    del self.mirrors[call]
            super().publish([name], AFRESH)

    def _mirror(self, node: Node, head: dict[str, Any], plain: bool) -> Mirror:
        call = CallId(head["call"])
        mirror = self.mirrors.get(call)
        if mirror is None:
            mirror = self.mirrors[call] = Mirror(node.life, self._order)
        mirror.renew(node.life, head, plain)
        self._found(call)
        return mirror

    def _note(
        self, node: Node, names: list[str], about: list[str] | None, flags: int, text: str
    ) -> None:
        found = HEAD.match(text)
        if found is None:
            # About no call of its own, such as a spike: each node finds these out by itself.
            return
        kind, call, seq = found.groups()
        if kind == "snapshot":
            for plain in {_plain(name) for name in names}:
                self._mirror(node, json.loads(text), plain)
        elif seq is not None:
            names = self._event(node, names, CallId(call), kind, int(seq), about, text)
        notice = Notice(
            text,
            None if about is None else tuple(about),
            passing=bool(flags & PASSING),
            for_board=bool(flags & FOR_BOARD),
        )
        super().publish(names, notice)

    def _event(
        self,
        node: Node,
        names: list[str],
        call: CallId,
        kind: str,
        seq: int,
        about: list[str] | None,
        text: str,
    ) -> list[str]:
        """Take an event into its mirror; gives the topics whose pages may be shown it."""
        plain = _plain(names[0])
        mirror = self.mirrors.get(call)
        if mirror is None or mirror.side(plain) is None:
            mirror = self._begun(node, kind, text, plain)
        side = None if mirror is None else mirror.side(plain)
        if mirror is None or side is None:
            return []
        mirror.life, mirror.lost = node.life, False
        side.add(kind, seq, about, text)
        # Without all that was before, an event is of use to boards only.
        return names if side.full else [n for n in names if n.startswith(topics.BOARD)]

    def _begun(self, node: Node, kind: str, text: str, plain: bool) -> Mirror | None:
        if plain:
            return None
        if kind == "status":
            event = json.loads(text)
            if event["name"] == "call_started":
                return self._mirror(node, started(event), plain)
        # The middle of a call that we were not told of: a wish that crossed with its beginning.
        for name in self._watched:
            if name.startswith(topics.BOARD):
                self._link.post(node, ["want", name])
        return None

    def _order(self, mirror: Mirror, name: str, words: list[Any]) -> None:
        node = self._link.peers.of(mirror.life)
        if node is not None:
            self._link.post(node, ["do", mirror.call, name, words])

    # Nodes come and go

    def resync(self, node: Node) -> None:
        """Something of that node is missing, or it has just come: ask for all that is watched."""
        for name in self._watched:
            self._link.post(node, ["want", name])

    def changed(self, came: Iterable[Node], went: Iterable[Node], patience_s: float) -> None:
        """Nodes have come and gone; a dead node's calls are shown as long as they may resume."""
        for node in came:
            self._link.post(node, ["hello"])
            self.resync(node)
        loop = asyncio.get_running_loop()
        for node in went:
            for name in [name for name, lives in self._wanted.items() if node.life in lives]:
                self._unwant(node, name)
            for mirror in self.mirrors.values():
                if mirror.life == node.life:
                    mirror.lost = True
            loop.call_later(patience_s, self.forget, node.life)

    def forget(self, life: str | None = None) -> None:
        """Show no more the lost calls of a node, or all calls that are not ours."""
        gone = [
            call
            for call, mirror in self.mirrors.items()
            if life is None or (mirror.lost and mirror.life == life)
        ]
        for call in gone:
            del self.mirrors[call]
        if gone:
            self.tell_boards(AFRESH)

    def sweep(self) -> None:
        """Forget mirrors of calls that have ended and that no page can still be reading."""
        for call, mirror in list(self.mirrors.items()):
            if not mirror.live or not self._is_watched(mirror):
                del self.mirrors[call]

    def tell_boards(self, notice: Notice) -> None:
        """To every board that is open here."""
        boards = [name for name in self._watched if name.startswith(topics.BOARD)]
        super().publish(boards, notice)

    def shown(self) -> tuple[Shown, ...]:
        """The calls of other nodes."""
        return tuple(self.mirrors.values())


def _plain(name: str) -> bool:
    """Whether a topic carries what the agent sees."""
    return name.startswith(("agent:", "call:"))
