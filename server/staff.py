"""What people do about a live call: who is on it, what leads do, what they whisper."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.access.access import Access
from server.access.guard import Who, require
from server.access.roles import Caller
from server.answers import ApiError, failing
from server.live.session import CallSession
from server.live.switchboard import Switchboard
from server.routes import CallPath

Agent = Annotated[str, Field(max_length=64)]
Words = Annotated[str, Field(max_length=500)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Binding(_Input):
    """Whose call it is; empty for nobody's."""

    agent: Agent


class ActionIn(_Input):
    """What a lead does about the call, or about one of its alerts."""

    kind: Literal["acknowledge", "assign", "resolve", "note"]
    alert: Annotated[str, Field(max_length=128)] = ""
    to: Agent = ""
    text: Words = ""


class WhisperIn(_Input):
    """A lead's words for the agent."""

    text: Annotated[Words, Field(min_length=1)]


def routes(switchboard: Switchboard, access: Access) -> APIRouter:
    """The routes; every use is in the audit log."""
    router = APIRouter()

    def found(call: str, caller: Caller, action: str) -> CallSession:
        session = switchboard.get(call)
        if session is None:
            raise ApiError(404, "no_call", f"no call {call}")
        require(caller, action, session.info)
        if session.done.is_set():
            raise ApiError(409, "call_ended", f"call {call} has ended")
        return session

    @router.put("/v1/calls/{call}/agent", responses=failing(404, 409))
    async def bind(call: CallPath, what: Binding, caller: Who) -> Binding:
        """Bind a call to an agent, or hand it over to another one."""
        session = found(call, caller, "call.bind")
        session.bind(what.agent, caller.user, "transfer")
        await access.audit(caller, "call.bind", call, what.agent)
        return what

    @router.post("/v1/calls/{call}/actions", status_code=201, responses=failing(404, 409))
    async def act(call: CallPath, what: ActionIn, caller: Who) -> dict[str, Any]:
        """Acknowledge, assign, resolve or note; answers the event."""
        session = found(call, caller, "call.act")
        if what.kind == "assign" and not what.to:
            raise ApiError(422, "bad_request", "to: whom it is assigned to")
        event = session.act(what.kind, what.alert, caller.user, what.to, what.text)
        if event is None:
            raise ApiError(404, "no_alert", f"call {call} has had no alert {what.alert}")
        await access.audit(caller, "call.act", call, f"{what.kind} {what.alert}".strip())
        return event

    @router.post("/v1/calls/{call}/whispers", status_code=201, responses=failing(404, 409))
    async def whisper(call: CallPath, what: WhisperIn, caller: Who) -> dict[str, Any]:
        """Show the agent a few words; answers the event."""
        event = found(call, caller, "call.whisper").whisper(caller.user, what.text)
        if event is None:
            raise ApiError(409, "call_ended", f"call {call} has ended")
        await access.audit(caller, "call.whisper", call)
        return event

    return router
