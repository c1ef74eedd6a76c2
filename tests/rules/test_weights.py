"""Wording like a category: scores, the characters that tell, learning them, holding hits back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from asr.events import Party
from assist_rules.engine.text import norm
from assist_rules.engine.weights import CLASS, PAIR, SOUND, Weights, features, names, score, weights
from assist_rules.rulebook import Rulebook, load_rulebook
from assist_rules.tools.learn import (
    LEARNT,
    SAYINGS,
    Said,
    from_dialogues,
    from_sayings,
    judged,
    learn,
    write,
)
from tests.rules.talk import heard, session, standing

SAID = [
    Said("agent", norm(text), frozenset(["agent.forbidden"] if rude else []), source=f"s{i % 2}")
    for i in range(6)
    for rude, texts in (
        (True, ("你自己看呗", "你去问呗", "爱来不来呗")),
        (False, ("请问有什么可以帮您", "马上为您核实", "请您稍等")),
    )
    for text in texts
]


def named(text: str, **edges: bool) -> set[str]:
    return {name for name, _, _ in features(text, **edges)}


def test_runs_mark_the_edges_that_are_the_utterances() -> None:
    assert {"^好", "好$", "^好$", "好"} <= named("好")
    assert named("好", begins=False, ends=False) == {"好"}


def test_homophones_share_the_features_of_sounds() -> None:
    shared = {name for name in named("投诉你") & named("投宿你") if name[0] == SOUND}
    assert len(shared) > 5


def test_pairs_reach_over_what_is_put_between() -> None:
    assert {name for name in named("退我钱") & named("退给我的钱") if name[0] == PAIR} == {"+退钱"}


def test_words_that_mean_alike_share_a_class_and_pairs_keep_their_order() -> None:
    assert any(name[0] == CLASS for name in named("你们骗人") & named("你们忽悠"))
    assert CLASS + "you" + CLASS + "cheat" in named("你们就是在忽悠")
    assert CLASS + "you" + CLASS + "cheat" not in named("忽悠")


@pytest.mark.parametrize("text", ["", "好", "您自己去营业厅问啊都说了八百遍了", "abc12345"])
def test_features_lie_within_the_text(text: str) -> None:
    assert all(0 <= start <= end <= len(text) for _, start, end in features(text))


def test_what_was_learnt_tells_them_apart() -> None:
    learnt = learn("agent", SAID, ["agent.forbidden"])
    assert learnt.score(norm("您自己去呗"))[0] > 0 > learnt.score(norm("请问您稍等"))[0]
    again = learn("agent", SAID, ["agent.forbidden"])
    assert learnt.rows == again.rows
    assert np.array_equal(learnt.table, again.table)
    first, last = learnt.telling("agent.forbidden", "请问你去呗")
    assert "呗" in "请问你去呗"[first:last]


def test_what_is_written_reads_back_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt = learn("agent", SAID, ["agent.forbidden"])
    write("agent", learnt, tmp_path)
    monkeypatch.setattr("assist_rules.engine.weights.FOLDER", tmp_path)
    read = weights.__wrapped__("agent")
    for text in ("你自己看呗", "请您稍等", "爱来不来"):
        assert read.score(norm(text)) == pytest.approx(learnt.score(norm(text)), abs=1e-4)


def test_the_empty_utterance_is_like_nothing() -> None:
    one = Weights(("a",), np.array([-2.0]), {"好": 0}, np.array([1.0]), np.array([[5.0]]))
    assert one.score("", begins=False, ends=False) == (-2.0,)
    assert one.telling("a", "") == (0, 0)


def test_a_source_is_judged_by_weights_that_have_not_seen_it() -> None:
    rows = [
        r for r in judged("agent", SAID, [frozenset(["s0"])]) if r["category"] == "agent.forbidden"
    ]
    assert {"precision", "recall", "above", "category"} == rows[0].keys()
    assert max(float(r["recall"]) for r in rows) == 1.0


def test_all_that_is_learnt_has_weights() -> None:
    assert set(names()) == set(LEARNT)


@pytest.mark.parametrize("category", LEARNT)
def test_ordinary_talk_is_unlike_any(category: str) -> None:
    assert score(category, norm("您好请问有什么可以帮您")) < -1.5


def test_an_alert_by_wording_is_a_suspicion_judged_at_the_end(shipped: Rulebook) -> None:
    one = session(shipped)
    text = "您当我们这儿是收容所啊"
    early = standing(one.hear(heard(text, 1, party=Party.AGENT)))
    assert not any(a.rule == "agent.forbidden.wording" for a in early.values())
    late = standing(one.hear(heard(text, 2, True, Party.AGENT)))
    (alert,) = [a for a in late.values() if a.rule == "agent.forbidden.wording"]
    assert alert.title.startswith("措辞疑似")
    assert 0 < alert.confidence < 1
    assert "log-odds" in alert.trace[0]


def test_a_phrase_met_in_harmless_words_counts_for_nothing(shipped: Rulebook) -> None:
    rude = standing(session(shipped).hear(heard("您自己去看啊我管不着", 1, True, Party.AGENT)))
    assert any(a.category == "agent.forbidden" for a in rude.values())
    kind = "您好客户可以通过电话和网点提交"
    assert not any(
        a.category == "agent.forbidden"
        for a in standing(session(shipped).hear(heard(kind, 1, True, Party.AGENT))).values()
    )


FAMILY = """
pack: t
unlike: {agent.forbidden: -100}
rules:
  - id: agent.forbidden.family
    category: agent.forbidden
    severity: low
    title: 敷衍
    when: {role: agent, say: [您自己去]}
    tests: [{fires: [您自己去]}, {silent: [您好]}]
"""


@pytest.mark.parametrize(("own", "fires"), [("", True), ("unlike: 100", False)])
def test_a_rules_own_threshold_goes_before_its_categorys(
    tmp_path: Path, own: str, fires: bool
) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(FAMILY.replace("    when:", f"    {own}\n    when:"), encoding="utf-8")
    one = session(load_rulebook([path]))
    alerts = standing(one.hear(heard("您自己去营业厅", 1, True, Party.AGENT)))
    assert any(a.rule == "agent.forbidden.family" for a in alerts.values()) == fires


def test_the_sayings_are_there(tmp_path: Path) -> None:
    said = list(from_sayings())
    assert len(said) > 3000
    assert {category for s in said for category in s.shows} == set(LEARNT)
    assert (SAYINGS / "clean_agent.txt").exists()
    call = {
        "id": "x",
        "turns": [{"role": "agent", "text": "不知道"}],
        "labels": [{"turn": 0, "category": "agent.forbidden"}],
        "optional": [],
    }
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(call), encoding="utf-8")
    (one,) = from_dialogues(path)
    assert one.shows == {"agent.forbidden"}
    assert one.source == "d"
