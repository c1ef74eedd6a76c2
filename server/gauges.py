"""What each part of the server shows of itself in ``/metrics`` and ``/readyz``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily, Metric

from server.live.bus import Bus
from server.live.switchboard import Switchboard
from server.metrics import counter, gauge


class StoreFigures(Protocol):
    """What the store has counted."""

    shipped: int
    ship_failures: int


class OutboxFigures(Protocol):
    """What the outbox has counted."""

    written: int
    refused: int
    failures: int


class Outbox(Protocol):
    """The part of the outbox that is looked at."""

    @property
    def figures(self) -> OutboxFigures:
        """Since the start."""

    @property
    def queued(self) -> int:
        """Rows in memory."""

    def backlog(self) -> int:
        """Rows on disk that are not in the archive."""


class Store(Protocol):
    """The part of the store that is looked at."""

    @property
    def figures(self) -> StoreFigures:
        """Since the start."""

    @property
    def outbox(self) -> Outbox:
        """Its outbox."""

    @property
    def why_lost(self) -> str | None:
        """Why events are not durable; None when they are."""

    @property
    def away(self) -> str | None:
        """Why the archive cannot be written; None when it can."""


class Calls:
    """Live calls and capacity."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    def gauges(self) -> Iterator[Metric]:
        """Calls by state, room, what the recogniser says of itself."""
        switchboard = self._switchboard
        calls = GaugeMetricFamily("tingban_calls", "Calls by state", labels=["state"])
        known = list(switchboard.calls())
        live = sum(not call.done.is_set() for call in known)
        calls.add_metric(["live"], live)
        calls.add_metric(["ended"], len(known) - live)
        yield calls
        yield gauge(
            "tingban_calls_free", "Further calls that would be taken now", switchboard.room()
        )
        yield gauge("tingban_ready", "1 while new calls are taken", switchboard.ready)
        stats = getattr(switchboard.recogniser, "stats", None)
        if stats is not None:
            now = stats()
            yield gauge(
                "tingban_recogniser_load", "Share of time spent on what cannot wait", now.load
            )
            yield gauge(
                "tingban_recogniser_utterances", "Utterances under way", now.utterances_under_way
            )
            yield counter(
                "tingban_recogniser_restarts", "Times its worker was restarted", now.restarts
            )
            yield counter("tingban_recogniser_failures", "Steps that failed", now.failed)
            yield counter(
                "tingban_recogniser_early_skipped",
                "Early reads given up for want of time; words came later",
                now.early_skipped,
            )
            yield counter(
                "tingban_recogniser_second_passes",
                "Utterances heard once more as a whole",
                now.second_passes,
            )
            yield counter(
                "tingban_recogniser_second_skipped",
                "Utterances that there was no time to hear once more",
                now.second_skipped,
            )


class Viewers:
    """What waits for viewers."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def gauges(self) -> Iterator[Metric]:
        """How many there are and what waits for them."""
        depths = self._bus.depths()
        yield gauge("tingban_viewers", "Open pages", len(depths))
        yield gauge("tingban_viewer_queue_messages", "Messages that wait for pages", sum(depths))
        yield gauge(
            "tingban_viewer_queue_longest", "Messages that wait for the slowest page",
            max(depths, default=0),
        )  # fmt: skip


class Kept:
    """The way of events to the disk and the archive."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def gauges(self) -> Iterator[Metric]:
        """Durability, what waits, what was written."""
        store, outbox = self._store, self._store.outbox
        yield gauge("tingban_store_durable", "1 while events reach the disk", not store.why_lost)
        yield gauge("tingban_store_archive_up", "1 while the archive takes events", not store.away)
        yield gauge("tingban_store_outbox_queued", "Events that wait for the disk", outbox.queued)
        yield gauge(
            "tingban_store_outbox_backlog", "Events on disk, not in the archive", outbox.backlog()
        )
        yield counter("tingban_store_written", "Events written to disk", outbox.figures.written)
        yield counter("tingban_store_refused", "Events without room", outbox.figures.refused)
        yield counter(
            "tingban_store_commit_failures", "Commits that failed", outbox.figures.failures
        )
        yield counter("tingban_store_shipped", "Events in the archive", store.figures.shipped)
        yield counter(
            "tingban_store_ship_failures", "Writes to the archive that failed",
            store.figures.ship_failures,
        )  # fmt: skip
