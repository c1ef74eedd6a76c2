"""``tingban replay``: what would have happened on this recorded call."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from asr.audio.wavfile import AudioFile, AudioFileError, open_audio, packets, parse_parties
from asr.events import CallId, Party
from assist_rules.events import CallInfo
from server.events import CallEvent
from server.replay.play import call_id, paced, play
from server.screen import Screen
from server.wire import to_wire

Dialect = Literal["native", "funasr", "audiohook", "json-l16", "twilio", "audiosocket", "siprec"]


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
    second_pass: Annotated[
        str,
        typer.Option(
            help="Hear utterances once more as a whole: same, or a model's name or directory."
        ),
    ] = "off",
    rules: Annotated[Path | None, typer.Option(help="Directory of rule packs.")] = None,
    agent: Annotated[str | None, typer.Option(help="Who the agent is.")] = None,
    queue: Annotated[str | None, typer.Option(help="Which queue the call came by.")] = None,
    tier: Annotated[str | None, typer.Option(help="The customer's tier.")] = None,
    brand: Annotated[str | None, typer.Option(help="The brand that was called.")] = None,
    dialect: Annotated[
        Dialect | None,
        typer.Option(help="Send the calls to a running server, as this kind of system would."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="Where that server is: ws://HOST:PORT or wss://…; for audiosocket "
            "tcp://HOST:PORT (?legs=suffix where it is set so); for siprec udp:// or tcp://."
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="TINGBAN_TOKEN", help="Bearer token, where that server asks for one."),
    ] = None,
) -> None:
    """Play recorded calls through recogniser and rules, or send them to a server."""
    try:
        roles = parse_parties(parties) if parties else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--parties") from error
    if dialect is not None or server is not None:
        from server.client.audio import Call
        from server.replay.send import send

        well = send(
            files, dialect or "native", server, Call("", agent, queue, tier, brand),
            parties=roles, speed=speed, token=token, told=typer.echo, failed=_complain,
        )  # fmt: skip
    else:
        who = CallInfo(CallId(""), agent, queue, tier, brand)
        well = _here(files, roles, asr, second_pass, rules, who, speed, as_json)
    if not well:
        raise typer.Exit(1)


def _here(
    files: list[Path],
    roles: tuple[Party, ...] | None,
    asr: str,
    again: str,
    rules: Path | None,
    who: CallInfo,
    speed: float,
    as_json: bool,
) -> bool:
    """Without a server. False if one of the files could not be played."""
    recordings, failed = _open(files, roles)
    if recordings:
        from asr.offline import listen
        from server.engine import EngineError, about, load_listener, load_rules, second_pass

        try:
            model, new_rules = load_listener(asr), load_rules(rules)
            second = second_pass(again, model)
        except EngineError as error:
            _complain(str(error))
            raise typer.Exit(1) from error
        for file in recordings:
            info = replace(who, call=call_id(file.path))
            hear = partial(listen, model, info.call, file.parties, file.rate_hz, second=second)
            sound = paced(packets(info.call, file), file.rate_hz, speed)
            events = play(info, about(model), new_rules, hear, sound, file.duration_ms)
            try:
                _print(file, events, as_json)
            except AudioFileError as error:
                _complain(str(error))
                failed = True
    return not failed


def _complain(text: str) -> None:
    typer.echo(f"tingban replay: {text}", err=True)


def _open(files: list[Path], roles: tuple[Party, ...] | None) -> tuple[list[AudioFile], bool]:
    """The files that can be read; the others are named on stderr."""
    recordings, failed = [], False
    for path in files:
        try:
            file = open_audio(path, roles)
        except AudioFileError as error:
            _complain(str(error))
            failed = True
            continue
        if file.warning:
            _complain(f"{path}: {file.warning}")
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
