"""What SIPREC clients send, without sockets: SIP, SDP, metadata and RTP, whole and broken."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.codec import decode_alaw
from asr.events import Party
from server.client.audio import Call
from server.client.dialects import siprec as client
from server.ingest import siprec_metadata as metadata
from server.ingest import siprec_offer as offers
from server.ingest import siprec_rtp as rtp
from server.ingest import siprec_sdp as sdp
from server.ingest import siprec_sip as sip
from server.ingest.siprec_dialog import GIVE_UP_S, waits
from server.ingest.siprec_metadata import Rule
from server.refusals import Refusal
from tests.server.ingest.listening import recorded

C, A, U = Party.CUSTOMER, Party.AGENT, Party.UNKNOWN
CALL = Call("s-1", agent="6001", attributes={"number": "13800000000"})


def invite() -> bytes:
    clip = recorded("alaw")
    body = client.invitation(CALL, clip, "127.0.0.1", [4000, 4002])
    return client.Dialog("d-1", "127.0.0.1", 5070).request("INVITE", *body)


def test_reads_what_our_client_writes() -> None:
    message = sip.parse(invite())
    assert (message.method, message.cseq, message.tags[1]) == ("INVITE", (1, "INVITE"), "")
    offer = offers.read(message)
    assert [(m.address, m.port, m.label, m.sending) for m in offer.media] == [
        ("127.0.0.1", 4000, "1", True),
        ("127.0.0.1", 4002, "2", True),
    ]
    assert [m.codecs for m in offer.media] == [((8, "alaw"),)] * 2
    assert offer.metadata is not None
    assert offer.metadata.session == "s-1"
    assert [p.user for p in offer.metadata.participants] == ["6001", "13800000000"]
    assert [p.sends for p in offer.metadata.participants] == [("1",), ("2",)]


def test_compact_names_and_any_case_mean_the_same() -> None:
    long = sip.parse(invite())
    text = invite().decode()
    for name, short in (("Via", "v"), ("From", "F"), ("To", "t"), ("Call-ID", "i"),
                        ("Content-Type", "C"), ("Content-Length", "l"), ("Contact", "m")):  # fmt: skip
        text = text.replace(f"\r\n{name}: ", f"\r\n{short} : ", 1)
    short_one = sip.parse(text.encode())
    names = ("via", "from", "to", "call-id", "contact", "content-type")
    # Tags and branches are drawn anew for each dialog; everything else is the same.
    assert [short_one.get(name)[:20] for name in names] == [long.get(name)[:20] for name in names]
    assert short_one.body == long.body


@given(st.lists(st.integers(1, 400), max_size=40), st.integers(0, 3))
def test_a_stream_may_be_cut_anywhere(sizes: list[int], blanks: int) -> None:
    sent = [invite(), invite()]
    stream, framer = (b"\r\n" * blanks).join([b"", *sent, b""]), sip.Framer()
    came: list[bytes] = []
    for size in [*sizes, len(stream)]:
        came += framer.feed(stream[:size])
        stream = stream[size:]
    assert came == sent


@given(st.integers(0, 2**32))
def test_spoiled_messages_are_read_or_refused(seed: int) -> None:
    dice = random.Random(seed)
    data = bytearray(invite())
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data))
        match dice.randrange(3):
            case 0:
                del data[at : at + dice.randrange(1, 40)]
            case 1:
                data[at:at] = dice.randbytes(dice.randrange(1, 40))
            case _:
                data[at] = dice.randrange(256)
    for read in (sip.parse, lambda data: list(sip.Framer().feed(data))):
        try:
            message = read(bytes(data))
        except sip.BadSip:
            continue
        if isinstance(message, sip.SipMessage) and not message.status:
            try:
                offers.check_siprec(message)
                offers.read(message)
            except Refusal as refusal:
                status, headers = offers.status(refusal)
                answer = sip.answer(message, status, ("127.0.0.1", 1), "tag", headers)
                # What we say about it can be read whatever was in it.
                assert sip.parse(answer).status == status


@given(st.binary(max_size=300))
def test_noise_is_read_or_refused(data: bytes) -> None:
    for read, error in (
        (sip.parse, sip.BadSip),
        (sdp.read, sdp.BadSdp),
        (metadata.read, metadata.BadMetadata),
        (lambda data: sip.parts("multipart/mixed;boundary=a", data), sip.BadSip),
    ):
        with contextlib.suppress(error):
            read(data)  # type: ignore[operator]
    packet = rtp.read(data)
    assert packet is None or len(packet.payload) < len(data)


BODIES: dict[str, tuple[bytes, str]] = {
    "no boundary": (b"x", "multipart/mixed"),
    "boundaries do not close": (b"--b\r\nContent-Type: a/b\r\n\r\n", "multipart/mixed;boundary=b"),
    "no SDP": (b"hello", "application/sdp"),
    "media without address": (b"v=0\r\nm=audio 1 RTP/AVP 0\r\n", "application/sdp"),
    "no XML": (b"<recording", "application/rs-metadata+xml"),
    "another XML": (b"<html/>", "application/rs-metadata+xml"),
    "entities": (
        b'<!DOCTYPE r [<!ENTITY a "b">]><recording xmlns="urn:ietf:params:xml:ns:recording:1"/>',
        "application/rs-metadata+xml",
    ),
}


@pytest.mark.parametrize("what", BODIES)
def test_bodies_that_are_wrong_are_named(what: str) -> None:
    request = client.Dialog("d-1", "127.0.0.1", 5070).request("INVITE", *BODIES[what])
    with pytest.raises(Refusal, match="body") as refused:
        offers.read(sip.parse(request))
    assert refused.value.code == "bad_hello"


def people(*who: tuple[str, str, Sequence[str]]) -> metadata.Metadata:
    return metadata.Metadata("s", tuple(metadata.Participant(u, d, tuple(s)) for u, d, s in who))


X, Y = ("6001", "pbx.example", ["1"]), ("138", "carrier.example", ["2"])
MAP, DOMAIN = Rule({"6001": "a-7"}), Rule({}, ["carrier.example"])
WHO: dict[str, tuple[metadata.Metadata, list[str], Rule, tuple[Party, ...]]] = {
    "by extension": (people(X, Y), ["1", "2"], MAP, (A, C)),
    "by extension, other order": (people(X, Y), ["2", "1"], MAP, (C, A)),
    "by address of record": (
        people(X, Y), ["1", "2"], Rule({"138@carrier.example": "a"}), (C, A)),
    "by domain": (people(X, Y), ["1", "2"], DOMAIN, (C, A)),
    "by order": (people(X, Y), ["1", "2"], Rule({}), (C, A)),
    "by the other order": (people(X, Y), ["1", "2"], Rule({}, (), (A, C)), (A, C)),
    "both ours": (people(X, Y), ["1", "2"], Rule({"6001": "a", "138": "b"}), (C, A)),
    "nothing said": (metadata.Metadata(), ["1", "2"], MAP, (C, A)),
    "one stream of two": (people(X, ("138", "", ["1"])), ["1"], MAP, (U,)),
    "one stream of nobody": (metadata.Metadata(), ["1"], MAP, (U,)),
    "one stream of the agent": (people(X), ["1"], MAP, (A,)),
}  # fmt: skip


@pytest.mark.parametrize("what", WHO)
def test_who_speaks_on_which_stream(what: str) -> None:
    said, labels, rule, parties = WHO[what]
    roles = metadata.roles(said, labels, rule)
    assert roles.parties == parties
    if roles.agent is not None:
        assert rule.is_agent(roles.agent) or what in ("by order", "by the other order", "both ours")


RFC = b"""<?xml version="1.0" encoding="UTF-8"?>
<rec:recording xmlns:rec='urn:ietf:params:xml:ns:recording:1'>
 <rec:session id="abc/1=="/>
 <rec:participant id="one"><rec:nameID aor="tel:+8613800000000"/><rec:send>x</rec:send>
 </rec:participant>
 <rec:stream id="x" session="abc/1=="><rec:label> left </rec:label></rec:stream>
</rec:recording>"""


def test_reads_metadata_of_drafts_and_of_other_prefixes() -> None:
    said = metadata.read(RFC)
    assert said.session == "abc/1=="
    assert said.participants == (metadata.Participant("+8613800000000", "", ("left",)),)


# RTP


def packets(count: int, first: int = 65_530, time: int = 2**32 - 400) -> list[rtp.Packet]:
    """Twenty milliseconds each, whose numbers and times wrap."""
    made = (
        rtp.write(8, first + n, time + 160 * n, 7, bytes([n % 256]) * 160) for n in range(count)
    )
    return [packet for data in made if (packet := rtp.read(data)) is not None]


def heard(placed: Sequence[rtp.Placed]) -> dict[int, int]:
    """Each sample by its place. Nothing may be placed twice."""
    found: dict[int, int] = {}
    for at, sound in placed:
        for n, sample in enumerate(sound.tolist()):
            assert at + n not in found
            found[at + n] = sample
    return found


def whole(count: int) -> dict[int, int]:
    sound = np.concatenate([decode_alaw(bytes([n % 256]) * 160) for n in range(count)])
    return dict(enumerate(sound.tolist()))


@settings(max_examples=40)
@given(st.integers(1, 20), st.randoms(use_true_random=False), st.integers(0, 4))
def test_late_and_doubled_packets_make_the_same_sound(
    count: int, dice: random.Random, late: int
) -> None:
    sent = packets(count)
    # The first packet tells where the count begins.
    rest = sorted(range(1, count), key=lambda n: n + dice.uniform(0, late))
    order = [0, *rest]
    stream = rtp.RtpStream({8: "alaw"})
    placed = [p for n in order for _ in range(dice.choice((1, 2))) for p in stream.put(sent[n], 0)]
    assert heard([*placed, *stream.flush()]) == whole(count)


@settings(max_examples=30)
@given(st.sets(st.integers(1, 38), max_size=15))
def test_lost_packets_are_holes_and_nothing_moves(lost: set[int]) -> None:
    stream = rtp.RtpStream({8: "alaw"})
    placed = [p for n, one in enumerate(packets(40)) if n not in lost for p in stream.put(one, 0)]
    expected = {at: s for at, s in whole(40).items() if at // 160 not in lost}
    assert heard([*placed, *stream.flush()]) == expected


def test_silence_that_is_not_sent_is_silence_and_no_hole() -> None:
    stream = rtp.RtpStream({8: "alaw"})
    first, *_ = packets(1)
    speech = rtp.Packet(8, first.number + 2, first.time + 8_000, 7, bytes(160))
    noise = rtp.Packet(13, first.number + 1, first.time + 160, 7, b"\x40")
    placed = [p for one in (first, noise, speech) for p in stream.put(one, 0)]
    found = heard(placed)
    assert sorted(found) == list(range(8_160))
    assert not any(found[at] for at in range(160, 8_000))


def test_keys_and_other_payloads_are_no_sound() -> None:
    stream = rtp.RtpStream({8: "alaw"})
    first, second = packets(2)
    key = rtp.Packet(101, second.number, second.time, 7, b"\x01\x80\x00\xa0")
    assert not stream.put(key, 0)
    # The next packet has a number of its own.
    after = rtp.Packet(8, first.number + 2, second.time + 160, 7, bytes(160))
    assert [at for at, _ in stream.put(after, 0)] == [0]


def test_a_client_that_begins_anew_goes_on_where_it_is() -> None:
    """Another source, another count; or the same source after a hold."""
    stream = rtp.RtpStream({8: "alaw"})
    for one in packets(3):
        stream.put(one, 0)
    other = rtp.Packet(8, 5, 99, 8, bytes(160))
    assert [at for at, _ in stream.put(other, 4_000)] == [4_000]
    assert stream.again() == []
    assert [at for at, _ in stream.put(rtp.Packet(8, 6, 259, 8, bytes(160)), 9_000)] == [9_000]
    # A hold of ten minutes is told in steps that a call can take.
    stream.again()
    steps = [at for at, _ in stream.put(rtp.Packet(8, 7, 419, 8, bytes(160)), 600 * 8_000)]
    assert steps[-1] == 600 * 8_000
    assert max(b - a for a, b in zip([9_160, *steps], steps, strict=False)) <= 240 * 8_000


def test_rtcp_and_stunted_packets_are_none() -> None:
    for data in (b"", bytes(11), b"\x80\xc8" + bytes(20), b"\x00" * 20, b"\x8f" + bytes(20)):
        assert rtp.read(data) is None
    padded = b"\xa0" + rtp.write(8, 1, 2, 3, b"abc\x00\x02")[1:]
    packet = rtp.read(padded)
    assert packet is not None
    assert packet.payload == b"abc"
    extended = b"\x90" + rtp.write(8, 1, 2, 3, b"\xbe\xde\x00\x01\0\0\0\0xyz")[1:]
    packet = rtp.read(extended)
    assert packet is not None
    assert packet.payload == b"xyz"


def test_what_is_sent_again_is_given_up_in_time() -> None:
    assert waits()[:4] == [0.5, 1.0, 2.0, 4.0]
    assert GIVE_UP_S <= sum(waits()) < GIVE_UP_S + 4
