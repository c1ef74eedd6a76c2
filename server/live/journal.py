"""Where a call's events are written down, as the call sees it: a port that never waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from asr.events import AudioFrame, Metric, Party, Transcript
from server.events import CallEvent


def worth_keeping(event: CallEvent) -> bool:
    """False for partial transcripts and metrics: a later one stands for them."""
    body = event.body
    return not isinstance(body, Metric) and (not isinstance(body, Transcript) or body.final)


class Journal(Protocol):
    """One call's way to the store."""

    again: Callable[[], None] | None
    """Set by the call: gives :meth:`keep` everything that is known of it once more."""

    def hear(self, frame: AudioFrame) -> None:
        """Sound as it comes in, to be heard again as evidence."""

    def keep(self, events: Sequence[tuple[CallEvent, str]]) -> None:
        """Write events with their JSON text, all or none. One kept before is not doubled."""

    def reached(self, settled_ms: Mapping[Party, int], seq: int, then: Callable[[], None]) -> None:
        """Every final before ``settled_ms`` has been given to :meth:`keep`.

        ``then`` is called once all of it is durable; never, when some of it was lost.
        """
