"""A fake server that speaks the real wire: serves the widget, plays calls one message at a time.

The test decides when each message goes out and sees each one that comes in, so nothing here
waits for time to pass.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, JSONResponse

from server import pages

Event = dict[str, Any]
ROOT = Path(__file__).parents[2] / "web_widget"
LOCAL: Event = {
    "user": "local", "name": "local", "role": "admin", "teams": [], "access": "open",
    "expires_at": None,
}  # fmt: skip


@dataclass
class FakeCall:
    """One call: what is known from outside, what has happened so far."""

    call: str
    info: dict[str, Any]
    events: list[Event] = field(default_factory=list)
    live: bool = True

    def snapshot(self) -> Event:
        """As the server would send it: later revisions and values stand for earlier ones."""
        kept: dict[tuple[Any, ...], Event] = {}
        for event in self.events:
            key: tuple[Any, ...] = (event["seq"],)
            if event["type"] == "transcript":
                key = (event["utterance"],)
            elif event["type"] == "metric":
                key = (event["party"], event["name"])
            elif event["type"] == "step":
                key = (event["list"], event["step"])
            elif event["type"] == "commitment":
                key = ("commitment", event["id"])
            kept.pop(key, None)
            kept[key] = event
        return {
            "type": "snapshot", "call": self.call, "info": self.info, "live": self.live,
            "seq": self.events[-1]["seq"] if self.events else 0,
            "at_ms": max((e["at_ms"] for e in self.events), default=0),
            "events": list(kept.values()),
        }  # fmt: skip

    def since(self, seq: int) -> list[Event]:
        """What a socket that resumes after that number gets; the snapshot for a negative one."""
        if seq < 0:
            return [self.snapshot()]
        return [event for event in self.events if event["seq"] > seq]

    def row(self) -> Event:
        """As the board socket begins with it."""
        live: dict[str, Event] = {}
        metrics: dict[str, float] = {}
        for event in self.events:
            if event["type"] in ("alert", "suggestion"):
                live[event["id"]] = event
            elif event["type"] == "retraction":
                live.pop(event["id"], None)
            elif event["type"] == "metric":
                metrics[f"{event['party']}.{event['name']}"] = event["value"]
        snapshot = self.snapshot()
        return {
            **{key: snapshot[key] for key in ("call", "info", "live", "seq", "at_ms")},
            "alerts": [e for e in live.values() if e["type"] == "alert"],
            "suggestions": [e for e in live.values() if e["type"] == "suggestion"],
            "metrics": metrics,
            "actions": [e for e in self.events if e["type"] == "action"],
            "hand": next((e["raised"] for e in self.events[::-1] if e["type"] == "hand"), False),
        }


class Hall:
    """The fake's state, and the test's handle on it. All methods may be called from the test."""

    def __init__(self) -> None:
        self.calls: dict[str, FakeCall] = {}
        self.received: list[Event] = []
        self.requests: list[tuple[str, str]] = []
        self.hello: Event = {
            "type": "hello", "v": 1, "recogniser": {"name": "bundled", "demonstration": True},
        }  # fmt: skip
        self.refuse = 0
        self.recordings: list[Event] = []
        self.rest: dict[str, Any] = {}
        """What REST answers, by ``METHOD path``: JSON, a Response, or a function of the body."""
        self.asked: list[tuple[str, str, Any]] = []
        """Method, path with query, and body of every REST request."""
        self.origin = ""
        self._sockets: list[tuple[WebSocket, str, str]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        # What a socket begins with and what happens now never cross.
        self._turn = asyncio.Lock()
        self._open = asyncio.Event()
        self._open.set()
        self._changed = threading.Condition()

    def begin(self, call: str, info: dict[str, Any], events: list[Event] | None = None) -> FakeCall:
        """A call begins, with these events already told."""
        self.calls[call] = FakeCall(call, info, list(events or []))
        self._run(self._tell_begin(self.calls[call]))
        return self.calls[call]

    def tell(self, *events: Event) -> None:
        """These events happen now; returns when they are on their way."""
        self._run(self._tell(events))

    def send(self, text: str) -> None:
        """A raw text frame to everybody, right or wrong."""
        self._run(self._send_raw(text))

    def cut(self, code: int | None = None) -> None:
        """Every socket is lost, as when a cable is pulled."""
        self._run(self._cut(code))

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Every socket is lost, and nobody who knocks is let in until the block ends."""
        self._run(self._shut())
        try:
            yield
        finally:
            self._run(self._reopen())

    def count(self) -> int:
        return len(self._sockets)

    def wait(self, what: Any, timeout: float = 10) -> Any:
        """Until ``what()`` is true; it is asked again whenever something comes in."""
        with self._changed:
            if not self._changed.wait_for(what, timeout):
                raise AssertionError(f"never happened; received {self.received[-5:]}")
        return what()

    def of(self, type: str) -> list[Event]:
        """Messages of that type that browsers have sent."""
        return [message for message in self.received if message["type"] == type]

    def sent(self, method: str, path: str) -> list[Any]:
        """Bodies that came by REST with that method to that path."""
        return [
            body for how, where, body in self.asked if (how, where.split("?")[0]) == (method, path)
        ]

    def reset(self) -> None:
        """Everything forgotten, for the next test."""
        self.cut()
        self.wait(lambda: not self._sockets)
        self.calls.clear()
        self.received.clear()
        self.requests.clear()
        self.recordings.clear()
        self.rest.clear()
        self.asked.clear()
        self.refuse = 0
        self.hello["recogniser"] = {"name": "bundled", "demonstration": True}

    # From here on: inside the server's loop.

    def _run(self, work: Any) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _sees(self, who: tuple[WebSocket, str, str], call: FakeCall) -> bool:
        _, kind, value = who
        return kind == "board" or value == (
            call.call if kind == "call" else call.info.get("agent", "")
        )

    async def _tell_begin(self, call: FakeCall) -> None:
        async with self._turn:
            for who in list(self._sockets):
                if who[1] != "board" and self._sees(who, call):
                    await who[0].send_json(call.snapshot())

    async def _tell(self, events: tuple[Event, ...]) -> None:
        async with self._turn:
            await self._tell_each(events)

    async def _tell_each(self, events: tuple[Event, ...]) -> None:
        for event in events:
            call = self.calls[event["call"]]
            call.events.append(event)
            if event["type"] == "status" and event["name"] == "call_ended":
                call.live = False
            told = {**event, "stamps": {"sent": time.time()}}
            for who in list(self._sockets):
                if self._sees(who, call):
                    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                        await who[0].send_json(told)

    async def _send_raw(self, text: str) -> None:
        async with self._turn:
            for socket, _, _ in list(self._sockets):
                await socket.send_text(text)

    async def _cut(self, code: int | None) -> None:
        async with self._turn:
            for socket, _, _ in list(self._sockets):
                with contextlib.suppress(RuntimeError):
                    await socket.close(code or 1012)

    async def _shut(self) -> None:
        self._open.clear()
        await self._cut(None)

    async def _reopen(self) -> None:
        self._open.set()

    async def _serve(
        self, socket: WebSocket, kind: str, value: str, first: Callable[[], list[Event]]
    ) -> None:
        """``first``: what the socket begins with, once it is its turn."""
        await self._open.wait()
        if self.refuse:
            await socket.send_json({"type": "error", "code": "forbidden", "message": "not yours"})
            await socket.close(self.refuse)
            return
        who = (socket, kind, value)
        try:
            async with self._turn:
                for message in [self.hello, *first()]:
                    await socket.send_json(message)
                self._sockets.append(who)
        except (WebSocketDisconnect, RuntimeError):
            return  # It has not waited for the door to open.
        self._note()
        try:
            while True:
                message = await socket.receive_json()
                self.received.append({**message, "received_at": time.time()})
                if message["type"] == "ping":
                    await socket.send_json({"type": "pong", "id": message["id"]})
                self._note()
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._sockets.remove(who)
            self._note()


def build(hall: Hall) -> FastAPI:
    """The routes of server/PROTOCOL.md that a browser uses."""
    app = FastAPI()

    @app.middleware("http")
    async def strict(request: Any, call_next: Any) -> Response:
        hall.requests.append((request.method, request.url.path))
        response: Response = await call_next(request)
        for name, value in pages.HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.websocket("/v1/agent")
    async def agent(
        socket: WebSocket, agent: str = "", call: str = "", resume_from: int = -1
    ) -> None:
        await socket.accept()
        if call:
            await hall._serve(socket, "call", call, lambda: hall.calls[call].since(resume_from))
            return

        def mine() -> list[Event]:
            calls = [c for c in hall.calls.values() if c.info.get("agent") == agent and c.live]
            return [one.snapshot() for one in calls]

        await hall._serve(socket, "agent", agent, mine)

    @app.websocket("/v1/board")
    async def board(socket: WebSocket) -> None:
        await socket.accept()

        def rows() -> list[Event]:
            return [{"type": "board", "calls": [call.row() for call in hall.calls.values()]}]

        await hall._serve(socket, "board", "", rows)

    @app.get("/v1/demo/recordings")
    async def recordings() -> Any:
        return {"recordings": hall.recordings}

    @app.post("/v1/demo/replays")
    async def replays(body: dict[str, str]) -> Any:
        hall.received.append({"type": "replay", **body})
        return {"call": "c-demo", "agent": "a-1"}

    @app.get("/hostile")
    async def hostile() -> HTMLResponse:
        return HTMLResponse(HOSTILE)

    @app.get("/hostile.css")
    async def hostile_css() -> Response:
        return Response(HOSTILE_CSS, media_type="text/css")

    _rest(app, hall)
    app.routes.extend(pages.routes())
    return app


def _rest(app: FastAPI, hall: Hall) -> None:
    @app.api_route("/v1/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def rest(path: str, request: Request) -> Response:
        raw = await request.body()
        body = json.loads(raw) if raw else None
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        hall.asked.append((request.method, address, body))
        hall._note()
        known = hall.rest.get(f"{request.method} {request.url.path}", DEFAULTS.get(path))
        found = known
        if callable(known) and not isinstance(known, Response):
            found = known(body)
        if isinstance(found, Response):
            return found
        if found is None:
            fault = {"code": "not_found", "message": f"nothing at {path}"}
            return JSONResponse({"error": fault}, 404)
        return JSONResponse(found)


DEFAULTS = {
    "session": LOCAL,
    "session/ways": {"password": True, "provider": False},
    "tickets": {"ticket": "t-1", "expires_in_s": 30},
    "calls": [],
    "teams": {"teams": []},
    "rules": [],
}


HOSTILE = """<!doctype html><html lang="zh-CN" dir="rtl"><head><title>CRM</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/hostile.css"><script type="module" src="/widget/define.js"></script>
</head><body><div><h1>CRM</h1>
<tingban-assist agent="a-7" theme="light"></tingban-assist></div></body></html>"""
HOSTILE_CSS = """* { letter-spacing: 1em !important; font: 40px/3 serif !important; color: red !important;
  text-transform: uppercase; direction: rtl !important; text-align: right; white-space: nowrap; }
html { font-size: 3px !important; }
button, .card, .say, article { display: none !important; }
tingban-assist { inline-size: 360px; block-size: 640px; }"""


@contextlib.contextmanager
def running(hall: Hall) -> Any:
    """Serves the hall on a free port of the loopback until the block ends."""
    config = uvicorn.Config(build(hall), port=0, log_level="warning", ws="websockets-sansio")
    server = uvicorn.Server(config)

    async def main() -> None:
        hall._loop = asyncio.get_running_loop()
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the fake server did not start"
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    hall.origin = f"http://127.0.0.1:{port}"
    try:
        yield hall
    finally:
        server.should_exit = True
        thread.join(10)
