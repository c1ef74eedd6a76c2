"""``tingban replay --dialect``: a recorded call, sent as every telephone system does, to a card."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import soundfile

from asr.events import Party
from server.cli import run
from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects.senders import SENDERS, CannotCarry
from server.client.errors import Lost, Refused
from server.client.viewer import ViewerClient
from server.replay.cli import Dialect
from tests.server.ingest.listening import of, recorded, settings, until
from tests.server.running import Running, running

UUID = "6b1f2e0c-5d7a-4c8e-9f10-2a3b4c5d6e70"
SPEED = 20.0
PATIENCE_S = 60
LISTENING = settings(
    audiosocket_port=0, audiosocket_legs="suffix", siprec={"port": 0, "rtp_ports": "0"}
)


def address(server: Running, dialect: str) -> str:
    if dialect == "audiosocket":
        return f"tcp://127.0.0.1:{server.app.state.audiosocket.port}?legs=suffix"
    if dialect == "siprec":
        return f"udp://127.0.0.1:{server.app.state.siprec.port}"
    return server.ws


async def card(server: Running, agent: str, told: list[dict[str, Any]]) -> None:
    """Wait until the agent's page is shown a suggestion; what was told on the way is kept."""
    viewer = ViewerClient(server.ws, agent=agent)
    async with aclosing(viewer.messages()) as messages:
        async for received in messages:
            told.append(received.message)
            events = [received.message, *received.message.get("events", ())]
            if any(event["type"] == "suggestion" for event in events):
                return


@pytest.mark.parametrize("dialect", SENDERS)
async def test_a_recorded_call_becomes_a_card_at_the_agent(dialect: str) -> None:
    sender = SENDERS[dialect]
    # SIP knows people by their extension, which the settings map.
    call = Call(UUID, agent="6001" if dialect == "siprec" else "a-7")
    # What a mixed channel says is nobody's: FunASR gets the customer alone.
    clip = sender.fit(of(recorded(), (Party.CUSTOMER,)) if sender.mixed else recorded())
    async with running(settings=LISTENING) as server, asyncio.timeout(PATIENCE_S):
        told: list[dict[str, Any]] = []
        watching = asyncio.create_task(card(server, "a-7", told))
        await until(lambda: told)
        sending = asyncio.create_task(sender.play(address(server, dialect), call, clip, SPEED))
        if dialect == "audiosocket":
            # It says nothing of the agent: somebody has to.
            await until(lambda: server.switchboard.get(UUID))
            session = server.switchboard.get(UUID)
            assert session is not None
            session.bind("a-7", "lead", "transfer")
        await asyncio.gather(sending, watching)
        session = server.switchboard.get(UUID)
        assert session is not None
        await session.done.wait()
        assert session.why == "ended"
        # A leg of its own may begin a moment later.
        assert session.lanes.end_ms >= clip.duration_ms
        assert set(session.lanes.parties) == set(clip.parties)


async def test_a_clip_is_made_to_fit_or_says_why_not() -> None:
    clip = recorded()
    mixed = SENDERS["funasr"].fit(clip)
    assert (mixed.parties, mixed.samples) == ((Party.UNKNOWN,), clip.samples)
    wide = Clip(clip.parties, "pcm16", 16_000, clip.audio)
    with pytest.raises(CannotCarry, match="16000 Hz"):
        SENDERS["twilio"].fit(wide)
    with pytest.raises(CannotCarry, match="--parties"):
        SENDERS["audiosocket"].fit(mixed)
    assert SENDERS["json-l16"].fit(mixed) is mixed


REFUSED = {name: Refused for name in SENDERS} | {"audiosocket": Lost, "siprec": Refused}


@pytest.mark.parametrize("dialect", SENDERS)
async def test_says_so_when_the_server_refuses_or_is_not_there(dialect: str) -> None:
    sender = SENDERS[dialect]
    clip = sender.fit(recorded())
    async with running(settings=LISTENING) as server:
        where = address(server, dialect)
        # A call that has ended: its id cannot be used again.
        await sender.play(where, Call(UUID), clip, SPEED)
        await until(lambda: server.switchboard.get(UUID))
        session = server.switchboard.get(UUID)
        assert session is not None
        await session.done.wait()
        with pytest.raises(REFUSED[dialect]) as said:
            await sender.play(where, Call(UUID), clip, SPEED)
        if isinstance(said.value, Refused):
            assert said.value.code == "call_ended"
    if dialect != "native":  # which keeps trying
        with pytest.raises(Lost):
            await sender.play(where, Call(UUID), clip, SPEED)


def write(path: Path, rate: int) -> Path:
    soundfile.write(path, np.zeros((rate, 2), np.int16), rate)
    return path


async def test_replay_sends_files_to_a_running_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, wide = write(tmp_path / "a call.wav", 8_000), write(tmp_path / "wide.wav", 16_000)
    async with running(settings=LISTENING) as server:
        asked = ["replay", str(wide), str(good), "--dialect", "twilio", "--server", server.ws]
        code = await asyncio.to_thread(run, [*asked, "--speed", "0", "--agent", "a-7"])
        [session] = server.switchboard.calls()
        await session.done.wait()
    told = capsys.readouterr()
    assert (code, session.why, session.info.agent) == (1, "ended", "a-7")
    assert f"a call.wav: call {session.info.call} to {server.ws}" in told.out
    assert session.info.call.startswith("a-call-")
    assert "wide.wav: it has 16000 Hz" in told.err


def test_replay_names_no_other_dialects(tmp_path: Path) -> None:
    assert run(["replay", str(tmp_path), "--dialect", "morse"]) == 2
    assert get_args(Dialect) == tuple(SENDERS)
