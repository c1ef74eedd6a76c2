"""One recording session: its dialog, its streams of sound, and the call that they feed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from asr.events import CallId
from assist_rules.events import CallInfo
from server import metrics
from server.ingest import siprec_metadata as metadata
from server.ingest import siprec_offer as offers
from server.ingest import siprec_rtp as rtp
from server.ingest import siprec_sdp as sdp
from server.ingest import who
from server.ingest.line import Line, Telephony
from server.ingest.siprec_dialog import Dialog, waits
from server.ingest.siprec_flows import Way
from server.ingest.siprec_offer import Offer, Unfit
from server.ingest.siprec_ports import RtpPort, RtpPorts
from server.refusals import Refusal

log = logging.getLogger(__name__)

QUEUE = 1_024
"""Packets that may wait while the recogniser is behind: ten seconds of two streams."""
DROPPED = metrics.dropped_total.labels("siprec")


LAST_S = 0.1
RESUMED = -1
"""In place of a stream: the client goes on after a hold."""


async def insist(way: Way, data: bytes, answered: asyncio.Event, everywhere: bool = False) -> bool:
    """Send again and again until it is answered; False if it never is.

    ``everywhere``: also on a way that loses nothing, as the answer comes from further on.
    """
    for wait in waits():
        try:
            async with asyncio.timeout(wait):
                await answered.wait()
                return True
        except TimeoutError:
            if everywhere or not way.reliable:
                way.send(data)
    return False


class Recording:
    """From the INVITE that was accepted to its end."""

    def __init__(self, dialog: Dialog, flow: Way, telephony: Telephony, ports: RtpPorts) -> None:
        self.dialog = dialog
        self.flow = flow
        self.acknowledged = asyncio.Event()
        self.ended = asyncio.Event()
        """The client has answered our BYE."""
        self._telephony = telephony
        self._settings = telephony.settings.telephony.siprec
        self._ports = ports
        self._taken: list[RtpPort] = []
        self._offer = Offer((), None)
        self._wanted: list[int] = []
        self._version = 0
        self._streams: list[rtp.RtpStream] = []
        self._roles = metadata.Roles(())
        self._sources: set[str] = set()
        self._line: Line | None = None
        self._held = False
        self._queue: asyncio.Queue[tuple[int, rtp.Packet | None, int] | None] = asyncio.Queue()

    # The offers of the client

    async def open(self, offer: Offer) -> None:
        """Take the first offer. Raises :class:`Refusal`."""
        self._wanted = offer.wanted()
        if not self._wanted:
            raise Unfit(488, "sdp: no stream of G.711 by RTP/AVP at 8000 Hz")
        self._offer = offer
        self._roles = metadata.roles(
            offer.metadata or metadata.Metadata(),
            offers.labels(offer.media, self._wanted),
            self._rule(),
        )
        for index in range(len(self._wanted)):
            self._taken.append(await self._ports.take(self._hearer(index)))
        self._streams = [rtp.RtpStream({}) for _ in self._wanted]
        self._agree(offer)

    def info(self) -> CallInfo:
        """The call."""
        said, people = self._offer.metadata, self._roles
        header = self._settings.call_header.lower()
        named = self.dialog.invite.get(header) if header else ""
        name = named or (said.session if said else "") or self.dialog.invite.get("call-id")
        number = people.customer.user if people.customer else ""
        attributes = {self._telephony.settings.store.customer_attribute: number} if number else {}
        call = who.call_id(name)
        return CallInfo(CallId(call), self._agent(people), None, None, None, attributes)

    def again(self, offer: Offer, always: bool) -> bytes:
        """Another offer, or none, within the session: hold, resume, other people.

        Gives our answer; ``always``: also where there was no offer. Raises :class:`Refusal`.
        """
        if offer.media:
            if len(offer.media) < len(self._offer.media) or any(
                offer.media[index].kind != "audio" for index in self._wanted
            ):
                raise Unfit(488, "sdp: streams may be added, but not taken away")
            self._offer = Offer(offer.media, offer.metadata or self._offer.metadata)
            self._agree(offer)
        if offer.metadata is not None and self._line is not None:
            self._bind(offer.metadata)
        return self.answer() if offer.media or always else b""

    def answer(self) -> bytes:
        """Our side of what was agreed."""
        ports = [0] * len(self._offer.media)
        for index, port in zip(self._wanted, self._taken, strict=True):
            if self._offer.media[index].port:
                ports[index] = port.number
        return sdp.answer(self.flow.host, self._version, self._offer.media, ports)

    def _agree(self, offer: Offer) -> None:
        self._version += 1
        media = [offer.media[index] for index in self._wanted]
        for stream, one in zip(self._streams, media, strict=True):
            stream.codecs = dict(one.codecs)
        self._sources = {self.flow.address, *(one.address for one in media)}
        held = not any(one.sending and one.port for one in media)
        if self._held and not held:
            self._queue.put_nowait((RESUMED, None, 0))
        self._held = held
        self._wait_on()

    def _rule(self) -> metadata.Rule:
        domains = [d.strip().lower() for d in self._settings.agent_domains.split(",") if d.strip()]
        return metadata.Rule(self._telephony.agents, domains, offers.order(self._settings.order))

    def _agent(self, people: metadata.Roles) -> str | None:
        if people.agent is None:
            return None
        agents = self._telephony.agents
        return agents.get(people.agent.user) or agents.get(people.agent.aor)

    def _bind(self, said: metadata.Metadata) -> None:
        """Another agent may be on the call now."""
        labels = offers.labels(self._offer.media, self._wanted)
        agent = self._agent(metadata.roles(said, labels, self._rule()))
        if agent and self._line is not None:
            self._line.session.bind(agent, agent, "map")

    # The sound

    def _hearer(self, index: int) -> Callable[[bytes, str], None]:
        def hear(data: bytes, source: str) -> None:
            if self._line is None or source not in self._sources:
                return
            if self._queue.qsize() >= QUEUE:
                DROPPED.inc()
                return
            session = self._line.session
            now = self._telephony.elapsed(session) - self._line.first_sample
            self._queue.put_nowait((index, rtp.read(data), now))

        return hear

    def hang_up(self) -> None:
        """The client has ended the session; the last of its sound may still be on the way."""
        asyncio.get_running_loop().call_later(LAST_S, self._queue.put_nowait, None)

    async def feed(self, established: Callable[[], None]) -> None:
        """Feed the call until the client hangs up. Raises :class:`Refusal`."""
        try:
            async with self._telephony.hold(
                self.info(), self._roles.parties, rtp.RATE
            ) as self._line:
                self._wait_on()
                established()
                await self._listen()
        finally:
            self._line = None

    async def _listen(self) -> None:
        while (item := await self._queue.get()) is not None:
            index, packet, now = item
            if index == RESUMED:
                for number, stream in enumerate(self._streams):
                    await self._place(number, stream.again())
            elif packet is not None:
                await self._place(index, self._streams[index].put(packet, now))
            self._wait_on()
        for number, stream in enumerate(self._streams):
            await self._place(number, stream.flush())

    async def _place(self, index: int, placed: list[rtp.Placed]) -> None:
        assert self._line is not None
        for at, sound in placed:
            await self._line.feed(at, (self._roles.parties[index],), sound)

    def _wait_on(self) -> None:
        if self._line is not None:
            self._line.listen(self._settings.hold_s if self._held else None)

    # The dialog

    def stop(self, refusal: Refusal) -> None:
        """End :meth:`feed` with this refusal."""
        if self._line is not None:
            self._line.stop(refusal)

    def say_bye(self, refusal: Refusal) -> bytes:
        """End the session from our side; gives what was sent."""
        _, headers = offers.status(refusal)
        data = self.dialog.bye(self.flow.via(), dict(headers)["Warning"].split('"')[1])
        self.flow.send(data)
        return data

    async def bye(self, refusal: Refusal) -> None:
        """The same, and wait for the client's word on it."""
        if not await insist(self.flow, self.say_bye(refusal), self.ended):
            log.info("SIPREC: nobody answered our BYE")

    def close(self) -> None:
        """Give back what it has."""
        for port in self._taken:
            port.close()
