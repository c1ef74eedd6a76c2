"""The REST side: what calls there are, and whether the server is well."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from server.live.switchboard import Switchboard
from server.recordings import Recordings, Unknown
from server.refusals import Refusal
from server.sockets import same_origin

CallPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class Replay(BaseModel):
    """Which recording to play as a new call."""

    model_config = ConfigDict(extra="forbid")
    recording: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def of_calls(switchboard: Switchboard) -> APIRouter:
    """The calls, and whether the server takes more."""
    router = APIRouter()

    @router.get("/v1/calls")
    async def calls() -> list[dict[str, Any]]:
        """Every call that goes on or has lately ended."""
        return [call.overview() for call in switchboard.calls()]

    @router.get("/v1/calls/{call}")
    async def call(call: CallPath) -> dict[str, Any]:
        """Everything known of one call."""
        session = switchboard.get(call)
        if session is None:
            raise HTTPException(404, f"no call {call}")
        return session.snapshot()

    @router.get("/healthz")
    async def healthy() -> dict[str, bool]:
        """The process answers."""
        return {"ok": True}

    @router.get("/readyz")
    async def ready() -> dict[str, bool]:
        """New calls are taken."""
        if not switchboard.ready:
            raise HTTPException(503, "starting or stopping")
        return {"ok": True}

    return router


def of_recordings(recordings: Recordings | None) -> APIRouter:
    """Recorded calls that a page may start."""
    router = APIRouter()

    @router.get("/v1/demo/recordings")
    async def known() -> list[dict[str, Any]]:
        """The recordings that a page may replay; none on an ordinary server."""
        return recordings.listing() if recordings else []

    @router.post("/v1/demo/replays", status_code=202)
    async def replay(request: Request, what: Replay) -> dict[str, str]:
        """Play a recording into this server as a new call."""
        if not same_origin(request):
            raise HTTPException(403, "pages of other sites may not start calls")
        if recordings is None:
            raise HTTPException(404, "this server has no recordings to replay")
        try:
            return {"call": recordings.replay(what.recording)}
        except Unknown as error:
            raise HTTPException(404, str(error)) from error
        except Refusal as error:
            raise HTTPException(429, error.message) from error

    return router
