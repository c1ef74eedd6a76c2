"""``tingban store``: back up, restore, migrate, prune, export and erase what is kept of calls."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.exc import SQLAlchemyError

from asr.events import Party
from server.settings import Settings, SettingsError, load
from server.store import backup as copies
from server.store.archive import Archive, database
from server.store.customer import CustomerKey
from server.store.files import folder_of
from server.store.migrate import SchemaError, migrate
from server.store.reading import SCHEMA_VERSION, read_call
from server.store.retention import Erased, erase_customer, prune
from server.store.sound import SoundFiles, wav

T = TypeVar("T")
app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="What is kept of calls: copies and retention."
)
Config = Annotated[Path | None, typer.Option(help="Settings file, TOML or YAML.")]
Folder = Annotated[Path | None, typer.Option("--store", help="Folder in which calls are kept.")]


def _settings(config: Path | None, folder: Path | None) -> Settings:
    try:
        return load(config, {"store": None if folder is None else {"directory": folder}})
    except SettingsError as error:
        typer.echo(f"tingban store: {error}", err=True)
        raise typer.Exit(2) from error


def _fail(message: str) -> typer.Exit:
    typer.echo(f"tingban store: {message}", err=True)
    return typer.Exit(1)


def _ask(settings: Settings, question: Callable[[Archive], Awaitable[T]]) -> T:
    """Put a question to the archive; its failure ends the command with 1."""

    async def run() -> T:
        folder = folder_of(settings)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        archive = Archive(database(settings.store.url, folder / "archive.sqlite3"))
        try:
            return await question(archive)
        finally:
            await archive.aclose()

    try:
        return asyncio.run(run())
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise _fail(f"the archive: {cause}") from error
    except (OSError, TimeoutError, ValueError, SchemaError) as error:
        raise _fail(f"the archive: {error}") from error


def _sounds(settings: Settings) -> SoundFiles:
    return SoundFiles(folder_of(settings) / copies.SOUND)


@app.command("prune")
def prune_(config: Config = None, store: Folder = None) -> None:
    """Erase calls and sound older than the settings keep them; run it every night."""
    settings = _settings(config, store)
    kept = settings.store
    now_ms = int(time.time() * 1000)
    _say(
        _ask(
            settings,
            lambda archive: prune(
                archive, _sounds(settings), now_ms, kept.keep_days, kept.keep_audio_days
            ),
        )
    )


@app.command()
def erase(
    number: Annotated[str, typer.Argument(help="The customer's number, or - to read it.")],
    config: Config = None,
    store: Folder = None,
) -> None:
    """Erase every call of a customer."""
    settings = _settings(config, store)
    if number == "-":
        # So that it stands in no list of processes and no history of commands.
        number = sys.stdin.readline().strip()
    if not number:
        raise typer.BadParameter("no number", param_hint="NUMBER")
    folder = folder_of(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    customer = CustomerKey(folder).hash(number)
    _say(_ask(settings, lambda archive: erase_customer(archive, _sounds(settings), customer)))


def _say(erased: Erased) -> None:
    typer.echo(f"{erased.calls} calls and {erased.sounds} sound files erased")


@app.command()
def export(
    call: str,
    audio: Annotated[Path | None, typer.Option(help="Write the call's sound here, as WAV.")] = None,
    config: Config = None,
    store: Folder = None,
) -> None:
    """Print everything kept of a call as JSON."""
    settings = _settings(config, store)

    async def read(archive: Archive) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        return await read_call(archive, call), await archive.head_of(call)

    found, head = _ask(settings, read)
    if found is None or head is None:
        raise _fail(f"no call {call} in the archive")
    typer.echo(json.dumps({"schema_version": SCHEMA_VERSION, **found}, ensure_ascii=False))
    if audio is not None:
        parties = [Party(party) for party in head["parties"].split(",")]
        sounds = _sounds(settings)
        end = sounds.samples(call, head["epoch"], parties)
        lanes = sounds.read(call, head["epoch"], parties, 0, end)
        if lanes is None:
            raise _fail(f"the sound of call {call} was not kept")
        audio.write_bytes(wav(lanes, head["rate"]))


@app.command("migrate")
def migrate_(config: Config = None, store: Folder = None) -> None:
    """Bring the archive's tables to this version; the server does so by itself, too."""
    before, after = _ask(_settings(config, store), lambda archive: migrate(archive.engine))
    typer.echo(f"at {after}" if before == after else f"from {before or 'nothing'} to {after}")


@app.command()
def backup(to: Path, config: Config = None, store: Folder = None) -> None:
    """Copy what is kept into an empty folder; the server may go on meanwhile."""
    settings = _settings(config, store)
    try:
        names = copies.back_up(folder_of(settings), to)
    except (copies.BackupError, OSError) as error:
        raise _fail(str(error)) from error
    typer.echo(f"{to}: {', '.join(names)}")
    if settings.store.url is not None:
        typer.echo("The archive itself is in PostgreSQL: back it up with pg_dump.", err=True)


@app.command("restore")
def restore_(backup: Path, config: Config = None, store: Folder = None) -> None:
    """Put a copy into an empty data folder; the server must not run."""
    folder = folder_of(_settings(config, store))
    try:
        names = copies.restore(backup, folder)
    except (copies.BackupError, OSError) as error:
        raise _fail(str(error)) from error
    typer.echo(f"{folder}: {', '.join(names)}")
