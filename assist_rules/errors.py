"""What can be wrong with a pack. ``RuleError`` lists every ``Problem`` with its place and fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in a pack file; lines and columns count from 1."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend. ``warning`` problems do not keep a pack from loading."""

    place: Place
    what: str
    fix: str = ""
    warning: bool = False

    def __str__(self) -> str:
        head = f"{self.place}: " if self.place.file else ""
        kind = "warning: " if self.warning else ""
        return f"{head}{kind}{self.what}" + (f"; {self.fix}" if self.fix else "")


class RuleError(Exception):
    """A pack cannot be used; ``problems`` says all that is wrong with it, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class InputError(Exception):
    """A file given to a command cannot be read as what it should be."""

    def __init__(self, path: Path | str, line: int, what: str) -> None:
        self.path, self.line, self.what = str(path), line, what
        where = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{where}: {what}")
