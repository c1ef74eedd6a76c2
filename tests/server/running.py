"""A real server on a free port of this machine, in the loop of the test."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from asr.events import Transcript
from asr.recogniser import Recogniser, ScriptedRecogniser
from assist_rules.events import CallInfo
from server.app import create_app
from server.client.clip import Clip
from server.desk.desk import Desk
from server.ingest.packet import write
from server.live.state import Rules
from server.live.switchboard import NewRules, Switchboard
from server.serve import DrainingServer, listen, uvicorn_config
from server.settings import Settings
from server.store.store import Store
from tests.fixtures import script as fixture
from tests.server.scripted_rules import ScriptedRules

RATE = 8_000
PACKET = RATE // 50
SETTINGS = Settings.model_validate({"port": 0, "calls": {"drain_s": 2}})
SPOKEN = [event for event in fixture.heard() if isinstance(event, Transcript)]


def scripted_rules(_: CallInfo) -> Rules:
    """What the fixture call's rules say."""
    return ScriptedRules(fixture.ruled())


def fixture_recogniser(**options: Any) -> ScriptedRecogniser:
    """Hears the fixture call, whatever is sent."""
    return ScriptedRecogniser({"*": SPOKEN}, **options)


class _Server(DrainingServer):
    """Tells when it can be reached."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(uvicorn_config(app, settings), app.state.switchboard)
        self.up = asyncio.Event()
        self.stopped = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self.stopped.set()


@dataclass
class Running:
    """A server that answers."""

    app: FastAPI
    port: int
    server: DrainingServer
    stopped: asyncio.Event

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def switchboard(self) -> Switchboard:
        found: Switchboard = self.app.state.switchboard
        return found

    def audio(self) -> connect:
        """A bare audio socket."""
        # Acknowledgements that a test does not read must not hold up its closing handshake.
        address = f"{self.ws}/v1/audio"
        return connect(address, compression=None, max_size=None, max_queue=None)


@asynccontextmanager
async def running(
    recogniser: Recogniser | None = None,
    rules: NewRules = scripted_rules,
    settings: Settings = SETTINGS,
    store: Store | None = None,
    desk: Desk | None = None,
) -> AsyncIterator[Running]:
    """A server until the context ends."""
    listener = listen(settings)
    port = listener.getsockname()[1]
    settings = settings.model_copy(update={"port": port})
    app = create_app(
        settings,
        recogniser or fixture_recogniser(),
        desk.begin if desk else rules,
        store=store,
        desk=desk,
    )
    server = _Server(app, settings)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    up = asyncio.create_task(server.up.wait())
    await asyncio.wait([up, task], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield Running(app, port, server, server.stopped)
    finally:
        up.cancel()
        server.should_exit = True
        await task


def hello(call: str = "c-1", **changes: Any) -> str:
    """A good hello, or one with fields changed; ``None`` leaves a field out."""
    message = {
        "type": "hello",
        "v": 1,
        "call": call,
        "parties": ["agent", "customer"],
        "codec": "pcm16",
        "rate": RATE,
        "agent": "a-7",
        **changes,
    }
    return json.dumps({name: value for name, value in message.items() if value is not None})


def packet(index: int, channel: int = 255, channels: int = 2) -> bytes:
    """20 ms of silence, the ``index``-th packet of a call."""
    return write(channel, index * PACKET, bytes(2 * channels * PACKET))


def silent_clip(seconds: float, parties: tuple[str, ...] = ("agent", "customer")) -> Clip:
    """A recording in which nobody speaks; the scripted recogniser does not mind."""
    from asr.events import Party

    samples = int(seconds * RATE)
    return Clip(
        tuple(Party(party) for party in parties), "pcm16", RATE, bytes(2 * len(parties) * samples)
    )


async def message(socket: ClientConnection) -> dict[str, Any]:
    """The next message of a socket."""
    parsed: dict[str, Any] = json.loads(await socket.recv())
    return parsed
