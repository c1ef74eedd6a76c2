"""What a REST request gets that cannot be served: ``{"error": {"code", "message"}}``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import metrics

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "bad_request",
    429: "too_many_tries",
    503: "not_ready",
}
BODY_LIMIT = 2 * 1024 * 1024
"""Longest body of a request in bytes."""


class Fault(BaseModel):
    """What is wrong."""

    code: str
    message: str


class Failed(BaseModel):
    """The body of every answer that is no success."""

    error: Fault


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failed, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 403, 413, 422)
}
"""What any route may answer besides its own."""


def failing(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the ``responses`` of a route: how else it may fail."""
    return {
        status: {"model": Failed, "description": HTTPStatus(status).phrase} for status in statuses
    }


def failing_as_json(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """As :func:`failing`, for a route whose success is no JSON: its failures are."""
    schema = {"$ref": "#/components/schemas/Failed"}
    return {
        status: {
            "content": {"application/json": {"schema": schema}},
            "description": HTTPStatus(status).phrase,
        }
        for status in (*RESPONSES, *statuses)
        if isinstance(status, int)
    }


class ApiError(HTTPException):
    """A request that cannot be served. ``code`` is for programs, ``message`` for people."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.code = code


def told(status: int, code: str, message: str, headers: Any = None) -> JSONResponse:
    """The answer."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def install(app: FastAPI) -> None:
    """Give all errors of the application this form."""

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> Response:
        code = error.code if isinstance(error, ApiError) else CODES.get(error.status_code, "failed")
        metrics.refused(code)
        headers = error.headers
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"Allow": ", ".join(_methods(app, request.url.path))}
        return told(error.status_code, code, str(error.detail), headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        # Which fields, never what was in them.
        named = [f"{'.'.join(map(str, p['loc'][1:]))}: {p['msg']}" for p in error.errors()[:3]]
        metrics.refused("bad_request")
        return told(422, "bad_request", "; ".join(named))


def _methods(app: FastAPI, path: str) -> list[str]:
    """What can be done at an address; each route alone knows only its own method."""
    found: set[str] = set()
    for template, operations in app.openapi()["paths"].items():
        if compile_path(template)[0].fullmatch(path):
            found |= {method.upper() for method in operations}
    # The pages answer both and stand in no document.
    return sorted(found or {"GET", "HEAD"})


class BodyLimit:
    """Refuses requests with too long a body, before all of it has come."""

    def __init__(self, app: ASGIApp, limit: int = BODY_LIMIT) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            await self._refuse(scope, receive, send)
            return
        come = 0

        async def counted() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if come > self._limit:
                raise ApiError(413, "too_large", f"at most {self._limit} bytes")
            return message

        await self._app(scope, counted, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        metrics.refused("too_large")
        answer = told(413, "too_large", f"at most {self._limit} bytes")
        await answer(scope, receive, send)
