"""Where the rule desk gets calls from: live ones, then stored ones."""

from __future__ import annotations

import json
from typing import Any

from server.access import roles
from server.access.roles import Caller
from server.desk.calls import stream
from server.desk.desk import StoredCall
from server.desk.routes import Find
from server.live.switchboard import Switchboard
from server.store.store import Store


def finder(switchboard: Switchboard, store: Store | None) -> Find:
    """Finds calls that are live or have lately ended, then stored ones."""

    async def find(call: str, caller: Caller) -> StoredCall | None:
        session = switchboard.get(call)
        if session is not None:
            if not roles.may(caller, "archive.read", session.info):
                return None
            snapshot: dict[str, Any] = session.snapshot()
            return stream(call, snapshot["info"], snapshot["events"])
        return None if store is None else await _archived(store, call)

    return find


async def _archived(store: Store, call: str) -> StoredCall | None:
    archive = store.archive
    if archive is None or not (epochs := await archive.epochs(call)):
        return None
    rows = await archive.rows_of(call, epochs[-1])
    head: dict[str, Any] = next((json.loads(row.body) for row in rows if row.kind == "call"), {})
    # A column of the archive holds text.
    head["attributes"] = json.loads(head.get("attributes") or "{}")
    events = [json.loads(row.body) for row in rows if row.kind == "event"]
    return stream(call, head, events)
