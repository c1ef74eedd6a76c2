"""Copies of a data folder: taken while the server runs, put back while it does not."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from server.store.customer import FILE as CUSTOMER_KEY
from server.store.store import lock

DATABASES = ("archive.sqlite3", "outbox.sqlite3")
SOUND = "sound"


class BackupError(Exception):
    """It cannot be copied; the message says why."""


def back_up(folder: Path, to: Path) -> list[str]:
    """Copy what is kept; gives the names of what was copied. Raises :class:`BackupError`."""
    if to.exists() and any(to.iterdir()):
        raise BackupError(f"{to} is not empty")
    if not folder.is_dir():
        raise BackupError(f"{folder}: nothing is kept there")
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    copied = []
    # The outbox first: an event on its way is then in one copy at least, and counts once.
    for name in reversed(DATABASES):
        if (folder / name).exists():
            with (
                closing(sqlite3.connect(folder / name)) as source,
                closing(sqlite3.connect(to / name)) as target,
            ):
                source.backup(target)
            copied.append(name)
    if (folder / CUSTOMER_KEY).exists():
        shutil.copy2(folder / CUSTOMER_KEY, to / CUSTOMER_KEY)
        copied.append(CUSTOMER_KEY)
    if (folder / SOUND).is_dir():
        shutil.copytree(folder / SOUND, to / SOUND)
        copied.append(SOUND)
    return copied


def restore(backup: Path, folder: Path) -> list[str]:
    """Put a copy into an empty data folder. Raises :class:`BackupError`."""
    names = [name for name in (*DATABASES, CUSTOMER_KEY, SOUND) if (backup / name).exists()]
    if CUSTOMER_KEY not in names:
        raise BackupError(f"{backup} is no copy of a data folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        held = lock(folder)
    except OSError as error:
        raise BackupError(f"{folder}: {error.strerror}; stop it first") from error
    with held:
        if any(file.name != "lock" for file in folder.iterdir()):
            raise BackupError(f"{folder} is not empty; move away what is there first")
        for name in names:
            source = backup / name
            if source.is_dir():
                shutil.copytree(source, folder / name)
            else:
                shutil.copy2(source, folder / name)
    return names
