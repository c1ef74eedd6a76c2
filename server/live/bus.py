"""The way from call sessions to viewers: topics and who listens to them.

In process today. The port is what a bus between machines has to offer: publish without waiting,
subscribe to topics; nothing about calls or sockets is known here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from asr.events import CallId
from server.live.notice import Notice
from server.live.queue import ViewerQueue

BOARD = "board"
"""The topic of everything that lead boards show."""


def of_call(call: CallId) -> str:
    """The topic of one call."""
    return f"call:{call}"


def of_masked(call: CallId) -> str:
    """The topic of one call for those who are not shown personal data."""
    return f"masked:{call}"


def of_agent(agent: str) -> str:
    """The topic of all calls of one agent."""
    return f"agent:{agent}"


def of_queue(queue: str) -> str:
    """The topic of what boards show of one queue's calls."""
    return f"board:{queue}"


class Bus(Protocol):
    """Carries notices to the queues that listen."""

    def publish(self, topics: Iterable[str], notice: Notice) -> None:
        """Give a notice to everybody who listens to one of the topics; never waits."""

    def listen(self, topics: Iterable[str], queue: ViewerQueue) -> AbstractContextManager[None]:
        """While the context lasts, ``queue`` gets what is published under the topics."""

    def depths(self) -> list[int]:
        """How many notices wait in each queue that listens."""


class InProcessBus:
    """One process: a dictionary of topics."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[ViewerQueue]] = defaultdict(set)

    def publish(self, topics: Iterable[str], notice: Notice) -> None:
        """Put the notice into every listening queue."""
        for topic in topics:
            for queue in self._listeners.get(topic, ()):
                queue.put(notice)

    def depths(self) -> list[int]:
        """How many notices wait in each queue whose reader is outside the server."""
        queues: set[ViewerQueue] = set().union(*self._listeners.values())
        return [depth for queue in queues for depth in queue.depths()]

    @contextmanager
    def listen(self, topics: Iterable[str], queue: ViewerQueue) -> Iterator[None]:
        """Listen until the context ends."""
        topics = tuple(topics)
        for topic in topics:
            self._listeners[topic].add(queue)
        try:
            yield
        finally:
            for topic in topics:
                self._listeners[topic].discard(queue)
                if not self._listeners[topic]:
                    del self._listeners[topic]
