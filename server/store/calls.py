"""Connects calls with the store: what begins to be kept, what is taken up again at the start."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from asr.events import CallId, Party
from assist_rules.events import CallInfo
from server.events import CallEvent, Status
from server.live.switchboard import NewJournal, Switchboard
from server.live.takeover import Kept
from server.refusals import Refusal
from server.store.outbox import Unfinished
from server.store.store import CallJournal, Store, now_ms
from server.wire import from_wire

log = logging.getLogger(__name__)


def journals(store: Store) -> NewJournal:
    """Begins to keep each new call of a switchboard."""
    latest = 0

    def begin(info: CallInfo, parties: Sequence[Party], rate: int) -> CallJournal:
        nonlocal latest
        # An id that begins anew in the same millisecond is another call all the same.
        latest = max(now_ms(), latest + 1)
        return store.begin(info, latest, parties, rate)

    return begin


def warn(store: Store, switchboard: Switchboard) -> None:
    """Every screen is told when events are not durable, and when they are again."""

    def tell(why: str | None) -> None:
        detail = {"state": "ok" if why is None else "lost", "why": why or ""}
        switchboard.tell_all(Status("durability", detail), lasting=why is not None)

    store.listen(tell)


async def take_up(store: Store, switchboard: Switchboard) -> int:
    """Go on with the calls of a process that did not end well; gives how many.

    Their clients have as long to come back as after any lost connection.
    """
    taken = 0
    for unfinished in await store.unfinished():
        journal = store.resume(unfinished.call, unfinished.epoch)
        try:
            await switchboard.claim(CallId(unfinished.call))
            known = kept(unfinished)
            # From here on the journal is also given the sound, whose parties it has to know.
            journal = store.resume(unfinished.call, unfinished.epoch, known.parties, known.rate)
            switchboard.take_up(known, journal)
            taken += 1
        except (LookupError, ValueError, Refusal) as error:
            # Its events stay in the archive; it can begin anew under another epoch.
            log.error("call %s cannot be taken up: %s", unfinished.call, type(error).__name__)
            journal.abandon(max((row.seq for row in unfinished.rows), default=0))
    return taken


def kept(unfinished: Unfinished) -> Kept:
    """What the store knows of a call. Raises ``LookupError`` or ``ValueError``."""
    rows = unfinished.rows
    head = json.loads(rows[0].body)
    started = datetime.fromtimestamp(unfinished.epoch / 1000, UTC)
    events: list[CallEvent] = [from_wire(json.loads(r.body)) for r in rows if r.kind == "event"]
    agent = head["agent"]
    for event in events:
        if isinstance(event.body, Status) and event.body.name == "agent_changed":
            agent = event.body.detail["agent"] or None
    info = CallInfo(
        CallId(unfinished.call),
        agent,
        head["queue"],
        head["tier"],
        head["brand"],
        json.loads(head["attributes"]),
        started.isoformat(timespec="seconds"),
    )
    parties = tuple(Party(party) for party in head["parties"].split(","))
    settled = {Party(party): ms for party, ms in unfinished.settled.items()}
    return Kept(
        info, parties, head["rate"], unfinished.epoch, tuple(events), settled, unfinished.seq
    )
