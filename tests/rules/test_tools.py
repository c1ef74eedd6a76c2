"""Replay, evaluation, comparison, reload, and the command line around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from asr.events import Char, Metric, Party, Transcript
from assist_rules.cli import app
from assist_rules.errors import InputError
from assist_rules.events import Retraction
from assist_rules.reload import reload_rulebook, start_rulebook
from assist_rules.rulebook import Rulebook, RuleError, load_rulebook
from assist_rules.tools.coverage import read_coverage
from assist_rules.tools.dialogues import Dialogue, read_dialogues, replay
from assist_rules.tools.evaluation import Score, wilson
from assist_rules.tools.lines import lines
from assist_rules.tools.spoil import spoiler
from server.events import Body, CallEvent, Status
from server.wire import to_wire
from tests.rules.conftest import PRACTICE
from tests.rules.talk import CALL

CALM = {
    "id": "calm",
    "domain": "telecom",
    "turns": [
        {"role": "agent", "start_ms": 0, "end_ms": 2000, "text": "您好，请讲"},
        {"role": "customer", "start_ms": 2500, "end_ms": 5000, "text": "我不投诉，就问问"},
        {"role": "agent", "start_ms": 5500, "end_ms": 9000, "text": "好的，感谢您的来电再见"},
    ],
    "labels": [],
    "absent": [],
    "optional": [],
}
LOUD: dict[str, Any] = {
    "id": "loud",
    "domain": "telecom",
    "turns": [
        {"role": "agent", "start_ms": 0, "end_ms": 2000, "text": "您好，请讲"},
        {"role": "customer", "start_ms": 2500, "end_ms": 5000, "text": "我要投诉你们，太差了"},
        {"role": "agent", "start_ms": 5500, "end_ms": 9000, "text": "这个我不清楚，也不归我管"},
    ],
    "labels": [
        {"turn": 1, "category": "customer.complaint", "quote": "我要投诉"},
        {"turn": 2, "category": "agent.forbidden", "quote": "我不清楚"},
        {"turn": 2, "category": "agent.missing_empathy", "quote": ""},
        {"turn": 1, "category": "customer.praise", "quote": "太差了"},
    ],
    "absent": [],
    "optional": [{"turn": 2, "category": "agent.missing_closing"}],
}
STREAM = {
    "id": "stream",
    "events": [
        {"role": "customer", "utterance": "c1", "revision": r, "final": f, "text": t,
         "start_ms": 0, "end_ms": e, "at_ms": e + 100}
        for r, t, e, f in [(1, "我要投", 600, False), (2, "我要投诉你", 1000, False), (3, "我要投宿一晚", 1200, True)]
    ],
}  # fmt: skip


DEAF = """
pack: deaf
rules:
  - id: customer.praise.kind
    category: customer.praise
    severity: low
    title: 表扬
    when: {role: customer, say: [你们真好]}
    tests: [{fires: [你们真好]}, {silent: [你好]}]
"""


def stored_call() -> dict[str, Any]:
    """A call as a store keeps it: every event of the wire."""
    texts = [("我要投", False), ("我要投诉你们", True)]
    said = [
        Transcript(
            CALL, Party.CUSTOMER, "customer-1", i, text, len(text),
            tuple(Char(200 * (n + 1), 0.9) for n in range(len(text))), final,
            0, 200 * len(text), 200 * len(text) + 50,
        )
        for i, (text, final) in enumerate(texts, 1)
    ]  # fmt: skip
    bodies: list[Body] = [
        Status("call_started", {"agent": "a-1"}),
        *said,
        Metric(CALL, Party.AGENT, "rate", 320.0, 2_000),
        Retraction("s1", "expired"),
    ]
    events = [to_wire(CallEvent(CALL, i, 0, body)) for i, body in enumerate(bodies, 1)]
    for event, body in zip(events, bodies, strict=True):
        event["at_ms"] = getattr(body, "at_ms", 0)
    return {"call": "c", "info": {"agent": "a-1", "brand": None}, "events": events}


def write(path: Path, *calls: Any) -> Path:
    text = "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in calls)
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> list[Dialogue]:
    found = list(read_dialogues(path))
    assert all(isinstance(d, Dialogue) for d in found)
    return [d for d in found if isinstance(d, Dialogue)]


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


class TestReplay:
    def test_turns_grow_as_they_are_spoken(self, tmp_path: Path) -> None:
        (call,) = read(write(tmp_path / "c.jsonl", LOUD))
        texts = [t.text for t in call.inputs if getattr(t, "utterance", "") == "customer-1"]
        assert len(texts) > 3
        assert texts[-1] == "我要投诉你们太差了"
        assert all("，" not in t for t in texts)
        times = [t.at_ms for t in call.inputs]
        assert times == sorted(times)

    def test_it_is_the_same_every_time(self, tmp_path: Path, practice: Rulebook) -> None:
        path = write(tmp_path / "c.jsonl", LOUD, STREAM)
        once = [replay(practice, d) for d in read(path)]
        assert once == [replay(practice, d) for d in read(path)]

    def test_a_stream_is_taken_as_it_comes(self, tmp_path: Path, practice: Rulebook) -> None:
        (call,) = read(write(tmp_path / "c.jsonl", STREAM))
        found = list(lines(call, replay(practice, call)))
        steps = [x for x in found if x["type"] == "step"]
        assert {(x["id"], x["state"]) for x in steps} >= {("flow.greet", "open")}
        found = [x for x in found if x["type"] != "step"]
        assert [(x["type"], x.get("revision")) for x in found] == [
            ("alert", 2),
            ("suggestion", 2),
            ("retraction", 2),
            ("retraction", 2),
        ]
        assert {x["utterance"] for x in found} == {"c1"}

    @pytest.mark.parametrize(
        "line", ["{", "[]", "{}", '{"id":"x"}', '{"id":"x","turns":[{"role":"bot"}]}', "null"]
    )
    def test_a_bad_line_is_an_error_and_the_others_are_read(
        self, tmp_path: Path, line: str
    ) -> None:
        path = write(tmp_path / "c.jsonl", CALM)
        path.write_text(line + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
        bad, good = read_dialogues(path)
        assert isinstance(bad, InputError)
        assert bad.line == 1
        assert isinstance(good, Dialogue)


class TestEvaluation:
    def test_it_counts_hits_misses_and_false_alarms(
        self, tmp_path: Path, practice: Rulebook
    ) -> None:
        score = Score()
        for call in read(write(tmp_path / "c.jsonl", CALM, LOUD)):
            score.add(call, replay(practice, call))
        figures = score.figures()
        counts = {k: (v["tp"], v["fp"], v["fn"]) for k, v in figures["categories"].items()}
        assert counts["customer.complaint"] == (1, 0, 0)
        assert counts["agent.forbidden"] == (1, 0, 0)
        assert counts["agent.missing_empathy"] == (1, 0, 0)
        assert counts["customer.praise"] == (0, 0, 1)
        assert "agent.missing_closing" not in counts
        assert figures["clean_calls"] == 1
        assert figures["clean_calls_false_cards_per_10min"] == 0
        assert figures["withdrawn_rate"] == 0

    def test_wilson(self) -> None:
        assert wilson(0, 0) is None
        assert wilson(8, 10) == [0.49, 0.943]

    def test_spoiled_text_is_spoiled_alike_each_time(self) -> None:
        text = "我要投诉你们这个服务态度实在太差了" * 20
        spoilt = spoiler(0.08)(text, "seed")
        assert spoilt == spoiler(0.08)(text, "seed")
        assert spoilt != spoiler(0.08)(text, "other")
        wrong = sum(a != b for a, b in zip(text, spoilt, strict=False))
        assert wrong > 0
        assert spoiler(0.0)(text, "seed") == text


class TestReload:
    def test_a_good_pack_is_taken(self, tmp_path: Path, practice: Rulebook) -> None:
        gate = write(tmp_path / "c.jsonl", LOUD)
        done = reload_rulebook(practice, [PRACTICE], gate=[gate])
        assert done.swapped
        assert done.rulebook is not practice
        assert done.difference is not None
        assert done.difference.empty

    def test_a_broken_pack_leaves_the_old_one(self, tmp_path: Path, practice: Rulebook) -> None:
        path = tmp_path / "p.yaml"
        path.write_text("pack: [", encoding="utf-8")
        done = reload_rulebook(practice, [path])
        assert done.rulebook is practice
        assert done.problems

    def test_a_failing_test_leaves_the_old_one(self, tmp_path: Path, practice: Rulebook) -> None:
        text = PRACTICE.read_text(encoding="utf-8").replace(
            "silent: [我不投诉,", "silent: [我要投诉,"
        )
        path = tmp_path / "p.yaml"
        path.write_text(text, encoding="utf-8")
        done = reload_rulebook(practice, [path])
        assert done.rulebook is practice
        assert "fires on" in str(done.problems[0])

    def test_a_flood_of_cards_does_not_pass_the_gate(
        self, tmp_path: Path, practice: Rulebook
    ) -> None:
        text = PRACTICE.read_text(encoding="utf-8")
        text += """  - id: customer.praise.noisy
    category: customer.praise
    severity: low
    title: 吵
    when: {role: customer, say: [就问问]}
    suggest: {say: 好的好的。, group: noise}
    tests: [{fires: [就问问]}, {silent: [你好]}]
"""
        path = tmp_path / "p.yaml"
        path.write_text(text, encoding="utf-8")
        gate = write(tmp_path / "c.jsonl", CALM)
        done = reload_rulebook(practice, [path], gate=[gate])
        assert done.rulebook is practice
        assert "more cards an hour" in str(done.problems[0])

    def test_missing_more_on_labelled_calls_does_not_pass_the_gate(
        self, tmp_path: Path, practice: Rulebook
    ) -> None:
        path = tmp_path / "p.yaml"
        path.write_text(DEAF, encoding="utf-8")
        gate = tmp_path / "gate"
        gate.mkdir()
        write(gate / "many.jsonl", *({**LOUD, "id": f"loud-{i}"} for i in range(4)))
        (gate / "one.labels.json").write_text(json.dumps(LOUD, indent=1), encoding="utf-8")
        done = reload_rulebook(practice, [path], gate=[gate])
        told = [str(p) for p in done.problems]
        assert any("customer.complaint falls from F1 1 to 0" in line for line in told), told
        asked = reload_rulebook(practice, [path], None, [gate], float("inf"))
        assert asked.swapped
        assert asked.difference is not None
        assert asked.difference.calls == 5

    def test_a_stores_calls_pass_through_the_gate(self, practice: Rulebook) -> None:
        call = stored_call()
        done = reload_rulebook(practice, [PRACTICE], calls=iter([call, call]))
        assert done.difference is not None
        assert done.difference.calls == 2
        assert done.difference.before == done.difference.after > 0
        broken = reload_rulebook(practice, [PRACTICE], calls=[{"call": "c", "events": [{}]}])
        assert "stored calls:1" in str(broken.problems[0])

    def test_a_sites_packs_pass_their_tests_before_a_service_begins(self, tmp_path: Path) -> None:
        path = tmp_path / "p.yaml"
        text = PRACTICE.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        assert start_rulebook([path]).hash == load_rulebook([path]).hash
        path.write_text(text.replace("silent: [我不投诉,", "silent: [我要投诉,"), encoding="utf-8")
        load_rulebook([path])
        with pytest.raises(RuleError, match="fires on"):
            start_rulebook([path])
        path.write_text(text.replace("record: open}", "record: due}"), encoding="utf-8")
        with pytest.raises(RuleError, match="record is open, not due"):
            start_rulebook([path])


class TestCommands:
    def test_check_and_test(self, tmp_path: Path) -> None:
        assert run("check", PRACTICE).exit_code == 0
        found = run("test", PRACTICE, "--json")
        assert found.exit_code == 0
        assert json.loads(found.stdout)["failed"] == []
        bad = tmp_path / "b.yaml"
        bad.write_text("pack: x\nruels: []\n", encoding="utf-8")
        told = run("check", bad, "--json")
        assert told.exit_code == 1
        (problem,) = json.loads(told.stdout)["problems"]
        assert (problem["line"], problem["fix"]) == (2, 'did you mean "rules"?')

    def test_run_prints_only_lines_of_json(self, tmp_path: Path) -> None:
        path = write(tmp_path / "c.jsonl", LOUD)
        found = run("run", path, "--packs", PRACTICE, "--json")
        assert found.exit_code == 0
        rows = [json.loads(line) for line in found.stdout.splitlines()]
        keys = {"call", "turn", "type", "id", "state", "category", "rule", "quote", "at_ms"}
        assert all(keys <= row.keys() for row in rows)
        assert {"customer.complaint", "agent.forbidden"} <= {row["category"] for row in rows}

    def test_run_goes_on_after_a_bad_line(self, tmp_path: Path) -> None:
        path = tmp_path / "c.jsonl"
        path.write_text("nonsense\n" + json.dumps(LOUD) + "\n", encoding="utf-8")
        found = run("run", path, "--packs", PRACTICE, "--json")
        assert found.exit_code == 1
        assert "c.jsonl:1" in found.stderr
        assert found.stdout.count("\n") > 2

    def test_eval_and_diff(self, tmp_path: Path) -> None:
        path = write(tmp_path / "c.jsonl", LOUD, CALM)
        figures = json.loads(run("eval", path, "--packs", PRACTICE, "--json").stdout)
        assert {
            "categories",
            "macro_f1",
            "clean_calls_false_cards_per_10min",
            "withdrawn_rate",
        } <= (figures.keys())
        other = tmp_path / "p.yaml"
        text = PRACTICE.read_text(encoding="utf-8")
        other.write_text(text.replace("say: [我(要|想)<4>投诉, ", "say: ["), encoding="utf-8")
        found = run("diff", PRACTICE, other, path, "--json")
        assert found.exit_code == 0
        difference = json.loads(found.stdout)
        assert difference["calls"] == 2
        assert "hours" in difference

    def test_a_usage_mistake_exits_2(self) -> None:
        assert run("run").exit_code == 2
        assert run("nonsense").exit_code == 2


def test_the_inventory_must_name_rules_that_exist(tmp_path: Path, practice: Rulebook) -> None:
    from assist_rules.rulebook import check_rulebook

    _, drafts, _ = check_rulebook([PRACTICE])
    path = tmp_path / "i.yaml"
    path.write_text(
        """items:
  - {id: a.1, source: s, text: t, how: detected, rules: [customer.complaint.wish]}
  - {id: a.2, source: s, text: t, how: detected, rules: [customer.complaint.wsh]}
  - {id: a.3, source: s, text: t, how: advised, card: customer.escalation.law}
  - {id: a.4, source: s, text: t, how: not_observable}
  - {id: a.1, source: s, text: t, how: not_observable, why: after the call}
""",
        encoding="utf-8",
    )
    result = read_coverage(drafts, path)
    told = " / ".join(map(str, result.problems))
    assert 'did you mean "customer.complaint.wish"?' in told
    assert "a.4 does not say why" in told
    assert "a.1 stands here twice" in told
    assert len(result.problems) == 3
