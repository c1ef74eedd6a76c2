"""``tingban users``: add, list, change and disable accounts, make tokens for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from server.access import passwords
from server.access.access import Access
from server.access.files import AccessFileError, open_people
from server.access.people import People, PeopleError, User
from server.access.roles import Role
from server.settings import Settings, SettingsError, load

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

Config = Annotated[Path | None, typer.Option(help="Settings file, TOML or YAML.")]
Name = Annotated[str, typer.Argument(help="The account; for agents the id that calls name.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]


@contextmanager
def _people(config: Path | None) -> Iterator[tuple[Settings, People]]:
    try:
        settings = load(config)
        people = open_people(settings)
    except (SettingsError, AccessFileError) as error:
        typer.echo(f"tingban users: {error}", err=True)
        raise typer.Exit(2) from error
    try:
        yield settings, people
    except PeopleError as error:
        typer.echo(f"tingban users: {error}", err=True)
        raise typer.Exit(1) from error
    finally:
        people.close()


@app.command()
def add(
    user: Name,
    role: Annotated[Role, typer.Option(help="What the account is for.")] = Role.AGENT,
    name: Annotated[str, typer.Option(help="Name for people to read.")] = "",
    team: Annotated[list[str] | None, typer.Option(help="A team; may be given again.")] = None,
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Add an account. The first one has to be an administrator."""
    with _people(config) as (_, people):
        if not people.any() and role is not Role.ADMIN:
            raise PeopleError("first_is_admin", "the first user is an administrator: --role admin")
        # A telephone system has a token and no password.
        kept = None if role is Role.INGEST else passwords.hashed(_password(password_stdin))
        people.add(User(user, name or user, role, tuple(team or ()), True, kept))
    typer.echo(f"added {user} ({role})", err=True)


@app.command("list")
def list_users(config: Config = None) -> None:
    """All accounts."""
    with _people(config) as (_, people):
        users = people.users()
    table = Table("user", "name", "role", "teams", "active", box=None)
    for one in users:
        active = "yes" if one.active else "no"
        table.add_row(one.user, one.name, one.role, ", ".join(one.teams), active)
    Console(highlight=False).print(table)


@app.command()
def passwd(user: Name, password_stdin: FromStdin = False, config: Config = None) -> None:
    """Set a password; sessions and tokens of the account end."""
    with _people(config) as (_, people):
        people.change(user, {"password": passwords.hashed(_password(password_stdin))})
    typer.echo(f"{user} has a new password", err=True)


@app.command()
def disable(user: Name, config: Config = None) -> None:
    """Let an account in no more; its sessions and tokens end."""
    with _people(config) as (_, people):
        people.change(user, {"active": False})
    typer.echo(f"{user} is disabled", err=True)


@app.command()
def enable(user: Name, config: Config = None) -> None:
    """Let a disabled account in again."""
    with _people(config) as (_, people):
        people.change(user, {"active": True})
    typer.echo(f"{user} is enabled", err=True)


@app.command()
def token(
    user: Name,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 366, help="How long it holds.")] = 1.0,
    config: Config = None,
) -> None:
    """Print a bearer token for an account, e.g. of a telephone system."""
    with _people(config) as (settings, people):
        known = people.get(user)
        if known is None or not known.active:
            raise PeopleError("no_user", f"there is no active user {user}")
        typer.echo(Access(settings.access, people).token(known, hours * 3_600))


def _password(from_stdin: bool) -> str:
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if not passwords.SHORTEST <= len(given) <= passwords.LONGEST:
        raise PeopleError(
            "bad_password",
            f"a password has {passwords.SHORTEST} to {passwords.LONGEST} characters",
        )
    return given
