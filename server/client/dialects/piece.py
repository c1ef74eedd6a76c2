"""What a dialect's client sends, and when each part of it may leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from server.client.clip import Clip

Data = TypeVar("Data", str, bytes, str | bytes)


class Piece(NamedTuple, Generic[Data]):
    """One message."""

    stop: int
    """The recording up to this sample has to be spoken before it may leave."""
    data: Data


def cuts(clip: Clip, ms: int) -> Iterator[tuple[int, int]]:
    """The recording in parts of that length: first sample, and the one after the last."""
    step = clip.rate * ms // 1000
    for start in range(0, clip.samples, step):
        yield start, min(start + step, clip.samples)
