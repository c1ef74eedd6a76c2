"""``tingban rules``: check, test, run, measure and compare rule packs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from assist_rules.errors import Problem
    from assist_rules.language.parse import Draft
    from assist_rules.rulebook import Rulebook

app = typer.Typer(no_args_is_help=True, help="Check, test, run, measure and compare rule packs.")
DONE, FAILED, USAGE = 0, 1, 2

Packs = Annotated[
    list[Path] | None,
    typer.Option("--packs", "-p", help="Pack file or folder; repeat for more. Default: ours."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Only JSON on stdout.")]


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Pack files or folders.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read packs and say what is wrong with them: file, line, column and the fix."""
    from assist_rules.rulebook import check_rulebook

    rulebook, drafts, problems = check_rulebook(paths or None)
    if as_json:
        _print_json({"ok": rulebook is not None, "problems": [_problem(p) for p in problems]})
    else:
        for problem in problems:
            print(problem)
        if rulebook is not None:
            print(
                f"{len(drafts)} rules, {rulebook.phrase_count} phrases, "
                f"{sum(len(d.examples) for d in drafts) + len(rulebook.list_tests)} tests; "
                f"pack {rulebook.hash}"
            )
    raise typer.Exit(DONE if rulebook is not None else FAILED)


@app.command(name="test")
def run_examples(
    paths: Annotated[list[Path] | None, typer.Argument(help="Pack files or folders.")] = None,
    only: Annotated[str, typer.Option(help="Rules whose id contains this.")] = "",
    as_json: AsJson = False,
) -> None:
    """Run the tests beside the rules through the whole engine, character by character."""
    from assist_rules.tools.selftest import run_list_tests, run_tests

    rulebook, drafts = _load(paths)
    chosen = [d for d in drafts if only in d.rule.id]
    failed = []
    for draft in _watched(chosen, "testing rules"):
        failed.extend(run_tests(rulebook, [draft]))
    ran = sum(len(d.examples) for d in chosen)
    if not only:
        failed.extend(run_list_tests(rulebook))
        ran += len(rulebook.list_tests)
    if as_json:
        _print_json({"rules": len(chosen), "tests": ran, "failed": [_problem(p) for p in failed]})
    else:
        for problem in failed:
            print(problem)
        print(f"{len(chosen)} rules, {ran} tests, {len(failed)} failed")
    raise typer.Exit(FAILED if failed else DONE)


@app.command()
def run(
    files: Annotated[list[Path], typer.Argument(help="JSON lines: dialogues or streams.")],
    packs: Packs = None,
    as_json: AsJson = False,
    asr_errors: Annotated[float, typer.Option(min=0, max=0.5, help="Share to spoil.")] = 0.0,
    steps: Annotated[
        bool, typer.Option("--steps", help="Steps of checklists and commitments as well.")
    ] = False,
) -> None:
    """Replay calls as they were spoken; one line for every alert, suggestion and withdrawal."""
    from assist_rules.errors import InputError
    from assist_rules.tools.dialogues import read_dialogues, replay
    from assist_rules.tools.lines import lines
    from assist_rules.tools.spoil import spoiler

    rulebook, _ = _load(packs)
    slip = spoiler(asr_errors) if asr_errors else None
    failed = False
    for path in files:
        for dialogue in read_dialogues(path, slip):
            if isinstance(dialogue, InputError):
                _complain(str(dialogue))
                failed = True
                continue
            for line in lines(dialogue, replay(rulebook, dialogue)):
                if line["type"] in ("step", "commitment") and not steps:
                    continue
                print(json.dumps(line, ensure_ascii=False) if as_json else _readable(line))
    raise typer.Exit(FAILED if failed else DONE)


@app.command(name="eval")
def evaluate(
    files: Annotated[list[Path], typer.Argument(help="Labelled dialogues.")],
    packs: Packs = None,
    as_json: AsJson = False,
    asr_errors: Annotated[float, typer.Option(min=0, max=0.5, help="Share to spoil.")] = 0.0,
    wrong: Annotated[bool, typer.Option(help="List every miss and false alarm too.")] = False,
) -> None:
    """Compare what fires on labelled calls with what should: precision, recall, delay."""
    from assist_rules.errors import InputError
    from assist_rules.tools.dialogues import read_dialogues, replay
    from assist_rules.tools.evaluation import Score
    from assist_rules.tools.spoil import spoiler

    rulebook, _ = _load(packs)
    score = Score()
    slip = spoiler(asr_errors) if asr_errors else None
    failed = False
    for path in files:
        for dialogue in _watched(read_dialogues(path, slip), f"replaying {path.name}"):
            if isinstance(dialogue, InputError):
                _complain(str(dialogue))
                failed = True
            else:
                score.add(dialogue, replay(rulebook, dialogue))
    figures = {"pack": rulebook.hash, "asr_errors": asr_errors, **score.figures()}
    if as_json:
        _print_json({**figures, **({"wrong": score.wrong} if wrong else {})})
    else:
        _show_figures(figures)
        for item in score.wrong if wrong else ():
            print(
                f"{item['kind']:6} {item['call']}#{item['turn']} {item['category']} "
                f"「{item['quote']}」 {item['rule']} | {item['text']}"
            )
    raise typer.Exit(FAILED if failed else DONE)


@app.command()
def coverage(
    packs: Packs = None,
    inventory: Annotated[Path | None, typer.Option(help="Inventory file. Default: ours.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold the handbooks' inventory against the packs: every item met as it claims."""
    from assist_rules.tools.coverage import INVENTORY, read_coverage

    _, drafts = _load(packs)
    result = read_coverage(drafts, inventory or INVENTORY)
    if as_json:
        _print_json(result.figures())
    else:
        for problem in result.problems:
            print(problem)
        counts = ", ".join(f"{how.replace('_', ' ')} {n}" for how, n in sorted(result.how.items()))
        print(f"{result.items} items: {counts}; {len(result.problems)} problems")
    raise typer.Exit(FAILED if result.problems else DONE)


@app.command()
def bench(
    rules: Annotated[int, typer.Option(min=10, help="Rules of the generated pack.")] = 5_000,
    phrases: Annotated[int, typer.Option(min=10, help="Phrases of it.")] = 50_000,
    as_json: AsJson = False,
) -> None:
    """Measure the CPU time of a partial, whole path, and of loading a large pack."""
    from assist_rules.tools.bench import bench_large, bench_shipped

    figures = {"shipped": bench_shipped(), "large": bench_large(rules, phrases)}
    if as_json:
        _print_json(figures)
        return
    for name, row in figures.items():
        print(f"{name}: " + ", ".join(f"{k} {v}" for k, v in row.items()))


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Packs as they are.")],
    new: Annotated[Path, typer.Argument(help="Packs as they would be.")],
    calls: Annotated[list[Path], typer.Argument(help="JSON lines: recorded or stored calls.")],
    as_json: AsJson = False,
) -> None:
    """Replay calls under old and new packs: cards that appear, vanish or move."""
    from assist_rules.errors import InputError
    from assist_rules.tools.compare import Difference
    from assist_rules.tools.dialogues import read_dialogues

    before, _ = _load([old])
    after, _ = _load([new])
    difference = Difference()
    failed = False
    for path in calls:
        for dialogue in _watched(read_dialogues(path), f"replaying {path.name}"):
            if isinstance(dialogue, InputError):
                _complain(str(dialogue))
                failed = True
            else:
                difference.add(dialogue, before, after)
    figures = difference.figures()
    if as_json:
        _print_json(figures)
    else:
        for kind in ("appear", "vanish", "move", "reword"):
            for card in figures[kind]:
                at = f"{card['at_ms'] / 1000:.1f} s"
                print(f"{kind:7} {card['call']}#{card['turn']} {at} {card['rule']} {card['say']}")
        print(
            f"{figures['calls']} calls, {figures['hours']} hours: "
            f"{figures['cards_per_agent_hour_before']} → {figures['cards_per_agent_hour_after']} "
            f"cards per agent-hour"
        )
    raise typer.Exit(FAILED if failed else DONE)


@app.command()
def learn(
    dialogues: Annotated[list[Path], typer.Argument(help="Labelled dialogues to tune on.")],
    plain: Annotated[
        list[Path] | None, typer.Option(help="Ordinary talk, a sentence a line; repeat for more.")
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Write nothing; learn without this source and judge on it; repeatable. "
            "authors: without each author's sources in turn."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Weigh wording for `like` conditions by labelled sentences, or judge such weights."""
    from assist_rules.tools import learn as learning

    said = learning.gather(dialogues, plain or [])
    held_out = [frozenset([source]) for source in judge or () if source != "authors"]
    if "authors" in (judge or ()):
        held_out += learning.AUTHORS
    for role in ("agent", "customer"):
        if not judge:
            path = learning.write(role, learning.learn(role, said))
            _print_json({"written": str(path)}) if as_json else print(path)
            continue
        for row in learning.judged(role, said, held_out):
            if as_json:
                _print_json(row)
            else:
                print(
                    f"{row['category']} above {row['above']}: "
                    f"precision {row['precision']}, recall {row['recall']}"
                )


@app.command()
def schema() -> None:
    """Print the JSON Schema of pack files, for editors."""
    from assist_rules.language.grammar import json_schema

    _print_json(json_schema())


def _load(paths: list[Path] | None) -> tuple[Rulebook, list[Draft]]:
    from assist_rules.rulebook import check_rulebook

    rulebook, drafts, problems = check_rulebook(paths or None)
    if rulebook is None:
        for problem in problems:
            _complain(str(problem))
        raise typer.Exit(FAILED)
    return rulebook, drafts


def _watched(items: Iterable[Any], what: str) -> Iterable[Any]:
    """The items, with a progress bar on a terminal."""
    if not sys.stderr.isatty():
        return items
    from rich.progress import track

    return track(items, description=what, console=_stderr(), transient=True)


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "what": problem.what,
        "fix": problem.fix,
        "warning": problem.warning,
    }


def _readable(line: dict[str, Any]) -> str:
    at = f"{line['at_ms'] / 1000:8.1f}"
    what = line.get("say") or line.get("title") or line.get("text") or line.get("why") or ""
    parts = [
        line["call"],
        at,
        line["type"],
        line["id"],
        line["state"] or "",
        line["category"] or "",
    ]
    return "  ".join([*parts, f"「{line['quote'] or ''}」", what])


def _show_figures(figures: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"pack {figures['pack']}, {figures['calls']} calls")
    for name in ("", "tp", "fp", "fn", "late", "precision", "95 %", "recall", "95 %", "f1"):
        table.add_column(name, justify="right" if name else "left")
    for name, row in figures["categories"].items():
        shown = [row[k] for k in ("tp", "fp", "fn", "late", "precision", "precision_95")]
        shown += [row[k] for k in ("recall", "recall_95", "f1")]
        table.add_row(name, *(_cell(value) for value in shown))
    Console(width=110).print(table)
    for key, value in figures.items():
        if key not in ("categories", "rules", "pack", "calls"):
            print(f"{key}: {value}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return f"{value[0]:.2f}–{value[1]:.2f}"
    return str(value)
