"""Where the accounts are kept: the file that settings name, or the one in the data folder."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from server.access.access import Access
from server.access.people import People, PeopleError
from server.settings import Settings, data_folder

log = logging.getLogger(__name__)


class AccessFileError(Exception):
    """The file of users cannot be used; the message says why."""


def path_of(settings: Settings) -> Path:
    """The file of users."""
    return settings.access.file or data_folder() / "people.sqlite3"


def open_people(settings: Settings) -> People:
    """The users. Raises :class:`AccessFileError`."""
    path = path_of(settings)
    try:
        return People(path)
    except (OSError, sqlite3.Error, PeopleError) as error:
        raise AccessFileError(f"{path}: {error}; access.file names another place") from error


def open_access(settings: Settings) -> Access:
    """Access as the settings want it. Raises :class:`AccessFileError`."""
    if settings.access.mode == "oidc" and settings.access.oidc is None:
        raise AccessFileError("access.mode is oidc: access.oidc has to name the provider")
    if settings.access.mode == "open":
        return Access(settings.access)
    try:
        return Access(settings.access, open_people(settings))
    except AccessFileError:
        if settings.access.file is not None or settings.access.mode is not None:
            raise
        # A machine where nothing may be written still shows what it can.
        log.warning("%s cannot be written: users are forgotten at the end", path_of(settings))
        return Access(settings.access)
