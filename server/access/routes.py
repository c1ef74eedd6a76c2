"""The REST side of access: signing in and out, tickets, users, teams, the queue map, the audit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from starlette.responses import RedirectResponse

from server import metrics
from server.access import passwords
from server.access.access import COOKIE, Access
from server.access.guard import Perhaps, Who
from server.access.people import PeopleError, User
from server.access.provider import PENDING_S, Return, SignInError
from server.access.roles import Caller, Role
from server.answers import ApiError, failing

T = TypeVar("T")

UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Password = Annotated[SecretStr, Field(min_length=passwords.SHORTEST, max_length=passwords.LONGEST)]
UserPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
PENDING_COOKIE = "tingban_sign_in"
Onward = Annotated[str, Query(alias="next", pattern=r"^([a-z][A-Za-z0-9_./?=&%-]{0,200})?$")]
"""A page of ours, relative; nothing that could name another server."""
Brought = Annotated[str, Query(max_length=2_048)]
STATUS = {"no_user": 404, "user_exists": 409, "last_admin": 409, "not_first": 409}


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ByPassword(_Input):
    """Sign in with user and password."""

    user: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[SecretStr, Field(max_length=passwords.LONGEST)]


class ByLink(_Input):
    """Sign in with the link that the first start printed."""

    link: Annotated[str, Field(min_length=1, max_length=256)]


class Session(BaseModel):
    """Who is signed in."""

    user: str
    name: str
    role: Role
    teams: list[str]
    access: Literal["open", "local", "oidc"]
    expires_at: float | None


class Ways(BaseModel):
    """How somebody may sign in at the pages."""

    password: bool
    provider: bool


class TicketFor(_Input):
    """The socket that a ticket is to open."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    purpose: Literal["agent", "board", "audio"] = Field(alias="for")


class Ticket(BaseModel):
    """Opens one socket, once."""

    ticket: str
    expires_in_s: float


class UserOut(BaseModel):
    """An account, without its password."""

    user: str
    name: str
    role: Role
    teams: list[str]
    active: bool


class NewUser(_Input):
    """An account to make; without a password it cannot sign in with one."""

    user: UserName
    name: Annotated[str, Field(max_length=128)] = ""
    role: Role
    teams: Annotated[list[Label], Field(max_length=64)] = []
    active: bool = True
    password: Password | None = None


class UserChange(_Input):
    """What is to be different; what is left out stays."""

    name: Annotated[str, Field(max_length=128)] | None = None
    role: Role | None = None
    teams: Annotated[list[Label], Field(max_length=64)] | None = None
    active: bool | None = None
    password: Password | None = None


class Team(_Input):
    """A team, and the queues whose calls it may see; ``*`` is every queue."""

    team: Label
    queues: Annotated[list[Label], Field(max_length=256)]


class Teams(_Input):
    """All teams."""

    teams: Annotated[list[Team], Field(max_length=256)]


class QueueMap(_Input):
    """The agent at an extension or in a queue, for calls that name none."""

    extensions: Annotated[dict[Label, UserName], Field(max_length=10_000)]
    queues: Annotated[dict[Label, UserName], Field(max_length=10_000)]


def routes(access: Access, mapped: Callable[[str], None]) -> APIRouter:
    """All of it; ``mapped`` is told who changed the queue map."""
    router = APIRouter()
    router.include_router(_of_sessions(access))
    router.include_router(_of_provider(access))
    router.include_router(_of_users(access))
    router.include_router(_of_teams(access, mapped))

    @router.get("/v1/audit")
    async def audit(
        call: Annotated[str, Query(max_length=64)] = "",
        user: Annotated[str, Query(max_length=64)] = "",
        since: Annotated[float, Query(ge=0)] = 0.0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> list[dict[str, Any]]:
        """Who saw, heard or did what, newest first."""
        found = access.people.audited(call=call, user=user, since=since, limit=limit)
        return [asdict(entry) for entry in found]

    return router


def _of_sessions(access: Access) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/session", responses=failing(401))
    async def session(caller: Perhaps) -> Session:
        """Who I am."""
        if caller is None:
            raise ApiError(401, "unauthorized", "nobody is signed in")
        return _session(access, caller)

    @router.post("/v1/session", responses=failing(401, 409, 429))
    async def sign_in(request: Request, response: Response, what: ByPassword | ByLink) -> Session:
        """Sign in; sets the cookie."""
        address = request.client.host if request.client else ""
        try:
            if isinstance(what, ByLink):
                cookie, caller = await access.follow_link(what.link)
            else:
                password = what.password.get_secret_value()
                cookie, caller = await access.sign_in(what.user, password, address)
        except SignInError as error:
            status = {"too_many_tries": 429, "not_first": 409}.get(error.code, 401)
            headers = {"Retry-After": str(int(error.wait_s) + 1)} if error.wait_s else None
            raise ApiError(status, error.code, str(error), headers) from None
        _keep(request, response, cookie, access.settings.session_s)
        return _session(access, caller)

    @router.delete("/v1/session", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        """Sign out."""
        if cookie := request.cookies.get(COOKIE):
            await access.sign_out(cookie)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    @router.post("/v1/tickets")
    async def ticket(what: TicketFor, caller: Who) -> Ticket:
        """A ticket for one socket."""
        given = access.tickets.give(caller, what.purpose, time.monotonic())
        return Ticket(ticket=given, expires_in_s=access.tickets.life_s)

    return router


def _keep(request: Request, response: Response, cookie: str, session_s: float) -> None:
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(session_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _of_provider(access: Access) -> APIRouter:
    """Signing in at pages by way of the provider; see ``provider.py``."""
    router = APIRouter()

    def here(request: Request) -> str:
        configured = access.settings.oidc.redirect_url if access.settings.oidc else None
        return configured or str(request.url_for("provider_callback"))

    @router.get("/v1/session/ways")
    async def ways() -> Ways:
        """How somebody may sign in."""
        by_provider = access.mode == "oidc" and access.provider is not None
        return Ways(password=access.mode != "oidc", provider=by_provider)

    @router.get(
        "/v1/session/provider",
        status_code=302,
        response_class=RedirectResponse,
        responses=failing(404, 503),
    )
    async def go(request: Request, onward: Onward = "") -> RedirectResponse:
        """Go to the provider to sign in; afterwards to the page ``next``."""
        if access.provider is None or access.mode != "oidc":
            raise ApiError(404, "no_provider", "no provider is configured")
        try:
            there, pending = await access.provider.begin(here(request), onward)
        except SignInError as error:
            raise ApiError(503, error.code, str(error)) from None
        response = RedirectResponse(there, 302)
        # Not strict: it has to come back with a link of another site.
        response.set_cookie(
            PENDING_COOKIE,
            pending,
            max_age=PENDING_S,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    @router.get(
        "/v1/session/provider/callback",
        status_code=303,
        response_class=RedirectResponse,
        name="provider_callback",
    )
    async def provider_callback(
        request: Request, state: Brought = "", code: Brought = ""
    ) -> RedirectResponse:
        """Back from the provider: sets the cookie and goes on; to the sign-in page if it failed."""
        pending = request.cookies.get(PENDING_COOKIE, "")
        address = request.client.host if request.client else ""
        try:
            cookie, _, onward = await access.sign_in_by_provider(
                Return(pending, state, code, here(request)), address
            )
        except SignInError as error:
            metrics.refused(error.code)
            response = RedirectResponse(f"../../../login?problem={error.code}", 303)
        else:
            response = RedirectResponse(f"../../../{onward}", 303)
            _keep(request, response, cookie, access.settings.session_s)
        # Whatever came of it: it is good for one answer.
        response.delete_cookie(PENDING_COOKIE, httponly=True, samesite="lax")
        return response

    return router


def _of_users(access: Access) -> APIRouter:
    router, people = APIRouter(), access.people

    @router.get("/v1/users")
    async def users() -> list[UserOut]:
        """All accounts."""
        return [_out(user) for user in people.users()]

    @router.post("/v1/users", status_code=201, responses=failing(409))
    async def add(what: NewUser, caller: Who) -> UserOut:
        """Make an account. The first one has to be an administrator's."""
        if not people.any() and (what.role is not Role.ADMIN or what.password is None):
            raise ApiError(
                409, "first_is_admin", "the first user is an administrator with a password"
            )
        kept = await _hashed(what.password)
        user = User(
            what.user, what.name or what.user, what.role, tuple(what.teams), what.active, kept
        )
        await _changing(people.add, user)
        await access.audit(caller, "user_added", detail=what.user)
        return _out(user)

    @router.patch("/v1/users/{user}", responses=failing(404, 409))
    async def change(user: UserPath, what: UserChange, caller: Who) -> UserOut:
        """Change an account."""
        changes = what.model_dump(exclude_none=True)
        if what.password is not None:
            changes["password"] = await _hashed(what.password)
        changed = await _changing(people.change, user, changes)
        await access.audit(caller, "user_changed", detail=f"{user}: {', '.join(sorted(changes))}")
        return _out(changed)

    @router.delete("/v1/users/{user}", status_code=204, responses=failing(404, 409))
    async def delete(user: UserPath, caller: Who) -> None:
        """Delete an account."""
        await _changing(people.delete, user)
        await access.audit(caller, "user_deleted", detail=user)

    return router


def _of_teams(access: Access, mapped: Callable[[str], None]) -> APIRouter:
    router, people = APIRouter(), access.people

    @router.get("/v1/teams")
    async def teams() -> Teams:
        """All teams."""
        known = people.teams().items()
        return Teams(teams=[Team(team=team, queues=list(queues)) for team, queues in known])

    @router.put("/v1/teams")
    async def set_teams(what: Teams, caller: Who) -> Teams:
        """Set all teams."""
        given = {team.team: team.queues for team in what.teams}
        if len(given) < len(what.teams):
            raise ApiError(422, "bad_request", "teams: the same team twice")
        await asyncio.to_thread(people.set_teams, given)
        await access.audit(caller, "teams_changed")
        return what

    @router.get("/v1/queue-map")
    async def queue_map() -> QueueMap:
        """The agent at each extension and in each queue."""
        return QueueMap(extensions=people.places("extension"), queues=people.places("queue"))

    @router.put("/v1/queue-map")
    async def set_queue_map(what: QueueMap, caller: Who) -> QueueMap:
        """Set the map; calls that have no agent get theirs."""
        await asyncio.to_thread(people.set_places, what.extensions, what.queues)
        await access.audit(caller, "queue_map_changed")
        mapped(caller.user)
        return what

    return router


async def _hashed(password: SecretStr | None) -> str | None:
    if password is None:
        return None
    return await asyncio.to_thread(passwords.hashed, password.get_secret_value())


async def _changing(change: Callable[..., T], *values: Any) -> T:
    try:
        return await asyncio.to_thread(change, *values)
    except PeopleError as error:
        raise ApiError(STATUS.get(error.code, 409), error.code, str(error)) from None


def _session(access: Access, caller: Caller) -> Session:
    return Session(
        user=caller.user,
        name=caller.name or caller.user,
        role=caller.role,
        teams=list(caller.teams),
        access=access.mode,
        expires_at=caller.expires_at,
    )


def _out(user: User) -> UserOut:
    return UserOut(
        user=user.user,
        name=user.name,
        role=user.role,
        teams=list(user.teams),
        active=user.active,
    )
