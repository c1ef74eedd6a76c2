"""``tingban models``: list, fetch and verify the recognisers that calls can be heard with."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from models import hub as hubs
from models.manifest import ModelCard, cards
from models.store import (
    ModelMissing,
    StoreError,
    directory_of,
    locate,
    read_checksums,
    verify,
)
from models.store import Progress as Told

app = typer.Typer(
    help="List, fetch and verify the recognisers that calls can be heard with.",
    no_args_is_help=True,
    add_completion=False,
)
FAILED, USAGE = 1, 2


class HubName(StrEnum):
    """Where published models are."""

    MODELSCOPE = "modelscope"
    HUGGINGFACE = "huggingface"


AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Show the known models and which of them are on this machine."""
    rows = [_facts(card) for card in cards().values()]
    if as_json:
        for row in rows:
            _line(row)
        return
    table = Table(box=None, padding=(0, 2), header_style="bold")
    for column in ("name", "here", "understands", "licence", "what"):
        table.add_column(column, overflow="fold")
    for row in rows:
        understands = "synthesised speech only" if row["demonstration"] else "people"
        table.add_row(row["name"], row["state"], understands, row["licence"], row["title"])
    console = Console()
    console.print(table)
    for row in rows:
        if row["state"] != "yes":
            console.print(f"{row['name']}: {row['problem']}", markup=False, soft_wrap=True)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A name from `tingban models list`.")],
    hub: Annotated[HubName, typer.Option(help="Which hub to ask.")] = HubName.MODELSCOPE,
    to: Annotated[
        Path | None, typer.Option(help="Folder to put it into, to carry it elsewhere.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Get a published model through FunASR's hub clients, and check what came."""
    card = cards().get(name)
    if card is None:
        _complain(f"there is no model {name!r}; `tingban models list` shows the known ones")
        raise typer.Exit(USAGE)
    if not card.hub:
        _complain(f"{name} cannot be fetched: it comes with this project")
        raise typer.Exit(USAGE)
    directory = to or directory_of(card)
    _complain(f"fetching {card.hub[hub.value]} from {hub.value} into {directory}")
    _complain(f"licence: {card.licence}")
    try:
        # The clients print and draw on whatever is there; stdout is for results only.
        with contextlib.redirect_stdout(sys.stderr), _bar("checking") as told:
            got = hubs.fetch(card, hub.value, hubs.CLIENTS[hub.value](), directory, told)
    except StoreError as error:
        _complain(str(error))
        raise typer.Exit(FAILED) from error
    if as_json:
        _line(
            {
                "type": "fetched",
                "name": name,
                "directory": str(got.directory),
                "confirmed": list(got.confirmed),
                "trusted": list(got.trusted),
            }
        )
        return
    print(f"{name} is in {got.directory}")
    print(f"{len(got.confirmed)} files are what the hub's checksums say")
    if got.trusted:
        print(
            f"{', '.join(got.trusted)}: the hub announces no checksum; they were taken as they "
            "came, and later changes will be noticed"
        )


@app.command("verify")
def verify_models(
    name: Annotated[
        str | None, typer.Argument(help="A name or a folder; without it, all that are here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read models' files and compare them with their checksums."""
    names = [name] if name else _present()
    if not names:
        _complain("no model is on this machine; `tingban models list` says how to get one")
        raise typer.Exit(FAILED)
    failed = False
    for each in names:
        row: dict[str, Any] = {"type": "verified", "name": each}
        try:
            with _bar(f"verifying {each}") as told:
                verdict = verify(each, told)
        except StoreError as error:
            failed = True
            row |= {"ok": False, "problem": str(error)}
        else:
            row |= {
                "ok": True,
                "directory": str(verdict.directory),
                "checked": verdict.checked,
                "unchecked": list(verdict.unchecked),
            }
        _report(row, as_json)
    if failed:
        raise typer.Exit(FAILED)


def _report(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _line(row)
    elif not row["ok"]:
        _complain(f"{row['name']}: {row['problem']}")
    elif row["unchecked"]:
        print(
            f"{row['name']}: {row['checked']} files are what their checksums say; "
            f"no checksum for {', '.join(row['unchecked'])}: complete, but not proven unchanged"
        )
    else:
        print(f"{row['name']}: all {row['checked']} files are what their checksums say")


def _present() -> list[str]:
    """Known models of which anything is here: a damaged one is to be told of."""
    return [
        c.name for c in cards().values() if any((directory_of(c) / f).exists() for f in c.files)
    ]


def _facts(card: ModelCard) -> dict[str, Any]:
    directory = directory_of(card)
    state, problem = "yes", None
    checksums: dict[str, str] = {}
    try:
        checksums = dict(read_checksums(locate(card.name)))
    except ModelMissing as error:
        state, problem = "no", str(error)
    except StoreError as error:
        state, problem = "damaged", str(error)
    files = [directory / file for file in (*card.files, *card.also)]
    return {
        "type": "model",
        "name": card.name,
        "title": card.title,
        "state": state,
        "problem": problem,
        "demonstration": card.demonstration,
        "sample_rate_hz": card.sample_rate_hz,
        "licence": card.licence,
        "source": card.source,
        "directory": str(directory),
        "bytes": sum(file.stat().st_size for file in files if file.is_file()),
        "checksums": checksums,
    }


@contextlib.contextmanager
def _bar(what: str) -> Iterator[Told]:
    """A progress bar on stderr, where there is somebody to see it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count: progress.advance(task, count)


def _line(row: dict[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)


def _complain(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
