"""Questions to the archive: which calls, what happened on one, how rules fare, what was marked."""

from __future__ import annotations

import base64
import binascii
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, distinct, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from assist_rules.events import Severity
from server.store.archive import Archive
from server.store.schema import calls, events, feedback

SCHEMA_VERSION = 1
"""Of an exported call."""
RANK = {str(severity): rank for rank, severity in enumerate(Severity)}


class CursorError(ValueError):
    """That is no cursor of ours."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Which calls somebody may find; by default all."""

    agent: str | None = None
    queues: frozenset[str] | None = None

    def where(self) -> ColumnElement[bool] | None:
        """The condition on calls."""
        if self.agent is not None:
            return calls.c.agent == self.agent
        if self.queues is not None:
            return calls.c.queue.in_(self.queues) if self.queues else false()
        return None


@dataclass(frozen=True, slots=True)
class Search:
    """What calls are looked for; ``None`` asks for nothing."""

    from_ms: int | None = None
    to_ms: int | None = None
    agent: str | None = None
    queue: str | None = None
    rule: str | None = None
    category: str | None = None
    severity: str | None = None
    """At least so severe."""
    text: str | None = None
    limit: int = 50
    cursor: str | None = None
    sight: Sight = field(default_factory=Sight)


def _of_events(**wanted: Any) -> ColumnElement[bool]:
    same = [events.c.call == calls.c.call, events.c.epoch == calls.c.epoch]
    return exists().where(*same, *(events.c[name] == value for name, value in wanted.items()))


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if search.from_ms is not None:
        found.append(calls.c.epoch >= search.from_ms)
    if search.to_ms is not None:
        found.append(calls.c.epoch < search.to_ms)
    if search.agent is not None:
        found.append(calls.c.agent == search.agent)
    if search.queue is not None:
        found.append(calls.c.queue == search.queue)
    if search.rule is not None:
        found.append(_of_events(type="alert", rule=search.rule))
    if search.category is not None:
        found.append(_of_events(type="alert", category=search.category))
    same = and_(events.c.call == calls.c.call, events.c.epoch == calls.c.epoch)
    if search.severity is not None:
        least = RANK[search.severity]
        wanted = [name for name, rank in RANK.items() if rank >= least]
        found.append(exists().where(same, events.c.type == "alert", events.c.severity.in_(wanted)))
    if search.text is not None:
        words = events.c.text.contains(search.text, autoescape=True)
        found.append(exists().where(same, events.c.type == "transcript", words))
    sight = search.sight.where()
    if sight is not None:
        found.append(sight)
    if search.cursor is not None:
        epoch, call = _position(search.cursor)
        found.append(or_(calls.c.epoch < epoch, and_(calls.c.epoch == epoch, calls.c.call < call)))
    return found


def _position(cursor: str) -> tuple[int, str]:
    try:
        epoch, call = json.loads(base64.urlsafe_b64decode(cursor))
        if not isinstance(call, str):
            raise ValueError
        return int(epoch), call
    except (ValueError, TypeError, binascii.Error) as error:
        raise CursorError("cursor: use the one that came with the calls before") from error


def _cursor(epoch: int, call: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([epoch, call]).encode()).decode()


def iso(ms: int | None) -> str | None:
    """Milliseconds since 1970 as ISO 8601 UTC."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


async def find_calls(archive: Archive, search: Search) -> dict[str, Any]:
    """A page of calls, newest first, and the cursor of the next. Raises :class:`CursorError`."""
    query = (
        select(calls)
        .where(*_conditions(search))
        .order_by(calls.c.epoch.desc(), calls.c.call.desc())
        .limit(search.limit + 1)
    )
    await archive.ready()
    async with archive.engine.connect() as connection:
        found = [dict(row) for row in (await connection.execute(query)).mappings()]
        page = found[: search.limit]
        sums = await _sums(connection, [(row["call"], row["epoch"]) for row in page])
    more = len(found) > search.limit
    return {
        "calls": [{**_head(row), **sums[(row["call"], row["epoch"])]} for row in page],
        "next": _cursor(page[-1]["epoch"], page[-1]["call"]) if more else None,
    }


def _head(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "call": row["call"],
        "info": {
            "agent": row["agent"] or "",
            "queue": row["queue"],
            "tier": row["tier"],
            "brand": row["brand"],
            "attributes": json.loads(row["attributes"]),
            "started_at": iso(row["epoch"]),
        },
        "started_at": iso(row["epoch"]),
        "ended_at": iso(row["ended_at"]),
        "duration_ms": row["duration_ms"],
        "audio": bool(row["audio"]),
    }


async def _sums(
    connection: AsyncConnection, wanted: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], dict[str, Any]]:
    """What the list shows of each call besides its head."""
    names = {call for call, _ in wanted}
    of_calls = events.c.call.in_(names)
    alerts: dict[tuple[str, int], dict[str, tuple[str, str]]] = defaultdict(dict)
    cards: dict[tuple[str, int], set[str]] = defaultdict(set)
    gone: dict[tuple[str, int], set[str]] = defaultdict(set)
    found = await connection.execute(
        select(
            events.c.call, events.c.epoch, events.c.type, events.c.ref,
            events.c.category, events.c.severity,
        )
        .where(of_calls, events.c.type.in_(("alert", "suggestion", "retraction")))
        .order_by(events.c.seq)
    )  # fmt: skip
    for call, epoch, kind, ref, category, severity in found:
        if kind == "alert":
            alerts[(call, epoch)][ref] = (category, severity)
        elif kind == "suggestion":
            cards[(call, epoch)].add(ref)
        else:
            gone[(call, epoch)].add(ref)
    said: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    told = await connection.execute(
        select(feedback.c.call, feedback.c.epoch, feedback.c.suggestion, feedback.c.verdict)
        .where(feedback.c.call.in_(names), feedback.c.verdict.in_(("used", "dismissed")))
        .order_by(feedback.c.seq)
    )
    for call, epoch, suggestion, verdict in told:
        said[(call, epoch)][suggestion] = verdict
    sums = {}
    for key in wanted:
        standing = [of for ref, of in alerts[key].items() if ref not in gone[key]]
        counts: dict[str, int] = defaultdict(int)
        for category, _ in standing:
            counts[category] += 1
        verdicts = list(said[key].values())
        sums[key] = {
            "severity": max((s for _, s in standing), key=RANK.__getitem__, default=None),
            "alerts": dict(counts),
            "suggestions": len(cards[key]),
            "used": verdicts.count("used"),
            "dismissed": verdicts.count("dismissed"),
        }
    return sums


async def read_call(archive: Archive, call: str) -> dict[str, Any] | None:
    """Everything kept of the latest call of that id."""
    await archive.ready()
    async with archive.engine.connect() as connection:
        latest = select(calls).where(calls.c.call == call).order_by(calls.c.epoch.desc()).limit(1)
        row = (await connection.execute(latest)).mappings().first()
        if row is None:
            return None
        bodies = await connection.scalars(
            select(events.c.body)
            .where(events.c.call == call, events.c.epoch == row["epoch"])
            .order_by(events.c.seq)
        )
        return {**_head(dict(row)), "events": [json.loads(body) for body in bodies]}


async def last_of(archive: Archive, call: str) -> tuple[int, int, str | None, str | None] | None:
    """Epoch, number of the last event, agent and queue of the latest call of that id."""
    await archive.ready()
    async with archive.engine.connect() as connection:
        last = (
            select(func.max(events.c.seq))
            .where(events.c.call == calls.c.call, events.c.epoch == calls.c.epoch)
            .scalar_subquery()
        )
        query: Select[Any] = (
            select(calls.c.epoch, last, calls.c.agent, calls.c.queue)
            .where(calls.c.call == call)
            .order_by(calls.c.epoch.desc())
            .limit(1)
        )
        found = (await connection.execute(query)).first()
        return None if found is None else (found[0], found[1] or 0, found[2], found[3])


async def rule_figures(archive: Archive) -> dict[str, dict[str, Any]]:
    """Of each rule with a hit: how often it fired, its cards were shown, and what became of them."""
    await archive.ready()
    unique = distinct(events.c.call + "/" + _text(events.c.epoch) + "/" + events.c.ref)
    figures: dict[str, dict[str, Any]] = defaultdict(
        lambda: dict.fromkeys(("hits", "shown", "used", "dismissed", "wrong", "said"), 0)
    )
    async with archive.engine.connect() as connection:
        counts = select(events.c.rule, events.c.type, func.count(unique))
        wanted = events.c.type.in_(("alert", "suggestion"))
        for rule, kind, count in await connection.execute(
            counts.where(wanted).group_by(events.c.rule, events.c.type)
        ):
            figures[rule]["hits" if kind == "alert" else "shown"] = count
        cards = (
            select(events.c.call, events.c.epoch, events.c.ref, events.c.rule)
            .where(events.c.type == "suggestion")
            .distinct()
            .subquery()
        )
        judged = distinct(cards.c.call + "/" + _text(cards.c.epoch) + "/" + cards.c.ref)
        on = and_(
            feedback.c.call == cards.c.call,
            feedback.c.epoch == cards.c.epoch,
            feedback.c.suggestion == cards.c.ref,
        )
        verdicts = (
            select(cards.c.rule, feedback.c.verdict, func.count(judged))
            .select_from(feedback.join(cards, on))
            .group_by(cards.c.rule, feedback.c.verdict)
        )
        for rule, verdict, count in await connection.execute(verdicts):
            figures[rule][verdict] = count
    return figures


def _text(column: Any) -> Any:
    from sqlalchemy import String, cast

    return cast(column, String)


async def marked_calls(archive: Archive) -> list[dict[str, Any]]:
    """Calls with marks, each with all its events."""
    await archive.ready()
    async with archive.engine.connect() as connection:
        names = await connection.scalars(
            select(events.c.call).where(events.c.type == "mark").distinct().order_by(events.c.call)
        )
        wanted = list(names)
    found = [await read_call(archive, call) for call in wanted]
    return [call for call in found if call is not None]
