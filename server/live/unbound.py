"""Which calls have no agent, for the widgets of those who may claim one.

Whoever owns a call says on the bus when it begins or ceases to wait for an agent, so that the list
holds the calls of other nodes as well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from assist_rules.events import CallInfo
from server.access import roles
from server.access.roles import Caller, Role
from server.live.bus import Bus
from server.live.notice import Notice, encode
from server.live.queue import ViewerQueue

UNBOUND = "unbound"
"""The bus topic."""
LONGEST = 100
"""Calls that a widget is told of, the oldest; nobody reads more."""
TOGETHER_S = 0.1
"""Changes within this time are told at once: a hundred calls may begin in a second."""
NONE = encode({"type": "unbound", "calls": []})


def change(info: CallInfo, ended: bool = False) -> Notice:
    """Whether a call waits for an agent from now on."""
    waits = not ended and not info.agent
    line = {"call": info.call, "queue": info.queue, "started_at": info.started_at}
    return Notice(encode({"type": "waits" if waits else "settled", **line}))


@dataclass(slots=True)
class _Widget:
    caller: Caller
    told: str = NONE

    def tell(self, text: str) -> Iterator[Notice]:
        if text != self.told:
            self.told = text
            yield Notice(text, (UNBOUND,), passing=True)


class Unbound:
    """The calls without an agent, and the widgets that show them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._calls: dict[str, dict[str, Any]] = {}
        self._widgets: dict[ViewerQueue, _Widget] = {}
        self._telling: asyncio.TimerHandle | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hear of the calls until the context ends."""
        with self._bus.listen([UNBOUND], _Changes(self)):
            yield

    @contextmanager
    def listen(self, caller: Caller, queue: ViewerQueue) -> Iterator[None]:
        """While the context lasts, ``queue`` gets the list whenever it changes for ``caller``."""
        self._widgets[queue] = _Widget(caller)
        try:
            yield
        finally:
            del self._widgets[queue]

    def so_far(self, queue: ViewerQueue) -> Iterator[Notice]:
        """The list, for a widget that listens and has not been told of it."""
        widget = self._widgets[queue]
        yield from widget.tell(self._text(widget.caller))

    def known(self) -> Iterator[Notice]:
        """Every call that waits, for a node that has just come."""
        for line in self._calls.values():
            yield Notice(encode({"type": "waits", **line}))

    def hear(self, notice: Notice) -> None:
        """A call's owner says how it stands."""
        line = json.loads(notice.text)
        if line.pop("type") == "waits":
            self._calls[line["call"]] = line
            self._tell_soon()
        else:
            self.forget(line["call"])

    def forget(self, call: str) -> None:
        """A call turned out not to be there any more."""
        if self._calls.pop(call, None) is not None:
            self._tell_soon()

    def _tell_soon(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TOGETHER_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        texts: dict[tuple[Role, frozenset[str]], str] = {}
        for queue, widget in self._widgets.items():
            audience = widget.caller.role, widget.caller.queues
            if audience not in texts:
                texts[audience] = self._text(widget.caller)
            for notice in widget.tell(texts[audience]):
                queue.put(notice)

    def _text(self, caller: Caller) -> str:
        claimable = (
            line
            for line in self._calls.values()
            if roles.may_on(caller, "call.claim", None, line["queue"])
        )
        return encode({"type": "unbound", "calls": list(islice(claimable, LONGEST))})


class _Changes(ViewerQueue):
    """Hands on what is put into it; nothing ever waits."""

    def __init__(self, unbound: Unbound) -> None:
        super().__init__(inside=True)
        self._unbound = unbound

    def put(self, notice: Notice) -> None:
        self._unbound.hear(notice)
