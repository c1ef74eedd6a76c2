"""A SIPREC recording server on real sockets: sessions by UDP and TCP, and what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from asr.audio.codec import decode_alaw
from asr.events import Party
from server import metrics
from server.client.audio import AudioClient, Call
from server.client.dialects import siprec as client
from server.client.dialects.siprec import Dialog, Sound, Wire
from server.client.errors import Refused
from server.ingest import siprec_sdp as sdp
from server.ingest import siprec_sip as sip
from server.ingest.siprec_ports import RtpPorts
from server.ingest.siprec_sip import SipMessage
from server.live import session as live
from server.settings import Settings
from tests.server.ingest.listening import (
    SAID,
    Ears,
    ended,
    gaps,
    recorded,
    settings,
    shown,
    until,
)
from tests.server.running import Running, running
from tests.server.test_native_refusals import healthy_call

C, A = Party.CUSTOMER, Party.AGENT
ON = {"port": 0, "rtp_ports": "0"}
CALL = Call("s-1", agent="6001", attributes={"number": "13800000000"})
CLIP = recorded("alaw")


@pytest.fixture
def ears() -> Ears:
    return Ears()


@asynccontextmanager
async def recorder(ears: Ears, **siprec: Any) -> AsyncIterator[Running]:
    async with running(ears, settings=settings(siprec={**ON, **siprec})) as server:
        # Both streams begin at the same moment, however slow this machine is.
        server.app.state.telephony.clock = lambda: 0.0
        yield server


@pytest.fixture
async def server(ears: Ears) -> AsyncIterator[Running]:
    async with recorder(ears) as server:
        yield server


def address(server: Running, transport: str = "udp") -> str:
    return f"{transport}://127.0.0.1:{server.app.state.siprec.port}"


class Session:
    """A recording client in the middle of a session."""

    def __init__(self, wire: Wire, dialog: Dialog, streams: list[Sound]) -> None:
        self.wire, self.dialog, self.streams = wire, dialog, streams
        self.where: list[tuple[str, int]] = []
        self._at = 0

    async def ask(self, method: str, body: bytes = b"", kind: str = "") -> SipMessage:
        """A request and its final response, acknowledged where that is due."""
        response = await self.wire.ask(self.dialog.request(method, body, kind))
        if method == "INVITE":
            self.dialog.answered(response)
            self.wire.send(self.dialog.request("ACK"))
            if response.status == 200:
                self.where = client.targets(response)
        return response

    async def offer(self, direction: str, version: int) -> SipMessage:
        """Another offer within the session."""
        ports = [stream.port for stream in self.streams]
        body = client.offer(CLIP, "127.0.0.1", ports, direction, version)
        return await self.ask("INVITE", body, "application/sdp")

    def speak(self, code: int, packets: int = 1) -> None:
        """Some sound of both parties."""
        for _ in range(packets):
            for stream, target in zip(self.streams, self.where, strict=True):
                stream.send(stream.packet(self._at, bytes([code]) * 160), target)
            self._at += 160


@asynccontextmanager
async def session(
    server: Running, call: Call = CALL, id: str = "d-1", transport: str = "udp"
) -> AsyncIterator[Session]:
    async with (
        Wire.open(address(server, transport)) as wire,
        client.sounds(CLIP, "127.0.0.1") as streams,
    ):
        dialog = Dialog(id, *wire.local, wire.transport)
        begun = Session(wire, dialog, streams)
        body = client.invitation(call, CLIP, "127.0.0.1", [stream.port for stream in streams])
        client.accepted(await begun.ask("INVITE", *body))
        yield begun


def refusals(code: str) -> float:
    return metrics.COUNTED.get_sample_value("tingban_refusals_total", {"code": code}) or 0.0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_recorded_call_becomes_words_and_cards(
    server: Running, ears: Ears, transport: str
) -> None:
    """From the same samples that the native socket hears."""
    await client.play(address(server, transport), CALL, CLIP, speed=20)
    call = await ended(server, "s-1")
    finals, cards = shown(call)
    assert finals == SAID
    assert cards == {"s1", "s2", "s4"}
    assert (call.why, call.info.agent) == ("ended", "a-7")
    assert call.info.attributes == {"number": "13800000000"}
    await AudioClient(server.ws, Call("c-2"), CLIP, speed=0).run()
    assert ears.heard["s-1"] == ears.heard["c-2"]
    assert not ears.gaps
    await until(lambda: not server.app.state.siprec.recordings)


async def test_hold_and_resume_leave_a_gap_of_their_length(server: Running, ears: Ears) -> None:
    async with session(server) as begun:
        begun.speak(1, 2)
        await until(lambda: len(ears.heard["s-1"][A]) == len(ears.heard["s-1"][C]) == 640)
        held = await begun.offer("inactive", 2)
        assert [media.sending for media in sdp.read(held.body)] == [False, False]
        server.app.state.telephony.clock = lambda: 4.0
        resumed = await begun.offer("sendonly", 3)
        assert client.targets(resumed) == client.targets(held) == begun.where
        begun.speak(2)
        assert (await begun.ask("BYE")).status == 200
        told = gaps(await ended(server, "s-1"))
    assert set(told) == {(A, 40, 4_000), (C, 40, 4_000)}
    assert set(ears.gaps["s-1"]) == {(A, 320, 32_000 - 320), (C, 320, 32_000 - 320)}
    assert ears.heard["s-1"][C][64_000:] == decode_alaw(b"\2" * 160).tobytes()


async def test_other_people_may_come_to_the_call(server: Running) -> None:
    """A transfer is told by new metadata."""
    async with session(server, Call("s-1", agent="nobody")) as begun:
        call = server.switchboard.get("s-1")
        assert call is not None
        assert call.info.agent is None
        said = client.metadata(CALL, CLIP.parties)
        response = await begun.ask("UPDATE", said, "application/rs-metadata+xml")
        assert response.status == 200
        assert call.info.agent == "a-7"


async def test_answers_what_clients_ask(server: Running) -> None:
    async with session(server) as begun:
        assert "INVITE" in (await begun.ask("OPTIONS")).get("allow")
        assert (await begun.ask("INFO", b"x", "text/plain")).status == 200
        assert (await begun.ask("UPDATE")).status == 200
        # It has been answered: too late, and no harm.
        assert (await begun.ask("INVITE")).status == 200
        assert (await begun.ask("CANCEL")).status in (200, 481)
        assert (await begun.ask("MESSAGE")).status == 405
        assert (await begun.ask("BYE")).status == 200
        await ended(server, "s-1")


async def test_an_invitation_can_be_cancelled(server: Running, ears: Ears) -> None:
    async with Wire.open(address(server, "tcp")) as wire:
        dialog = Dialog("d-1", *wire.local, wire.transport)
        body = client.invitation(CALL, CLIP, "127.0.0.1", [4000, 4002])
        wire.send(dialog.request("INVITE", *body) + dialog.request("CANCEL"))
        told = []
        while len(told) < 2:
            message = await wire.came.get()
            assert message is not None
            told += [(message.status, message.cseq[1])] if message.status >= 200 else []
    assert told == [(200, "CANCEL"), (487, "INVITE")]
    assert not ears.heard


async def test_what_came_before_is_answered_as_before(server: Running) -> None:
    """A lost answer makes the client ask again; a lost ACK makes us answer again."""
    async with Wire.open(address(server)) as wire:
        dialog = Dialog("d-1", *wire.local, wire.transport)
        invite = dialog.request("INVITE", *client.invitation(CALL, CLIP, "127.0.0.1", [4000, 4002]))
        first = await wire.ask(invite)
        assert (await wire.ask(invite)) == first
        again = await wire.came.get()
        assert again == first
        dialog.answered(first)
        wire.send(dialog.request("ACK"))
        bye = dialog.request("BYE")
        assert await wire.ask(bye) == await wire.ask(bye)
    assert (await ended(server, "s-1")).why == "ended"


async def test_a_client_that_begins_anew_goes_on_with_the_call(
    server: Running, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first session was never ended; the metadata says that it is the same call."""
    async with session(server) as first:
        first.speak(1)
        await until(lambda: ears.heard["s-1"][C])
        with pytest.raises(Refused, match="call_taken"):
            async with session(server, id="d-2"):
                pass
        monkeypatch.setattr(live, "TAKEOVER_S", 0.0)
        server.app.state.telephony.clock = lambda: 2.0
        async with session(server, id="d-3") as second:
            told = await first.wire.came.get()
            assert told is not None
            assert (told.method, "call_taken" in told.get("reason")) == ("BYE", True)
            first.wire.send(sip.answer(told, 200, first.wire.local))
            second.speak(2)
            await second.ask("BYE")
            call = await ended(server, "s-1")
    assert call.why == "ended"
    assert (C, 160, 16_000 - 160) in ears.gaps["s-1"]


async def test_sound_of_strangers_is_not_heard(server: Running, ears: Ears) -> None:
    async with session(server) as begun:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.sendto(begun.streams[0].packet(0, b"\7" * 160), begun.where[0])
        begun.speak(1)
        await begun.ask("BYE")
        await ended(server, "s-1")
    assert {bytes(heard) for heard in ears.heard["s-1"].values()} == {
        decode_alaw(b"\1" * 160).tobytes()
    }


async def test_a_session_without_sound_is_ended_and_its_call_waits(ears: Ears) -> None:
    quick = settings(siprec=ON, idle_s=0.2)
    async with running(ears, settings=quick) as server:
        async with session(server) as begun:
            told = await begun.wire.came.get()
            assert told is not None
            assert (told.method, "idle" in told.get("reason")) == ("BYE", True)
            begun.wire.send(sip.answer(told, 200, begun.wire.local))
            await until(lambda: not server.app.state.siprec.recordings)
        call = server.switchboard.get("s-1")
        assert call is not None
        assert call.why is None


async def test_a_held_session_may_be_silent_for_longer(ears: Ears) -> None:
    quick = settings(siprec={**ON, "hold_s": 0.5}, idle_s=0.1)
    async with running(ears, settings=quick) as server, Wire.open(address(server)) as wire:
        dialog = Dialog("d-1", *wire.local, wire.transport)
        body = client.offer(CLIP, "127.0.0.1", [4000, 4002], "inactive")
        began = asyncio.get_running_loop().time()
        dialog.answered(await wire.ask(dialog.request("INVITE", body, "application/sdp")))
        wire.send(dialog.request("ACK"))
        told = await wire.came.get()
        assert told is not None
        assert told.method == "BYE"
        assert asyncio.get_running_loop().time() - began >= 0.4


async def test_a_connection_that_says_nothing_is_closed(ears: Ears) -> None:
    quick = Settings.model_validate(
        {"port": 0, "audio": {"hello_s": 0.1}, "telephony": {"siprec": ON}}
    )
    async with running(ears, settings=quick) as server:
        for sent in (b"", b"INVITE sip:x SIP/2.0\r\n"):
            async with Wire.open(address(server, "tcp")) as wire:
                wire.send(sent)
                assert await wire.came.get() is None


async def test_does_not_listen_unless_told(ears: Ears) -> None:
    async with running(ears, settings=settings()) as server:
        assert server.app.state.siprec.port is None


OPUS = b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
SRTP = b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/SAVP 8\r\n"
Change = tuple[str, str]
BAD: dict[str, tuple[str, bytes, str, Change, int, str]] = {
    "no recording": ("INVITE", OPUS, "application/sdp", ("Require: siprec\r\n", ""), 421, "bad_hello"),
    "an extension": ("INVITE", OPUS, "application/sdp", ("siprec\r\n", "siprec, 100rel\r\n"), 420, "bad_hello"),
    "no SDP": ("INVITE", b"", "", ("", ""), 488, "bad_hello"),
    "opus": ("INVITE", OPUS, "application/sdp", ("", ""), 488, "bad_hello"),
    "SRTP": ("INVITE", SRTP, "application/sdp", ("", ""), 488, "bad_hello"),
    "no SDP inside": ("INVITE", b"hello", "application/sdp", ("", ""), 400, "bad_hello"),
    "no session": ("BYE", b"", "", ("", ""), 481, ""),
    "unknown method": ("PUBLISH", b"", "", ("", ""), 405, ""),
}  # fmt: skip


async def test_refuses_what_is_wrong(server: Running) -> None:
    async with healthy_call(server):
        for number, (what, bad) in enumerate(BAD.items()):
            method, body, kind, change, status, code = bad
            before = refusals(code)
            async with Wire.open(address(server)) as wire:
                dialog = Dialog(f"d-{number}", *wire.local, wire.transport)
                request = dialog.request(method, body, kind).decode()
                if change[0].startswith("Require"):
                    request = request.replace(";+sip.src", "")
                response = await wire.ask(request.replace(*change, 1).encode())
                assert response.status == status, what
                assert response.get("warning").startswith(f'399 tingban "{code}: ') or not code
                assert refusals(code) == before + bool(code), what


async def test_noise_has_no_answer_and_is_counted(server: Running) -> None:
    before = refusals("bad_message")
    async with Wire.open(address(server)) as wire:
        wire.send(b"GET / HTTP/1.1\r\n\r\n")
        # The next answer is to this one.
        response = await wire.ask(Dialog("d-1", *wire.local, wire.transport).request("OPTIONS"))
        assert response.cseq[1] == "OPTIONS"
    async with Wire.open(address(server, "tcp")) as wire:
        wire.send(b"GET / HTTP/1.1\r\n\r\n")
        assert await wire.came.get() is None
    assert refusals("bad_message") == before + 2


@pytest.mark.parametrize(
    "few", [{"sessions": 1}, {"rtp_ports": "39998-39999"}], ids=["sessions", "ports"]
)
async def test_is_full_when_sessions_or_ports_are_taken(ears: Ears, few: dict[str, Any]) -> None:
    async with recorder(ears, **few) as server, contextlib.AsyncExitStack() as stack:
        if "sessions" in few:
            await stack.enter_async_context(session(server))
        before = refusals("full")
        with pytest.raises(Refused, match="full"):
            async with session(server, Call("s-2"), id="d-2"):
                pass
        assert refusals("full") == before + 1


async def test_ports_are_even_and_their_neighbours_are_taken_for_rtcp() -> None:
    ports = RtpPorts("127.0.0.1", "36000-36999")
    came: asyncio.Queue[bytes] = asyncio.Queue()
    taken = [await ports.take(lambda data, _: came.put_nowait(data)) for _ in range(3)]
    numbers = [port.number for port in taken]
    assert len(set(numbers)) == 3
    assert not any(number % 2 for number in numbers)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in (numbers[0], numbers[0] + 1):
            sender.sendto(b"x", ("127.0.0.1", number))
            assert await came.get() == b"x"
    for port in taken:
        port.close()


async def test_only_known_clients_are_heard(ears: Ears) -> None:
    async with recorder(ears, peers="10.1.2.3") as server:
        before = refusals("forbidden")
        async with Wire.open(address(server)) as wire:
            wire.send(Dialog("d-1", *wire.local, wire.transport).request("OPTIONS"))
            await until(lambda: refusals("forbidden") > before)
            assert wire.came.empty()
        async with Wire.open(address(server, "tcp")) as wire:
            assert await wire.came.get() is None


async def test_a_server_that_stops_says_goodbye(ears: Ears) -> None:
    async with recorder(ears) as server, session(server) as begun:
        server.server.should_exit = True
        told = await begun.wire.came.get()
        assert told is not None
        assert (told.method, "going_down" in told.get("reason")) == ("BYE", True)
        begun.wire.send(sip.answer(told, 200, begun.wire.local))


SIPP = shutil.which("sipp")
SCENARIO = Path(__file__).with_name("siprec_sipp.xml")


@pytest.mark.skipif(SIPP is None, reason="NO SIPP: apt-get install sip-tester")
@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_sipp_records_a_call_to_a_card(
    server: Running, ears: Ears, tmp_path: Path, transport: str
) -> None:
    """Debian's sip-tester speaks SIP by our scenario; the sound comes from our sender."""
    assert SIPP is not None
    async with client.sounds(CLIP, "127.0.0.1") as streams:
        keys: Sequence[str] = [
            item
            for number, stream in enumerate(streams, 1)
            for item in ("-key", f"port{number}", str(stream.port))
        ]
        sipp = await asyncio.create_subprocess_exec(
            SIPP, f"127.0.0.1:{server.app.state.siprec.port}", "-sf", str(SCENARIO), "-m", "1",
            "-i", "127.0.0.1", "-t", transport, "-nostdin", "-timeout", "60", *keys,
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            await until(lambda: server.app.state.siprec.recordings or sipp.returncode is not None)
            [recording] = server.app.state.siprec._recordings.values()
            targets = [("127.0.0.1", port.number) for port in recording._taken]
            for start in range(0, CLIP.samples, 160):
                for channel, (stream, target) in enumerate(zip(streams, targets, strict=True)):
                    part = CLIP.part(start, start + 160, channel)
                    stream.send(stream.packet(start, part), target)
                await asyncio.sleep(0)
            told, _ = await sipp.communicate()
        finally:
            if sipp.returncode is None:
                sipp.kill()
                await sipp.wait()
        assert sipp.returncode == 0, told.decode()[-2_000:]
    call = await ended(server, "sipp-session")
    finals, cards = shown(call)
    assert finals == SAID
    assert cards == {"s1", "s2", "s4"}
    assert (call.why, call.info.agent) == ("ended", "a-7")
    assert len(ears.heard["sipp-session"][C]) == 2 * CLIP.samples
