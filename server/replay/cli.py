"""``tingban replay``: what would have happened on this recorded call."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from asr.audio.wavfile import AudioFile, AudioFileError, open_audio, packets, parse_parties
from asr.events import Party
from assist_rules.events import CallInfo
from server.events import CallEvent
from server.replay.play import call_id, paced, play
from server.screen import Screen
from server.wire import to_wire


def replay(
    files: Annotated[list[Path], typer.Argument(help="Sound files, one call each.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every call event as one JSON line.")
    ] = False,
    speed: Annotated[
        float, typer.Option(min=0, help="1 is real time; 0 as fast as it goes, same events.")
    ] = 1.0,
    parties: Annotated[
        str | None, typer.Option(help="Who is on which channel, e.g. customer,agent.")
    ] = None,
    asr: Annotated[str, typer.Option(help="Recogniser: a name, or a directory.")] = "bundled",
    rules: Annotated[Path | None, typer.Option(help="Directory of rule packs.")] = None,
    agent: Annotated[str | None, typer.Option(help="Who the agent is.")] = None,
    queue: Annotated[str | None, typer.Option(help="Which queue the call came by.")] = None,
    tier: Annotated[str | None, typer.Option(help="The customer's tier.")] = None,
    brand: Annotated[str | None, typer.Option(help="The brand that was called.")] = None,
) -> None:
    """Play recorded calls through recogniser and rules, without a server."""
    try:
        roles = parse_parties(parties) if parties else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--parties") from error
    recordings, failed = _open(files, roles)
    if recordings:
        from asr.offline import listen
        from server.engine import EngineError, about, load_listener, load_rules

        try:
            model, new_rules = load_listener(asr), load_rules(rules)
        except EngineError as error:
            typer.echo(f"tingban replay: {error}", err=True)
            raise typer.Exit(1) from error
        for file in recordings:
            info = CallInfo(call_id(file.path), agent, queue, tier, brand)
            hear = partial(listen, model, info.call, file.parties, file.rate_hz)
            sound = paced(packets(info.call, file), file.rate_hz, speed)
            events = play(info, about(model), new_rules, hear, sound, file.duration_ms)
            try:
                _print(file, events, as_json)
            except AudioFileError as error:
                typer.echo(f"tingban replay: {error}", err=True)
                failed = True
    if failed:
        raise typer.Exit(1)


def _open(files: list[Path], roles: tuple[Party, ...] | None) -> tuple[list[AudioFile], bool]:
    """The files that can be read; the others are named on stderr."""
    recordings, failed = [], False
    for path in files:
        try:
            file = open_audio(path, roles)
        except AudioFileError as error:
            typer.echo(f"tingban replay: {error}", err=True)
            failed = True
            continue
        if file.warning:
            typer.echo(f"tingban replay: {path}: {file.warning}", err=True)
        recordings.append(file)
    return recordings, failed


def _print(file: AudioFile, events: Iterator[CallEvent], as_json: bool) -> None:
    if as_json:
        for event in events:
            sys.stdout.write(json.dumps(to_wire(event), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        return
    with Screen() as screen:
        screen.say(str(file.path), "bold")
        for event in events:
            screen.show(to_wire(event))
