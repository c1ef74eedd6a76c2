"""The real server around the null recogniser: ``python -m benchmarks.null_server``.

Settings come from ``TINGBAN_…`` variables as for ``tingban serve``. It prints its address to stderr
once it takes calls, which :func:`benchmarks.process.null_server` waits for.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Annotated

import typer

from benchmarks.null_recogniser import NullRecogniser
from server import logs
from server.access.files import open_access
from server.app import create_app
from server.desk.desk import open_desk
from server.serve import DrainingServer, listen, run, uvicorn_config
from server.settings import load
from server.store.files import open_store


def main(
    port: int = 0,
    until_s: Annotated[int, typer.Option(help="Longest call that has words to the end.")] = 300,
    max_calls: int = 100_000,
    break_at_ms: Annotated[
        int, typer.Option(help="Streams fail there, once a call; 0: never.")
    ] = 0,
) -> None:
    """Serve until a signal comes. SIGUSR1 and SIGUSR2 put the wall clock an hour on and back."""
    signal.signal(signal.SIGUSR1, lambda *_: _jump(3_600.0))
    signal.signal(signal.SIGUSR2, lambda *_: _jump(-3_600.0))
    settings = load(None, {"port": port})
    logs.set_up(settings.log)
    access = open_access(settings)
    listener = listen(settings, access.mode)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    desk = open_desk(settings)
    recogniser = NullRecogniser(until_s * 1000, max_calls, break_at_ms)
    # All it will say is thought of now: later the garbage collector would have to look at it, too.
    asyncio.run(recogniser.start())
    app = create_app(
        settings,
        recogniser,
        desk.begin,
        access=access,
        desk=desk,
        store=open_store(settings),
    )
    with listener:
        run(DrainingServer(uvicorn_config(app, settings), app.state.switchboard), listener)
    access.people.close()


def _jump(by_s: float) -> None:
    """Only this process' clock: the machine's belongs to others."""
    before = time.time
    time.time = lambda: before() + by_s


if __name__ == "__main__":
    typer.run(main)
