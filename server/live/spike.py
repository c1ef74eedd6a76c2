"""Many calls about the same thing in a short time: the complaint spike. Pure; the time comes in.

A topic is measured against itself: what is usual for it (how many calls in a window, over the
windows before this one) is its baseline, so that a topic that is always busy does not shout.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

MEMORY = 24
"""Windows before the present one that make up the baseline."""


@dataclass(frozen=True, slots=True)
class Spike:
    """What a board shows while a topic is far above its baseline."""

    topic: str
    category: str
    calls: tuple[str, ...]
    """Oldest first."""
    count: int
    baseline: float
    """Calls in an ordinary window."""
    window_ms: int
    state: Literal["on", "off"]


class Spikes:
    """Topics, their calls, and which of them spike now. Times must not go back."""

    def __init__(self, calls: int, window_ms: int, factor: float) -> None:
        """A spike has ``calls`` within the window and ``factor`` times the baseline."""
        self._least = calls
        self._window_ms = window_ms
        self._factor = factor
        self._began: int | None = None
        self._seen: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        """When each call was first about a topic."""
        self._causes: dict[tuple[str, str], tuple[str, str]] = {}
        """The topic of each alert that stands, by call and alert."""
        self._standing: dict[tuple[str, str], Spike] = {}

    @property
    def standing(self) -> tuple[Spike, ...]:
        """Those that are on."""
        return tuple(self._standing.values())

    def known(self, at_ms: int) -> Iterator[tuple[str, str, str, str, int]]:
        """What :meth:`note` was told and still counts: topic, category, call, alert, age in ms."""
        for (call, alert), (category, topic) in self._causes.items():
            yield topic, category, call, alert, at_ms - self._seen[category, topic][call]

    def note(
        self, topic: str, category: str, call: str, alert: str, at_ms: int, age_ms: int = 0
    ) -> tuple[Spike, ...]:
        """A call is about a topic, since ``age_ms``; the same call counts once.

        Gives the spikes that changed.
        """
        since_ms = at_ms - age_ms
        self._began = since_ms if self._began is None else min(self._began, since_ms)
        key = (category, topic)
        self._causes[call, alert] = key
        self._seen[key].setdefault(call, since_ms)
        return self.advance(at_ms)

    def withdraw(self, call: str, alert: str, at_ms: int) -> tuple[Spike, ...]:
        """The alert was a mistake: unless another one says the same, the call does not count."""
        key = self._causes.pop((call, alert), None)
        same = any(of == call and k == key for (of, _), k in self._causes.items())
        if key is not None and not same:
            self._seen[key].pop(call, None)
        return self.advance(at_ms)

    def advance(self, at_ms: int) -> tuple[Spike, ...]:
        """Time has passed: spikes may be over."""
        self._forget(at_ms - (MEMORY + 1) * self._window_ms)
        changed = []
        for key in {**self._seen, **self._standing}:
            told = self._judge(key, at_ms)
            if told is not None:
                changed.append(told)
        return tuple(changed)

    def _judge(self, key: tuple[str, str], at_ms: int) -> Spike | None:
        """The spike that has begun, grown or ended by now."""
        seen = self._seen.get(key, {})
        since_ms = at_ms - self._window_ms
        lately = sorted((at, call) for call, at in seen.items() if at > since_ms)
        now = tuple(call for _, call in lately)
        baseline = self._baseline(len(seen) - len(now), at_ms)
        standing = self._standing.get(key)
        least = max(self._least, self._factor * baseline)
        # It ends lower than it began, so that it does not flicker.
        on = len(now) >= (least if standing is None else least / 2)
        category, topic = key
        if on:
            spike = Spike(topic, category, now, len(now), round(baseline, 2), self._window_ms, "on")
            self._standing[key] = spike
            return spike if standing is None or spike.count > standing.count else None
        if standing is None:
            return None
        del self._standing[key]
        return replace(standing, calls=now, count=len(now), state="off")

    def _baseline(self, before: int, at_ms: int) -> float:
        """Calls in an ordinary window: what was before this one, over the windows known."""
        known_ms = at_ms - self._window_ms - (self._began if self._began is not None else at_ms)
        windows = min(MEMORY, max(1.0, known_ms / self._window_ms))
        return before / windows

    def _forget(self, before_ms: int) -> None:
        for key in list(self._seen):
            seen = self._seen[key]
            for call in [call for call, at in seen.items() if at <= before_ms]:
                del seen[call]
                for cause in [c for c, k in self._causes.items() if c[0] == call and k == key]:
                    del self._causes[cause]
            if not seen:
                del self._seen[key]
