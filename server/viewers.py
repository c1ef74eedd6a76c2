"""The sockets of those who watch: an agent's own calls, or the board of all calls."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from asr.events import CallId
from assist_rules.events import CallInfo
from server import connection, sockets
from server.access import roles
from server.access.access import Access
from server.access.roles import EVERY_QUEUE, Caller, Scope
from server.ingest.hello import refusal
from server.live import bus as topics
from server.live.batches import Batches, together
from server.live.notice import AFRESH, Notice, encode, of_event
from server.live.queue import TooSlow, ViewerQueue
from server.live.session import CallSession
from server.live.switchboard import Switchboard
from server.live.unbound import Unbound
from server.refusals import Refusal
from server.settings import ViewerSettings
from server.spikes import SpikeWatch, notice


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Feedback(_Message):
    """The agent's word on a card."""

    type: Literal["feedback"]
    call: Annotated[str, Field(max_length=64)]
    suggestion: Annotated[str, Field(max_length=128)]
    verdict: Literal["used", "dismissed", "wrong"]


class Painted(_Message):
    """The page has drawn an event."""

    type: Literal["painted"]
    call: Annotated[str, Field(max_length=64)]
    seq: Annotated[int, Field(ge=1)]
    at: float


class Ping(_Message):
    """Is the server still there?"""

    type: Literal["ping"]
    id: Annotated[str, Field(max_length=64)] | int


class RaiseHand(_Message):
    """The agent asks for help, or no longer does."""

    type: Literal["raise_hand"]
    call: Annotated[str, Field(max_length=64)]
    raised: bool


class Claim(_Message):
    """The agent says that a call without an agent is the own one."""

    type: Literal["claim"]
    call: Annotated[str, Field(max_length=64)]


Up = Annotated[Feedback | Painted | Ping | RaiseHand | Claim, Field(discriminator="type")]
UP: TypeAdapter[Feedback | Painted | Ping | RaiseHand | Claim] = TypeAdapter(Up)


class Watch(BaseModel):
    """What an agent socket asks for in its address."""

    model_config = ConfigDict(extra="forbid")
    agent: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    call: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    resume_from: Annotated[int, Field(ge=0)] | None = None

    def check(self) -> None:
        """Exactly one of agent and call; resuming is for one call."""
        if (self.agent is None) == (self.call is None):
            raise Refusal("bad_message", "ask for ?agent=ID or ?call=ID")
        if self.resume_from is not None and self.call is None:
            raise Refusal("bad_message", "resume_from goes with ?call=ID")


class Viewer(ABC):
    """One open page. Subclasses say what it is shown."""

    def __init__(
        self, socket: WebSocket, switchboard: Switchboard, access: Access, settings: ViewerSettings
    ) -> None:
        self._socket = socket
        self._connection = connection.of(socket)
        self._switchboard = switchboard
        self._access = access
        self._queue = ViewerQueue(settings.queue_limit)

    @property
    def _caller(self) -> Caller:
        caller: Caller = self._socket.state.caller
        return caller

    async def talk(self) -> None:
        """Show and listen until the page leaves, falls too far behind or may not stay."""
        info = self._switchboard.recogniser.info
        told = {"name": info.name, "demonstration": info.demonstration}
        with self._listening():
            # What was and what comes must meet without a hole: no waiting between these two.
            self._queue.put(Notice(encode({"type": "hello", "v": 1, "recogniser": told})))
            for notice in self._so_far():
                self._queue.put(notice)
            try:
                await self._both_ways()
            except TooSlow:
                raise Refusal("too_slow", "too many messages waited; connect again") from None

    @abstractmethod
    def _listening(self) -> AbstractContextManager[None]:
        """Subscribed to what the page may see."""

    @abstractmethod
    def _so_far(self) -> Iterable[Notice]:
        """What a page that has just come must know."""

    async def _both_ways(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._down())
                tasks.create_task(self._up())
                tasks.create_task(self._queue.overflow())
                tasks.create_task(self._recheck())
        except ExceptionGroup as group:
            # More than one of them may have failed; what the client can mend comes first.
            for kind in (Refusal, TooSlow, WebSocketDisconnect):
                for error in group.exceptions:
                    if isinstance(error, kind):
                        raise error from None
            raise

    async def _down(self) -> None:
        while True:
            notice = await self._queue.get()
            await self._send(notice)

    async def _send(self, notice: Notice) -> None:
        await self._connection.send_frame(notice.frame)

    async def _recheck(self) -> None:
        """A page that stays open for days is asked again now and then."""
        while True:
            await asyncio.sleep(self._access.settings.recheck_s)
            if not self._access.holds(self._caller):
                raise Refusal("unauthorized", "the sign-in has ended; sign in again")

    async def _up(self) -> None:
        while True:
            text = await sockets.receive_text(self._socket)
            try:
                await self._take(UP.validate_json(text))
            except ValidationError as error:
                raise refusal(error, "bad_message") from None

    async def _take(self, message: Feedback | Painted | Ping | RaiseHand | Claim) -> None:
        match message:
            case Ping():
                self._queue.put(Notice(encode({"type": "pong", "id": message.id})))
            case Painted():
                self._switchboard.painted(message.call, message.seq, message.at)
            case Feedback():
                call = self._switchboard.get(message.call)
                if call is not None and self._may(call, "call.feedback"):
                    call.feedback(message.suggestion, message.verdict)
            case RaiseHand():
                call = self._switchboard.get(message.call)
                if call is not None and self._may(call, "call.hand"):
                    call.raise_hand(call.info.agent or self._caller.user, message.raised)
            case Claim():
                await self._claim(message.call)

    def _may(self, call: CallSession, action: str) -> bool:
        """Whether whoever watches may do that on a call; a board may not."""
        return False

    async def _claim(self, call: str) -> None:
        raise Refusal("bad_message", "type: a board does not claim calls")


class AgentViewer(Viewer):
    """An agent's widget: the agent's own calls, or one call."""

    def __init__(
        self,
        socket: WebSocket,
        switchboard: Switchboard,
        access: Access,
        settings: ViewerSettings,
        unbound: Unbound,
    ) -> None:
        super().__init__(socket, switchboard, access, settings)
        self._unbound = unbound
        self._watch = Watch()

    async def talk(self) -> None:
        """Read what the address asks for, then show it."""
        asked = {k: v for k, v in self._socket.query_params.items() if k != "ticket"}
        try:
            self._watch = Watch.model_validate(asked)
        except ValidationError as error:
            raise refusal(error, "bad_message") from None
        self._watch.check()
        if self._watch.call is not None:
            await self._switchboard.find(self._watch.call)
        if not self._may_watch():
            raise Refusal("forbidden", "not these calls; an agent watches the own ones")
        await self._access.audit(
            self._caller, "widget.watch", self._watch.call or "", self._watch.agent or ""
        )
        await super().talk()

    def _may_watch(self) -> bool:
        """Whether what is asked for may be shown as things stand."""
        scope, watch = roles.scope(self._caller, "widget.watch"), self._watch
        if scope is Scope.ALL:
            return True
        if watch.agent is not None:
            # The calls of an agent may be in other teams' queues.
            every = scope is Scope.TEAM and EVERY_QUEUE in self._caller.queues
            return every or (scope is Scope.OWN and watch.agent == self._caller.user)
        call = self._switchboard.get(watch.call or "")
        return call is not None and roles.may(self._caller, "widget.watch", call.info)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        watch, bus = self._watch, self._switchboard.bus
        if watch.agent is None:
            of_call = topics.of_call if self._sees_plain() else topics.of_masked
            with bus.listen([of_call(CallId(watch.call or ""))], self._queue):
                yield
            return
        with (
            bus.listen([topics.of_agent(watch.agent)], self._queue),
            self._unbound.listen(self._caller, self._queue),
        ):
            yield

    def _so_far(self) -> Iterable[Notice]:
        watch = self._watch
        if watch.agent is not None:
            yield from self._unbound.so_far(self._queue)
            for call in self._switchboard.calls_of(watch.agent):
                yield Notice(encode(call.snapshot(plain=True)))
            return
        known = self._switchboard.get(watch.call or "")
        if known is None:
            return
        plain = self._sees_plain()
        missed = None if watch.resume_from is None else known.since(watch.resume_from, plain=plain)
        if missed is None or len(missed) > self._queue.limit // 2:
            yield Notice(encode(known.snapshot(plain=plain)))
        else:
            yield from map(of_event, missed)

    def _sees_plain(self) -> bool:
        """Personal data is for the agent, and for those who may do everything; not for leads."""
        return roles.scope(self._caller, "widget.watch") is not Scope.TEAM

    async def _down(self) -> None:
        while True:
            notice = await self._queue.get()
            if self._watch.call is not None and not self._may_watch():
                released = {"type": "released", "call": self._watch.call, "why": "transfer"}
                await sockets.send(self._socket, released)
                raise Refusal("forbidden", "the call is another agent's now")
            await self._send(notice)

    def _may(self, call: CallSession, action: str) -> bool:
        watch = self._watch
        shown = call.info.call == watch.call or (
            watch.agent is not None and call.info.agent == watch.agent
        )
        return shown and roles.may(self._caller, action, call.info)

    async def _claim(self, call: str) -> None:
        """Bind a call without an agent to the agent whose widget this is."""
        scope = roles.scope(self._caller, "call.claim")
        agent = self._watch.agent or (self._caller.user if scope is Scope.TEAM else None)
        session = await self._switchboard.find(call)
        if session is None:
            self._unbound.forget(call)
        if agent is None or session is None or not self._may_claim(session.info):
            # Somebody else was quicker, or there is no such call: it is not this agent's.
            told = {"type": "released", "call": call, "why": "taken"}
            self._queue.put(Notice(encode(told)))
            return
        session.bind(agent, agent, "claim")

    def _may_claim(self, info: CallInfo) -> bool:
        return info.agent is None and roles.may(self._caller, "call.claim", info)


class BoardViewer(Viewer):
    """A team lead's board: all calls in the queues of the own teams."""

    def __init__(
        self,
        socket: WebSocket,
        switchboard: Switchboard,
        access: Access,
        settings: ViewerSettings,
        spikes: SpikeWatch,
        batches: Batches,
    ) -> None:
        super().__init__(socket, switchboard, access, settings)
        self._spikes = spikes
        self._batched = socket.query_params.get("batch") == "1"
        self._source = batches if self._batched else switchboard.bus

    async def talk(self) -> None:
        """Show the board."""
        await self._access.audit(self._caller, "board.watch")
        await super().talk()

    def _listening(self) -> AbstractContextManager[None]:
        queues = self._caller.queues
        if roles.scope(self._caller, "board.watch") is Scope.ALL or EVERY_QUEUE in queues:
            return self._source.listen([topics.BOARD], self._queue)
        return self._source.listen(map(topics.of_queue, queues), self._queue)

    def _so_far(self) -> Iterable[Notice]:
        calls = [
            call.overview()
            for call in self._switchboard.shown()
            if roles.may(self._caller, "board.watch", call.info)
        ]
        yield Notice(encode({"type": "board", "calls": calls}))
        shown = {call["call"] for call in calls}
        for spike in self._spikes.standing:
            if shown.intersection(spike.calls):
                yield notice(spike)
        if self._switchboard.elsewhere is not None:
            yield Notice(encode(self._switchboard.elsewhere.notice()))

    async def _down(self) -> None:
        while True:
            notice = await self._queue.get()
            for told in self._so_far() if notice is AFRESH else (notice,):
                single = self._batched and not told.batch
                await self._send(together((told,)) if single else told)
