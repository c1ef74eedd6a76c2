"""What Prometheus sees of this server: counters where things happen, gauges read when it asks.

Labels are names of ours (codes, types, stages, nodes), never what a client sent: neither words
nor numbers of people can get in here, and nobody can make series without end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from server.events import CallEvent, Status
from server.wire import NAMES

COUNTED = CollectorRegistry()
"""What is counted as it happens; one for the process, as Prometheus scrapes processes."""
ProcessCollector(registry=COUNTED)
PlatformCollector(registry=COUNTED)
GCCollector(registry=COUNTED)

BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.35),
    *(0.6, 0.9, 1.2, 2.0, 5.0, 10.0, 30.0),
)
STAGES = (
    ("recognised", "arrived", "recognised"),
    ("ruled", "recognised", "fired"),
    ("sent", "fired", "sent"),
    ("served", "arrived", "sent"),
)
"""Stage, and the stamps at which it begins and ends; ``served`` is all of the server's part."""
PAINT_LIMIT_S = 600.0
"""A page's clock is its own; what it says beyond this is no delay."""
LAG_EVERY_S = 0.25

stage_seconds = Histogram(
    "tingban_stage_seconds",
    "Seconds of each stage from the arrival of sound to its painting: recognised, ruled, sent; "
    "served is these together, painted is from sent to the page's acknowledgement, seen is all",
    ["stage"],
    buckets=BUCKETS,
    registry=COUNTED,
)
events_total = Counter(
    "tingban_events_total", "Call events that were published", ["type"], registry=COUNTED
)
gaps_total = Counter(
    "tingban_audio_gaps_total", "Stretches of audio that never came", registry=COUNTED
)
failures_total = Counter(
    "tingban_party_failures_total", "Parties of calls that ceased to be heard", registry=COUNTED
)
ended_total = Counter("tingban_calls_ended_total", "Calls that ended", ["why"], registry=COUNTED)
refusals_total = Counter(
    "tingban_refusals_total", "Sockets and requests refused", ["code"], registry=COUNTED
)
dropped_total = Counter(
    "tingban_dropped_total",
    "Messages given up because a bounded queue was full",
    ["queue"],
    registry=COUNTED,
)
loop_lag = Histogram(
    "tingban_loop_lag_seconds", "How late the event loop wakes up", buckets=BUCKETS,
    registry=COUNTED,
)  # fmt: skip
bus_lag = Histogram(
    "tingban_bus_lag_seconds",
    "Seconds from sending to receipt between nodes, by their clocks",
    buckets=BUCKETS,
    registry=COUNTED,
)

_stages = {stage: stage_seconds.labels(stage) for stage, _, _ in STAGES}
_painted = stage_seconds.labels("painted")
_seen = stage_seconds.labels("seen")
_events = {kind: events_total.labels(name) for kind, name in NAMES.items()}
for _queue in ("nodes_out", "nodes_in"):
    # A series that is there from the start shows zero drops rather than nothing.
    dropped_total.labels(_queue)


def published(event: CallEvent) -> None:
    """An event leaves its call."""
    body, stamps = event.body, event.stamps
    _events[type(body)].inc()
    for stage, begin, end in STAGES:
        if begin in stamps and end in stamps:
            _stages[stage].observe(max(0.0, stamps[end] - stamps[begin]))
    if isinstance(body, Status):
        if body.name == "audio_gap":
            gaps_total.inc()
        elif body.name == "party_failed":
            failures_total.inc()
        elif body.name == "call_ended":
            ended_total.labels(str(body.detail["why"])).inc()


def painted(event: CallEvent, at: float) -> None:
    """A page has drawn an event at epoch second ``at`` of its own clock."""
    for histogram, stamp in ((_painted, "sent"), (_seen, "arrived")):
        begun = event.stamps.get(stamp)
        if begun is not None and 0 <= at - begun <= PAINT_LIMIT_S:
            histogram.observe(at - begun)


def refused(code: str) -> None:
    """A socket or request was turned away with a code of ours."""
    refusals_total.labels(code).inc()


async def watch_loop() -> None:
    """Measure without end how late the loop wakes up."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        loop_lag.observe(max(0.0, loop.time() - due))


class Gauged(Protocol):
    """A part of the server that can say how it is doing."""

    def gauges(self) -> Iterable[Metric]:
        """Its gauges now; quick, and without waiting."""


class Gauges(Collector):
    """The gauges of one application, from its parts."""

    def __init__(self, parts: Iterable[Gauged]) -> None:
        self._parts = tuple(parts)

    def collect(self) -> Iterator[Metric]:
        """Ask every part."""
        for part in self._parts:
            yield from part.gauges()


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """One value that goes up and down."""
    return GaugeMetricFamily(name, text, value=value)


def counter(name: str, text: str, value: float) -> CounterMetricFamily:
    """One value that a part has counted by itself."""
    return CounterMetricFamily(name, text, value=value)


class Exposition:
    """The text that ``/metrics`` answers."""

    def __init__(self, parts: Iterable[Gauged]) -> None:
        self._gauges = CollectorRegistry()
        self._gauges.register(Gauges(parts))

    def text(self, accept: str) -> tuple[bytes, str]:
        """The metrics and their content type, in the form that the scraper likes best."""
        encode, content_type = choose_encoder(accept)
        both = [encode(registry) for registry in (COUNTED, self._gauges)]
        end = b"# EOF\n"
        return both[0].removesuffix(end) + both[1], content_type
