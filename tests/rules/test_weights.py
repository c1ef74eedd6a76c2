"""Wording like a category: scores, the characters that tell, and learning them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assist_rules.engine.text import norm
from assist_rules.engine.weights import Weights, names, runs, score
from assist_rules.rulebook import Rulebook
from assist_rules.tools.learn import Said, judged, learn
from tests.rules.talk import heard, session, standing

SAID = [
    *(
        Said("agent", norm(t), frozenset(["agent.forbidden"]))
        for t in ("你自己看呗", "你去问呗", "爱来不来呗") * 3
    ),
    *(Said("agent", norm(t)) for t in ("请问有什么可以帮您", "马上为您核实", "请您稍等") * 3),
]


def test_runs_mark_the_edges() -> None:
    assert {"^好", "好$", "^好$", "好"} <= runs("好")


def test_what_was_learnt_tells_them_apart() -> None:
    weights = learn("agent.forbidden", SAID)
    assert weights.score(norm("您自己去呗")) > 0 > weights.score(norm("请问您稍等"))
    assert weights.table == learn("agent.forbidden", SAID).table
    first, last = weights.telling("请问你去呗")
    assert "呗" in "请问你去呗"[first:last]


def test_the_empty_utterance_is_like_nothing() -> None:
    assert Weights(-2.0, {"好": 5.0}).score("") == -2.0
    assert Weights(-2.0, {}).telling("") == (0, 0)


def test_held_out_dialogues_judge() -> None:
    calls = [Said(s.role, s.text, s.shows, call=f"c{i % 4}") for i, s in enumerate(SAID)]
    rows = judged("agent.forbidden", calls, 2)
    assert {"precision", "recall", "above", "category"} == rows[0].keys()
    assert max(float(r["recall"]) for r in rows) == 1.0


@pytest.mark.parametrize("category", names())
def test_ordinary_talk_is_unlike_any(category: str) -> None:
    assert score(category, norm("您好请问有什么可以帮您")) < -0.5


def test_an_alert_by_wording_is_a_suspicion_judged_at_the_end(shipped: Rulebook) -> None:
    one = session(shipped)
    text = "您当我们这儿是收容所啊"
    party = heard("").party.__class__.AGENT
    early = standing(one.hear(heard(text, 1, party=party)))
    assert not any(a.rule == "agent.forbidden.wording" for a in early.values())
    late = standing(one.hear(heard(text, 2, True, party)))
    (alert,) = [a for a in late.values() if a.rule == "agent.forbidden.wording"]
    assert alert.title.startswith("措辞疑似")
    assert 0 < alert.confidence < 1
    assert "log-odds" in alert.trace[0]


def test_the_sayings_are_there(tmp_path: Path) -> None:
    from assist_rules.tools.learn import SAYINGS, from_dialogues, from_sayings

    assert len(list(from_sayings())) > 500
    assert (SAYINGS / "clean_agent.txt").exists()
    call = {
        "id": "x",
        "turns": [{"role": "agent", "text": "不知道"}],
        "labels": [{"turn": 0, "category": "agent.forbidden"}],
        "optional": [],
    }
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(call), encoding="utf-8")
    (said,) = from_dialogues(path)
    assert said.shows == {"agent.forbidden"}
