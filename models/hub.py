"""Fetches published models with the hub clients that FunASR itself uses; the only file that does.

A fetch goes into a folder beside the final one and takes its place when everything has been
checked, so that a broken connection never leaves half a model behind. What has come stays there
and is not fetched again.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from models.manifest import ModelCard
from models.store import ModelDamaged, Progress, StoreError, sha256, write_checksums

Hub = Literal["modelscope", "huggingface"]


class FetchFailed(StoreError):
    """The hub could not be reached, or does not have the model."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a hub says of a file before it is fetched."""

    size: int | None
    sha256: str | None


class HubClient(Protocol):
    """A hub, as far as we use it."""

    def announced(self, model: str) -> Mapping[str, Announced]:
        """Files of a model by name."""

    def fetch(self, model: str, files: list[str], folder: Path) -> None:
        """Bring files into a folder, going on where an earlier try ended."""


class ModelScope:
    """modelscope.cn, FunASR's usual hub."""

    def announced(self, model: str) -> Mapping[str, Announced]:
        api: Any = importlib.import_module("modelscope.hub.api").HubApi()
        return {
            entry["Path"]: Announced(entry.get("Size"), entry.get("Sha256") or None)
            for entry in api.get_model_files(model, recursive=True)
        }

    def fetch(self, model: str, files: list[str], folder: Path) -> None:
        client: Any = importlib.import_module("modelscope")
        client.snapshot_download(model, local_dir=str(folder), allow_patterns=files)


class HuggingFace:
    """huggingface.co, the other hub that FunASR knows."""

    def announced(self, model: str) -> Mapping[str, Announced]:
        client: Any = importlib.import_module("huggingface_hub")
        info = client.HfApi().model_info(model, files_metadata=True)
        return {
            entry.rfilename: Announced(entry.size, entry.lfs.sha256 if entry.lfs else None)
            for entry in info.siblings
        }

    def fetch(self, model: str, files: list[str], folder: Path) -> None:
        client: Any = importlib.import_module("huggingface_hub")
        client.snapshot_download(model, local_dir=str(folder), allow_patterns=files)


CLIENTS: Mapping[Hub, type[HubClient]] = {"modelscope": ModelScope, "huggingface": HuggingFace}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came."""

    directory: Path
    confirmed: tuple[str, ...]
    """Files that are what the hub's checksum says."""
    trusted: tuple[str, ...]
    """Files for which the hub announces no checksum: taken as they came, and recorded."""


def fetch(
    card: ModelCard,
    hub: Hub,
    client: HubClient,
    directory: Path,
    progress: Progress | None = None,
) -> Fetched:
    """Bring a model into ``directory``. Raises :class:`FetchFailed` or ``ModelDamaged``."""
    if hub not in card.hub:
        raise FetchFailed(f"{card.name} is not on {hub}; it is on: {', '.join(card.hub) or 'none'}")
    model = card.hub[hub]
    partial = directory.with_name(directory.name + ".partial")
    try:
        announced = client.announced(model)
        partial.mkdir(parents=True, exist_ok=True)
        client.fetch(model, [f for f in (*card.files, *card.also) if f in announced], partial)
    except Exception as error:  # the clients raise whatever their libraries do
        raise FetchFailed(
            f"{model} could not be fetched from {hub} ({type(error).__name__}: {error}). Try "
            "again, or another hub with --hub. Without internet: fetch it on another machine, "
            f"carry the folder {directory.name} here and name it with --asr DIR"
        ) from error
    fetched = _check(card, announced, partial, progress)
    if directory.exists():
        shutil.rmtree(directory)
    partial.rename(directory)
    return Fetched(directory, *fetched)


def _check(
    card: ModelCard,
    announced: Mapping[str, Announced],
    folder: Path,
    progress: Progress | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Compare what came with what was announced, and record the checksums."""
    absent = [file for file in card.files if not (folder / file).is_file()]
    if absent:
        raise FetchFailed(f"the hub's copy of {card.name} lacks {', '.join(absent)}")
    sums: dict[str, str] = {}
    confirmed: list[str] = []
    trusted: list[str] = []
    for file in (*card.files, *card.also):
        if not (path := folder / file).is_file():
            continue
        said = announced.get(file, Announced(None, None))
        size = path.stat().st_size
        sums[file] = sha256(path, progress)
        least = card.least_bytes.get(file, 0)
        wrong_sum = said.sha256 is not None and said.sha256.lower() != sums[file]
        if wrong_sum or size < least or (said.size is not None and size != said.size):
            path.unlink()  # so that the next try fetches it again
            raise ModelDamaged(
                f"{file} came damaged ({size} bytes, announced {said.size}); "
                f"run again: tingban models fetch {card.name}"
            )
        (confirmed if said.sha256 else trusted).append(file)
    write_checksums(folder, sums)
    return tuple(confirmed), tuple(trusted)
