"""All calls of this process: the one place that begins them and the one dictionary of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from asr.events import CallId, Party
from asr.recogniser import CallAudio, Recogniser, RecogniserFull
from assist_rules.events import CallInfo
from server.events import Status
from server.live.bus import Bus
from server.live.elsewhere import Elsewhere, direct
from server.live.journal import Journal
from server.live.lanes import Lanes
from server.live.session import LEFT, CallSession
from server.live.state import CallState, Rules
from server.live.takeover import SEQ_MARGIN, Kept, ResumedAudio, ResumedRules
from server.privacy.veil import Veil
from server.refusals import Refusal

NewRules = Callable[[CallInfo], Rules]
"""Begins the rules of one call."""
NewVeil = Callable[[], Veil | None]
"""Hides a call's personal data from all but its agent."""
NewJournal = Callable[[CallInfo, Sequence[Party], int], Journal]
"""Begins to keep a call whose audio comes at that rate."""
Seats = Callable[[], Mapping[str, str]]
"""The agent in each queue, for calls that name none."""


class Switchboard:
    """Begins calls, finds them, forgets them. Use :meth:`open` as the life of the server."""

    def __init__(
        self,
        recogniser: Recogniser,
        rules: NewRules,
        bus: Bus,
        *,
        resume_s: float,
        linger_s: float,
        drain_s: float,
        elsewhere: Elsewhere | None = None,
        journal: NewJournal | None = None,
        veil: NewVeil | None = None,
        seats: Seats | None = None,
    ) -> None:
        self.recogniser = recogniser
        self.bus = bus
        self.ready = False
        self.paint_delays: deque[float] = deque(maxlen=2_000)
        """Seconds from the arrival of sound to its painting, of the latest painted events."""
        self.elsewhere = elsewhere
        self._rules = rules
        self._journal = journal
        self._veil = veil or (lambda: None)
        self._seats = seats
        self._lasting: Status | None = None
        self._resume_s = resume_s
        self._linger_s = linger_s
        self._drain_s = drain_s
        self._calls: dict[CallId, CallSession] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        if elsewhere is not None:
            elsewhere.serve(self)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Load the recogniser; at the end finish the calls that are still going on."""
        await self.recogniser.start()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self.ready = True
                try:
                    yield
                finally:
                    await self.drain()
        finally:
            await self.recogniser.aclose()

    async def drain(self) -> None:
        """Let every call end with its last finals, for as long as the settings allow."""
        self.ready = False
        going = [call for call in self._calls.values() if not call.done.is_set()]
        feeding = [call.feeding for call in going if call.feeding is not None]
        for call in going:
            if self.elsewhere is not None and call.can_move and self.elsewhere.may_hand_over():
                call.leave(self._stopping())
                self.elsewhere.hand_over(call.info.call)
            else:
                call.shut(self._stopping())
        try:
            async with asyncio.timeout(self._drain_s):
                for call in going:
                    await call.done.wait()
                # Nobody may hang up on a client that is just being told where its call goes on.
                if feeding:
                    await asyncio.wait(feeding)
        except TimeoutError:
            # Better a call without its last words than a server that does not stop.
            for task in tuple(self._running):
                task.cancel()

    def _stopping(self) -> Refusal:
        return direct(
            Refusal("going_down", "the server stops; connect again in a moment"), self.elsewhere
        )

    def others(self) -> dict[str, list[str]]:
        """``others``: where clients find another node, should this one die without a word."""
        found = {} if self.elsewhere is None else self.elsewhere.directions()
        return {"others": [found["url"]]} if "url" in found else {}

    async def admit(self, call: CallId) -> None:
        """Before :meth:`join`, where there are other nodes: is it for this one?

        Waits a moment at most. Raises :class:`Refusal` when the call goes on at another node.
        """
        if self.elsewhere is not None and self.ready and call not in self._calls:
            await self.elsewhere.admit(call)

    async def claim(self, call: CallId) -> None:
        """Before :meth:`take_up` of a call from our own store. Raises :class:`Refusal` when another
        node has gone on with it."""
        if self.elsewhere is not None:
            await self.elsewhere.claim(call)

    def join(self, info: CallInfo, parties: Sequence[Party], rate: int) -> CallSession:
        """The call of that id: the one that is going on, to be resumed, or a new one.

        Raises :class:`Refusal` when there is no room for it or it is not the same call.
        """
        known = self._calls.get(info.call)
        if known is None or known.why == "recogniser_failed":
            return self._begin(info, parties, rate)
        lanes = known.lanes
        if lanes.parties != tuple(parties) or lanes.rate != rate:
            raise Refusal(
                "bad_hello",
                f"call {info.call} began with parties "
                f"{[str(party) for party in lanes.parties]} at {lanes.rate} Hz",
            )
        if known.info.agent is None and info.agent is not None:
            known.bind(info.agent, info.agent, "hello")
        return known

    def _begin(self, info: CallInfo, parties: Sequence[Party], rate: int) -> CallSession:
        if not self.ready or self._tasks is None:
            raise self._stopping()
        info = replace(
            info,
            agent=info.agent or self._seat(info.queue),
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        lanes = Lanes(info.call, parties, rate)
        audio = self._listen(info.call, lanes.parties, rate)
        state = CallState(info, self.recogniser.info, self._rules(info))
        journal = self._journal(info, lanes.parties, rate) if self._journal else None
        if self.elsewhere is not None:
            journal = self.elsewhere.journal(info, lanes.parties, rate, journal)
        veil = self._veil()
        session = CallSession(state, audio, lanes, self.bus, self._resume_s, journal, veil)
        self._run(session)
        if self._lasting is not None:
            # After the first events of the call, which its task is about to make.
            asyncio.get_running_loop().call_soon(session.note, self._lasting)
        return session

    def tell_all(self, status: Status, lasting: bool) -> None:
        """Note something on every call that goes on; ``lasting``: and on those that begin."""
        self._lasting = status if lasting else None
        for call in self.calls():
            if not call.done.is_set():
                call.note(status)

    def take_up(self, kept: Kept, journal: Journal) -> CallSession:
        """Go on with a call that was under way when another process stopped.

        Raises :class:`Refusal` when there is no room for it.
        """
        info = kept.info
        audio = ResumedAudio(self._listen(info.call, kept.parties, kept.rate), kept)
        rules = ResumedRules(self._rules(info), kept)
        lanes = Lanes(info.call, kept.parties, kept.rate, kept.settled_ms)
        state = CallState(info, self.recogniser.info, rules)
        veil = self._veil()
        session = CallSession(state, audio, lanes, self.bus, self._resume_s, journal, veil)
        last = max([kept.seq, *(event.seq for event in kept.events)])
        session.take_up(kept.events, last + SEQ_MARGIN, rules.owed)
        self._run(session)
        return session

    def _listen(self, call: CallId, parties: Sequence[Party], rate: int) -> CallAudio:
        try:
            return self.recogniser.open(call, parties, rate)
        except RecogniserFull as error:
            if self.elsewhere is not None:
                self.elsewhere.release(call)
            full = Refusal("full", str(error), retry_after_s=error.retry_after_s)
            raise direct(full, self.elsewhere) from error

    def _run(self, session: CallSession) -> None:
        if self._tasks is None:
            raise RuntimeError("the switchboard is not open")
        self._calls[session.info.call] = session
        task = self._tasks.create_task(session.run(), name=f"call {session.info.call}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: self._forget_later(session))

    def _forget_later(self, session: CallSession) -> None:
        """Those who look at a call that just ended may still read it for a while."""
        if session.why == LEFT:
            self._forget(session)
        elif self.ready:
            loop = asyncio.get_running_loop()
            loop.call_later(self._linger_s, self._forget, session)

    def _forget(self, session: CallSession) -> None:
        if self._calls.get(session.info.call) is session:
            del self._calls[session.info.call]

    def forget(self, call: str) -> None:
        """Show a call that has ended no longer: nothing may be left of it."""
        session = self._calls.get(CallId(call))
        if session is not None and session.done.is_set():
            self._forget(session)

    def get(self, call: str) -> CallSession | None:
        """The call of that id, if it is going on or has lately ended.

        One of another node that is shown here has the methods that pages and people use.
        """
        found = self._calls.get(CallId(call))
        if found is None and self.elsewhere is not None:
            return cast("CallSession | None", self.elsewhere.get(CallId(call)))
        return found

    async def find(self, call: str) -> CallSession | None:
        """As :meth:`get`, and asks the other nodes; waits a second at most."""
        if self.elsewhere is not None and CallId(call) not in self._calls:
            await self.elsewhere.find(CallId(call))
        return self.get(call)

    def own(self, call: CallId) -> CallSession | None:
        """As :meth:`get`, of this node alone."""
        return self._calls.get(call)

    def shown(self) -> Iterable[CallSession]:
        """Every call of this node, and those of others that are shown here."""
        others = () if self.elsewhere is None else self.elsewhere.calls()
        foreign = [call for call in others if call.info.call not in self._calls]
        return (*self._calls.values(), *cast("list[CallSession]", foreign))

    def room(self) -> int:
        """How many more calls would be taken now."""
        return self.recogniser.room() if self.ready else 0

    def painted(self, call: str, seq: int, at: float) -> None:
        """A page has drawn an event; kept for the latency figures."""
        session = self.get(call)
        delay = None if session is None else session.painted(seq, at)
        if delay is not None:
            self.paint_delays.append(delay)

    def calls(self) -> Iterable[CallSession]:
        """Every call that is going on or has lately ended, oldest first."""
        return tuple(self._calls.values())

    def _seat(self, queue: str | None) -> str | None:
        return self._seats().get(queue) if self._seats is not None and queue else None

    def seat(self, by: str) -> None:
        """Look again for the agents of calls that have none; ``by`` changed the queue map."""
        for call in self.calls():
            agent = self._seat(call.info.queue)
            if agent and call.info.agent is None and not call.done.is_set():
                call.bind(agent, by, "map")

    def calls_of(self, agent: str) -> Iterable[CallSession]:
        """The current calls of an agent."""
        return tuple(
            call for call in self.shown() if call.info.agent == agent and not call.done.is_set()
        )
