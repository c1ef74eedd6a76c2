"""From the call to the disk, from there to the archive: in order, each once, whatever fails."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from asr.events import CallId, Party
from assist_rules.events import CallInfo
from benchmarks.postgres import Cluster
from server.events import CallEvent, Status
from server.live.journal import worth_keeping
from server.live.notice import encode
from server.store.store import CallJournal, Store
from server.wire import to_wire
from tests.fixtures import script as fixture
from tests.fixtures.write import call_events
from tests.server.store.conftest import eventually, opened

PARTIES = (Party.AGENT, Party.CUSTOMER)


def info(call: str = "c-1") -> CallInfo:
    return CallInfo(CallId(call), "a-7", "broadband", attributes={"number": "13800576219"})


def gap(seq: int, call: str = "c-1") -> CallEvent:
    detail = {"party": "agent", "start_ms": 0, "end_ms": seq, "why": "x" * 100}
    return CallEvent(CallId(call), seq, seq, Status("audio_gap", detail))


def texts(events: Sequence[CallEvent]) -> list[tuple[CallEvent, str]]:
    return [(event, encode(to_wire(event))) for event in events]


async def rows(store: Store, table: str = "events") -> list[dict[str, Any]]:
    async with store.archive.engine.connect() as connection:
        found = await connection.execute(text(f"SELECT * FROM {table}"))
        return [dict(row) for row in found.mappings()]


async def until_shipped(store: Store, count: int) -> None:
    """Waits for so many rows in the archive; the test's own limit ends a wait in vain."""
    await eventually(lambda: store.figures.shipped >= count)


async def durable(journal: CallJournal) -> None:
    done = asyncio.Event()
    journal.reached({Party.AGENT: 0}, 0, done.set)
    await done.wait()


async def test_every_event_arrives_once_and_in_order(tmp_path: Path, url: str | None) -> None:
    events = [event for event in call_events() if worth_keeping(event)]
    async with opened(tmp_path, url=url) as store:
        journal = store.begin(info(fixture.CALL), 1, PARTIES, 8_000)
        for event in events:
            journal.keep(texts([event]))
            journal.keep(texts([event]))
        await until_shipped(store, 1 + len(events))
        kept = await rows(store)
        calls = await rows(store, "calls")
    assert [row["seq"] for row in kept] == [event.seq for event in events]
    assert [json.loads(row["body"]) for row in kept] == [to_wire(event) for event in events]
    assert [(row["agent"], row["ended_at"] is not None) for row in calls] == [("a-7", True)]


async def test_what_was_not_shipped_is_shipped_by_the_next_start(
    tmp_path: Path, postgres: Cluster
) -> None:
    postgres.stop()
    async with opened(tmp_path, url=postgres.url) as store:
        journal = store.begin(info(), 1, PARTIES, 8_000)
        journal.keep(texts([gap(n) for n in range(1, 50)]))
    assert store.figures.shipped == 0
    postgres.start()
    async with opened(tmp_path, url=postgres.url) as store:
        await until_shipped(store, 50)
        assert [row["seq"] for row in await rows(store)] == list(range(1, 50))


async def test_an_archive_that_goes_away_and_comes_back_lacks_nothing(
    tmp_path: Path, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.store.store.RETRY_S", (0.05, 0.1))
    safe: list[int] = []
    async with opened(tmp_path, url=postgres.url) as store:
        journal = store.begin(info(), 1, PARTIES, 8_000)
        journal.keep(texts([gap(1)]))
        await durable(journal)
        postgres.stop()
        for seq in range(2, 200):
            journal.keep(texts([gap(seq)]))
            journal.reached({Party.AGENT: seq}, seq, lambda seq=seq: safe.append(seq))
        await eventually(lambda: store.away is not None)
        assert store.why_lost is None, "the outbox holds them"
        assert safe == [], "not in PostgreSQL yet"
        postgres.start()
        await durable(journal)
        assert [row["seq"] for row in await rows(store)] == list(range(1, 200))
    assert safe == list(range(2, 200))
    assert store.away is None


async def test_a_full_disk_is_told_and_forgotten_nothing(
    tmp_path: Path, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may grow no further, as on a full disk; room comes as the archive takes rows."""
    monkeypatch.setattr("server.store.store.RETRY_S", (0.05, 0.1))
    monkeypatch.setattr("server.store.outbox.RETRY_S", (0.02, 0.05))
    postgres.stop()
    told: list[str | None] = []
    async with opened(tmp_path, url=postgres.url, outbox_mb=0.2) as store:
        store.listen(told.append)
        ended = [CallEvent(CallId("c-1"), 900, 0, Status("call_ended", ENDED))]
        journal = store.begin(info(), 1, PARTIES, 8_000)
        for seq in range(1, 900):
            journal.keep(texts([gap(seq)]))
            if seq % 100 == 0:
                await eventually(lambda: store.outbox.queued == 0 or bool(told))
        journal.keep(texts(ended))
        await eventually(lambda: bool(told))
        assert store.why_lost is not None
        postgres.start()
        await until_shipped(store, 901)
        assert [row["seq"] for row in await rows(store)] == list(range(1, 901))
        await eventually(lambda: len(told) == 2)
    assert told[0] is not None
    assert "full" in told[0]
    assert told[-1] is None


ENDED = {"why": "ended", "duration_ms": 1}


async def test_what_memory_cannot_hold_is_counted_told_and_given_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.store.outbox.RETRY_S", (0.02, 0.05))
    told: list[str | None] = []
    lock = sqlite3.connect(tmp_path / "outbox.sqlite3", isolation_level=None)
    async with opened(tmp_path, memory_rows=10) as store:
        store.listen(told.append)
        journal = store.begin(info(), 1, PARTIES, 8_000)
        await durable(journal)
        known = [gap(seq) for seq in range(1, 41)]
        journal.again = lambda: journal.keep(texts(known))
        lock.execute("BEGIN IMMEDIATE")  # somebody else's hold on the file: nothing can be written
        for event in known[:30]:
            journal.keep(texts([event]))
        assert store.outbox.figures.refused > 0
        assert told == ["more events than the disk takes"]
        late: list[int] = []
        journal.reached({Party.AGENT: 1}, 30, lambda: late.append(1))
        lock.execute("ROLLBACK")
        await eventually(lambda: told[-1] is None and store.outbox.figures.written >= 41)
        await until_shipped(store, 41)
        kept = await rows(store)
    lock.close()
    assert sorted(row["seq"] for row in kept) == list(range(1, 41))
    assert late == [], "a call with a hole is not safe"


async def test_rows_leave_the_outbox_when_their_call_is_over(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for call in ("c-1", "c-2"):
            journal = store.begin(info(call), 1, PARTIES, 8_000)
            journal.keep(texts([gap(1, call)]))
        journal.keep(texts([CallEvent(CallId("c-2"), 2, 0, Status("call_ended", ENDED))]))
        await until_shipped(store, 5)
    with sqlite3.connect(tmp_path / "outbox.sqlite3") as file:
        left = {call for (call,) in file.execute("SELECT call FROM waiting")}
        going_on = [call for (call,) in file.execute("SELECT call FROM open_calls")]
    file.close()
    assert going_on == ["c-1"]
    assert left == {"c-1"}


async def test_customers_numbers_are_not_kept_but_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        store.begin(info(), 1, PARTIES, 8_000)
        await until_shipped(store, 1)
        (call,) = await rows(store, "calls")
    assert call["customer"] == store.customers.hash("+86 138-0057-6219")
    assert "13800576219" not in str(call)
