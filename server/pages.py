"""The pages and the widget's files, under a policy that lets no foreign script in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = Path(__file__).parents[1] / "web_widget"
PAGES = {
    "/": "index.html",
    "/login": "login.html",
    "/agent": "agent.html",
    "/board": "board.html",
    "/calls": "calls.html",
    "/review": "review.html",
    "/desk": "desk.html",
    "/admin": "admin.html",
    "/tap": "tap.html",
}
Page = Callable[[Request], Awaitable[Response]]

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; connect-src 'self'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


class SafeHeaders:
    """Adds the security headers to every HTTP answer."""

    def __init__(self, app: ASGIApp, frames: Sequence[str] = ()) -> None:
        """``frames``: other sites that may show our pages in theirs."""
        self._app = app
        policy = " ".join((HEADERS["content-security-policy"], *frames))
        self._headers = {**HEADERS, "content-security-policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, the answer back with more headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


def routes() -> list[BaseRoute]:
    """The pages and the static files below ``/widget/``, compressed for whoever takes gzip."""
    pages = [Route(path, _page(name), methods=["GET"]) for path, name in PAGES.items()]
    # Browsers ask for this one by themselves wherever a page names no icon, as the API's own does.
    icon = Route("/favicon.ico", _icon, methods=["GET"])
    files = GZipMiddleware(StaticFiles(directory=FOLDER), compresslevel=6)
    return [*pages, icon, Mount("/widget", files)]


async def _icon(_: Request) -> Response:
    return FileResponse(FOLDER / "pages" / "icon.svg", media_type="image/svg+xml")


def _page(name: str) -> Page:
    async def page(_: Request) -> Response:
        for file in (FOLDER / name, FOLDER / "pages" / name):
            if file.is_file():
                return FileResponse(file, media_type="text/html")
        return HTMLResponse(f"<p>{name} is not installed</p>", 404)

    return page
