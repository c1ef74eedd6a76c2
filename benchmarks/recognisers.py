"""The model and the recordings that a benchmark is asked for, or an end with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchmarks.keeping import err

if TYPE_CHECKING:
    import torch

    from asr.paraformer.load import Model
    from asr.paraformer.network import Precision


def directory(asr: str) -> Path:
    """Of a model by its name or path."""
    from models.store import StoreError, locate

    try:
        return locate(asr)
    except StoreError as error:
        err.print(str(error), style="red")
        raise typer.Exit(1) from error


def native(asr: str, device: str = "cpu") -> Model:
    """Loaded as the service loads it."""
    from asr.paraformer.load import load_model
    from asr.paraformer.network import native_precision

    place = on_device(device)
    return load_model(directory(asr), native_precision(place), str(place))


def on_device(device: str, precisions: Sequence[Precision] = ()) -> torch.device:
    """Where to run models in these precisions, or an end with what is missing."""
    from asr.paraformer.load import DeviceMissing, device_named

    try:
        for precision in precisions:
            device_named(device, precision)
        return device_named(device)
    except DeviceMissing as error:
        err.print(str(error), style="red")
        raise typer.Exit(1) from error


def own_recordings(command: str, folder: Path | None) -> list[Path]:
    """Every WAV of a folder of one's own; without a folder none."""
    from asr.audio.wavfile import AudioFileError, open_audio

    files = [] if folder is None else sorted(folder.glob("*.wav"))
    if folder is not None and not files:
        err.print(f"tingban bench {command}: {folder} holds no NAME.wav", style="red")
        raise typer.Exit(2)
    try:
        for file in files:
            open_audio(file)
    except AudioFileError as error:
        err.print(f"tingban bench {command}: {error}", style="red")
        raise typer.Exit(2) from error
    return files
