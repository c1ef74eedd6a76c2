"""One call while it is going on: its recogniser stream in, its events out to whoever watches.

One task, :meth:`CallSession.run`, owns the call from its first event to its last. Other methods
are called on the same loop and never wait, so the order of events is the order of the calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

from asr.events import AudioFrame, Watermark
from asr.recogniser import CallAudio
from assist_rules.events import CallInfo, RuleEvent
from server import metrics
from server.events import CallEvent, Mark, Status
from server.live import bus as topics
from server.live import cause, unbound
from server.live.bus import Bus
from server.live.history import History
from server.live.journal import Journal, worth_keeping
from server.live.lanes import Lanes
from server.live.notice import Notice, encode, of_event
from server.live.progress import Progress
from server.live.state import CallState
from server.live.unbound import UNBOUND
from server.privacy.veil import Veil
from server.refusals import Refusal
from server.wire import to_wire

log = logging.getLogger(__name__)

Stop = Callable[[Refusal], None]
"""Makes the socket that feeds a call end with a refusal."""


class CallSession:
    """A live call, or one that has lately ended."""

    def __init__(
        self,
        state: CallState,
        audio: CallAudio,
        lanes: Lanes,
        bus: Bus,
        resume_s: float,
        journal: Journal | None = None,
        veil: Veil | None = None,
    ) -> None:
        """Without a journal nothing is kept, and what was heard counts as safe.

        Without a veil nothing is masked.
        """
        self.lanes = lanes
        self.done = asyncio.Event()
        self._kept = asyncio.Event()
        self.why: str | None = None
        """Why the call ended or is about to; ``None`` while it goes on."""
        self._state = state
        self._audio = audio
        self._bus = bus
        self._veil = veil
        self._history = History()
        self._plain = History() if veil is not None and veil.agent_sees_plain else self._history
        """As the agent sees it."""
        self._resume_s = resume_s
        self._arrivals = Arrivals()
        self._journal = journal
        if journal is not None:
            journal.again = self.keep_again
        self._progress = Progress(lanes.parties, lanes.starts_ms)
        self._safe_ms = min(lanes.starts_ms.values())
        self._marked_ms = 0
        self._earlier: tuple[CallEvent, ...] | None = None
        self._owed: tuple[RuleEvent, ...] = ()
        self.can_move = False
        """Its client comes back and sends again what was lost, to whichever node."""
        self._task: asyncio.Task[None] | None = None
        self._feeder: Stop | None = None
        self.feeding: asyncio.Task[object] | None = None
        """The task of the socket that feeds it, or did last."""
        self._fed_at = 0.0
        self._reaper: asyncio.TimerHandle | None = None
        self._topics = self._own_topics()
        self._board_topics = (
            topics.BOARD,
            *((topics.of_queue(self.info.queue),) if self.info.queue else ()),
        )

    @property
    def info(self) -> CallInfo:
        """Who is on the call now."""
        return self._state.info

    def _own_topics(self) -> tuple[str, ...]:
        agent = self.info.agent
        return (topics.of_call(self.info.call), *((topics.of_agent(agent),) if agent else ()))

    # The call from beginning to end

    async def run(self) -> None:
        """Own the call until it is over. Never raises: one failed call harms no other."""
        self._task = asyncio.current_task()
        try:
            began = Notice(encode(self.snapshot()))
            self._bus.publish((*self._topics, topics.of_masked(self.info.call)), began)
            self._publish(self._state.start(again=self._earlier is not None), {})
            self._publish(self._state.told(self._owed), {})
            if not self.info.agent:
                self._bus.publish([UNBOUND], unbound.change(self.info))
            async for event in self._audio:
                recognised = _stamp()
                events = self._state.absorb(event)
                if events:
                    self._publish(events, {"recognised": recognised, "fired": _stamp()})
                self._progress.hear(event)
                if isinstance(event, Watermark) and event.at_ms - self._marked_ms >= MARK_EVERY_MS:
                    self._mark(event.at_ms)
        except Exception:
            log.exception("call %s: the recogniser failed", self.info.call)
            self._fail()
        finally:
            self._end()
            await self._audio.aclose()

    def _fail(self) -> None:
        self.why = "recogniser_failed"
        self._stop_feeder(
            Refusal("recogniser_failed", "our fault; connect again to begin the call anew")
        )

    def _end(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
        if self.why == LEFT:
            self.done.set()
            return
        self._publish(self._state.end(self.why or "cancelled", self.lanes.end_ms), {})
        if not self.info.agent:
            self._bus.publish([UNBOUND], unbound.change(self.info, ended=True))
        if self._journal is None:
            self._kept.set()
        else:
            self._journal.reached(self._progress.settled(), self._state.seq, self._kept.set)
        self.done.set()

    async def until_kept(self) -> None:
        """Wait until the whole call, which has ended, is durable; not for long if it cannot be."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._kept.wait(), KEPT_WITHIN_S)

    def finish(self, why: str) -> None:
        """No more audio will come: the last utterances become final, then the call ends."""
        if self.why is None:
            self.why = why
            self._audio.end()

    def shut(self, refusal: Refusal) -> None:
        """End the call from our side and tell its client."""
        self._stop_feeder(refusal)
        self.finish(refusal.code)

    def leave(self, refusal: Refusal) -> None:
        """Another node goes on with the call: stop at once, and tell nobody of an end."""
        self._stop_feeder(refusal)
        self.why = LEFT
        if self._task is not None:
            self._task.cancel()

    # What is kept of it

    def take_up(self, events: tuple[CallEvent, ...], seq: int, owed: tuple[RuleEvent, ...]) -> None:
        """Go on, from the next :meth:`run`, with a call that another process began.

        Its client has as long to come back as after any lost connection.
        """
        self._earlier, self._owed = events, owed
        for event in events:
            self._remember(event, event)
        self._state.resume(events, seq)
        for history in {id(h): h for h in (self._history, self._plain)}.values():
            history.begin_at(self._state.seq)
        self._topics = self._own_topics()
        loop = asyncio.get_running_loop()
        self._reaper = loop.call_later(self._resume_s, self.finish, "connection_lost")

    def keep_again(self) -> None:
        """Give the journal all that is known of the call; it knows what it has already."""
        if self._journal is not None:
            self._journal.keep([(event, encode(to_wire(event))) for event in self._history])

    def mark(self, mark: Mark) -> dict[str, object] | None:
        """Somebody judged the call while it goes on; gives the event."""
        return self._told(self._state.mark(mark))

    def note(self, status: Status) -> None:
        """Tell everybody of something that happened to the call from outside."""
        self._publish(self._state.note(status), {})

    @property
    def safe_sample(self) -> int:
        """Samples before this one need not be sent again, whatever happens to this process."""
        if self._journal is None:
            return self.lanes.next_sample
        return self._safe_ms * self.lanes.rate // 1000

    def _mark(self, at_ms: int) -> None:
        """Have it written down how far the call is settled; then those samples are safe."""
        self._marked_ms = at_ms
        if self._journal is not None:
            settled = self._progress.settled()
            safe_ms = min(settled.values())
            self._journal.reached(settled, self._state.seq, lambda: self._safe(safe_ms))

    def _safe(self, ms: int) -> None:
        self._safe_ms = max(self._safe_ms, ms)

    # The socket that feeds it

    def attach(self, stop: Stop) -> None:
        """A socket begins to feed the call. Raises :class:`Refusal` while another one does.

        A feeder that has been silent for some seconds has most likely lost its connection without
        either side noticing; its client is back before the old socket is known to be dead.
        """
        if self.why is not None:
            raise Refusal("call_ended", f"call {self.info.call} has ended; use a new call id")
        if self._feeder is not None:
            if time.monotonic() - self._fed_at < TAKEOVER_S:
                raise Refusal("call_taken", f"another socket feeds call {self.info.call}")
            self._stop_feeder(Refusal("call_taken", "a newer socket feeds this call now"))
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        self._feeder = stop
        self.feeding = asyncio.current_task()
        self._fed_at = time.monotonic()

    def detach(self, stop: Stop) -> None:
        """That socket is gone; unless another comes, the call ends after a while."""
        if self._feeder != stop:
            return
        self._feeder = None
        if self.why is None:
            loop = asyncio.get_running_loop()
            self._reaper = loop.call_later(self._resume_s, self.finish, "connection_lost")

    def _stop_feeder(self, refusal: Refusal) -> None:
        if self._feeder is not None:
            feeder, self._feeder = self._feeder, None
            feeder(refusal)

    async def feed(self, frames: Iterable[AudioFrame]) -> None:
        """Hand frames to the recogniser; waits while it is seconds behind."""
        self._fed_at = time.monotonic()
        for frame in frames:
            await self._audio.push(frame)
            self.lanes.advance(frame)
            if self._journal is not None:
                self._journal.hear(frame)
        self._arrivals.note(self.lanes.end_ms, time.time())

    # Those who watch it

    def feedback(self, suggestion: str, verdict: str) -> None:
        """The agent used, dismissed or refused a card."""
        fired = _stamp()
        self._publish(self._state.feedback(suggestion, verdict), {"fired": fired})

    def bind(self, agent: str, by: str, why: str) -> bool:
        """Give the call to an agent; the one who had it loses it. False if that changes nothing."""
        before = self.info.agent
        events = self._state.bind(agent, by, why)
        if not events:
            return False
        if before:
            released = {"type": "released", "call": self.info.call, "why": why}
            self._bus.publish([topics.of_agent(before)], Notice(encode(released)))
        # The new agent's widget gets the whole call first, then this event as its next.
        self._topics = self._own_topics()
        if agent:
            self._bus.publish(
                [topics.of_agent(agent)], Notice(encode(self.snapshot(before=True, plain=True)))
            )
        self._publish(events, {})
        if not (before and agent):
            self._bus.publish([UNBOUND], unbound.change(self.info))
        return True

    def whisper(self, by: str, text: str) -> dict[str, object] | None:
        """Tell the agent something; gives the event, or ``None`` when the call has ended."""
        return self._told(self._state.whisper(by, text))

    def raise_hand(self, by: str, raised: bool) -> None:
        """The agent asks for help, or no longer does."""
        self._publish(self._state.raise_hand(by, raised), {})

    def act(self, kind: str, alert: str, by: str, to: str, text: str) -> dict[str, object] | None:
        """A lead deals with it; gives the event, or ``None`` for a call or alert that is not."""
        return self._told(self._state.act(kind, alert, by, to, text))

    def _told(self, events: tuple[CallEvent, ...]) -> dict[str, object] | None:
        self._publish(events, {})
        published = self._history.get(events[0].seq) if events else None
        return None if published is None else to_wire(published)

    def painted(self, seq: int, at: float) -> float | None:
        """Seconds from the arrival of what caused event ``seq`` to its painting at ``at``."""
        event = self._history.get(seq)
        if event is not None:
            metrics.painted(event, at)
        arrived = None if event is None else event.stamps.get("arrived")
        return None if arrived is None else at - arrived

    def snapshot(self, *, before: bool = False, plain: bool = False) -> dict[str, object]:
        """The wire message that tells a newcomer everything so far.

        ``before``: without events that have been made but not been published yet;
        ``plain``: with personal data, for the agent.
        """
        head = self._head()
        if before:
            head["seq"] = self._history.last
        return {
            "type": "snapshot",
            **head,
            "events": [to_wire(event) for event in (self._plain if plain else self._history)],
        }

    def overview(self) -> dict[str, object]:
        """This call's line on the board."""
        return {
            **self._head(),
            "alerts": [to_wire(event) for event in self._history.live_alerts],
            "suggestions": [to_wire(event) for event in self._history.live_suggestions],
            "metrics": self._history.metrics,
            "actions": [to_wire(event) for event in self._history.actions],
            "hand": self._history.hand_raised,
        }

    def since(self, seq: int, *, plain: bool = False) -> tuple[CallEvent, ...] | None:
        """The events after ``seq``, or ``None`` when only a snapshot can help."""
        return (self._plain if plain else self._history).since(seq)

    def _head(self) -> dict[str, object]:
        info = self.info
        return {
            "call": info.call,
            "info": {
                "agent": info.agent or "",
                "queue": info.queue,
                "tier": info.tier,
                "brand": info.brand,
                "attributes": dict(info.attributes),
                "started_at": info.started_at,
            },
            "live": not self._state.ended,
            "seq": self._state.seq,
            "at_ms": self._state.at_ms,
        }

    def _remember(self, shown: CallEvent, plain: CallEvent) -> None:
        self._history.add(shown)
        if self._plain is not self._history:
            self._plain.add(plain)

    def _publish(self, events: Iterable[CallEvent], stamps: dict[str, float]) -> None:
        kept: list[tuple[CallEvent, str]] = []
        for event in events:
            arrived = None if event.heard_ms is None else self._arrivals.of(event.heard_ms)
            heard = {} if arrived is None else {"arrived": round(arrived, 4)}
            event = event.stamped({**heard, **stamps, "sent": _stamp()})
            shown = event if self._veil is None else self._veil.over(event)
            self._remember(shown, event)
            metrics.published(event)
            notice = of_event(shown)
            plain = notice if shown is event or self._plain is self._history else of_event(event)
            self._bus.publish(self._topics, plain)
            board = self._board_topics if notice.for_board else ()
            self._bus.publish((topics.of_masked(event.call), *board), notice)
            about = cause.of_event(shown)
            if about is not None:
                self._bus.publish((cause.CAUSES,), about)
            if self._journal is not None and worth_keeping(shown):
                kept.append((shown, notice.text))
        if self._journal is not None:
            # What follows from one input is kept together or not at all.
            self._journal.keep(kept)


KEPT_WITHIN_S = 3.0
"""So long the client of a call that has ended waits for the disk before it is told so anyway."""

LEFT = "elsewhere"
"""Why a call ends here that goes on at another node."""
MARK_EVERY_MS = 1_000
"""Audio between two notes of how far a call is settled."""
TAKEOVER_S = 3.0
"""A feeding socket that has been silent for this long gives way to a new one."""


def _stamp() -> float:
    """Wall time as events carry it."""
    return round(time.time(), 4)


class Arrivals:
    """When the packet that holds a moment of the call arrived, for the last seconds."""

    def __init__(self, limit: int = 1_000) -> None:
        self._ends: deque[tuple[int, float]] = deque(maxlen=limit)

    def note(self, end_ms: int, at: float) -> None:
        """Audio up to ``end_ms`` is here since wall time ``at``."""
        if not self._ends or end_ms > self._ends[-1][0]:
            self._ends.append((end_ms, at))

    def of(self, heard_ms: int) -> float | None:
        """When the sample at ``heard_ms`` arrived; ``None`` if that is not known (any more)."""
        found = None
        for end_ms, at in reversed(self._ends):
            if end_ms < heard_ms:
                return found
            found = at
        return found if len(self._ends) < (self._ends.maxlen or 0) else None
