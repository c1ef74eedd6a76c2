"""The rulebook in force, and every way to change it. Calls keep the one they began with."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assist_rules.errors import Place, Problem, RuleError
from assist_rules.events import CallInfo
from assist_rules.reload import Reloaded, reload_rulebook
from assist_rules.rulebook import PACKS, Rulebook, load_rulebook
from assist_rules.session import RuleSession
from server.access.tickets import digest
from server.desk.shelf import Entry, Shelf, ShelfError
from server.settings import Settings, data_folder

log = logging.getLogger(__name__)

StoredCall = Mapping[str, Any]
"""A recognition stream: ``id``, ``info``, ``events``, as ``tingban rules run`` reads it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What boards are told of the rules: the board message of that name."""

    state: str
    """``changed`` or ``kept``."""
    version: int
    hash: str
    problems: tuple[str, ...] = ()


class Desk:
    """Ask it for the rules of each call that begins."""

    def __init__(self, folder: Path, base: Path | None = None, gate: Sequence[Path] = ()) -> None:
        """``base``: configured packs, or those shipped; ``gate``: recorded calls in JSON lines.

        Raises ``RuleError`` when not even the configured packs can be loaded.
        """
        self.base = base or PACKS
        self.shelf = Shelf(folder, self.base)
        self.told: Callable[[Told], None] = lambda told: None
        """Gets what boards are to know."""
        self._gate = tuple(gate)
        self._changing = asyncio.Lock()
        try:
            self.rulebook = load_rulebook([self.shelf.packs(self.shelf.current)])
        except (RuleError, ShelfError, OSError, ValueError) as error:
            if self.shelf.current == 0:
                raise
            log.error("rules: version %d: %s; using the configured", self.shelf.current, error)
            self.rulebook = load_rulebook([self.base])

    def begin(self, info: CallInfo) -> RuleSession:
        """The rules of a call."""
        return RuleSession(self.rulebook, info)

    # A draft's way. Each takes seconds of a thread, none of the loop.

    async def check(self, draft: str) -> list[Problem]:
        """What is wrong with a draft; warnings as well. Raises :class:`ShelfError`."""
        return await asyncio.to_thread(self._check, draft)

    def _check(self, draft: str) -> list[Problem]:
        with self.shelf.candidate(draft) as folder:
            found = reload_rulebook(self.rulebook, [folder])
            return [_placed(p, folder) for p in (*found.problems, *found.warnings)]

    async def trial(self, draft: str, calls: Iterable[StoredCall]) -> dict[str, Any]:
        """Which cards would appear and vanish on recorded calls; those of the gate for none.

        Raises :class:`ShelfError`, also for a draft that cannot be loaded.
        """
        return await asyncio.to_thread(self._trial, draft, list(calls))

    def _trial(self, draft: str, calls: list[StoredCall]) -> dict[str, Any]:
        with self.shelf.candidate(draft) as folder, tempfile.TemporaryDirectory() as made:
            gate = self._gate
            if calls:
                gate = (Path(made) / "calls.jsonl",)
                lines = [json.dumps(call, ensure_ascii=False) for call in calls]
                gate[0].write_text("\n".join(lines) + "\n", "utf-8")
            # However many cards: this asks, and does not let through.
            found = reload_rulebook(self.rulebook, [folder], None, gate, float("inf"))
            if found.difference is None or found.problems:
                raise ShelfError("bad_draft", _first(found.problems, folder))
            return found.difference.figures()

    async def publish(self, draft: str, by: str) -> Entry:
        """Bring a draft into force, if it passes the gate. Raises :class:`ShelfError`."""
        async with self._changing:
            entry, rulebook = await asyncio.to_thread(self._publish, draft, by)
            self._swap(rulebook, entry)
        return entry

    def _publish(self, draft: str, by: str) -> tuple[Entry, Rulebook]:
        with self.shelf.candidate(draft) as folder:
            found = reload_rulebook(self.rulebook, [folder], gate=self._gate)
            if not found.swapped:
                raise ShelfError("gate", _first(found.problems, folder))
            number = self.shelf.keep(folder)
        entry = Entry(time.time(), by, "publish", number, found.rulebook.hash, draft)
        self.shelf.note(entry)
        return entry, found.rulebook

    async def rollback(self, by: str) -> Entry:
        """Go back to the version before. Raises :class:`ShelfError`."""
        async with self._changing:
            version = self.shelf.current - 1
            if version < 0:
                raise ShelfError("no_version", "there is no version before this one")
            packs = self.shelf.packs(version)
            try:
                rulebook = await asyncio.to_thread(load_rulebook, [packs])
            except RuleError as error:
                raise ShelfError("bad_version", _first(error.problems, packs)) from None
            entry = Entry(time.time(), by, "rollback", version, rulebook.hash)
            await asyncio.to_thread(self.shelf.note, entry)
            self._swap(rulebook, entry)
        return entry

    async def reload(self) -> Reloaded | None:
        """Read the configured packs again, through the gate, as their files have changed.

        ``None`` while a published version stands in their place.
        """
        async with self._changing:
            if self.shelf.current != 0:
                return None
            found = await asyncio.to_thread(
                reload_rulebook, self.rulebook, [self.base], None, self._gate
            )
            if found.swapped:
                self._swap(found.rulebook, Entry(time.time(), "", "reload", 0, found.rulebook.hash))
            else:
                log.error("rules: kept as they were: %s", _first(found.problems, self.base))
                texts = tuple(str(_placed(p, self.base)) for p in found.problems[:3])
                self.told(Told("kept", 0, self.rulebook.hash, texts))
        return found

    def _swap(self, rulebook: Rulebook, entry: Entry) -> None:
        self.rulebook = rulebook
        log.warning("rules: %s of version %d, %s", entry.what, entry.version, entry.hash)
        self.told(Told("changed", entry.version, entry.hash))


def open_desk(settings: Settings) -> Desk:
    """The desk of the configured packs; other packs have another shelf. Raises ``RuleError``."""
    base = (settings.rules or PACKS).resolve()
    folder = settings.desk.directory or data_folder() / "desk"
    # The shipped packs lie elsewhere after each installation and are the same all the same.
    name = "shipped" if settings.rules is None else digest(str(base))[:12]
    return Desk(folder / name, base, settings.desk.gate)


def _placed(problem: Problem, folder: Path) -> Problem:
    """With the place as the author of the draft knows it."""
    place = problem.place
    try:
        name = Path(place.file).relative_to(folder).as_posix()
    except ValueError:
        return problem
    return Problem(
        Place(name, place.line, place.column), problem.what, problem.fix, problem.warning
    )


def _first(problems: Sequence[Problem], folder: Path) -> str:
    return "; ".join(str(_placed(problem, folder)) for problem in problems[:3]) or "no calls"
