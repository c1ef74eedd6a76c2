"""Twilio Media Streams: JSON text with µ-law in base64, a track for each direction.

The inbound track is whoever Twilio has on the line, so the customer; the outbound track is what
they hear, so the agent. Where ``<Stream>`` runs on the agent's leg, the custom parameter
``inbound`` is ``agent``.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocket

from asr.audio.codec import decode_mulaw
from asr.events import Party
from server import sockets
from server.access import guard
from server.ingest import hello as hellos
from server.ingest import who
from server.ingest.line import Line, Telephony
from server.ingest.reorder import Piece, Reorder
from server.refusals import Refusal

RATE = 8_000
LONGEST_S = 1
Track = Literal["inbound", "outbound"]
OURS = {"call", "inbound", "token", *who.Who.model_fields}
"""Custom parameters with a meaning; the others become attributes of the call."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Format(_Message):
    """Twilio has only this one; anything else is not Twilio."""

    encoding: Literal["audio/x-mulaw"] = "audio/x-mulaw"
    sampleRate: Literal[8000] = 8000
    channels: Literal[1] = 1


class Parameters(who.Who):
    """``<Parameter>`` elements of the ``<Stream>``."""

    call: Annotated[str, Field(max_length=256)] | None = None
    inbound: Literal["customer", "agent"] = "customer"
    token: Annotated[str, Field(max_length=4096)] = ""
    """Of a user with the role ``ingest``, where audio needs one."""


class StartBody(_Message):
    """The call."""

    callSid: Annotated[str, Field(max_length=256)]
    tracks: Annotated[list[Track], Field(min_length=1, max_length=2)]
    mediaFormat: Format = Format()
    customParameters: Annotated[dict[str, str], Field(max_length=64)] = {}

    def parameters(self) -> Parameters:
        """The custom parameters. Raises ``ValidationError``."""
        known = {k: v for k, v in self.customParameters.items() if k in OURS}
        others = {k: v for k, v in self.customParameters.items() if k not in OURS}
        return Parameters.model_validate({**known, "attributes": others})


class Start(_Message):
    """Metadata of the stream, once."""

    event: Literal["start"]
    start: StartBody


class MediaBody(_Message):
    """One piece of one track. Twilio writes numbers as text."""

    track: Track
    chunk: Annotated[int, Field(ge=1)]
    timestamp: Annotated[int, Field(ge=0)]
    payload: str


class Media(_Message):
    """Audio."""

    event: Literal["media"]
    media: MediaBody


class Stop(_Message):
    """The stream is over."""

    event: Literal["stop"]


class Other(_Message):
    """Says nothing to us."""

    event: Literal["connected", "dtmf", "mark"]


Event = Annotated[Start | Media | Stop | Other, Field(discriminator="event")]
EVENT: TypeAdapter[Start | Media | Stop | Other] = TypeAdapter(Event)


class TwilioSocket:
    """One media stream."""

    def __init__(self, socket: WebSocket, telephony: Telephony) -> None:
        self._socket = socket
        self._telephony = telephony
        self._reorder: dict[Track, Reorder[bytes]] = {}

    async def talk(self) -> None:
        """Feed a call until its stream stops. Raises a disconnect or a refusal."""
        start = await self._telephony.greeting(self._start())
        try:
            parameters = start.parameters()
        except ValidationError as error:
            raise hellos.refusal(error, "bad_hello") from None
        if self._socket.state.caller is None:
            await guard.by_token(self._socket, parameters.token)
        tracks = _parties(start.tracks, parameters.inbound)
        self._reorder = {track: Reorder(RATE) for track in tracks}
        call = who.call_id(parameters.call or start.callSid)
        info = parameters.info(call, self._telephony.agents)
        async with self._telephony.hold(info, tuple(tracks.values()), RATE) as line:
            line.listen()
            await self._media(line, tracks)

    async def _start(self) -> StartBody:
        while True:
            match await self._event("bad_hello"):
                case Start(start=start):
                    return start
                case Other(event="connected"):
                    continue
                case _:
                    raise Refusal("bad_hello", "event: a stream begins with 'start'")

    async def _event(self, code: str) -> Start | Media | Stop | Other:
        try:
            return EVENT.validate_json(await sockets.receive_text(self._socket))
        except ValidationError as error:
            raise hellos.refusal(error, code) from None

    async def _media(self, line: Line, tracks: dict[Track, Party]) -> None:
        while True:
            match await self._event("bad_message"):
                case Media(media=media):
                    if media.track not in tracks:
                        raise Refusal(
                            "bad_message", f"media.track: {media.track} was not announced"
                        )
                    pieces = self._reorder[media.track].put(
                        media.chunk, media.timestamp, _audio(media.payload)
                    )
                    await _feed(line, tracks[media.track], pieces)
                case Stop():
                    for track, reorder in self._reorder.items():
                        await _feed(line, tracks[track], reorder.flush())
                    return
                case Start():
                    raise Refusal("bad_message", "event: a stream starts once")


def _parties(tracks: list[Track], inbound: str) -> dict[Track, Party]:
    """Who speaks on which track. A track that is named twice is one track."""
    first = Party(inbound)
    second = Party.AGENT if first is Party.CUSTOMER else Party.CUSTOMER
    both: dict[Track, Party] = {"inbound": first, "outbound": second}
    return {track: party for track, party in both.items() if track in tracks}


def _audio(payload: str) -> bytes:
    try:
        audio = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("bad_packet", "media.payload: not base64") from None
    if len(audio) > RATE * LONGEST_S:
        raise Refusal("too_large", f"a message holds at most {LONGEST_S} s of audio")
    return audio


async def _feed(line: Line, party: Party, pieces: list[Piece[bytes]]) -> None:
    for piece in pieces:
        await line.feed(piece.first, (party,), decode_mulaw(piece.sound))
