"""The REST side of the rule desk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from server.access.access import Access
from server.access.guard import Who
from server.access.roles import Caller
from server.answers import ApiError, failing, failing_as_json
from server.desk import form
from server.desk.desk import Desk, StoredCall
from server.desk.shelf import FILE, NAME, ShelfError

Find = Callable[[str, Caller], Awaitable[StoredCall | None]]
"""A call that is live or stored, as a recognition stream; ``None`` for one that is not there."""

DraftName = Annotated[str, Path(pattern=NAME)]
MOST_CALLS = 200
STATUS = {
    "no_draft": 404,
    "no_version": 404,
    "no_file": 404,
    "bad_path": 422,
    "too_many_files": 422,
}


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DraftIn(_Input):
    """The files that differ from the packs in force; an empty text takes a file away."""

    files: dict[Annotated[str, Field(max_length=256)], Annotated[str, Field(max_length=1_000_000)]]


Line = Annotated[str, Field(max_length=2_000)]
Lines = Annotated[list[Line], Field(max_length=2_000)]


class Changes(_Input):
    """Fields of a rule as the form shows them; those that are not given stay as they are."""

    title: Line | None = None
    category: Line | None = None
    severity: Line | None = None
    role: Line | None = None
    suggestion: Line | None = None
    brands: dict[Line, Line] | None = None
    tier: Lines | None = None
    brand: Lines | None = None
    queue: Lines | None = None
    phrases: Lines | None = None
    except_: Annotated[Lines | None, Field(alias="except")] = None
    fires: Lines | None = None
    silent: Lines | None = None


class NewRule(_Input):
    """A rule to begin with: what it is called, and one phrase that it fires on."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$", max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    category: Annotated[str, Field(pattern=r"^[a-z_.]+$", max_length=200)]
    phrase: Annotated[str, Field(min_length=1, max_length=2_000)]


class FormIn(_Input):
    """A file's text, and at most one edit: ``rule`` with ``changes`` or with ``remove``, ``add`` for
    a new rule, ``list`` with ``phrases``."""

    text: Annotated[str, Field(max_length=1_000_000)]
    rule: Annotated[str, Field(max_length=200)] = ""
    changes: Changes = Changes()
    remove: bool = False
    add: NewRule | None = None
    list: Annotated[str, Field(max_length=200)] = ""
    phrases: Lines = []


class TrialIn(_Input):
    """Which calls to try it on; none for those of the gate."""

    calls: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=MOST_CALLS)] = []


def routes(desk: Desk | None, access: Access, find: Find) -> APIRouter:
    """The routes; a server whose rules are not from packs has no desk."""

    def present() -> Desk:
        if desk is None:
            raise ApiError(404, "no_desk", "this server's rules are not from packs")
        return desk

    router = APIRouter()
    router.include_router(_of_packs(present, access))
    router.include_router(_of_forms(present))
    router.include_router(_of_drafts(present, access, find))
    return router


def _of_packs(present: Callable[[], Desk], access: Access) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/desk/packs", responses=failing(404))
    async def packs() -> dict[str, Any]:
        """The packs in force with their files, and the drafts."""
        shelf = present().shelf
        found: dict[str, list[str]] = {}
        for file in await asyncio.to_thread(shelf.files, shelf.current):
            pack, _, name = file.rpartition("/")
            found.setdefault(pack or "-", []).append(name)
        return {
            "version": shelf.current,
            "hash": present().rulebook.hash,
            "packs": [{"pack": pack, "files": files} for pack, files in found.items()],
            "drafts": shelf.drafts(),
        }

    @router.get(
        "/v1/desk/packs/{pack}/{file:path}",
        response_class=PlainTextResponse,
        responses=failing_as_json(404),
    )
    async def file(
        pack: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")],
        file: Annotated[str, Path(max_length=200)],
    ) -> str:
        """The text of a file of the packs in force; files that lie in no pack are in pack ``-``."""
        name = file if pack == "-" else f"{pack}/{file}"
        shelf = present().shelf
        found = (await asyncio.to_thread(shelf.files, shelf.current)).get(name)
        if found is None or not FILE.fullmatch(name):
            raise ApiError(404, "no_file", "there is no such file in the packs in force")
        return await asyncio.to_thread(found.read_text, "utf-8")

    @router.post("/v1/desk/rollback", responses=failing(404, 409))
    async def rollback(caller: Who) -> dict[str, Any]:
        """Go back to the version before."""
        entry = await _done(present().rollback(caller.user))
        await access.audit(caller, "desk.rollback", detail=f"version {entry.version}")
        return asdict(entry)

    @router.get("/v1/desk/versions", responses=failing(404))
    async def versions() -> dict[str, Any]:
        """What was published and taken back, newest first."""
        shelf = present().shelf
        entries = [asdict(entry) for entry in reversed(shelf.journal())]
        return {"current": shelf.current, "versions": entries}

    return router


def _of_forms(present: Callable[[], Desk]) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/desk/form", responses=failing(404, 422))
    async def edit(what: FormIn) -> dict[str, Any]:
        """A rule file as forms, after a change if there is one; nothing is kept."""
        present()
        return await asyncio.to_thread(_form, what)

    return router


def _form(what: FormIn) -> dict[str, Any]:
    text = what.text
    changes = what.changes.model_dump(exclude_unset=True, exclude_none=True, by_alias=True)
    try:
        if what.add:
            new = what.add
            text = form.add(text, new.id, new.title, new.category, new.phrase)
        if what.rule and what.remove:
            text = form.remove(text, what.rule)
        elif what.rule:
            text = form.write(text, what.rule, changes)
        if what.list:
            text = form.write_list(text, what.list, what.phrases)
        return {"text": text, **form.read(text, "")}
    except form.FormError as error:
        raise ApiError(422, "bad_form", str(error)) from None


def _of_drafts(present: Callable[[], Desk], access: Access, find: Find) -> APIRouter:
    router = APIRouter()

    @router.put("/v1/desk/drafts/{name}", responses=failing(404))
    async def write(name: DraftName, what: DraftIn, caller: Who) -> dict[str, Any]:
        """Write a draft."""
        await _done(asyncio.to_thread(present().shelf.write_draft, name, what.files))
        await access.audit(caller, "desk.draft", detail=name)
        return {"name": name, "files": sorted(what.files)}

    @router.post("/v1/desk/drafts/{name}/check", responses=failing(404))
    async def check(name: DraftName) -> dict[str, Any]:
        """Parse, check and test a draft."""
        problems = await _done(present().check(name))
        return {
            "ok": all(problem.warning for problem in problems),
            "problems": [
                {
                    "file": problem.place.file,
                    "line": problem.place.line,
                    "column": problem.place.column,
                    "message": f"{problem.what}; {problem.fix}" if problem.fix else problem.what,
                    "warning": problem.warning,
                }
                for problem in problems
            ],
        }

    @router.post("/v1/desk/drafts/{name}/trial", responses=failing(404, 409))
    async def trial(name: DraftName, what: TrialIn, caller: Who) -> dict[str, Any]:
        """Which cards would appear or vanish on recorded calls."""
        calls = []
        for call in what.calls:
            found = await find(call, caller)
            if found is None:
                raise ApiError(404, "no_call", f"no call {call}")
            calls.append(found)
        figures = await _done(present().trial(name, calls))
        rates = ("before", "after")
        old, new = (figures.pop(f"cards_per_agent_hour_{which}") for which in rates)
        return {**figures, "cards_per_agent_hour": {"old": old, "new": new}}

    @router.post("/v1/desk/drafts/{name}/publish", responses=failing(404, 409))
    async def publish(name: DraftName, caller: Who) -> dict[str, Any]:
        """Bring a draft into force if it passes the gate; calls under way keep their rules."""
        entry = await _done(present().publish(name, caller.user))
        await access.audit(caller, "desk.publish", detail=f"{name}: version {entry.version}")
        return asdict(entry)

    return router


async def _done(work: Awaitable[Any]) -> Any:
    try:
        return await work
    except ShelfError as error:
        raise ApiError(STATUS.get(error.code, 409), error.code, str(error)) from None
