"""Packs with mistakes: what is said, where, and how to mend it."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from assist_rules.language.grammar import json_schema
from assist_rules.rulebook import RuleError, check_rulebook, load_rulebook

RULE = """
pack: t
lists: {soothe: [抱歉]}
rules:
  - id: customer.complaint.x
    category: customer.complaint
    severity: low
    title: 投诉
    when: {role: customer, say: [我要投诉]}
    suggest: {say: 请您慢慢说。}
    tests:
      - fires: [我要投诉]
      - silent: [你好]
"""
FORBIDDEN = """
  - id: agent.forbidden.x
    category: agent.forbidden
    severity: high
    title: 禁语
    when: {role: agent, say: [请您慢慢说]}
    tests: [{fires: [请您慢慢说]}, {silent: [您好]}]
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "t.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    rulebook, _, found = check_rulebook([path])
    assert (rulebook is None) == any(not p.warning for p in found)
    return [str(p).replace(str(path), "t.yaml") for p in found]


def test_the_plain_rule_loads(tmp_path: Path) -> None:
    assert [p for p in problems(tmp_path, RULE) if "@soothe" not in p] == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("severity: low", "sevrity: low", 't.yaml:7:5: "sevrity" is not a field of a rule; did you mean "severity"?'),
        ("severity: low", "severity: hgih", 't.yaml:7:15: "hgih" is not possible here; did you mean "high"?'),
        ("customer.complaint\n", "customer.complain\n", 'did you mean "customer.complaint"?'),
        ("say: [我要投诉]", "say: [@sooth]", 'no list is called @sooth; did you mean "soothe"?'),
        ("say: [我要投诉]", "say: [我(要投诉]", "t.yaml:9:34: '(' is never closed; add ')'"),
        ("say: [我要投诉]", "say: [要]", '"要" is only one character'),
        ("      - fires: [我要投诉]\n", "", "has no test that must fire"),
        ("      - silent: [你好]\n", "", "has no test that must not fire"),
        ("请您慢慢说。", "请" * 41, "the suggestion has 41 characters"),
        ("请您慢慢说。", '"{nobody}请说"', "nothing fills the slot {nobody}"),
        ("{role: customer, say: [我要投诉]}", "{fact: customer.complaint.x}", "facts go in a circle"),
        ("{role: customer, say: [我要投诉]}", "{fact: custmer.anger.y}", "no rule establishes the fact"),
        ("say: [我要投诉]", "say: [投宿], homophones: on", "has no rivals"),
        ("title: 投诉", "title: 投诉\n    and: [{absent: {role: agent, say: [抱歉]}}]", "absent has no deadline"),
        ("title: 投诉", "title: 投诉\n    and: [{phase: [beginning]}]", "there is no phase beginning"),
        ("title: 投诉", "title: 投诉\n    and: [{absnt: {}}]", 'did you mean "absent"?'),
        ("rules:", "rules: [", "not valid YAML"),
        ("id: customer.complaint.x", "id: 投诉", "cannot be a rule id"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_fix(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in RULE
    found = problems(tmp_path, RULE.replace(old, new, 1))
    assert any(said in p for p in found), found


def test_a_suggestion_must_not_say_what_is_forbidden(tmp_path: Path) -> None:
    found = problems(tmp_path, RULE + FORBIDDEN)
    assert any('the suggestion itself says "请您慢慢说"' in p for p in found)


def test_the_same_id_twice_is_refused(tmp_path: Path) -> None:
    again = RULE[RULE.index("  - id") :]
    assert any("another rule is called" in p for p in problems(tmp_path, RULE + again))


def test_a_phrase_that_another_covers_is_a_warning(tmp_path: Path) -> None:
    found = problems(tmp_path, RULE.replace("[我要投诉]}", "[我要投诉, 今天我要投诉]}"))
    assert any("warning" in p and "finds nothing" in p for p in found)


def test_settings_stand_in_for_numbers(tmp_path: Path) -> None:
    text = RULE.replace("lists:", "settings: {keep_s: 5s}\nlists:").replace(
        "请您慢慢说。}", "请您慢慢说。, keep: $keep_s}"
    )
    path = tmp_path / "t.yaml"
    path.write_text(text, encoding="utf-8")
    (rule,) = load_rulebook([path]).rules
    assert rule.card is not None
    assert rule.card.keep_ms == 5_000
    (rule,) = load_rulebook([path], {"keep_s": "7s"}).rules
    assert rule.card is not None
    assert rule.card.keep_ms == 7_000


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"[1, 2", b"- - -", b"pack: [a]", b"a: *b", b"rules: {a: 1}"]
)
def test_no_file_breaks_the_reader(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(content)
    with pytest.raises(RuleError):
        load_rulebook([path])


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="does not exist"):
        load_rulebook([tmp_path / "none.yaml"])
    with pytest.raises(RuleError, match="holds no YAML"):
        load_rulebook([tmp_path])


def test_the_committed_schema_is_the_languages_own() -> None:
    path = Path(__file__).parents[2] / "assist_rules" / "schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == json_schema()
