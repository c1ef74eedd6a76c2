"""Where a recogniser's files are, and whether they are what they should be.

Errors: :class:`StoreError` is :class:`ModelMissing` or :class:`ModelDamaged`; the message names
the command to run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.manifest import ModelCard, cards

BUNDLED = "bundled"
CHECKSUMS = "SHA256SUMS"
FILES = ("config.yaml", "model.pt", "tokens.json", "am.mvn")
"""What a directory needs to be loaded as a streaming Paraformer."""

Progress = Callable[[int], None]
"""Told of bytes read or written, now and then."""


class StoreError(Exception):
    """Root of what is raised here."""


class ModelMissing(StoreError):
    """There is no such model on this machine."""


class ModelDamaged(StoreError):
    """Files are missing, cut short, or not what their checksums say."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What :func:`verify` found. It raises if anything is wrong."""

    directory: Path
    checked: int
    """Files whose checksum was right."""
    unchecked: tuple[str, ...]
    """Files that have no checksum to compare with."""


def home() -> Path:
    """Folder of the fetched models: ``$TINGBAN_MODELS``, else in the user's data folder."""
    if chosen := os.environ.get("TINGBAN_MODELS"):
        return Path(chosen)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "tingban" / "models"


def directory_of(card: ModelCard) -> Path:
    """Where a known model is, or would be."""
    if card.name == BUNDLED:
        return Path(__file__).with_name("bundled")
    return home() / card.name


def locate(name: str | Path = BUNDLED) -> Path:
    """Directory of a model: a name from the manifest, or a directory that someone carried in.

    Raises :class:`ModelMissing` or :class:`ModelDamaged`. Looks at names and sizes only, which is
    quick; :func:`verify` reads the files.
    """
    card = cards().get(str(name))
    if card is None:
        directory = Path(name)
        if not directory.is_dir():
            known = ", ".join(cards())
            raise ModelMissing(
                f"{name} is neither a folder nor a known model ({known}); "
                "`tingban models list` shows what is here"
            )
        _check_presence(directory, FILES, {}, f"copy the whole folder {directory} again")
        return directory
    directory = directory_of(card)
    if not any((directory / file).exists() for file in card.files):
        raise ModelMissing(f"the model {card.name} is not on this machine; {remedy(card)}")
    _check_presence(directory, card.files, card.least_bytes, remedy(card))
    return directory


def verify(name: str | Path = BUNDLED, progress: Progress | None = None) -> Verdict:
    """Read a model's files and compare them with ``SHA256SUMS`` beside them.

    Raises :class:`ModelMissing` or :class:`ModelDamaged`.
    """
    directory = locate(name)
    card = cards().get(str(name))
    todo = remedy(card) if card else f"copy the whole folder {directory} again"
    sums = read_checksums(directory)
    wrong = [
        file
        for file, checksum in sums.items()
        if not (directory / file).is_file()
        or sha256(directory / file, progress) != checksum.lower()
    ]
    if wrong:
        raise ModelDamaged(
            f"{', '.join(wrong)} in {directory} is not what {CHECKSUMS} says; {todo}"
        )
    needed = card.files if card else FILES
    return Verdict(directory, len(sums), tuple(file for file in needed if file not in sums))


def remedy(card: ModelCard) -> str:
    """What to do if this model is missing or damaged."""
    if card.hub:
        return (
            f"run: tingban models fetch {card.name}; without internet, fetch it elsewhere, carry "
            "the folder here and name it with --asr DIR"
        )
    return f"take models/{card.name} from the repository (git checkout), or run: {card.remake}"


def read_checksums(directory: Path) -> Mapping[str, str]:
    """File name to SHA-256 in hex; empty if there is no list. Raises :class:`ModelDamaged`."""
    try:
        lines = (directory / CHECKSUMS).read_text("utf8").splitlines()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise ModelDamaged(f"{directory / CHECKSUMS} is not text; {error}") from error
    sums = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        checksum, _, file = line.partition(" ")
        file = file.lstrip(" *")
        # A list that someone carried in must not make us read outside of its folder.
        if len(checksum) != 64 or not file or Path(file).name != file:
            raise ModelDamaged(
                f"{directory / CHECKSUMS}:{number}: expected a checksum, two blanks, a file name"
            )
        sums[file] = checksum
    return sums


def write_checksums(directory: Path, sums: Mapping[str, str]) -> None:
    """Write what :func:`read_checksums` reads; ``sha256sum -c`` reads it as well."""
    lines = [f"{checksum}  {file}\n" for file, checksum in sorted(sums.items())]
    (directory / CHECKSUMS).write_text("".join(lines), "utf8")


def sha256(file: Path, progress: Progress | None = None) -> str:
    """Checksum of a file in hex."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            if progress:
                progress(len(block))
    return digest.hexdigest()


def _check_presence(
    directory: Path, files: tuple[str, ...], least_bytes: Mapping[str, int], todo: str
) -> None:
    missing = [file for file in files if not (directory / file).is_file()]
    if missing:
        raise ModelDamaged(f"{directory} lacks {', '.join(missing)}; {todo}")
    for file in files:
        size = (directory / file).stat().st_size
        if size < max(least_bytes.get(file, 1), 1):
            raise ModelDamaged(
                f"{file} in {directory} has {size} bytes, too few to be whole; {todo}"
            )
