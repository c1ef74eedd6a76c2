"""Nodes, Redis and PostgreSQL are measured as they are; the sizing page is made of results alone."""

from __future__ import annotations

import json
import re
from typing import Any

import hiredis
import pytest

from benchmarks import archive, nodes, report, sizing, synthetic_node, traffic
from benchmarks.postgres import binaries
from benchmarks.redis_server import installed
from benchmarks.result import Result, record

NO_REDIS = pytest.mark.skipif(not installed(), reason="redis-server is not installed")
NO_POSTGRES = pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed")


@NO_REDIS
def test_two_nodes_say_as_much_as_one() -> None:
    found = nodes.measure(4, 2.0, 1, [nodes.Pages("apart", boards=1, apart=True)], warm_s=0.5)
    by_kind = {run["nodes"]: run for run in found["runs"]}
    assert by_kind.keys() == {"one", "two"}
    for run in by_kind.values():
        assert run["events"] > 0
        assert run["us_per_event"] > 0
        assert run["refused"] == []
        assert run["agent_ms"]
    assert {kind: run["calls"] for kind, run in by_kind.items()} == {"one": 4, "two": 8}
    assert nodes.Pages("halved", halved=True).calls(4, nodes=2) == 4
    # Half of the pages are at the node that does not have their call: their words came by Redis.
    assert by_kind["two"]["redis_us_per_event"] > 0
    row = nodes.summarise(found)["settings"]["apart"]
    assert row["ratio"] > 0
    assert row["joining"] is None, "nothing to compare with"


@NO_REDIS
def test_what_synthetic_nodes_say_comes_to_the_other_one() -> None:
    found = traffic.measure(40, 2, 0.5, 2.0, most=2.0)
    life, (faster,) = found["life"], found["steps"]
    assert life["kept"] > 0
    # What is on its way at the end of a step is heard in the next.
    assert 0 < life["heard"] <= life["sent"]
    assert life["late"] == life["errors"] == 0
    assert life["commands_per_s"] >= life["kept"] / 2.0 / 2
    assert faster["speed"] == traffic.FASTER
    assert faster["sent"] > life["sent"]
    assert found["beyond"] is None


def test_what_is_made_beforehand_is_what_the_scripts_say() -> None:
    calls = synthetic_node.Calls("here", "there", count=12, watched=0.5)
    begun, made = synthetic_node.ticks(calls)
    heads = parsed(begun.commands)
    assert [words[0] for words in heads] == [b"SET"] * calls.count
    kept = notes = 0
    for tick in made:
        commands = parsed(tick.commands)
        assert len(commands) == tick.asked
        events = [json.loads(words[-1]) for words in commands if words[-2] == b"e"]
        assert sum(map(len, events)) == tick.kept
        kept += tick.kept
        notes += len(tick.notes)
        for note in map(json.loads, tick.notes):
            assert note[0] == "note"
            assert json.loads(note[4])["call"]
    assert kept > 0
    assert notes > kept / 2, "half of the calls are watched, with all that they say"


def parsed(commands: bytes) -> list[list[bytes]]:
    reader = hiredis.Reader()
    reader.feed(commands)
    found = []
    while (one := reader.gets()) is not False:
        found.append(one)
    return found


def test_the_first_step_that_is_not_carried_is_the_last() -> None:
    in_time = {"kept": 90, "sent": 10, "late": 2, "errors": 0, "delays_ms": [1.0] * 100}
    assert traffic.carried(in_time)
    for wrong in ({"late": 3}, {"errors": 1}, {"delays_ms": [1.0] * 97 + [251.0] * 3}):
        assert not traffic.carried({**in_time, **wrong})


@NO_POSTGRES
def test_what_is_kept_is_in_the_archive_and_was_paid_for() -> None:
    found = archive.measure(3, 4.0)
    assert found is not None
    assert found["events"] > 0
    assert found["postgres_kib_per_call_minute"] > 0
    assert found["postgres_ms_per_call_minute"] > 0


def step(speed: float, rate: int) -> dict[str, Any]:
    return {
        "speed": speed, "events_per_s": rate, "redis_cpu_share": 0.1 * speed,
        "kept": rate, "sent": 0, "late": 0 if speed < 4 else rate, "nodes_cpu_share": 0.2,
        "mib_per_s": 2.0 * speed, "redis_bytes_per_event": 512.0,
        "delivery_ms": {"n": 9, "p50": 10.0, "p95": 20.0, "p99": 30.0, "max": 31.0},
    }  # fmt: skip


def measured() -> list[Result]:
    loads = [{"calls": 40, "chunk_lag_ms": [100.0, 200.0], "end_lag_ms": []}]
    capacity = record(
        "capacity", {"talk": "real", "sockets": True}, {"talk": "real", "loads": loads},
        {"rated_calls": 40},
    )  # fmt: skip
    row = {
        "one_us": 100.0, "unjoined_us": None, "two_us": 103.0, "redis_us": 2.0, "ratio": 1.03,
        "interval": [1.01, 1.04], "joining": 1.01, "joining_interval": [0.99, 1.02],
    }  # fmt: skip
    kept = {
        "seconds": 9.0,
        "postgres_ms_per_call_minute": 6.0,
        "postgres_kib_per_call_minute": 60.0,
    }
    run = {"round": 0, "pages": "all", "nodes": "one", "us_per_event": 100.0}
    found = record(
        "nodes", {"traffic_calls": 10_000, "synthetic": 2, "watched": 0.1},
        {"paired": {"runs": [run]}},
        {
            "settings": {"all": row}, "archive": kept,
            "traffic": {
                "life": step(1, 5_000), "steps": [step(2, 10_000)], "beyond": step(4, 20_000),
            },
        },
    )  # fmt: skip
    return [capacity, found]


def test_the_sizing_page_scales_what_was_measured_and_carried() -> None:
    """The step at four times life came late: nothing rests on it."""
    lines = sizing.page(measured()).splitlines()
    rows = {
        row[1]: row[2:-1] for row in (re.split(r" ?\| ?", line) for line in lines) if len(row) == 9
    }
    # 28 calls a core when 70 % of 40 count; Redis' tenth of a core for 10,000 calls, likewise.
    assert rows["200"][0] == "8"
    assert float(rows["10,000"][1]) == pytest.approx(0.1 / 0.7, abs=1e-3)
    assert float(rows["10,000"][2]) == pytest.approx(2.0)
    assert "At 20,000 a second Redis took 0.4 of a core" in "\n".join(lines)
    assert float(rows["5,000"][1]) == pytest.approx(float(rows["10,000"][1]) / 2, abs=1e-3)
    # 10,000 calls make 5,000 events a second of 512 bytes, for ten minutes: 1,465 MiB.
    assert float(rows["10,000"][3]) == pytest.approx(5_000 * 600 * 512 / 2**20, abs=1)
    assert float(rows["1,000"][4]) == pytest.approx(1_000 * 6 / 60_000 / 0.7, abs=1e-3)


@pytest.mark.parametrize("left", [0, 1])
def test_without_a_result_there_is_no_page(left: int) -> None:
    with pytest.raises(sizing.MissingError):
        sizing.page([measured()[left]])


def test_nodes_are_on_the_report() -> None:
    page = report.page(measured())
    assert "More than one node" in page
    assert "knee: 40 calls" in page
