"""What three hundred calls tell a board, as on an ordinary day."""

from __future__ import annotations

import random

from tests.web.builder import Event, Script
from tests.web.hall import Hall

EVENTS_A_CALL = 24
"""An hour of 72,000 events over 300 calls at a time: a call lasts about six minutes."""


class Traffic:
    """Mostly metrics and finals, now and then an alert. Events come in the order of the calls."""

    def __init__(self, calls: int, dice: random.Random) -> None:
        self._dice = dice
        self._told = 0
        self.began = 0
        self._scripts = [self._script() for _ in range(calls)]

    def _script(self) -> Script:
        self.began += 1
        n = self.began - 1
        return Script(f"c-{n}", agent=f"a-{n % 400}", queue=f"队列{n % 9}")

    def begin(self, hall: Hall) -> None:
        """All calls, at their beginning or where they stand; those that the hall has it keeps."""
        for script in self._scripts:
            if script.call not in hall.calls:
                hall.begin(script.call, script.info)
                hall.tell(*list(script.events))

    def event(self) -> Event:
        """The next event of any call; no call ends."""
        return self._anything(self._dice.choice(self._scripts))

    def turnover(self, hall: Hall) -> Event:
        """The same; a call that has lasted long enough ends, and another begins."""
        place = self._dice.randrange(len(self._scripts))
        script = self._scripts[place]
        if not hall.calls[script.call].live:
            del hall.calls[script.call]
            self._scripts[place] = script = self._script()
            hall.begin(script.call, script.info)
            return script.events[0]
        return script.end() if len(script.events) >= EVENTS_A_CALL else self._anything(script)

    def _anything(self, script: Script) -> Event:
        self._told += 1
        script.at_ms += 1000
        roll = self._dice.random()
        if roll < 0.6:
            return script.metric("agent", "talk_share", self._dice.random())
        if roll < 0.9:
            return script.hear(
                f"customer-{self._told + 2}", "等了半个小时了怎么还没有人来", final=True
            )
        severity = self._dice.choice(["low", "medium", "medium", "high", "critical"])
        return script.alert(
            f"a{self._told}", "customer.repeat", severity, "等待过久", "customer-1", "快一点"
        )
