"""The archive over REST: find and read past calls, hear evidence, judge, see how rules fare."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError

from asr.events import Party
from assist_rules.events import Severity
from server.access import roles
from server.access.access import Access
from server.access.guard import Who, require_on
from server.access.roles import EVERY_QUEUE, Caller, Scope
from server.answers import ApiError, failing
from server.desk.desk import Desk
from server.events import Mark
from server.live.switchboard import Switchboard
from server.routes import CallPath
from server.store.marks import dialogue
from server.store.reading import (
    SCHEMA_VERSION,
    CursorError,
    Search,
    Sight,
    find_calls,
    last_of,
    marked_calls,
    read_call,
    rule_figures,
)
from server.store.sound import wav
from server.store.store import Store

FACTS = ("category", "severity", "title", "pack", "version")
NO_FIGURES = dict.fromkeys(("hits", "shown", "used", "dismissed", "wrong", "said"), 0)
LONGEST_MS = 20 * 60_000
"""Of one answer with sound."""
Short = Annotated[str, Field(max_length=64)]
Words = Annotated[str, Field(max_length=1_000)]


class MarkIn(BaseModel):
    """A reviewer's judgement."""

    model_config = ConfigDict(extra="forbid")
    verdict: Literal["right", "wrong", "missed"]
    alert: Annotated[str, Field(max_length=128)] = ""
    category: Short = ""
    utterance: Annotated[str, Field(max_length=128)] = ""
    quote: Words = ""
    note: Words = ""


class Asked(BaseModel):
    """What the archive is asked for."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    from_: Annotated[datetime | None, Field(alias="from")] = None
    to: datetime | None = None
    agent: Short | None = None
    queue: Short | None = None
    rule: Annotated[str | None, Field(max_length=128)] = None
    category: Short | None = None
    severity: Severity | None = None
    text: Annotated[str | None, Field(max_length=200)] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=200)] = None


class Moment(BaseModel):
    """A part of a call, in milliseconds since it began."""

    model_config = ConfigDict(extra="forbid")
    from_ms: Annotated[int | None, Field(ge=0, le=10**9)] = None
    to_ms: Annotated[int | None, Field(ge=0, le=10**9)] = None


async def reachable() -> AsyncIterator[None]:
    """An archive that is away is no fault of the one who asks."""
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise ApiError(503, "archive_away", "the archive cannot be reached; try again") from error


class Reader:
    """What the routes have in common."""

    def __init__(self, store: Store | None, switchboard: Switchboard, access: Access) -> None:
        self.switchboard = switchboard
        self.access = access
        self._store = store

    @property
    def store(self) -> Store:
        """The store. Raises :class:`ApiError` on a server without one."""
        if self._store is None:
            raise ApiError(404, "not_kept", "this server keeps no calls")
        return self._store

    async def read(self, call: str, caller: Caller, action: str) -> dict[str, Any]:
        """A stored call, for somebody who may see it; goes into the audit log."""
        found = await read_call(self.store.archive, call)
        if found is None:
            raise _no_call(call)
        info = found["info"]
        require_on(caller, "archive.read", info["agent"] or None, info["queue"])
        await self.access.audit(caller, action, call)
        return found

    async def sound(
        self, call: str, part: Moment, caller: Caller
    ) -> tuple[Mapping[Party, bytes], int]:
        """µ-law of each party and its rate: of a live call from memory, of others from disk."""
        ring, live = self.store.ring(call), self.switchboard.get(call)
        if ring is None or live is None:
            return await self._on_disk(call, part, caller)
        require_on(caller, "call.listen", live.info.agent, live.info.queue)
        if ring.first_sample is None:
            raise ApiError(404, "no_audio", f"nothing has been heard of call {call}")
        start, stop = _range(part, ring.rate, ring.first_sample, live.lanes.next_sample)
        return ring.read(start, stop), ring.rate

    async def _on_disk(
        self, call: str, part: Moment, caller: Caller
    ) -> tuple[Mapping[Party, bytes], int]:
        head = await self.store.archive.head_of(call)
        if head is None:
            raise _no_call(call)
        require_on(caller, "call.listen", head["agent"], head["queue"])
        parties = [Party(party) for party in head["parties"].split(",")]
        files, epoch, rate = self.store.sounds, head["epoch"], head["rate"]
        end = files.samples(call, epoch, parties)
        start, stop = _range(part, rate, 0, end)
        found = await asyncio.to_thread(files.read, call, epoch, parties, start, stop)
        if found is None or not end:
            raise ApiError(404, "no_audio", f"the sound of call {call} was not kept")
        return found, rate

    async def mark(self, call: str, said: Mark, caller: Caller) -> dict[str, Any]:
        """Give a call a judgement, whether it goes on or not; gives the event."""
        live = self.switchboard.get(call)
        if live is not None and not live.done.is_set():
            require_on(caller, "mark.write", live.info.agent, live.info.queue)
            event = live.mark(said)
            if event is not None:
                return event
        last = await last_of(self.store.archive, call)
        if last is None:
            raise _no_call(call)
        epoch, seq, agent, queue = last
        require_on(caller, "mark.write", agent, queue)
        if live is not None:
            seq = max(seq, int(str(live.snapshot()["seq"])))
        return await self.store.add(call, epoch, seq, {"type": "mark", "at_ms": 0, **asdict(said)})


def routes(
    store: Store | None, switchboard: Switchboard, access: Access, desk: Desk | None
) -> APIRouter:
    """Every reading of a call is in the audit log."""
    router = APIRouter(dependencies=[Depends(reachable)])
    reader = Reader(store, switchboard, access)
    _archive(router, reader)
    _evidence(router, reader)
    _marks(router, reader)
    _rules(router, store, desk)
    return router


def _archive(router: APIRouter, reader: Reader) -> None:
    @router.get("/v1/archive", responses=failing(404, 503))
    async def find(asked: Annotated[Asked, Query()], caller: Who) -> dict[str, Any]:
        """Past calls, newest first."""
        search = Search(
            from_ms=_ms(asked.from_),
            to_ms=_ms(asked.to),
            agent=asked.agent,
            queue=asked.queue,
            rule=asked.rule,
            category=asked.category,
            severity=None if asked.severity is None else str(asked.severity),
            text=asked.text,
            limit=asked.limit,
            cursor=asked.cursor,
            sight=_sight(caller),
        )
        try:
            return await find_calls(reader.store.archive, search)
        except CursorError as error:
            raise ApiError(422, "bad_request", str(error)) from error

    @router.get("/v1/archive/{call}", responses=failing(404, 503))
    async def past(call: CallPath, caller: Who) -> dict[str, Any]:
        """Every stored event of a call, in order."""
        return await reader.read(call, caller, "archive.read")

    @router.get("/v1/archive/{call}/export", responses=failing(404, 503))
    async def export(call: CallPath, caller: Who) -> Response:
        """The same as a file."""
        found = await reader.read(call, caller, "archive.export")
        return Response(
            json.dumps({"schema_version": SCHEMA_VERSION, **found}, ensure_ascii=False, indent=1),
            media_type="application/json",
            headers={"content-disposition": f'attachment; filename="{call}.json"'},
        )


def _evidence(router: APIRouter, reader: Reader) -> None:
    @router.get("/v1/calls/{call}/audio", responses=failing(404, 503))
    async def audio(call: CallPath, part: Annotated[Moment, Query()], caller: Who) -> Response:
        """A part of a call as WAV: agent on the left, customer on the right."""
        lanes, rate = await reader.sound(call, part, caller)
        await reader.access.audit(caller, "call.listen", call)
        return Response(await asyncio.to_thread(wav, lanes, rate), media_type="audio/wav")


def _marks(router: APIRouter, reader: Reader) -> None:
    @router.post("/v1/calls/{call}/marks", status_code=201, responses=failing(404, 503))
    async def mark(call: CallPath, what: MarkIn, caller: Who) -> dict[str, Any]:
        """Judge an alert, or say what is missing."""
        said = Mark(id=f"m-{uuid4().hex[:12]}", by=caller.user, **what.model_dump())
        return await reader.mark(call, said, caller)

    @router.get("/v1/marks.jsonl", responses=failing(404, 503))
    async def marks(caller: Who) -> Response:
        """Judged calls as labelled dialogues."""
        found = await marked_calls(reader.store.archive)
        await reader.access.audit(caller, "mark.read")
        lines = [
            json.dumps(
                dialogue(call["call"], call["info"]["queue"] or "", call["events"]),
                ensure_ascii=False,
            )
            for call in found
        ]
        return Response("".join(f"{line}\n" for line in lines), media_type="application/jsonl")


def _rules(router: APIRouter, store: Store | None, desk: Desk | None) -> None:
    @router.get("/v1/rules", responses=failing(503))
    async def rules() -> list[dict[str, Any]]:
        """Every rule, how often it fired and what agents made of its cards."""
        figures = await rule_figures(store.archive) if store is not None else {}
        in_force = desk.rulebook.rules if desk is not None else ()
        facts = {rule.id: {name: getattr(rule, name) for name in FACTS} for rule in in_force}
        # A rule that is no longer in force has figures, and may still explain an old call.
        unknown = {**dict.fromkeys(FACTS, ""), "version": 0}
        return [
            {"rule": rule, **facts.get(rule, unknown), **NO_FIGURES, **figures.get(rule, {})}
            for rule in sorted({*facts, *figures})
        ]


def _no_call(call: str) -> ApiError:
    return ApiError(404, "no_call", f"no call {call} in the archive")


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _sight(caller: Caller) -> Sight:
    match roles.scope(caller, "archive.read"):
        case Scope.OWN:
            return Sight(agent=caller.user)
        case Scope.TEAM if EVERY_QUEUE not in caller.queues:
            return Sight(queues=caller.queues)
        case _:
            return Sight()


def _range(part: Moment, rate: int, first: int, end: int) -> tuple[int, int]:
    """First sample and the one after the last, within what there is."""
    start = first if part.from_ms is None else max(first, part.from_ms * rate // 1000)
    stop = end if part.to_ms is None else min(end, part.to_ms * rate // 1000)
    return start, max(start, min(stop, start + LONGEST_MS * rate // 1000))
