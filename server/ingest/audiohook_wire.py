"""The messages of Genesys AudioHook, version 2: their fields, their order, their times. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from asr.events import Party
from server.ingest import hello as hellos
from server.refusals import Refusal

PROBE = UUID(int=0)
"""The conversation of a connection that is only tried."""
LANGUAGES = ("zh-CN",)
PARTIES = {"external": Party.CUSTOMER, "internal": Party.AGENT}
_DURATION = re.compile(r"PT(\d{1,9}(?:\.\d{1,9})?)S")


def _milliseconds(text: Any) -> Any:
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("write a time as PT1.25S")
    return round(float(found[1]) * 1000)


Ms = Annotated[int, BeforeValidator(_milliseconds)]


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Message(_Loose):
    """Every message of the client."""

    version: Literal["2"]
    id: UUID
    type: Annotated[str, Field(max_length=64)]
    seq: Annotated[int, Field(ge=1)]
    serverseq: Annotated[int, Field(ge=0)]
    position: Ms
    parameters: dict[str, Any]


class Media(_Loose):
    """One of the formats that the client offers."""

    type: str
    format: str
    channels: Annotated[list[Literal["external", "internal"]], Field(min_length=1, max_length=2)]
    rate: int

    def parties(self) -> tuple[Party, ...]:
        """Who speaks on which channel."""
        return tuple(PARTIES[channel] for channel in self.channels)

    def known(self) -> bool:
        """True for what we can decode; a channel can be there only once."""
        return (self.type, self.format, self.rate) == ("audio", "PCMU", 8_000) and len(
            set(self.channels)
        ) == len(self.channels)


class Participant(_Loose):
    """The other end of the call, as the telephone network knows it."""

    ani: str = ""
    dnis: str = ""


class Continued(_Loose):
    """A session that this one takes over from."""

    id: UUID


class Open(_Loose):
    """Parameters of ``open``."""

    organizationId: UUID
    conversationId: UUID
    participant: Participant
    media: Annotated[list[dict[str, Any]], Field(max_length=16)]
    supportedLanguages: bool = False
    continuedSessions: Annotated[list[Continued], Field(max_length=16)] = []
    customConfig: dict[str, Any] = {}

    def choice(self) -> tuple[dict[str, Any], Media] | None:
        """The offer to take, unchanged and as we read it: both parties if possible."""
        offers = []
        for offer in self.media:
            try:
                media = Media.model_validate(offer)
            except ValidationError:
                continue
            if media.known():
                offers.append((offer, media))
        return max(offers, key=lambda offer: len(offer[1].channels), default=None)


class Span(_Loose):
    """Parameters of ``discarded`` and ``resumed``: sound that will not come."""

    start: Ms
    discarded: Ms


class Conversation:
    """Numbers and checks the messages of one session in both directions."""

    def __init__(self) -> None:
        self.id: UUID | None = None
        self._seq = 0
        self._heard = 0

    def read(self, text: str) -> Message:
        """The client's next message. Raises :class:`Refusal` for one out of order."""
        try:
            message = Message.model_validate_json(text)
        except ValidationError as error:
            raise hellos.refusal(error, "bad_message") from None
        if self.id not in (None, message.id):
            raise Refusal("bad_message", "id: not the one of this session")
        if message.seq != self._heard + 1:
            raise Refusal("bad_message", f"seq: {message.seq} where {self._heard + 1} is due")
        if message.serverseq > self._seq:
            raise Refusal("bad_message", f"serverseq: only {self._seq} have been sent")
        self.id, self._heard = message.id, message.seq
        return message

    def write(self, kind: str, **parameters: Any) -> dict[str, Any]:
        """Our next message."""
        self._seq += 1
        return {
            "version": "2",
            "id": str(self.id or PROBE),
            "type": kind,
            "seq": self._seq,
            "clientseq": self._heard,
            "parameters": parameters,
        }


def duration(ms: int) -> str:
    """A time as the protocol writes it."""
    return f"PT{max(0, ms) / 1000:.3f}S"


def transcript(session: UUID, event: dict[str, Any], channel: int, shift_ms: int) -> dict[str, Any]:
    """The ``transcript`` entity of a final; ``shift_ms`` leads from our times to the client's."""
    tokens, before = [], event["start_ms"]
    for value, (ms, confidence) in zip(event["text"], event["chars"], strict=True):
        # Characters can share a moment, tokens may not.
        ends = max(ms, before + 1)
        tokens.append(
            {
                "type": "word",
                "value": value,
                "confidence": confidence,
                "offset": duration(before + shift_ms),
                "duration": duration(ends - before),
            }
        )
        before = ends
    confidence = sum(token["confidence"] for token in tokens) / max(1, len(tokens))
    spoken = {"type": "display", "transcript": event["text"], "tokens": tokens}
    return {
        "type": "transcript",
        "data": {
            "id": str(uuid5(session, event["utterance"])),
            "channelId": channel,
            "isFinal": True,
            "offset": duration(event["start_ms"] + shift_ms),
            "duration": duration(event["end_ms"] - event["start_ms"]),
            "alternatives": [
                {"confidence": round(confidence, 3), "interpretations": [spoken]},
            ],
        },
    }
