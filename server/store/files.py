"""Opens the store that the settings ask for."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from server.privacy.mask import Policy
from server.settings import Settings, data_folder
from server.store.store import Store

log = logging.getLogger(__name__)


class StoreError(Exception):
    """Calls cannot be kept where the settings say; the message says why."""


def folder_of(settings: Settings) -> Path:
    """Where calls are kept on this machine."""
    return settings.store.directory or data_folder() / "calls"


def open_store(settings: Settings) -> Store | None:
    """The store; None where nothing is to be kept. Raises :class:`StoreError`."""
    if not settings.store.enabled:
        return None
    folder = folder_of(settings)
    try:
        return Store(folder, settings.store, Policy(frozenset(settings.privacy.mask)))
    except (OSError, sqlite3.Error, ValueError) as error:
        if settings.store.directory is not None or settings.store.url is not None:
            raise StoreError(f"{folder}: {error}; store.directory names another place") from error
        # A machine where nothing may be written still shows what it can.
        log.warning("%s cannot be written: calls are forgotten at the end", folder)
        return None
