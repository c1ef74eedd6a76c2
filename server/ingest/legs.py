"""Joins the legs of one telephone call, each on its own connection, into one call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakKeyDictionary

from asr.events import CallId, Party
from assist_rules.events import CallInfo
from server.ingest.line import JITTER_S, Line, Telephony
from server.live.session import CallSession
from server.refusals import Refusal

BOTH = (Party.CUSTOMER, Party.AGENT)
DIGITS = {"c": Party.CUSTOMER, "a": Party.AGENT}


class Lost(Exception):
    """The connection of a leg broke; it may come back."""


class _Joint:
    """A call and its present legs."""

    def __init__(self, session: CallSession, ends: dict[Party, int]) -> None:
        self.session = session
        self.lines: dict[Party, Line] = {}
        self.ends = ends
        """How far each party's audio has come, also of a leg that is gone."""

    def stop(self, refusal: Refusal) -> None:
        """The call lets go of its feeder, which is all legs."""
        for line in self.lines.values():
            line.stop(refusal)


class Leg:
    """One party of a call, fed by one connection."""

    def __init__(self, joint: _Joint, party: Party, line: Line) -> None:
        self.line = line
        self.party = party
        self._joint = joint
        self._at = 0

    async def feed(self, pcm16: bytes) -> None:
        """The next audio of this leg."""
        self._at = await self.line.feed_pcm16(self._at, (self.party,), pcm16)
        self._joint.ends[self.party] = self.line.first_sample + self._at


class Legs:
    """The calls that have legs at the moment."""

    def __init__(self, telephony: Telephony) -> None:
        self._telephony = telephony
        self._joints: dict[str, _Joint] = {}
        self._ends: WeakKeyDictionary[CallSession, dict[Party, int]] = WeakKeyDictionary()

    def identify(self, uuid: UUID) -> tuple[str, Party | None]:
        """The call that a leg belongs to and, where the last digit tells it, the party."""
        name = str(uuid)
        if self._telephony.settings.telephony.audiosocket_legs == "order":
            return name, None
        party = DIGITS.get(name[-1])
        if party is None:
            raise Refusal(
                "bad_hello", "UUID: its last digit is c for the customer, a for the agent"
            )
        return name[:-1] + "0", party

    @asynccontextmanager
    async def hold(self, call: str, party: Party | None, rate: int) -> AsyncIterator[Leg]:
        """Feed one leg; leaving the context normally hangs it up, and the last one ends the call.

        Raises :class:`Refusal` as :meth:`Telephony.hold` does.
        """
        joint = self._joint(call, rate)
        party = party or next((p for p in BOTH if p not in joint.lines), None)
        if party is None or party in joint.lines:
            raise Refusal("call_taken", f"call {call} has its legs already")
        line = Line(joint.session, self._place(joint, party), self._telephony.idle_s)
        joint.lines[party] = line
        over = False
        try:
            async with line.deadline:
                line.listen()
                yield Leg(joint, party, line)
            over = True
        except TimeoutError:
            raise line.why() from None
        finally:
            del joint.lines[party]
            if not joint.lines:
                del self._joints[call]
                if over:
                    joint.session.finish("ended")
                joint.session.detach(joint.stop)

    def _joint(self, call: str, rate: int) -> _Joint:
        # Asked for every leg, as it also compares the rate with that of the first one.
        session = self._telephony.switchboard.join(CallInfo(CallId(call)), BOTH, rate)
        joint = self._joints.get(call)
        if joint is None or joint.session is not session:
            joint = _Joint(session, self._ends.setdefault(session, {}))
            session.attach(joint.stop)
            self._joints[call] = joint
        return joint

    def _place(self, joint: _Joint, party: Party) -> int:
        """Legs have no clock in common but ours."""
        elapsed = self._telephony.elapsed(joint.session)
        come = joint.ends.get(party)
        late = come is None or elapsed - come > JITTER_S * joint.session.lanes.rate
        return elapsed if come is None or late else come
