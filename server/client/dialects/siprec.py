"""A recording as a session border controller sends it by SIPREC: SIP, and RTP for each party."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import quoteattr

from asr.audio.codec import Codec
from asr.events import Party
from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects.piece import cuts
from server.client.errors import Lost, Refused
from server.client.pace import PACKET_MS, Pace
from server.ingest import siprec_rtp as rtp
from server.ingest import siprec_sdp as sdp
from server.ingest import siprec_sip as sip
from server.ingest.siprec_dialog import waits
from server.ingest.siprec_sip import SipMessage

PAYLOAD: dict[Codec, int] = {"mulaw": 0, "alaw": 8}
NAMES = {codec: name.upper() for name, codec in sdp.CODECS.items()}
BOUNDARY = "a-part-of-a-recording"
TYPE = f"multipart/mixed;boundary={BOUNDARY}"


class Dialog:
    """Writes a recording client's requests. ``host`` and ``port`` are where it gets answers."""

    def __init__(self, id: str, host: str, port: int, transport: str = "UDP") -> None:
        self.id = id
        self._host, self._port, self._transport = host, port, transport
        self._from = f"<sip:recorder@{host}:{port}>;tag={secrets.token_hex(4)}"
        self._to = "<sip:tingban@recording.invalid>"
        self._target = "sip:tingban@recording.invalid"
        self._branch = ""
        self._number = 0

    def request(self, method: str, body: bytes = b"", kind: str = "") -> bytes:
        """The next request; ACK and CANCEL are of the one before."""
        if method not in ("ACK", "CANCEL"):
            self._number += 1
        if method != "CANCEL":
            self._branch = f"z9hG4bK{secrets.token_hex(6)}"
        here = f"{self._host}:{self._port}"
        headers = [
            ("Via", f"SIP/2.0/{self._transport} {here};branch={self._branch};rport"),
            ("Max-Forwards", "70"),
            ("From", self._from),
            ("To", self._to),
            ("Call-ID", self.id),
            ("CSeq", f"{self._number} {method}"),
            ("Contact", f"<sip:recorder@{here}>;+sip.src"),
            *([("Require", "siprec")] if method == "INVITE" else []),
            *([("Content-Type", kind)] if kind else []),
        ]
        return sip.write(f"{method} {self._target} SIP/2.0", headers, body)

    def answered(self, response: SipMessage) -> None:
        """The server has a tag and an address of its own from now on."""
        self._to = response.get("to")
        self._target = sip.address(response.get("contact")) or self._target


def offer(
    clip: Clip, host: str, ports: Sequence[int], direction: str = "sendonly", version: int = 1
) -> bytes:
    """The SDP: a stream for each party, with labels from 1."""
    number = PAYLOAD[clip.codec]
    lines = ["v=0", f"o=recorder 1 {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    for label, port in enumerate(ports, 1):
        lines += [
            f"m=audio {port} RTP/AVP {number} 101",
            f"a=rtpmap:{number} {NAMES[clip.codec]}/{clip.rate}",
            "a=rtpmap:101 telephone-event/8000",
            f"a=label:{label}",
            f"a={direction}",
        ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def metadata(call: Call, parties: Sequence[Party]) -> bytes:
    """The recording metadata: who speaks on which label. The agent's extension is its name."""
    people = {
        Party.AGENT: f"sip:{call.agent or 'agent'}@agents.invalid",
        Party.CUSTOMER: f"sip:{call.attributes.get('number', 'customer')}@customers.invalid",
        Party.UNKNOWN: "sip:everybody@conference.invalid",
    }
    session = quoteattr(call.id)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>',
        f"<session session_id={session}/>",
    ]
    for label, party in enumerate(parties, 1):
        parts.append(
            f'<participant participant_id="p{label}"><nameID aor={quoteattr(people[party])}/>'
            f'</participant><stream stream_id="s{label}" session_id={session}>'
            f"<label>{label}</label></stream>"
            f'<participantstreamassoc participant_id="p{label}"><send>s{label}</send>'
            "</participantstreamassoc>"
        )
    return "".join([*parts, "</recording>"]).encode()


def invitation(call: Call, clip: Clip, host: str, ports: Sequence[int]) -> tuple[bytes, str]:
    """Body and type of the first INVITE."""
    contents = {
        "application/sdp": offer(clip, host, ports),
        "application/rs-metadata+xml": metadata(call, clip.parties),
    }
    return sip.multipart(BOUNDARY, contents), TYPE


class Wire:
    """A way to the server, and what comes on it."""

    def __init__(self) -> None:
        self.transport = "UDP"
        self.local: tuple[str, int] = ("", 0)
        self.came: asyncio.Queue[SipMessage | None] = asyncio.Queue()
        self._sending: asyncio.DatagramTransport | asyncio.StreamWriter | None = None

    def send(self, data: bytes) -> None:
        """One message."""
        if isinstance(self._sending, asyncio.StreamWriter):
            self._sending.write(data)
        elif self._sending is not None:
            self._sending.sendto(data)

    async def ask(self, data: bytes) -> SipMessage:
        """Send a request, again if need be, until the final response. Raises :class:`Lost` or,
        when the server hangs up instead, :class:`Refused`."""
        request = sip.parse(data)
        self.send(data)
        for wait in waits():
            try:
                async with asyncio.timeout(wait):
                    return await self._final(request)
            except TimeoutError:
                if self.transport == "UDP":
                    self.send(data)
        raise Lost("no answer")

    async def _final(self, request: SipMessage) -> SipMessage:
        while True:
            message = await self.came.get()
            if message is None:
                raise Lost("the server hung up")
            if message.get("call-id") != request.get("call-id"):
                continue  # for whoever had this port before
            # An answer to an earlier request may come again.
            if message.status >= 200 and message.cseq == request.cseq:
                return message
            self.check(message)

    def check(self, message: SipMessage) -> None:
        """A BYE of the server ends the session with its reason. Raises :class:`Refused`."""
        if message.method == "BYE":
            self.send(sip.answer(message, 200, self.local))
            raise _refused(message.get("reason"))

    @staticmethod
    @asynccontextmanager
    async def open(server: str) -> AsyncIterator[Wire]:
        """To ``udp://HOST:PORT`` or ``tcp://HOST:PORT``. Raises ``OSError``."""
        address, wire = urlsplit(server), Wire()
        if address.scheme == "tcp":
            wire.transport = "TCP"
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            wire._sending, wire.local = writer, writer.get_extra_info("sockname")[:2]
            reading = asyncio.create_task(wire._read(reader))
            try:
                yield wire
            finally:
                reading.cancel()
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        else:
            loop = asyncio.get_running_loop()
            target = (address.hostname or "127.0.0.1", address.port or 5060)
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(wire), remote_addr=target
            )
            wire._sending, wire.local = transport, transport.get_extra_info("sockname")[:2]
            try:
                yield wire
            finally:
                transport.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        framer = sip.Framer()
        while data := await reader.read(65_536):
            for message in framer.feed(data):
                self.came.put_nowait(sip.parse(message))
        self.came.put_nowait(None)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._wire.came.put_nowait(sip.parse(data))

    def error_received(self, exc: Exception) -> None:
        # Nobody listens there.
        self._wire.came.put_nowait(None)


class Sound:
    """The RTP of one party."""

    def __init__(self, transport: asyncio.DatagramTransport, kind: int) -> None:
        self._transport = transport
        self._kind = kind
        self.source = secrets.randbits(32)
        self._number, self._time = secrets.randbits(16), secrets.randbits(32)
        self._sent = 0

    @property
    def port(self) -> int:
        """Ours."""
        return int(self._transport.get_extra_info("sockname")[1])

    def packet(self, start: int, payload: bytes) -> bytes:
        """The next packet; its first sample is ``start``."""
        self._sent += 1
        return rtp.write(
            self._kind, self._number + self._sent, self._time + start, self.source, payload
        )

    def send(self, data: bytes, target: tuple[str, int]) -> None:
        """One packet."""
        self._transport.sendto(data, target)


@asynccontextmanager
async def sounds(clip: Clip, host: str) -> AsyncIterator[list[Sound]]:
    """A socket for each party's RTP."""
    loop = asyncio.get_running_loop()
    transports = [
        (await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(host, 0)))[0]
        for _ in clip.parties
    ]
    try:
        yield [Sound(transport, PAYLOAD[clip.codec]) for transport in transports]
    finally:
        for transport in transports:
            transport.close()


def targets(response: SipMessage) -> list[tuple[str, int]]:
    """Where the server wants the streams."""
    return [(media.address, media.port) for media in sdp.read(response.body)]


def accepted(response: SipMessage) -> SipMessage:
    """The response, where it says yes. Raises :class:`Refused`."""
    if response.status != 200:
        raise _refused(response.get("warning") or f'"{response.status}: no warning"')
    return response


def _refused(quoted: str) -> Refused:
    code, _, message = quoted.partition('"')[2].partition('"')[0].partition(": ")
    return Refused(code or "ended", message)


async def play(
    server: str, call: Call, clip: Clip, speed: float = 1.0, token: str | None = None
) -> None:
    """One session, from INVITE to BYE. The clip has to be ``alaw`` or ``mulaw`` at 8000 Hz.

    The server believes us by our address; ``token`` is not used. Raises ``Refused`` or ``Lost``.
    """
    try:
        async with Wire.open(server) as wire, sounds(clip, wire.local[0]) as streams:
            dialog = Dialog(str(uuid5(NAMESPACE_URL, call.id)), *wire.local, wire.transport)
            body = invitation(call, clip, wire.local[0], [stream.port for stream in streams])
            response = await wire.ask(dialog.request("INVITE", *body))
            dialog.answered(response)
            wire.send(dialog.request("ACK"))
            where = targets(accepted(response))
            await _speak(wire, clip, streams, where, Pace(clip.rate, speed))
            accepted(await wire.ask(dialog.request("BYE")))
    except OSError as error:
        raise Lost(f"{server}: {error}") from error


async def _speak(
    wire: Wire,
    clip: Clip,
    streams: Sequence[Sound],
    where: Sequence[tuple[str, int]],
    pace: Pace,
) -> None:
    for start, stop in cuts(clip, PACKET_MS):
        await pace.due(stop)
        for channel, (stream, target) in enumerate(zip(streams, where, strict=True)):
            stream.send(stream.packet(start, clip.part(start, stop, channel)), target)
        pace.left(stop)
        while not wire.came.empty():
            message = wire.came.get_nowait()
            if message is None:
                raise Lost("the server hung up")
            wire.check(message)
        # Datagrams that nobody has time to read are lost.
        await asyncio.sleep(0)
