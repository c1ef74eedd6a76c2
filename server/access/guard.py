"""The one guard at every door: who is it, and may they. The application has it on all routes;
sockets ask it once they are open, as a browser is not told why one was not opened."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from assist_rules.events import CallInfo
from server.access import origin, roles
from server.access.access import ANY_LINE, Access
from server.access.doors import PUBLIC, action_of
from server.access.roles import Caller
from server.answers import ApiError
from server.refusals import Refusal

READING = ("GET", "HEAD", "OPTIONS")


def access_of(connection: HTTPConnection) -> Access:
    """The access of the application that is asked."""
    found: Access = connection.app.state.access
    return found


async def guard(connection: HTTPConnection) -> Caller | None:
    """Let a request pass or raise :class:`ApiError`; sockets are let in by :func:`admit`."""
    if connection.scope["type"] != "http":
        return None
    access, method = access_of(connection), connection.scope["method"]
    if method not in READING and not origin.allowed(connection, access.settings.origins):
        raise ApiError(403, "forbidden", "pages of other sites may not do this")
    action = action_of(method, connection.scope["route"].path)
    caller = await access.caller(connection)
    if action == PUBLIC:
        return caller
    if caller is None:
        raise ApiError(
            401, "unauthorized", "sign in, or send a bearer token", {"WWW-Authenticate": "Bearer"}
        )
    if roles.scope(caller, action) is None:
        raise ApiError(403, "forbidden", f"not for the role {caller.role}")
    return caller


Perhaps = Annotated[Caller | None, Depends(guard)]
"""Who sends a request to a public route, if that is known."""


def _required(caller: Perhaps) -> Caller:
    assert caller is not None
    return caller


Who = Annotated[Caller, Depends(_required)]
"""Who sends a request to a route that is not public."""


def require(caller: Caller, action: str, call: CallInfo) -> None:
    """Raise :class:`ApiError` unless ``caller`` may do ``action`` on that call."""
    require_on(caller, action, call.agent, call.queue)


def require_on(caller: Caller, action: str, agent: str | None, queue: str | None) -> None:
    """As :func:`require`, for a call of which only agent and queue are known."""
    if not roles.may_on(caller, action, agent, queue):
        raise ApiError(403, "forbidden", "not on this call")


async def admit(socket: WebSocket) -> Caller:
    """Who opens a socket. Raises :class:`Refusal` for somebody who may not."""
    caller = await known(socket)
    if caller is None:
        raise Refusal("unauthorized", "sign in; then open it with a ticket or a bearer token")
    return caller


async def known(socket: WebSocket) -> Caller | None:
    """As :func:`admit`, but ``None`` for somebody who may still prove it in a message."""
    access, action = access_of(socket), action_of("SOCKET", socket.scope["route"].path)
    if not origin.allowed(socket, access.settings.origins):
        raise Refusal("forbidden", "pages of other sites may not connect")
    return check(access, await access.caller(socket, action), action)


async def by_token(socket: WebSocket, token: str) -> Caller:
    """Who proves it by a token in a message of a dialect. Raises :class:`Refusal`."""
    access = access_of(socket)
    caller = check(access, await access.by_token(token) if token else None, "audio.push")
    if caller is None:
        raise Refusal("unauthorized", "no token, or one that is not valid (any more)")
    return caller


def check(access: Access, caller: Caller | None, action: str) -> Caller | None:
    """The caller, where the role may do that at all. Raises :class:`Refusal`."""
    if caller is None:
        return ANY_LINE if action == "audio.push" and access.settings.audio_without_token else None
    if roles.scope(caller, action) is None:
        raise Refusal("forbidden", f"not for the role {caller.role}")
    return caller
