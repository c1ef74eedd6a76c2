"""The folder of the rule desk: drafts, published versions, who published which and when.

``drafts/NAME/…`` holds the files that a draft changes, ``versions/N/…`` complete packs,
``journal.jsonl`` one line for each publication and return. Version 0 is what the server was
configured with.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = r"^[A-Za-z0-9_-]{1,64}$"
FILE = re.compile(r"^([A-Za-z0-9_-]+/){0,3}[A-Za-z0-9_-]+\.ya?ml$")
MOST_FILES = 200


class ShelfError(Exception):
    """A draft, file or version is not there or not possible. ``code`` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to the packs, once."""

    at: float
    """Epoch seconds."""
    by: str
    what: str
    """``publish`` or ``rollback``."""
    version: int
    """In force from then on."""
    hash: str
    draft: str = ""


class Shelf:
    """``base`` are the packs that the server was configured with."""

    def __init__(self, folder: Path, base: Path) -> None:
        self._folder = folder
        self._base = base

    @property
    def current(self) -> int:
        """The version in force."""
        entries = self.journal()
        return entries[-1].version if entries else 0

    def packs(self, version: int) -> Path:
        """The folder with all files of a version. Raises :class:`ShelfError`."""
        folder = self._base if version == 0 else self._folder / "versions" / str(version)
        if not folder.exists():
            raise ShelfError("no_version", f"there is no version {version}")
        return folder

    def files(self, version: int) -> dict[str, Path]:
        """The files of a version by their path below it."""
        folder = self.packs(version)
        if folder.is_file():
            return {folder.name: folder}
        found = sorted(path for path in folder.rglob("*.y*ml") if path.is_file())
        return {path.relative_to(folder).as_posix(): path for path in found}

    def journal(self) -> list[Entry]:
        """Everything that happened, oldest first."""
        try:
            text = (self._folder / "journal.jsonl").read_text("utf-8")
        except FileNotFoundError:
            return []
        return [Entry(**json.loads(line)) for line in text.splitlines()]

    def note(self, entry: Entry) -> None:
        """Write down what happened; from now on that version is the current one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "journal.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")

    # Drafts

    def drafts(self) -> list[str]:
        """Their names."""
        folder = self._folder / "drafts"
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def write_draft(self, name: str, files: Mapping[str, str]) -> None:
        """The draft has these files from now on; an empty text takes a file of the packs away."""
        if len(files) > MOST_FILES:
            raise ShelfError("too_many_files", f"at most {MOST_FILES} files")
        for path in files:
            if not FILE.fullmatch(path):
                raise ShelfError("bad_path", f"{path[:100]!r}: a path such as pack/rules.yaml")
        drafts = self._folder / "drafts"
        drafts.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as made:
            for path, text in files.items():
                target = Path(made) / "draft" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, "utf-8")
            (Path(made) / "draft").mkdir(exist_ok=True)
            shutil.rmtree(drafts / name, ignore_errors=True)
            (Path(made) / "draft").rename(drafts / name)

    @contextmanager
    def candidate(self, name: str) -> Iterator[Path]:
        """A folder with the current packs as the draft would have them, while the context lasts."""
        draft = self._folder / "drafts" / name
        if not draft.is_dir():
            raise ShelfError("no_draft", f"there is no draft {name}")
        with tempfile.TemporaryDirectory(dir=self._folder) as made:
            folder = Path(made) / "packs"
            folder.mkdir()
            for path, file in self.files(self.current).items():
                _copy(file, folder / path)
            for file in sorted(path for path in draft.rglob("*") if path.is_file()):
                target = folder / file.relative_to(draft)
                if file.stat().st_size:
                    _copy(file, target)
                else:
                    target.unlink(missing_ok=True)
            yield folder

    def keep(self, candidate: Path) -> int:
        """Make a candidate the next version; gives its number."""
        versions = self._folder / "versions"
        versions.mkdir(exist_ok=True)
        number = 1 + max((int(p.name) for p in versions.iterdir() if p.name.isdigit()), default=0)
        shutil.copytree(candidate, versions / str(number))
        return number


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)
