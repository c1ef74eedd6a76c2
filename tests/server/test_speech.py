"""The bundled recogniser and the shipped rules, from a recording to a card."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest
import soundfile

from server.cli import run
from server.client.audio import AudioClient, Call
from server.client.clip import load
from server.demo.cli import RECORDINGS
from server.engine import live, load_listener, load_rules
from server.settings import Settings
from tests.server.running import running

pytestmark = pytest.mark.speech

BEGIN_S, END_S = 18, 28
"""Of the complaint about broadband: the customer says 我要投诉, the agent answers."""


@pytest.fixture(scope="module")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sound, rate = soundfile.read(RECORDINGS / "complaint-broadband.wav", dtype="int16")
    path = tmp_path_factory.mktemp("sound") / "excerpt.wav"
    soundfile.write(path, sound[BEGIN_S * rate : END_S * rate], rate, subtype="ULAW")
    return path


def replayed(path: Path, speed: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert run(["replay", str(path), "--json", "--speed", speed]) == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def fast(excerpt: Path) -> str:
    """The lines of its replay, as fast as it can be heard."""
    return replayed(excerpt, "0")


def test_events_are_the_same_at_every_speed(excerpt: Path, fast: str) -> None:
    assert replayed(excerpt, "10") == fast
    events = [json.loads(line) for line in fast.splitlines()]
    assert events[0]["name"] == "call_started"
    assert events[1]["detail"]["demonstration"] is True
    cards = [event for event in events if event["type"] == "suggestion"]
    assert any(card["category"] == "customer.complaint" for card in cards)


async def test_a_live_call_gives_the_words_and_the_card_of_its_replay(
    excerpt: Path, fast: str
) -> None:
    replay = [json.loads(line) for line in fast.splitlines()]
    recogniser = live(load_listener("bundled"))
    async with running(recogniser, load_rules(None), Settings(port=0)) as server:
        client = AudioClient(server.ws, Call("c-1"), load(excerpt, codec="mulaw"), speed=0)
        assert await client.run() == (END_S - BEGIN_S) * 1_000
        session = server.switchboard.get("c-1")
        assert session is not None
        events = session.snapshot(plain=True)["events"]
    assert isinstance(events, list)
    assert words(events) == words(replay)
    assert any(event["type"] == "suggestion" for event in events)


def words(events: list[dict[str, object]]) -> list[tuple[object, object]]:
    """What was finally heard. Partials may differ: a busy engine leaves early ones out."""
    return sorted(
        (event["start_ms"], event["text"])
        for event in events
        if event["type"] == "transcript" and event["final"]
    )
