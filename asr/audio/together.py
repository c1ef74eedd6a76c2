"""Work of many parties that stops wherever the voice network is needed, so that it hears all at once.

What listens to a party is written as a generator: it yields the voice activity and the piece of
sound that it wants judged, and is sent the verdict. :func:`alone` runs one such work by itself,
:func:`side_by_side` runs many side by side; what each does is the same.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TypeVar

from asr.audio.codec import Samples
from asr.audio.vad import VoiceActivity, hear_together

T = TypeVar("T")
Asking = Generator[tuple[VoiceActivity, Samples], float, T]
"""Work that asks for verdicts and gives a ``T`` at its end."""


def alone(work: Asking[T]) -> T:
    """Run one work to its end."""
    try:
        voice, hop = next(work)
        while True:
            voice, hop = work.send(voice.hear(hop))
    except StopIteration as end:
        result: T = end.value
        return result


def side_by_side(works: Iterable[Asking[None]]) -> None:
    """Run works that have nothing to do with each other to their ends."""
    going = [(work, asked) for work in works if (asked := next(work, None)) is not None]
    while going:
        verdicts = hear_together([asked for _, asked in going])
        still = []
        for (work, _), verdict in zip(going, verdicts, strict=True):
            try:
                still.append((work, work.send(verdict)))
            except StopIteration:
                continue
        going = still
