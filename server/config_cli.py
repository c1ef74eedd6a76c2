"""``tingban config``: which settings are in force, and whether they can work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from server.settings import Settings, SettingsError, load
from server.store.archive import Archive, database
from server.store.files import folder_of
from server.store.migrate import current, head

HIDDEN = "**********"
SECRET_TABLES = ("audiohook_keys",)
app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Settings: which are in force, are they good."
)
Config = Annotated[Path | None, typer.Option(help="Settings file, TOML or YAML.")]


def _load(config: Path | None) -> Settings:
    try:
        return load(config)
    except SettingsError as error:
        typer.echo(f"tingban config: {error}", err=True)
        raise typer.Exit(2) from error


def shown(settings: Settings) -> dict[str, Any]:
    """Every setting, secrets hidden."""
    values: dict[str, Any] = settings.model_dump(mode="json")
    url = values["store"]["url"]
    if url is not None:
        try:
            values["store"]["url"] = make_url(url).render_as_string(hide_password=True)
        except ArgumentError:
            values["store"]["url"] = HIDDEN
    for table in SECRET_TABLES:
        values["telephony"][table] = dict.fromkeys(values["telephony"][table], HIDDEN)
    return values


@app.command()
def show(config: Config = None) -> None:
    """Print every setting in force as YAML, secrets hidden."""
    typer.echo(yaml.safe_dump(shown(_load(config)), allow_unicode=True, sort_keys=False), nl=False)


@app.command()
def check(config: Config = None) -> None:
    """Say what would keep the server from working well; exit code 1 if anything does."""
    settings = _load(config)
    problems = [*_places(settings), *asyncio.run(_archive(settings))]
    for problem in problems:
        typer.echo(f"tingban config: {problem}", err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo("the settings are good")


def _places(settings: Settings) -> list[str]:
    problems = [
        f"{name}: {path} is not a directory"
        for name, path in (("rules", settings.rules), ("recordings", settings.recordings))
        if path is not None and not path.exists()
    ]
    if settings.store.enabled:
        folder = folder_of(settings)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = folder / ".probe"
            probe.touch()
            probe.unlink()
        except OSError as error:
            problems.append(f"store.directory: {folder}: {error.strerror}")
    return problems


async def _archive(settings: Settings) -> list[str]:
    if not settings.store.enabled or settings.store.url is None:
        return []
    try:
        archive = Archive(database(settings.store.url, Path()))
    except ValueError as error:
        return [str(error)]
    try:
        async with archive.engine.connect() as connection:
            at = await connection.run_sync(current)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return [f"store.url: cannot be reached: {getattr(error, 'orig', None) or error}"]
    finally:
        await archive.aclose()
    behind = at is not None and at != head()
    return [f"store.url: its tables are at {at}, this version wants {head()}"] if behind else []
