"""The REST side: what calls there are, and which recordings may be played."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from server.access import roles
from server.access.access import Access
from server.access.guard import Who, require
from server.answers import ApiError, failing
from server.live.switchboard import Switchboard
from server.recordings import Recordings, Unknown
from server.refusals import Refusal

CallPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class Replay(BaseModel):
    """Which recording to play as a new call."""

    model_config = ConfigDict(extra="forbid")
    recording: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def of_calls(switchboard: Switchboard, access: Access) -> APIRouter:
    """The calls."""
    router = APIRouter()

    @router.get("/v1/calls")
    async def calls(caller: Who) -> list[dict[str, Any]]:
        """Every call that goes on or has lately ended, of those the caller may see.

        Of other nodes those that a page of this one watches.
        """
        return [
            call.overview()
            for call in switchboard.shown()
            if roles.may(caller, "call.read", call.info)
        ]

    @router.get("/v1/calls/{call}", responses=failing(404))
    async def call(call: CallPath, caller: Who) -> dict[str, Any]:
        """Everything known of one call."""
        session = await switchboard.find(call)
        if session is None:
            raise ApiError(404, "no_call", f"no call {call}")
        require(caller, "call.read", session.info)
        await access.audit(caller, "call.read", session.info)
        return session.snapshot()

    return router


def of_recordings(recordings: Recordings | None) -> APIRouter:
    """Recorded calls that a page may start."""
    router = APIRouter()

    @router.get("/v1/demo/recordings")
    async def known() -> list[dict[str, Any]]:
        """The recordings that a page may replay; none on an ordinary server."""
        return recordings.listing() if recordings else []

    @router.post("/v1/demo/replays", status_code=202, responses=failing(404, 429))
    async def replay(what: Replay) -> dict[str, str]:
        """Play a recording into this server as a new call."""
        if recordings is None:
            raise ApiError(404, "no_recordings", "this server has no recordings to replay")
        try:
            return {"call": recordings.replay(what.recording)}
        except Unknown as error:
            raise ApiError(404, "no_recording", str(error)) from error
        except Refusal as error:
            raise ApiError(429, error.code, error.message) from error

    return router
