"""``tingban``: one command made of those that each package brings.

The commands are entry points of the group ``tingban.commands``. Their one line of help is read
from the source's docstrings, so that ``tingban --help`` imports none of them, nor torch.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import os
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

GROUP = "tingban.commands"
DONE, FAILED, USAGE = 0, 1, 2


def main() -> None:
    """The console command."""
    # OpenMP's threads spin while they wait, which on a busy machine costs several times the work
    # itself. The engine sets its own number of threads; this is for all that has no setting.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command line; gives its exit code."""
    commands = {entry.name: entry for entry in entry_points(group=GROUP)}
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        # Without a command it is a question, but not one that a script should take for success.
        _overview(commands, to_stderr=not arguments)
        return DONE if arguments else USAGE
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(f"tingban {version('tingban')}")
        return DONE
    name, *rest = arguments
    if name not in commands:
        return _unknown(name, list(commands))
    return _call(commands[name], rest)


def _call(entry: EntryPoint, arguments: list[str]) -> int:
    app = entry.load()
    if not isinstance(app, typer.Typer):
        function, app = app, typer.Typer(add_completion=False)
        app.command()(function)
    try:
        result = app(args=arguments, prog_name=f"tingban {entry.name}", standalone_mode=True)
    except SystemExit as leaving:
        return _code(leaving.code)
    return _code(result)


def _code(code: Any) -> int:
    if code is None:
        return DONE
    return code if isinstance(code, int) else FAILED


def _overview(commands: dict[str, EntryPoint], to_stderr: bool) -> None:
    console = Console(stderr=to_stderr, highlight=False)
    console.print("Listens to live Chinese calls and shows the agent the sentence that helps.\n")
    console.print("[bold]Usage:[/] tingban COMMAND [ARGUMENTS]\n")
    table = Table(box=None, padding=(0, 2), show_header=False)
    for name in sorted(commands):
        table.add_row(f"[bold cyan]{name}[/]", first_line(commands[name]))
    console.print(table)
    console.print("\n[dim]tingban COMMAND --help tells more; tingban --version the version.[/]")


def _unknown(name: str, known: list[str]) -> int:
    console = Console(stderr=True, highlight=False)
    console.print(f"tingban: there is no command {name!r}", markup=False)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean `tingban {near[0]}`?" if near else "`tingban --help` lists them"
    console.print(hint, markup=False)
    return USAGE


def first_line(entry: EntryPoint) -> str:
    """The first line of what the command says of itself, without importing it."""
    file = _source(entry.module)
    if file is None:
        return ""
    tree = ast.parse(file.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == entry.attr:
            return _line(node)
    return _line(tree)


def _source(module: str) -> Path | None:
    # Only the top package is imported on the way; those are empty.
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    for place in (spec.submodule_search_locations or []) if spec else []:
        file = Path(place).joinpath(*rest).with_suffix(".py")
        if file.is_file():
            return file
    return None


def _line(node: ast.FunctionDef | ast.Module) -> str:
    text = ast.get_docstring(node) or ""
    line = text.splitlines()[0] if text else ""
    # A module's docstring begins with the command itself: "``tingban rules``: test packs."
    line = line.split("``: ", 1)[-1].strip()
    return line[:1].upper() + line[1:]
