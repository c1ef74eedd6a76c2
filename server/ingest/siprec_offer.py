"""What a recording client's INVITE asks for: its streams, and who is on the call. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asr.events import Party
from server.ingest import siprec_metadata as metadata
from server.ingest import siprec_sdp as sdp
from server.ingest import siprec_sip as sip
from server.ingest.siprec_metadata import Metadata
from server.ingest.siprec_sdp import Media
from server.ingest.siprec_sip import SipMessage
from server.refusals import Refusal

STREAMS = 2
"""Streams of a recording that we hear: one for each party."""
STATUS = {
    "bad_hello": 400,
    "bad_message": 400,
    "bad_packet": 400,
    "too_large": 513,
    "forbidden": 403,
    "call_taken": 486,
    "call_ended": 486,
    "full": 503,
    "elsewhere": 503,
    "going_down": 503,
    "idle": 408,
    "hello_timeout": 408,
    "recogniser_failed": 500,
}
"""SIP's words for our refusals."""


class Unfit(Refusal):
    """A request that SIP itself has a status for."""

    def __init__(self, status: int, message: str, *headers: tuple[str, str]) -> None:
        super().__init__("bad_hello", message)
        self.status = status
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Offer:
    """The bodies of a request."""

    media: tuple[Media, ...]
    """Empty where there was no SDP."""
    metadata: Metadata | None

    def wanted(self) -> list[int]:
        """The media lines that we hear."""
        return [index for index, media in enumerate(self.media) if media.wanted][:STREAMS]


def check_siprec(invite: SipMessage) -> None:
    """Raises :class:`Unfit` for an INVITE that is no recording, or asks for what we have not."""
    asked = [tag.lower() for tag in invite.all("require")]
    strange = [tag for tag in asked if tag != "siprec"]
    if strange:
        named = ", ".join(tag for tag in strange if tag.isascii())[:128]
        raise Unfit(420, "require: not known here", ("Unsupported", named))
    contact = ",".join(invite.all("contact")).lower()
    if not asked and "+sip.src" not in contact:
        raise Unfit(421, "require: only recording sessions are taken", ("Require", "siprec"))


def read(request: SipMessage) -> Offer:
    """Raises :class:`Refusal` that names what is wrong."""
    try:
        parts = sip.parts(request.get("content-type"), request.body)
        media = next((sdp.read(p.content) for p in parts if p.type == "application/sdp"), [])
        said = next((metadata.read(p.content) for p in parts if p.type in metadata.TYPES), None)
    except (sip.BadSip, sdp.BadSdp, metadata.BadMetadata) as error:
        raise Refusal("bad_hello", f"body: {error}") from None
    return Offer(tuple(media), said)


def status(refusal: Refusal) -> tuple[int, list[tuple[str, str]]]:
    """Status and headers of the response that refuses."""
    headers = [("Warning", f'399 tingban "{refusal.code}: {_plain(refusal.message)}"')]
    if isinstance(refusal, Unfit):
        return refusal.status, [*refusal.headers, *headers]
    if "retry_after_s" in refusal.extra:
        headers.append(("Retry-After", str(max(1, round(float(refusal.extra["retry_after_s"]))))))
    return STATUS.get(refusal.code, 500), headers


def _plain(text: str) -> str:
    """As it may stand between quotes in a header."""
    return "".join(
        letter if " " <= letter <= "~" and letter not in '"\\' else " " for letter in text
    )


def order(name: str) -> tuple[Party, Party]:
    """``customer,agent`` as parties."""
    first, second = (Party(party) for party in name.split(","))
    return first, second


def labels(media: Sequence[Media], wanted: Sequence[int]) -> list[str]:
    """Of the streams that we hear."""
    return [media[index].label for index in wanted]
