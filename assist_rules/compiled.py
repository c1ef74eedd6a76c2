"""Compiled rulebooks kept on disk, so that a service begins in a fraction of the time.

A file is found by everything that went into it: the packs and settings, this program's own source
and tables, the version of Python. What cannot be read or written is compiled again; nothing here
ever fails. Files are pickles: they are only read from a folder that nobody else may write.
"""

from __future__ import annotations

import gc
import hashlib
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import ahocorasick

from assist_rules.rulebook import PACKS, Rulebook, pack_files

HERE = Path(__file__).parent
SOURCES = ("*.py", "engine/*.py", "language/*.py", "data/*.txt", "data/weights/*")
BROKEN = (
    OSError, pickle.PickleError, EOFError, ImportError, AttributeError, LookupError, TypeError,
    ValueError, ArithmeticError, MemoryError, RecursionError,
)  # fmt: skip
"""All that reading a spoilt or outdated pickle raises."""
KEPT = 8
"""Files; the oldest go first."""


def cache_folder() -> Path:
    """Where this user's programs keep what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tingban" / "rules"


def name_of(paths: Sequence[Path] | None, settings: Mapping[str, str] | None) -> str:
    """What the compiled form of these packs is called."""
    digest = hashlib.sha256(_program())
    digest.update(repr(sorted((k, str(v)) for k, v in (settings or {}).items())).encode())
    for path in pack_files([PACKS] if paths is None else list(paths), []):
        with suppress(OSError):
            digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32] + ".rulebook"


@cache
def _program() -> bytes:
    digest = hashlib.sha256(f"{sys.version} {ahocorasick.__file__}".encode())
    for pattern in SOURCES:
        for path in sorted(HERE.glob(pattern)):
            if path.is_file():
                digest.update(path.name.encode() + path.read_bytes())
    return digest.digest()


def take(folder: Path, name: str) -> Rulebook | None:
    """The rulebook kept under that name; None when there is none to trust."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        if not _ours(folder) or not _ours(folder / name):
            return None
        kept = pickle.loads((folder / name).read_bytes())
    except BROKEN:
        return None
    finally:
        if collecting:
            gc.enable()
    return kept if isinstance(kept, Rulebook) else None


def keep(folder: Path, name: str, rulebook: Rulebook) -> None:
    """Keep it for the next start, if that can be done."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _ours(folder):
            return
        handle, made = tempfile.mkstemp(dir=folder, suffix=".new")
        try:
            with os.fdopen(handle, "wb") as file:
                pickle.dump(rulebook, file, protocol=5)
            Path(made).replace(folder / name)
        finally:
            Path(made).unlink(missing_ok=True)
        files = sorted(folder.glob("*.rulebook"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in files[KEPT:]:
            old.unlink(missing_ok=True)


def _ours(path: Path) -> bool:
    """Does it belong to this user, and may nobody else write it?"""
    about = path.stat()
    return about.st_uid == os.getuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
