"""``tingban serve``: the service on a socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import signal
import socket
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from assist_rules.errors import RuleError
from server import logs
from server.access.access import Access, Mode
from server.access.files import AccessFileError, open_access
from server.app import create_app
from server.connection import Connection
from server.desk.desk import open_desk
from server.live.switchboard import Switchboard
from server.settings import Settings, SettingsError, load
from server.store.files import StoreError, open_store
from server.store.store import Store

log = logging.getLogger(__name__)

MESSAGE_CUT = 1024 * 1024
GARBAGE = (20_000, 20, 50)
"""New objects between two runs of the garbage collector, and runs until it looks at older ones."""


class ListenError(Exception):
    """The address cannot be bound; the message says what to do."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; 0 takes any free one.")] = None,
    asr: Annotated[
        str | None, typer.Option(help="Recogniser: a model's name, or its directory.")
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="Directory of rule packs.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file, TOML or YAML.")] = None,
    recordings: Annotated[
        Path | None, typer.Option(help="Recorded calls that pages may replay.")
    ] = None,
    store_directory: Annotated[
        Path | None, typer.Option("--store", help="Folder in which calls are kept.")
    ] = None,
    access: Annotated[
        str | None, typer.Option(help="Who may come in: open, local or oidc.")
    ] = None,
    insecure_bind_anywhere: Annotated[
        bool | None,
        typer.Option(
            "--insecure-bind-anywhere",
            help="Bind an address that others can reach although nobody has to log in.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more, to stderr.")] = False,
) -> None:
    """Listen to calls and show agents what to say."""
    options = {
        "host": host,
        "port": port,
        "asr": asr,
        "rules": rules,
        "recordings": recordings,
        "insecure_bind_anywhere": insecure_bind_anywhere,
        "store": None if store_directory is None else {"directory": store_directory},
        "access": None if access is None else {"mode": access},
        "log": {"level": "info"} if verbose else None,
    }
    try:
        settings = load(config, options)
        logs.set_up(settings.log)
        door = open_access(settings)
        listener = listen(settings, door.mode)
        store = open_store(settings)
    except (SettingsError, ListenError, AccessFileError, StoreError) as error:
        typer.echo(f"tingban serve: {error}", err=True)
        raise typer.Exit(2) from error
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    with ExitStack() as stack:
        stack.enter_context(listener)
        stack.callback(door.people.close)
        app = _build(settings, door, store)
        server = DrainingServer(uvicorn_config(app, settings), app.state.switchboard)
        if door.mode == "open" and settings.access.mode is None:
            page = f"http://{settings.host}:{settings.port}/login"
            typer.echo(
                "Nobody has to sign in until the first user exists. This link, once, makes the "
                f"first administrator: {page}#link={door.offer_link()}",
                err=True,
            )
        run(server, listener)
    if not server.started:
        raise typer.Exit(1)


def run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until told to stop, on the quickest loop there is (uvloop, where it is installed)."""
    # Model and rules stay for good: the collector need not walk over them again and again. What
    # calls leave behind is freed without it, so it need not look at every 700 new objects.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


def _build(settings: Settings, access: Access, store: Store | None) -> FastAPI:
    # Torch takes seconds to import: not for a wrong option.
    from server.engine import EngineError, live, load_listener

    try:
        hearing = settings.recogniser
        model = load_listener(settings.asr, hearing.precision, hearing.device)
        recogniser, desk = live(model, hearing), open_desk(settings)
        return create_app(settings, recogniser, desk.begin, access=access, desk=desk, store=store)
    except (EngineError, RuleError) as error:
        typer.echo(f"tingban serve: {error}", err=True)
        raise typer.Exit(1) from error


def listen(settings: Settings, mode: Mode = "open") -> socket.socket:
    """The bound socket. Raises :class:`ListenError`, also for a host that others can reach while
    access is open."""
    if mode == "open" and not is_loopback(settings.host) and not settings.insecure_bind_anywhere:
        raise ListenError(
            f"refusing to bind {settings.host}: nobody has to sign in, so everyone who reaches "
            "this port could read live calls. Add users first (`tingban users add`), or set "
            "access.mode to oidc, or pass --insecure-bind-anywhere on a network you trust."
        )
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise ListenError(f"cannot bind {settings.host}:{settings.port}: {reason}") from error
    return listener


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn runs the application."""
    logs.hold_quiet()
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        ws=Connection,
        # A message between our limit and this gets a message back, a longer one just the code.
        ws_max_size=MESSAGE_CUT,
        # Audio does not compress, and text on a local network is not worth the processor time.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=5,
    )


class DrainingServer(uvicorn.Server):
    """Ends the calls before the sockets, so that everybody gets the last words."""

    def __init__(self, config: uvicorn.Config, switchboard: Switchboard) -> None:
        super().__init__(config)
        self._switchboard = switchboard
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Run until a signal comes."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where we are once calls are taken; ``tingban demo`` waits for this line."""
        await super().startup(sockets)
        if self.started:
            typer.echo(f"http://{self.config.host}:{self.config.port}/", err=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: drain, then stop. Second signal: stop now."""
        if self._draining is not None or self._loop is None or not self.started:
            self.force_exit = self._draining is not None
            self.should_exit = True
            return
        self._draining = self._loop.create_task(self._drain(sig))
        # A signal handler runs between two steps of the loop, which may be asleep.
        self._loop.call_soon_threadsafe(lambda: None)

    async def _drain(self, sig: int) -> None:
        log.info("%s: finishing the calls", signal.Signals(sig).name)
        try:
            await self._switchboard.drain()
        finally:
            self.should_exit = True
