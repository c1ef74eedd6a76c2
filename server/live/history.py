"""What of a call can still be told to somebody who joins or comes back.

A later revision stands for the ones before it, a later value of a metric likewise; everything
else is kept, up to a limit, so a call of many hours stays the same size.
"""

from __future__ import annotations

from collections.abc import Iterator

from asr.events import Metric, Transcript
from assist_rules.events import Alert, Commitment, Retraction, Step, Suggestion
from server.events import Action, CallEvent, Hand


class History:
    """The events of one call, oldest first, without those that a later one replaces."""

    def __init__(self, limit: int = 4_000) -> None:
        self._limit = limit
        self._events: dict[int, CallEvent] = {}
        self._latest: dict[tuple[str, ...], int] = {}
        self._live: dict[str, CallEvent] = {}
        self._metrics: dict[str, float] = {}
        self._actions: dict[tuple[str, str], CallEvent] = {}
        self._raised = False
        self._last = 0
        self._forgotten = 0

    def add(self, event: CallEvent) -> None:
        """Take the next event."""
        key = _stands_for(event)
        if key is not None:
            replaced = self._latest.pop(key, None)
            if replaced is not None:
                self._events.pop(replaced, None)
            self._latest[key] = event.seq
        self._events[event.seq] = event
        self._last = event.seq
        self._note(event)
        while len(self._events) > self._limit:
            oldest = next(iter(self._events))
            gone = _stands_for(self._events.pop(oldest))
            if gone is not None:
                self._latest.pop(gone, None)
            self._forgotten = oldest

    def _note(self, event: CallEvent) -> None:
        body = event.body
        if isinstance(body, Alert | Suggestion):
            self._live[body.id] = event
        elif isinstance(body, Retraction):
            self._live.pop(body.id, None)
        elif isinstance(body, Metric):
            self._metrics[f"{body.party}.{body.name}"] = body.value
        elif isinstance(body, Action):
            self._actions[body.alert, body.kind] = event
        elif isinstance(body, Hand):
            self._raised = body.raised

    def begin_at(self, seq: int) -> None:
        """Whoever saw less than ``seq`` saw it of another process, and needs everything anew."""
        self._forgotten = self._last = seq

    def since(self, seq: int) -> tuple[CallEvent, ...] | None:
        """The events after ``seq``, or ``None`` when some of them are no longer here."""
        if seq < self._forgotten or seq > self._last:
            return None
        return tuple(event for number, event in self._events.items() if number > seq)

    @property
    def last(self) -> int:
        """The number of the last event."""
        return self._last

    def get(self, seq: int) -> CallEvent | None:
        """The event of that number, if nothing has replaced it."""
        return self._events.get(seq)

    def __iter__(self) -> Iterator[CallEvent]:
        """The events that rebuild the state of the call."""
        return iter(self._events.values())

    @property
    def live_alerts(self) -> tuple[CallEvent, ...]:
        """The last state of every alert that was not taken back."""
        return tuple(e for e in self._live.values() if isinstance(e.body, Alert))

    @property
    def live_suggestions(self) -> tuple[CallEvent, ...]:
        """The last state of every suggestion that was not taken back."""
        return tuple(e for e in self._live.values() if isinstance(e.body, Suggestion))

    @property
    def actions(self) -> tuple[CallEvent, ...]:
        """The last of each kind of action on each alert."""
        return tuple(self._actions.values())

    @property
    def hand_raised(self) -> bool:
        """Whether the agent asks for help."""
        return self._raised

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric as ``party.name``."""
        return dict(self._metrics)


def _stands_for(event: CallEvent) -> tuple[str, ...] | None:
    """Events of equal key replace each other; ``None`` for what must be kept."""
    match event.body:
        case Transcript(utterance=utterance):
            return ("transcript", utterance)
        case Metric(party=party, name=name):
            return ("metric", party, name)
        case Step(list=checklist, step=step):
            return ("step", checklist, step)
        case Commitment(id=promise):
            return ("commitment", promise)
        case Hand():
            return ("hand",)
        case _:
            return None
