"""How often somebody may fail to sign in. Pure: the time comes in.

Counted for the account and for the address apart, so that neither guessing one password from many
places nor many passwords from one place goes on for long.
"""

from __future__ import annotations

from collections import OrderedDict, deque


class Throttle:
    """Remembers failures of the last ``window_s`` seconds, of at most ``keys`` keys."""

    def __init__(self, tries: int, window_s: float, keys: int = 10_000) -> None:
        self._tries = tries
        self._window_s = window_s
        self._keys = keys
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """Seconds until ``key`` may try again; 0 for at once."""
        failures = self._failures.get(key)
        if failures is None:
            return 0.0
        while failures and now - failures[0] >= self._window_s:
            failures.popleft()
        if not failures:
            del self._failures[key]
            return 0.0
        return self._window_s - (now - failures[0]) if len(failures) >= self._tries else 0.0

    def failed(self, key: str, now: float) -> None:
        """``key`` has tried in vain."""
        self._failures.setdefault(key, deque(maxlen=self._tries)).append(now)
        self._failures.move_to_end(key)
        while len(self._failures) > self._keys:
            # The key that failed longest ago is forgotten first.
            self._failures.popitem(last=False)

    def forgive(self, key: str) -> None:
        """``key`` has proved who it is."""
        self._failures.pop(key, None)
