"""Who is on a recorded call: recording metadata (RFC 7865) and which party each stream is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from asr.events import Party
from server.ingest.siprec_sip import user_and_domain

NAMESPACE = "{urn:ietf:params:xml:ns:recording"
TYPES = ("application/rs-metadata+xml", "application/rs-metadata")
PARTICIPANTS = 32


class BadMetadata(ValueError):
    """The metadata cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Participant:
    """One person or device."""

    user: str
    domain: str
    sends: tuple[str, ...] = ()
    """Labels of the streams that this one speaks on."""

    @property
    def aor(self) -> str:
        """Address of record."""
        return f"{self.user}@{self.domain}" if self.domain else self.user


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a recording client says of a call."""

    session: str = ""
    """Id of the communication session: the same for a recording that begins again."""
    participants: tuple[Participant, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """How this installation knows its agents."""

    agents: Mapping[str, str] = field(default_factory=dict)
    """The agent at an extension."""
    domains: Collection[str] = ()
    order: tuple[Party, Party] = (Party.CUSTOMER, Party.AGENT)
    """Of the labels, where neither extension nor domain tells."""

    def is_agent(self, participant: Participant) -> bool:
        """Whether somebody of ours is meant."""
        known = participant.user in self.agents or participant.aor in self.agents
        return known or participant.domain in self.domains


def read(content: bytes) -> Metadata:
    """Raises :class:`BadMetadata`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadMetadata("metadata is no UTF-8") from None
    # Without a document type there are no entities to expand, near or far.
    if "<!DOCTYPE" in text:
        raise BadMetadata("metadata with a document type is not read")
    try:
        root = ElementTree.fromstring(text.strip())
    except (ElementTree.ParseError, ValueError):
        raise BadMetadata("metadata is no XML") from None
    if not root.tag.startswith(NAMESPACE) or _name(root) != "recording":
        raise BadMetadata("metadata is no recording of urn:ietf:params:xml:ns:recording:1")
    return Metadata(_session(root), _participants(root))


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _named(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in element if _name(child) == name]


def _id(element: ElementTree.Element, name: str) -> str:
    """Drafts before the RFC called every id just ``id``."""
    return element.get(f"{name}_id") or element.get("id") or ""


def _session(root: ElementTree.Element) -> str:
    return next((_id(session, "session") for session in _named(root, "session")), "")[:256]


def _participants(root: ElementTree.Element) -> tuple[Participant, ...]:
    labels = {
        _id(stream, "stream"): (label.text or "").strip()
        for stream in _named(root, "stream")
        for label in _named(stream, "label")
    }
    found = _named(root, "participant")
    if len(found) > PARTICIPANTS:
        raise BadMetadata(f"more than {PARTICIPANTS} participants")
    sends: dict[str, list[str]] = {}
    for element in [*_named(root, "participantstreamassoc"), *found]:
        streams = [(send.text or "").strip() for send in _named(element, "send")]
        known = [labels[stream] for stream in streams if stream in labels]
        sends.setdefault(_id(element, "participant"), []).extend(known)
    return tuple(
        Participant(*_aor(element), tuple(sends.get(_id(element, "participant"), ())))
        for element in found
    )


def _aor(participant: ElementTree.Element) -> tuple[str, str]:
    aors = (name.get("aor") or "" for name in _named(participant, "nameID"))
    user, domain = user_and_domain(next(aors, "")[:256])
    return user, domain


@dataclass(frozen=True, slots=True)
class Roles:
    """Which party speaks on each stream, and who they are."""

    parties: tuple[Party, ...]
    """In the order of the labels."""
    agent: Participant | None = None
    customer: Participant | None = None


def roles(metadata: Metadata, labels: Sequence[str], rule: Rule) -> Roles:
    """Who speaks on streams with these labels: one stream or two.

    One stream of which nobody, or more than one, is the speaker is mixed: ``unknown``.
    """
    speakers = [_speaker(metadata, label) for label in labels]
    ours = [speaker is not None and rule.is_agent(speaker) for speaker in speakers]
    if len(labels) == 1:
        if speakers[0] is None:
            return _roles((Party.UNKNOWN,), speakers)
        return _roles((Party.AGENT if ours[0] else rule.order[0],), speakers)
    if ours[0] != ours[1]:
        agent = 0 if ours[0] else 1
        parties = (Party.AGENT, Party.CUSTOMER) if agent == 0 else (Party.CUSTOMER, Party.AGENT)
        return _roles(parties, speakers)
    return _roles(rule.order, speakers)


def _speaker(metadata: Metadata, label: str) -> Participant | None:
    speaking = [one for one in metadata.participants if label and label in one.sends]
    return speaking[0] if len(speaking) == 1 else None


def _roles(parties: tuple[Party, ...], speakers: Sequence[Participant | None]) -> Roles:
    people = dict(zip(parties, speakers, strict=True))
    return Roles(parties, people.get(Party.AGENT), people.get(Party.CUSTOMER))
