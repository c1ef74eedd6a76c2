"""One SIP dialog as the called side has it: what identifies it, and the requests we send in it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.ingest import siprec_sip as sip
from server.ingest.siprec_sip import SipMessage

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO"
T1_S, T2_S, GIVE_UP_S = 0.5, 4.0, 32.0
"""Timers of RFC 3261."""
Key = tuple[str, str, str]
"""Call-ID, our tag, the client's tag."""


def waits() -> list[float]:
    """Seconds between one sending of something and the next, until it is given up."""
    found: list[float] = []
    wait = T1_S
    while sum(found) < GIVE_UP_S:
        found.append(wait)
        wait = min(2 * wait, T2_S)
    return found


def key(request: SipMessage) -> Key:
    """The dialog that a request of the client is in."""
    theirs, ours = request.tags
    return request.get("call-id"), ours, theirs


@dataclass(slots=True)
class Dialog:
    """Between a recording client and us."""

    invite: SipMessage
    tag: str
    """Ours."""
    contact: str
    """Where the client finds us, as a URI."""
    heard: int = 0
    """The client's latest request."""
    said: int = 0
    """Our latest request."""

    @property
    def key(self) -> Key:
        """What later requests of the client say."""
        return self.invite.get("call-id"), self.tag, self.invite.tags[0]

    def follows(self, request: SipMessage) -> bool:
        """Whether a request is newer than those before; if so it is remembered."""
        number, _ = request.cseq
        if number <= self.heard:
            return False
        self.heard = number
        return True

    def ours(self, body: bytes) -> list[tuple[str, str]]:
        """Headers of our answer to an offer."""
        kind = [("Content-Type", "application/sdp")] if body else []
        return [("Contact", f"<{self.contact}>;+sip.srs"), ("Allow", ALLOW), *kind]

    def bye(self, via: str, reason: str = "") -> bytes:
        """The end, from our side. ``via`` is our hop, with its branch."""
        self.said += 1
        contact = self.invite.get("contact")
        target = sip.address(contact) or sip.address(self.invite.get("from"))
        me = f"{self.invite.get('to')};tag={self.tag}"
        routes: Sequence[str] = self.invite.all("record-route")
        headers = [
            ("Via", via),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in routes),
            ("From", me),
            ("To", self.invite.get("from")),
            ("Call-ID", self.invite.get("call-id")),
            ("CSeq", f"{self.said} BYE"),
        ]
        headers += [("Reason", f'SIP;cause=200;text="{reason}"')] if reason else []
        return sip.write(f"BYE {target} SIP/2.0", headers)
