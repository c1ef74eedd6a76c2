"""A call's copy in Redis, from which another node goes on when this one dies.

One stream for each call holds what is worth keeping and, now and then, how far the call is
settled; a key beside it holds who and what the call is. Both go when the call has ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from asr.events import AudioFrame, CallId, Party
from assist_rules.events import CallInfo
from server.events import CallEvent, Status
from server.live.journal import Journal, worth_keeping
from server.live.takeover import Kept
from server.nodes.link import Link, entries
from server.wire import from_wire

LENGTH = 4_000
"""About how many entries a call's stream holds; of a call of many hours the oldest go."""
KEEP_S = 24 * 3600
"""What a node that died left behind is kept so long at most."""
ENDED_S = 600
"""So long an id that has ended is not given to a new call."""
MARK_EVERY_MS = 3_000
"""Audio between two marks; acknowledgements wait for them."""
CUT_SHORT = ("recogniser_failed",)
"""After these ends the same id may begin anew."""


class CallLog:
    """One call's way to Redis and to the journal of this node; fulfils ``live.journal.Journal``."""

    def __init__(self, link: Link, call: CallId, inner: Journal | None) -> None:
        self._link = link
        self.call = call
        self._inner = inner
        self._marked_ms = -MARK_EVERY_MS
        self._again: Callable[[], None] | None = None
        self._rewriting = False
        self._ended = False
        self._head: str | None = None

    @property
    def again(self) -> Callable[[], None] | None:
        """Gives :meth:`keep` everything that is known of the call once more."""
        return self._again

    @again.setter
    def again(self, again: Callable[[], None] | None) -> None:
        self._again = again
        if self._inner is not None:
            self._inner.again = again

    def begin(self, info: CallInfo, parties: Sequence[Party], rate: int, epoch: int) -> None:
        """Write down who and what the call is."""
        head = {"info": asdict(info), "parties": list(parties), "rate": rate, "epoch": epoch}
        self._head = json.dumps(head, ensure_ascii=False)
        self._put_head()

    def _put_head(self) -> None:
        self._link.command("SET", self._link.key("head", self.call), self._head, "EX", KEEP_S)

    def hear(self, frame: AudioFrame) -> None:
        """Sound as it comes in, to be heard again as evidence."""
        if self._inner is not None:
            self._inner.hear(frame)

    def keep(self, events: Sequence[tuple[CallEvent, str]]) -> None:
        """Write events with their JSON text."""
        if self._inner is not None:
            self._inner.keep(events)
        events = [(event, text) for event, text in events if worth_keeping(event)]
        if not events:
            return
        stream = self._link.key("call", self.call)
        if self._rewriting:
            self._link.command("UNLINK", stream)
        body = "[" + ",".join(text for _, text in events) + "]"
        self._link.command("XADD", stream, "MAXLEN", "~", LENGTH, "*", "e", body)
        if self._rewriting:
            self._link.command("EXPIRE", stream, KEEP_S)
        last = events[-1][0].body
        if isinstance(last, Status):
            if last.name == "call_started":
                self._link.command("EXPIRE", stream, KEEP_S)
            elif last.name == "call_ended" and not self._rewriting:
                self._end(str(last.detail["why"]))

    def _end(self, why: str) -> None:
        link, self._ended = self._link, True
        link.command("UNLINK", link.key("call", self.call), link.key("head", self.call))
        if why in CUT_SHORT:
            link.command("DEL", link.key("owner", self.call))
        else:
            link.command("SET", link.key("owner", self.call), ENDED, "EX", ENDED_S)

    def reached(self, settled_ms: Mapping[Party, int], seq: int, then: Callable[[], None]) -> None:
        """Every final before ``settled_ms`` has been kept; ``then``: here and in Redis."""
        if self._ended:
            # The stream is gone, its node's own store is what counts.
            if self._inner is None:
                then()
            else:
                self._inner.reached(settled_ms, seq, then)
            return
        at_ms = min(settled_ms.values())
        if at_ms - self._marked_ms < MARK_EVERY_MS:
            if self._inner is not None:
                self._inner.reached(settled_ms, seq, _nothing)
            return
        self._marked_ms = at_ms
        mark = json.dumps({"settled": {str(k): v for k, v in settled_ms.items()}, "seq": seq})
        both = _Both(then, 1 if self._inner is None else 2)
        stream = self._link.key("call", self.call)
        self._link.command("XADD", stream, "MAXLEN", "~", LENGTH, "*", "m", mark, then=both)
        if self._inner is not None:
            self._inner.reached(settled_ms, seq, both)

    def rewrite(self) -> None:
        """Redis is back, perhaps empty: write down again all that is known."""
        if self._again is not None and not self._ended:
            self._rewriting = True
            self._marked_ms = -MARK_EVERY_MS
            self._put_head()
            try:
                self._again()
            finally:
                self._rewriting = False


ENDED = "ended"


class _Both:
    """Calls on once it has been called so many times."""

    def __init__(self, then: Callable[[], None], left: int) -> None:
        self._then = then
        self._left = left

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._then()


def _nothing() -> None:
    pass


async def load(link: Link, call: CallId) -> Kept | None:
    """What is known of a call of a node that died. Raises ``Away``; ``ValueError`` and
    ``LookupError`` if it is not what we wrote."""
    text = await link.ask("GET", link.key("head", call))
    if text is None:
        return None
    head = json.loads(text)
    found = await link.ask("XRANGE", link.key("call", call), "-", "+")
    events: list[CallEvent] = []
    mark: dict[str, Any] = {"settled": {}, "seq": 0}
    for _, fields in entries(found):
        if "m" in fields:
            mark = json.loads(fields["m"])
        else:
            events += [from_wire(event) for event in json.loads(fields["e"])]
    info = CallInfo(**head["info"])
    for event in events:
        if isinstance(event.body, Status) and event.body.name == "agent_changed":
            info = CallInfo(**{**head["info"], "agent": event.body.detail["agent"] or None})
    return Kept(
        info,
        tuple(Party(party) for party in head["parties"]),
        head["rate"],
        head["epoch"],
        tuple(events),
        {Party(party): ms for party, ms in mark["settled"].items()},
        mark["seq"],
    )
