"""A SIPREC recording server (RFC 7866): SIP over UDP and TCP, a call for each recording session.

Recording clients are session border controllers and the like. A client that dies leaves its call
open for ``calls.resume_s``: the session that it begins anew goes on with the same call.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from server import metrics
from server.ingest import siprec_offer as offers
from server.ingest import siprec_sip as sip
from server.ingest.line import Telephony
from server.ingest.siprec_dialog import ALLOW, GIVE_UP_S, Dialog, Key, key
from server.ingest.siprec_flows import Connection, Datagrams, Way, bind
from server.ingest.siprec_ports import RtpPorts
from server.ingest.siprec_recording import Recording, insist
from server.ingest.siprec_sip import BadSip, Framer, SipMessage
from server.refusals import Refusal

log = logging.getLogger(__name__)

CONNECTIONS = 1_000
KEPT = 10_000
"""Answers that are kept for requests that come again."""
WAITING = 1_000
"""Refusals that are sent again until they are acknowledged; more are sent once."""
CHUNK = 64 * 1024
Transaction = tuple[str, str, str, str, int]
Headers = Sequence[tuple[str, str]]


class SiprecServer:
    """Listens for recording clients where the settings give a port."""

    def __init__(self, telephony: Telephony) -> None:
        self.port: int | None = None
        """Where it listens, by UDP and TCP."""
        self._telephony = telephony
        self._settings = telephony.settings.telephony.siprec
        self._ports = RtpPorts(telephony.settings.host, self._settings.rtp_ports)
        self._recordings: dict[Key, Recording] = {}
        self._beginning: dict[Transaction, tuple[SipMessage, asyncio.Task[None]]] = {}
        self._answers = Answers()
        self._unacknowledged: dict[Transaction, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: set[Connection] = set()

    @property
    def recordings(self) -> int:
        """How many sessions go on."""
        return len(self._recordings)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen until the context ends."""
        if self._settings.port is None:
            yield
            return
        host = self._telephony.settings.host
        server, datagrams = await bind(
            host, self._settings.port, self._settings.address, self._connected, self._datagram
        )
        self.port = datagrams.port
        try:
            yield
        finally:
            server.close()
            for recording in tuple(self._recordings.values()):
                recording.say_bye(Refusal("going_down", "the server stops"))
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for connection in tuple(self._connections):
                connection.close()
            datagrams.close()

    # What comes

    def _believed(self, address: str) -> bool:
        if self._telephony.believes(address, self._settings.peers):
            return True
        metrics.refused("forbidden")
        log.warning("SIPREC: refused with forbidden; see telephony.siprec.peers")
        return False

    def _datagram(self, way: Datagrams, data: bytes) -> None:
        # Whoever is not believed gets no answer: by UDP the sender may be another.
        if data.strip(b"\r\n\0") and self._believed(way.address):
            self._message(way, data)

    def _connected(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        if not self._believed(connection.address):
            connection.close()
        elif len(self._connections) >= CONNECTIONS:
            metrics.refused("full")
            log.warning("SIPREC: refused with full")
            connection.close()
        else:
            self._connections.add(connection)
            self._spawn(self._read(reader, connection))

    async def _read(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        framer, limit = Framer(), self._telephony.settings.audio.hello_s
        try:
            while True:
                data = await self._chunk(reader, connection, limit)
                if not data:
                    return
                for message in framer.feed(data):
                    limit = self._telephony.idle_s
                    self._message(connection, message)
        except BadSip as error:
            self._bad(error)
        except OSError:
            log.info("SIPREC: a connection broke")
        finally:
            self._connections.discard(connection)
            connection.close()

    async def _chunk(
        self, reader: asyncio.StreamReader, connection: Connection, limit: float
    ) -> bytes:
        """What comes next; nothing when it is over, or has taken too long without a session."""
        while True:
            try:
                async with asyncio.timeout(limit):
                    return await reader.read(CHUNK)
            except TimeoutError:
                if not any(known.flow is connection for known in self._recordings.values()):
                    metrics.refused("idle")
                    return b""

    def _bad(self, error: BadSip) -> None:
        metrics.refused("bad_message")
        log.info("SIPREC: refused with bad_message: %s", error)

    def _message(self, way: Way, data: bytes) -> None:
        try:
            message = sip.parse(data)
        except BadSip as error:
            self._bad(error)
            return
        if message.status:
            self._answered(message)
        elif message.method == "ACK":
            self._acknowledged(message)
        elif not self._answers.again(_transaction(message), way):
            self._request(way, message)

    def _answered(self, response: SipMessage) -> None:
        """The client's word on our BYE. Dialogs are named from the other side in it."""
        ours, theirs = response.tags
        recording = self._recordings.get((response.get("call-id"), ours, theirs))
        if recording is not None and response.status >= 200 and response.cseq[1] == "BYE":
            recording.ended.set()

    def _acknowledged(self, ack: SipMessage) -> None:
        recording = self._recordings.get(key(ack))
        if recording is not None:
            recording.acknowledged.set()
        refused = self._unacknowledged.get(_transaction(ack, "INVITE"))
        if refused is not None:
            refused.set()

    # Requests

    def _request(self, way: Way, request: SipMessage) -> None:
        match request.method:
            case "OPTIONS":
                accepted = "application/sdp, application/rs-metadata+xml, multipart/mixed"
                self._say(way, request, 200, [("Allow", ALLOW), ("Accept", accepted),
                                              ("Supported", "siprec")])  # fmt: skip
            case "CANCEL":
                self._cancel(way, request)
            case "INVITE" if not request.tags[1]:
                self._say(way, request, 100)
                task = self._spawn(self._record(way, request))
                self._beginning[_transaction(request)] = (request, task)
            case "INVITE" | "UPDATE" | "INFO" | "BYE":
                self._within(way, request)
            case _:
                self._say(way, request, 405, [("Allow", ALLOW)])

    def _cancel(self, way: Way, request: SipMessage) -> None:
        invite = _transaction(request, "INVITE")
        self._say(way, request, 200 if self._answers.knows(invite) else 481)
        # One that has been accepted goes on until BYE.
        if invite in self._beginning:
            begun, task = self._beginning.pop(invite)
            task.cancel()
            self._say(way, begun, 487)

    def _within(self, way: Way, request: SipMessage) -> None:
        """A request in a session that goes on."""
        recording = self._recordings.get(key(request))
        if recording is None:
            self._say(way, request, 481)
        elif not recording.dialog.follows(request):
            self._say(way, request, 500)
        elif request.method == "BYE":
            self._say(way, request, 200)
            recording.ended.set()
            recording.hang_up()
        else:
            recording.flow = way
            try:
                body = recording.again(offers.read(request), always=request.method == "INVITE")
            except Refusal as refusal:
                self._refuse(way, request, refusal)
            else:
                self._accept(way, request, recording, body)

    def _accept(self, way: Way, request: SipMessage, recording: Recording, body: bytes) -> None:
        answer = self._say(way, request, 200, recording.dialog.ours(body), body,
                           recording.dialog.tag)  # fmt: skip
        if request.method == "INVITE":
            recording.acknowledged = asyncio.Event()
            self._spawn(self._until_acknowledged(recording, answer, recording.acknowledged))

    async def _until_acknowledged(
        self, recording: Recording, answer: bytes, acknowledged: asyncio.Event
    ) -> None:
        if not await insist(recording.flow, answer, acknowledged, everywhere=True):
            recording.stop(Refusal("idle", "the answer to INVITE was never acknowledged"))

    async def _record(self, way: Way, invite: SipMessage) -> None:
        """One session, from its INVITE to its end."""
        dialog = Dialog(invite, secrets.token_hex(8), way.contact(), heard=invite.cseq[0])
        recording = Recording(dialog, way, self._telephony, self._ports)

        def established() -> None:
            self._beginning.pop(_transaction(invite), None)
            self._recordings[dialog.key] = recording
            self._accept(way, invite, recording, recording.answer())

        try:
            refusal = await self._until_over(recording, established)
            if refusal is not None:
                await self._over(recording, refusal)
        finally:
            self._beginning.pop(_transaction(invite), None)
            self._recordings.pop(dialog.key, None)
            # Nobody need acknowledge what is over.
            recording.acknowledged.set()
            recording.close()

    async def _until_over(
        self, recording: Recording, established: Callable[[], None]
    ) -> Refusal | None:
        """Feed the call; gives why that did not begin, or not go on."""
        try:
            offers.check_siprec(recording.dialog.invite)
            if len(self._recordings) + len(self._beginning) > self._settings.sessions:
                raise Refusal("full", "no room for another recording", retry_after_s=5)
            await recording.open(offers.read(recording.dialog.invite))
            await recording.feed(established)
        except Refusal as refusal:
            # Its frames hold the call, which need not wait for the client's last word.
            refusal.__context__ = None
            return refusal.with_traceback(None)
        except Exception:
            # The edge of a session: what fails here must not reach other calls or the server.
            log.exception("SIPREC: failed")
            return Refusal("recogniser_failed", "our fault; begin anew")
        return None

    async def _over(self, recording: Recording, refusal: Refusal) -> None:
        """It does not go on, or not even begin."""
        if recording.dialog.key not in self._recordings:
            self._refuse(recording.flow, recording.dialog.invite, refusal, recording.dialog.tag)
            return
        metrics.refused(refusal.code)
        log.info("SIPREC: ended with %s: %s", refusal.code, refusal.message)
        recording.close()
        await recording.bye(refusal)

    # Answers

    def _refuse(self, way: Way, request: SipMessage, refusal: Refusal, tag: str = "") -> None:
        metrics.refused(refusal.code)
        log.info("SIPREC: refused with %s: %s", refusal.code, refusal.message)
        status, headers = offers.status(refusal)
        answer = self._say(way, request, status, headers, tag=tag)
        if request.method == "INVITE" and len(self._unacknowledged) < WAITING:
            self._spawn(self._until_known(way, _transaction(request), answer))

    async def _until_known(self, way: Way, transaction: Transaction, answer: bytes) -> None:
        known = self._unacknowledged[transaction] = asyncio.Event()
        try:
            await insist(way, answer, known)
        finally:
            self._unacknowledged.pop(transaction, None)

    def _say(
        self, way: Way, request: SipMessage, status: int, headers: Headers = (),
        body: bytes = b"", tag: str = "",
    ) -> bytes:  # fmt: skip
        tag = tag or (secrets.token_hex(8) if status > 100 else "")
        answer = sip.answer(request, status, way.source, tag, headers, body)
        self._answers.keep(_transaction(request), answer)
        way.send(answer)
        return answer

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _transaction(message: SipMessage, method: str = "") -> Transaction:
    number, own = message.cseq
    return (*message.branch, method or own, message.get("call-id"), number)


class Answers:
    """The last answer to each request of late, for requests that come again."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._kept: OrderedDict[Transaction, tuple[float, bytes]] = OrderedDict()

    def keep(self, transaction: Transaction, answer: bytes) -> None:
        """From now on this is the answer."""
        now = self._clock()
        self._kept.pop(transaction, None)
        self._kept[transaction] = (now + GIVE_UP_S, answer)
        while self._kept:
            oldest, (until, _) = next(iter(self._kept.items()))
            if until > now and len(self._kept) <= KEPT:
                return
            del self._kept[oldest]

    def knows(self, transaction: Transaction) -> bool:
        """Whether the request has been answered."""
        return transaction in self._kept

    def again(self, transaction: Transaction, way: Way) -> bool:
        """Answer a request that came before as it was answered then; False for a new one."""
        if transaction not in self._kept:
            return False
        way.send(self._kept[transaction][1])
        return True
