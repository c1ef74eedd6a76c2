"""Losses are counted as they are; a killed server and nonsense on sockets cost a call nothing."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import fault_table, malformed
from benchmarks.balancer import balanced
from benchmarks.expected import Sight, compare_alerts, confirmed, doubled, finals, missing
from benchmarks.postgres import binaries
from benchmarks.redis_server import free_port, installed
from server.engine import load_rules

TEXTS = st.lists(st.tuples(st.sampled_from(["agent", "customer"]), st.text("好的嗯", min_size=1)))


@given(TEXTS, st.data())
def test_what_is_taken_away_is_lost_and_what_is_added_is_doubled(
    wanted: list[tuple[str, str]], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(wanted), unique_by=id)) if wanted else []
    gone = Counter(wanted) - Counter(kept)
    got = Counter(wanted) - gone
    assert Counter(missing(Counter(wanted), got)) == gone
    assert doubled(Counter(wanted), got) == 0
    more = got + Counter({("agent", "再见"): 2})
    assert doubled(Counter(wanted), more) == 2


def test_a_masked_text_is_the_text_and_a_shorter_one_is_not() -> None:
    wanted = Counter({("customer", "幺三八零零"): 1})
    assert missing(wanted, Counter({("customer", "幺****"): 1})) == []
    assert missing(wanted, Counter({("customer", "幺***"): 1}))
    assert missing(wanted, Counter({("agent", "幺三八零零"): 1}))


def test_alerts_are_compared_by_rule() -> None:
    assert compare_alerts(Counter(a=2, b=1), Counter(a=1, c=3)) == (2, 3)


def alert(id: str, state: str) -> dict[str, Any]:
    return {"type": "alert", "id": id, "rule": "r", "state": state}


def test_a_snapshot_stands_for_all_before_it() -> None:
    sight = Sight()
    sight.take(alert("a1", "confirmed"))
    sight.take({"type": "snapshot", "events": [alert("a2", "tentative")]})
    assert sight.confirmed == Counter()
    sight.take(alert("a2", "confirmed"))
    assert sight.confirmed == Counter(r=1)
    sight.take({"type": "retraction", "id": "a2"})
    assert sight.confirmed == Counter()


def test_a_conversation_has_words_and_alerts_to_lose() -> None:
    rules = load_rules(None)
    names = [f"call-{n}" for n in range(6)]
    assert all(finals(name, 60_000, 120_000).total() > 5 for name in names)
    assert sum(confirmed(name, 60_000, 120_000, rules).total() for name in names) > 3


@pytest.mark.parametrize("fault", ["killed", "redis", "postgres"])
def test_nothing_is_lost_or_doubled(fault: str) -> None:
    if fault == "redis" and not installed():
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    if fault == "postgres" and binaries() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    [row] = fault_table.run([fault], seconds=24)
    assert (row.lost, row.doubled, row.detail) == (0, 0, "")
    assert row.passed


@given(st.integers(), st.sampled_from(malformed.dialects()))
def test_what_is_spoiled_can_be_sent_and_seen_again(seed: int, dialect: malformed.Dialect) -> None:
    for message in dialect.messages:
        made = [malformed.spoil(message, random.Random(seed)) for _ in range(2)]
        assert made[0] == made[1]
        assert isinstance(made[0], str | bytes)


def test_nonsense_harms_nobody() -> None:
    names = ["native", "twilio", "audiosocket", "siprec tcp", "siprec udp", "siprec rtp"]
    found = malformed.run(80, names=names)
    assert found["failures"] == []
    assert [row["dialect"] for row in found["dialects"]] == names
    for row in found["dialects"]:
        assert row["messages"] == 80
        # Of sound that is none nobody is told, and a leg may wait for the rest of a message.
        assert row["refusals"] > 0 or row["dialect"] in ("audiosocket", "siprec rtp")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readexactly(5))
    await writer.drain()
    writer.close()


async def test_what_stands_before_nodes_passes_by_those_that_are_dead() -> None:
    alive = await asyncio.start_server(echo, "127.0.0.1", 0)
    nodes = [f"127.0.0.1:{free_port()}", f"127.0.0.1:{alive.sockets[0].getsockname()[1]}"]
    async with alive, balanced(nodes) as front:
        host, _, port = front.address.rpartition(":")
        for _ in range(3):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"hello")
            assert await reader.read() == b"hello"
            writer.close()
