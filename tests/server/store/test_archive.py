"""The archive over REST: what was kept can be found, read, heard, judged and counted."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from assist_rules.rulebook import load_rulebook
from assist_rules.session import RuleSession
from server.client.audio import AudioClient, Call
from tests.server.running import Running, running
from tests.server.store.conftest import eventually, new_store
from tests.server.store.hearing import LINES, RATE, HearingRecogniser, clip

PACK = Path(__file__).with_name("pack.yaml")
NUMBER = "幺三八零零五七六二幺九"


@pytest.fixture
async def server(tmp_path: Path, url: str | None) -> AsyncIterator[Running]:
    rulebook = load_rulebook([PACK])
    store = new_store(tmp_path, url=url, audio=True)
    async with running(
        HearingRecogniser(), lambda info: RuleSession(rulebook, info), store=store
    ) as found:
        yield found


async def call_in(server: Running, call: str, agent: str = "a-7", queue: str = "q") -> None:
    who = Call(call, agent=agent, queue=queue, attributes={"number": "13800576219"})
    await AudioClient(server.ws, who, clip(), speed=0).run()
    store = server.app.state.store
    await eventually(lambda: store.outbox.queued == 0 and store.outbox.backlog() == 0)


def client(server: Running) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.http, timeout=30)


async def test_calls_are_found_read_and_exported(server: Running) -> None:
    await call_in(server, "c-1")
    await call_in(server, "c-2", agent="a-8")
    await call_in(server, "c-3", queue="other")
    async with client(server) as web:

        async def found(**asked: Any) -> list[str]:
            answer = await web.get("/v1/archive", params=asked)
            assert answer.status_code == 200, answer.text
            return [call["call"] for call in answer.json()["calls"]]

        assert await found() == ["c-3", "c-2", "c-1"]
        assert await found(agent="a-8") == ["c-2"]
        assert await found(queue="other") == ["c-3"]
        assert await found(category="customer.complaint", severity="medium") != []
        assert await found(severity="critical") == []
        assert await found(rule="agent.forbidden.brush", text="营业厅") != []
        assert await found(text="从来没有人这样说") == []
        assert await found(text="100%_") == []
        assert await found(to="2020-01-01T00:00:00Z") == []
        first = (await web.get("/v1/archive", params={"limit": 2})).json()
        assert [call["call"] for call in first["calls"]] == ["c-3", "c-2"]
        assert await found(limit=2, cursor=first["next"]) == ["c-1"]
        line = first["calls"][0]
        assert line["severity"] == "high"
        assert line["alerts"]["agent.forbidden"] == 1
        assert line["duration_ms"] == clip().duration_ms
        assert line["info"]["attributes"] == {"number": "*" * 11}
        past = (await web.get("/v1/archive/c-1")).json()
        seqs = [event["seq"] for event in past["events"]]
        assert seqs == sorted(set(seqs))
        said = [event["text"] for event in past["events"] if event["type"] == "transcript"]
        assert said == [text.replace(NUMBER, "*" * 11) for _, text in LINES]
        export = await web.get("/v1/archive/c-1/export")
        assert export.json() == {"schema_version": 1, **past}
        assert 'filename="c-1.json"' in export.headers["content-disposition"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/archive/nobody", 404),
        ("/v1/archive?limit=0", 422),
        ("/v1/archive?cursor=x", 422),
        ("/v1/archive?colour=red", 422),
        ("/v1/calls/nobody/audio", 404),
        ("/v1/calls/nobody/audio?from_ms=-1", 422),
    ],
)
async def test_what_cannot_be_answered_is_refused(tmp_path: Path, path: str, status: int) -> None:
    async with running(store=new_store(tmp_path)) as server, client(server) as web:
        answer = await web.get(path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_evidence_can_be_heard(server: Running) -> None:
    await call_in(server, "c-1")
    async with client(server) as web:
        answer = await web.get("/v1/calls/c-1/audio", params={"from_ms": 2_000, "to_ms": 5_000})
    sound, rate = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    assert (rate, sound.shape) == (RATE, (3 * RATE, 2))
    whole = np.frombuffer(clip().audio, "<i2").reshape(-1, 2)
    part = whole[2 * RATE : 5 * RATE].astype(int)
    assert np.abs(sound - part).max() <= 256, "µ-law is nearly what was sent"
    assert sound.any()


async def test_marks_become_labelled_dialogues(server: Running) -> None:
    await call_in(server, "c-1")
    async with client(server) as web:
        events = (await web.get("/v1/archive/c-1")).json()["events"]
        alerts = {e["category"]: e for e in events if e["type"] == "alert"}
        last = [e for e in events if e["type"] == "transcript"][-1]
        marks = [
            {"verdict": "right", "alert": alerts["agent.forbidden"]["id"]},
            {"verdict": "wrong", "alert": alerts["customer.escalation"]["id"]},
            {
                "verdict": "missed",
                "category": "customer.churn",
                "utterance": last["utterance"],
                "quote": "再见",
            },
        ]
        for mark in marks:
            answer = await web.post("/v1/calls/c-1/marks", json=mark)
            assert answer.status_code == 201, answer.text
        unknown = await web.post("/v1/calls/nobody/marks", json=marks[0])
        assert unknown.status_code == 404
        (line,) = (await web.get("/v1/marks.jsonl")).text.splitlines()
        after = (await web.get("/v1/archive/c-1")).json()["events"]
    assert [e["verdict"] for e in after if e["type"] == "mark"] == ["right", "wrong", "missed"]
    seqs = [event["seq"] for event in after]
    assert seqs == sorted(set(seqs))
    dialogue = json.loads(line)
    assert [turn["text"] for turn in dialogue["turns"]][2] == LINES[2][1]
    assert {(x["turn"], x["category"]) for x in dialogue["labels"]} == {
        (2, "agent.forbidden"),
        (7, "customer.churn"),
    }
    assert dialogue["absent"] == ["customer.escalation"]


async def test_rules_show_what_agents_made_of_their_cards(server: Running) -> None:
    await call_in(server, "c-1")
    async with client(server) as web:
        figures = {line["rule"]: line for line in (await web.get("/v1/rules")).json()}
    assert figures["agent.forbidden.brush"]["hits"] == 1
    assert figures["agent.forbidden.brush"]["shown"] == 1
    assert figures["agent.forbidden.brush"]["used"] == 0


async def test_an_archive_that_is_away_says_so(tmp_path: Path) -> None:
    store = new_store(tmp_path, url="postgresql://nobody@127.0.0.1:1/none")
    async with running(store=store) as server, client(server) as web:
        answer = await web.get("/v1/archive")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "archive_away")
