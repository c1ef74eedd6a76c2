"""The description of the sockets for machines; that of REST is FastAPI's ``/openapi.json``."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

from server.answers import failing_as_json

FILE = Path(__file__).with_name("asyncapi.yaml")


def routes() -> APIRouter:
    """The route."""
    router = APIRouter()

    @router.get(
        "/v1/asyncapi.yaml",
        response_class=FileResponse,
        responses={200: {"content": {"application/yaml": {}}}, **failing_as_json()},
    )
    async def asyncapi() -> FileResponse:
        """The sockets in AsyncAPI 3."""
        return FileResponse(FILE, media_type="application/yaml")

    return router
