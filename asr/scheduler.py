"""Decides what the model hears next. Pure: time and what waits are arguments.

Ends and chunks come first, oldest first. Early partials live on what is left: a bucket fills
with the time that the worker is not busy with the rest, up to a share, and each early partial is
paid from it. So they thin out as load grows, and stop before anything else gets later. What the
bucket still holds pays for second passes, one short step at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from asr.paraformer.decoder import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """How the model's time is shared out."""

    most_rows: int = 16
    """Rows in a step."""
    busy_share: float = 0.7
    """Early partials may bring the worker's busy time up to this share, not beyond."""
    saved_ms: float = 200.0
    """The most unused time that early partials can save up."""
    memory_s: float = 2.0
    """How fast measured load is forgotten."""
    again_ms: float = 150.0
    """A step of second passes may take so long, as far as one can tell: chunks wait behind it."""
    again_within_s: float = 2.0
    """A call that has ended waits so long for its last second passes."""


@dataclass(frozen=True, slots=True)
class Waiting(Generic[T]):
    """Something that could be heard now."""

    item: T
    kind: Kind
    since_s: float


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """What to hear in this step, and which early partials to do without."""

    hear: list[T]
    skip: list[T]


class Scheduler:
    """Remembers how busy the model has been."""

    def __init__(self, config: SchedulerConfig | None = None) -> None:
        self._config = config or SchedulerConfig()
        self._last_s: float | None = None
        self._urgent_share = 0.0
        self._row_ms = 5.0
        self._saved_ms = self._config.saved_ms
        self._again_ms_per_s = 0.0

    @property
    def load(self) -> float:
        """Share of time that has lately gone into what cannot wait, 0 to 1."""
        return self._urgent_share

    @property
    def row_ms(self) -> float:
        """What a row has lately cost."""
        return self._row_ms

    def choose(self, waiting: Sequence[Waiting[T]]) -> Choice[T]:
        """The next step's rows, at most one per waiting item."""
        urgent = sorted((w for w in waiting if w.kind is not Kind.EARLY), key=_urgency)
        early = sorted((w for w in waiting if w.kind is Kind.EARLY), key=_urgency)
        most = self._config.most_rows
        hear = [w.item for w in urgent[:most]]
        if len(urgent) > most:
            return Choice(hear, [w.item for w in early])
        affordable = max(int(self._saved_ms / self._row_ms), 0)
        room = min(most - len(hear), affordable)
        # When there is not time for all, the newest are worth most: the oldest are soon overtaken.
        chosen = early[len(early) - room :] if room else []
        skipped = early[: len(early) - room] if room else early
        hear.extend(w.item for w in chosen)
        return Choice(hear, [w.item for w in skipped])

    def ran(
        self, now_s: float, took_s: float, urgent: int, early: int, beside_s: float = 0.0
    ) -> None:
        """A step of so many rows took ``took_s``, and ``beside_s`` went into everything else that
        cannot wait (packets, events); it is ``now_s``."""
        rows = urgent + early
        took_ms = took_s * 1000
        self._row_ms += 0.2 * (took_ms / rows - self._row_ms)
        self._saved_ms -= took_ms * early / rows
        self.idle(now_s, beside_s + took_s * urgent / rows)

    def expect_again(self, ms_per_s: float) -> None:
        """A second pass costs so much for a second of speech."""
        self._again_ms_per_s = ms_per_s

    def choose_again(self, seconds: Sequence[float]) -> int:
        """How many of these utterances, from the first on, there is time to hear once more."""
        most_ms = min(self._saved_ms, self._config.again_ms)
        count, longest = 0, 0.0
        for length in seconds[: self._config.most_rows]:
            longest = max(longest, length)
            # Rows are padded to the longest.
            if longest * (count + 1) * self._again_ms_per_s > most_ms:
                break
            count += 1
        return count

    def ran_again(self, took_s: float, seconds: Sequence[float]) -> None:
        """A step of second passes took ``took_s``."""
        cost = took_s * 1000 / (max(seconds) * len(seconds))
        self._again_ms_per_s += 0.2 * (cost - self._again_ms_per_s)
        self._saved_ms -= took_s * 1000

    def idle(self, now_s: float, busy_s: float = 0.0) -> None:
        """It is ``now_s``; since last told, ``busy_s`` went into what cannot wait."""
        config = self._config
        past_s = 0.0 if self._last_s is None else max(now_s - self._last_s, 0.0)
        self._last_s = now_s
        if not past_s:
            return
        part = min(past_s / config.memory_s, 1.0)
        self._urgent_share += part * (min(busy_s / past_s, 1.0) - self._urgent_share)
        spare = max(config.busy_share - self._urgent_share, 0.0)
        self._saved_ms = min(self._saved_ms + spare * past_s * 1000, config.saved_ms)


def _urgency(waiting: Waiting[T]) -> tuple[int, float]:
    # An end is a person who has stopped and waits for the reaction; but nobody may starve, so
    # an end is only so much more urgent than a chunk that has been waiting.
    bonus_s = 0.15 if waiting.kind is Kind.END else 0.0
    return (0, waiting.since_s - bonus_s)
