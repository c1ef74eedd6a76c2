"""Which recognisers exist: what ``manifest.toml`` says, as frozen facts."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = Path(__file__).with_name("manifest.toml")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a recogniser without having it."""

    name: str
    title: str
    demonstration: bool
    """True: it understands synthesised speech only, and whatever uses it has to say so."""
    sample_rate_hz: int
    licence: str
    source: str
    files: tuple[str, ...]
    """Without these it cannot be loaded."""
    also: tuple[str, ...] = ()
    """Used, and fetched, where they exist."""
    remake: str = ""
    """Command that makes it, for what is made here."""
    least_bytes: Mapping[str, int] = field(default_factory=dict)
    hub: Mapping[str, str] = field(default_factory=dict)
    """Hub to the model's name there; empty for what cannot be fetched."""


@functools.cache
def cards() -> Mapping[str, ModelCard]:
    """Every known model by name, the bundled one first."""
    found = {}
    for entry in tomllib.loads(MANIFEST.read_text("utf8"))["model"]:
        entry["files"] = tuple(entry["files"])
        entry["also"] = tuple(entry.get("also", ()))
        found[entry["name"]] = ModelCard(**entry)
    return found
