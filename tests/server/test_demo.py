"""A recording through the real socket to the agent's socket, shown, judged, and replayed at will."""

from __future__ import annotations

import asyncio
import io
import json
import signal
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from rich.console import Console
from websockets.asyncio.client import connect

from asr.events import AudioFrame, CallId, Party
from asr.recogniser import CallAudio, ScriptedRecogniser
from server.client.audio import AudioClient, Call
from server.client.errors import Refused
from server.client.viewer import ViewerClient
from server.demo.show import Stage, play, summary
from server.screen import Screen
from server.settings import Settings
from tests.fixtures.script import CHAR_MS, LINES
from tests.server.running import RATE, SETTINGS, message, running, silent_clip


def label(turn: int, category: str, quote: str, card: bool) -> dict[str, object]:
    line = LINES[turn]
    start = line.start_ms + CHAR_MS * line.text.index(quote)
    end = start + CHAR_MS * len(quote)
    return {
        "turn": turn, "category": category, "quote": quote, "start_ms": start, "end_ms": end,
        "card": card,
    }  # fmt: skip


def write_recording(folder: Path, seconds: float = 61) -> None:
    soundfile.write(folder / "x.wav", np.zeros((int(8_000 * seconds), 2), np.int16), 8_000)
    labels = {
        "id": "x",
        "title": "宽带投诉",
        "domain": "telecom",
        "rate": 8_000,
        "duration_ms": int(seconds * 1_000),
        "turns": [
            {
                "role": str(line.party),
                "start_ms": line.start_ms,
                "end_ms": line.start_ms + CHAR_MS * len(line.text),
                "text": line.text,
            }
            for line in LINES
        ],
        "labels": [
            label(3, "customer.complaint", "我要投诉", True),
            label(4, "agent.forbidden", "不归我管", True),
            label(5, "customer.escalation", "找工信部", True),
        ],
        "optional": [{"turn": 7, "category": "customer.*"}],
    }
    (folder / "x.labels.json").write_text(json.dumps(labels))


async def test_plays_and_judges_a_call(tmp_path: Path) -> None:
    write_recording(tmp_path)
    text = io.StringIO()
    screen = Screen(Console(file=text, width=200))
    async with running() as server:
        stage = Stage(server.ws, tmp_path)
        assert stage.names() == ["x"]
        with screen:
            verdict = await play(stage, "x", screen, speed=0)
        screen.console.print(summary("x", verdict))
    complaint, forbidden, escalation = verdict.outcomes
    # Whether it was in time is no question for a machine that runs other tests as well.
    assert verdict.heard
    assert verdict.unexpected == ()
    assert not any(outcome.missing for outcome in verdict.outcomes)
    assert complaint.say is not None
    assert complaint.delay_ms is not None
    assert forbidden.say is not None
    assert escalation.held is not None
    shown = text.getvalue()
    for words in ("我要投诉", "withdrawn (asr_revised)", "held back"):
        assert words in shown


async def test_a_page_can_start_a_recording(tmp_path: Path) -> None:
    write_recording(tmp_path, seconds=0.2)
    settings = Settings.model_validate({**SETTINGS.model_dump(), "recordings": tmp_path, "port": 0})
    async with (
        running(settings=settings) as server,
        connect(f"{server.ws}/v1/agent?agent=demo") as socket,
        httpx.AsyncClient(base_url=server.http) as http,
    ):
        (known,) = (await http.get("/v1/demo/recordings")).json()
        assert known["name"] == "x"
        started = await http.post("/v1/demo/replays", json={"recording": "x"})
        assert started.status_code == 202
        call = started.json()["call"]
        while (told := await message(socket)).get("name") != "call_ended":
            pass
        assert told["call"] == call
        unknown = await http.post("/v1/demo/replays", json={"recording": "y"})
        assert unknown.status_code == 404
        outside = await http.post("/v1/demo/replays", json={"recording": "../x"})
        assert outside.status_code == 422
        foreign = await http.post(
            "/v1/demo/replays",
            json={"recording": "x"},
            headers={"origin": "https://example.org"},
        )
        assert foreign.status_code == 403


async def test_no_more_than_a_few_recordings_play_at_once(tmp_path: Path) -> None:
    write_recording(tmp_path, seconds=30)
    settings = Settings.model_validate({**SETTINGS.model_dump(), "recordings": tmp_path, "port": 0})
    async with running(settings=settings) as server, httpx.AsyncClient() as http:
        address = f"{server.http}/v1/demo/replays"
        codes = [(await http.post(address, json={"recording": "x"})).status_code for _ in range(5)]
    assert codes == [202, 202, 202, 202, 429]


async def test_the_first_signal_ends_calls_well_and_stops_the_server() -> None:
    async with running() as server:
        client = AudioClient(server.ws, Call("c-1"), silent_clip(5))
        sending = asyncio.create_task(client.run())
        await client.ready.wait()
        server.server.handle_exit(signal.SIGTERM, None)
        await server.stopped.wait()
        sending.cancel()
        session = server.switchboard.get("c-1")
        assert session is not None
        assert session.why == "going_down"


async def test_audio_keeps_to_its_grid() -> None:
    """A packet leaves when its last sample has been spoken, and the client knows when that was."""
    async with running() as server:
        client = AudioClient(server.ws, Call("c-1"), silent_clip(0.5), speed=1)
        assert await client.run() == 500
    first, last = client.sent_at(0), client.sent_at(490)
    assert first is not None
    assert last is not None
    assert last - first == pytest.approx(0.48, abs=0.2)
    assert client.sent_at(5_000) is None
    spoken = client.spoken_at(490)
    assert spoken is not None
    assert spoken == pytest.approx(last, abs=0.1)
    assert client.acknowledged <= 4_000


async def test_one_packet_per_party_gives_the_same_call() -> None:
    async with running() as server:
        client = AudioClient(server.ws, Call("c-1"), silent_clip(61), speed=0, interleaved=False)
        assert await client.run() == 61_000
        session = server.switchboard.get("c-1")
        assert session is not None
        events = session.snapshot(plain=True)["events"]
        assert isinstance(events, list)
        assert [e["text"] for e in events if e["type"] == "transcript"] == [x.text for x in LINES]


async def test_clients_say_why_they_were_refused() -> None:
    async with running() as server:
        with pytest.raises(Refused, match="bad_hello"):
            await AudioClient(server.ws, Call("a b"), silent_clip(1)).run()
        with pytest.raises(Refused, match="bad_message"):
            async for _ in ViewerClient(server.ws, agent=""):
                pass


def test_silence_before_a_clip_moves_it_against_the_grid() -> None:
    clip = silent_clip(1)
    assert clip.later(130).duration_ms == 1_130
    assert clip.later(130).part(0, 10) == bytes(40)


class Listening(ScriptedRecogniser):
    """Keeps what was pushed, as (first sample, samples) of the agent's side."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[int, int]] = []
        self.two_seconds = asyncio.Event()

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> CallAudio:
        audio = super().open(call, parties, rate)
        push = audio.push

        async def listen(frame: AudioFrame) -> None:
            if frame.party is Party.AGENT:
                self.heard.append((frame.start_sample, len(frame.pcm16) // 2))
            if frame.start_sample >= 2 * RATE:
                self.two_seconds.set()
            await push(frame)

        audio.push = listen  # type: ignore[method-assign]
        return audio


async def test_a_cut_connection_loses_and_doubles_nothing() -> None:
    recogniser = Listening()
    async with running(recogniser) as server:
        client = AudioClient(server.ws, Call("c-1"), silent_clip(6), speed=8)
        sending = asyncio.create_task(client.run())
        await client.ready.wait()
        await recogniser.two_seconds.wait()
        client.drop()
        assert await sending == 6_000
    ends = [start + samples for start, samples in recogniser.heard]
    assert [start for start, _ in recogniser.heard] == [0, *ends[:-1]]
    assert ends[-1] == 48_000
