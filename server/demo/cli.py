"""``tingban demo``: a recorded call in, live suggestions in a browser and in this terminal."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from server.client.errors import ClientError
from server.demo.labels import LabelError
from server.demo.process import ServerFailed, serving
from server.demo.show import Stage, play, summary
from server.recordings import AGENT
from server.screen import Screen

RECORDINGS = Path(__file__).parents[2] / "benchmarks" / "corpus"
FIRST = "complaint-broadband"


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Play one call, sum up, exit non-zero if it went wrong.")
    ] = False,
    call: Annotated[str, typer.Option(help="Which recording to play first.")] = FIRST,
    port: Annotated[int, typer.Option(help="Port of the pages; 0 takes any free one.")] = 8765,
    asr: Annotated[str, typer.Option(help="Recogniser: a name, or a directory.")] = "bundled",
    rules: Annotated[Path | None, typer.Option(help="Directory of rule packs.")] = None,
    recordings: Annotated[
        Path, typer.Option(help="Recorded calls with their labels.")
    ] = RECORDINGS,
) -> None:
    """Play a recorded call through the service and watch it help."""
    stage = Stage("", recordings)
    if call not in stage.names():
        known = ", ".join(stage.names()) or f"none in {recordings}"
        raise typer.BadParameter(f"no recording {call!r}; there are: {known}", param_hint="--call")
    options = ["--port", str(port), "--asr", asr, "--recordings", str(recordings)]
    # Whoever has users on this machine wants to see the demonstration all the same.
    options += ["--access", "open"]
    if rules is not None:
        options += ["--rules", str(rules)]
    try:
        # What is kept of a demonstration goes with it.
        with tempfile.TemporaryDirectory(prefix="tingban-demo-") as kept:
            options += ["--store", kept]
            passed = asyncio.run(_demo(options, recordings, call, once))
    except KeyboardInterrupt:
        passed = not once
    except (ServerFailed, LabelError, ClientError) as error:
        typer.echo(f"tingban demo: {error}", err=True)
        raise typer.Exit(1) from error
    if once and not passed:
        raise typer.Exit(1)


async def _demo(options: list[str], folder: Path, call: str, once: bool) -> bool:
    with Screen() as screen:
        screen.say("Starting the server and loading the recogniser…", "dim")
        async with serving(options, lambda line: screen.say(line, "red")) as address:
            stage = Stage(address.replace("http", "ws", 1), folder)
            screen.say(f"agent widget  {address}/agent?agent={AGENT}", "bold")
            screen.say(f"lead board    {address}/board", "bold")
            screen.say(
                "The bundled recogniser understands synthesised speech only, such as this.", "dim"
            )
            verdict = await play(stage, call, screen)
            screen.console.print(summary(call, verdict))
            if once:
                return verdict.passed
            await _again(stage, screen)
            return True


async def _again(stage: Stage, screen: Screen) -> None:
    """Play what the keyboard asks for, until the end of the input or Ctrl-C."""
    names = stage.names()
    for number, name in enumerate(names, 1):
        screen.say(f"{number:3}  {name}", "dim")
    screen.say("A number plays that call; Ctrl-C ends. The pages can start calls as well.", "bold")
    async for line in _lines():
        asked = line.strip()
        if asked.isdigit() and 1 <= int(asked) <= len(names):
            asked = names[int(asked) - 1]
        if asked not in names:
            screen.say(f"no call {asked!r}: type 1 to {len(names)}, or a name", "yellow")
            continue
        verdict = await play(stage, asked, screen)
        screen.console.print(summary(asked, verdict))


async def _lines() -> AsyncIterator[str]:
    """What is typed. Without a keyboard: nothing, for ever."""
    if not sys.stdin.isatty():
        await asyncio.Event().wait()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    with contextlib.closing(transport):
        async for line in reader:
            yield line.decode("utf-8", "replace")
