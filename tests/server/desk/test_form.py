"""Rules edited field by field: what was asked changes, and not a byte beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assist_rules.rulebook import PACKS
from server.desk import form
from server.desk.desk import Desk
from tests.server.desk.test_desk import pack
from tests.server.running import running

TEXT = """\
# The shop's own.
pack: shop
lists:
  sorry: [对不起, "抱歉, 抱歉"]   # said often
rules:
  # First.
  - id: shop.one
    category: agent.promise   # a label
    severity: high
    title: "擅自: 承诺"
    when:
      role: agent
      say:
        # the plain one
        - 保证退款
        - (包|保)退   # short
      except: [保证书, @sorry]
    suggest: {say: 我先帮您核实。, brands: {a: 甲}}
    tests:
      - fires: [我们保证退款, {text: 包退吧, quote: 包退}]
      - silent: [我帮您查一下]
      - call: [坐席 0.0 包退]
        fires: yes
  # Second.
  - id: shop.two
    category: customer.churn
    severity: low
    title: 甲
    when: {fact: customer.complaint}
    tests:
      - call: [客户 0.0 我要投诉]
        fires: no
"""


def rule(text: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in form.read(text, "")["rules"] if r["id"] == name)
    return found


def lines_changed(before: str, after: str) -> tuple[set[str], set[str]]:
    return set(before.splitlines()) - set(after.splitlines()), set(after.splitlines()) - set(
        before.splitlines()
    )


def test_a_rule_is_shown_as_it_is_written() -> None:
    found = form.read(TEXT, "shop.yaml")
    assert found["lists"] == {"sorry": ["对不起", "抱歉, 抱歉"]}
    one, two = found["rules"]
    assert one["title"] == "擅自: 承诺"
    assert one["role"] == "agent"
    assert one["phrases"] == ["保证退款", "(包|保)退"]
    assert one["except"] == ["保证书", "@sorry"]
    assert one["suggestion"] == "我先帮您核实。"
    assert one["brands"] == {"a": "甲"}
    assert one["fires"] == ["我们保证退款", "包退吧"]
    assert one["plain"]
    assert not two["plain"]
    assert two["fires"] == [], "a test of a whole call is no text"
    # A problem that check finds at a line is shown at the field that has the line.
    assert one["lines"]["title"] == [10, 10]
    assert one["lines"]["phrases"] == [15, 16]
    assert one["lines"]["rule"] == [7, 23]


@pytest.mark.parametrize(
    ("changes", "gone", "come"),
    [
        ({"title": "乙"}, '    title: "擅自: 承诺"', "    title: 乙"),
        ({"category": "agent.forbidden"}, "    category: agent.promise   # a label",
         "    category: agent.forbidden   # a label"),
        ({"phrases": ["保证退款", "包赔", "(包|保)退"]}, None, "        - 包赔"),
        ({"phrases": ["(包|保)退"]}, "        - 保证退款", None),
        ({"except": ["保证书"]}, "      except: [保证书, @sorry]", "      except: [保证书]"),
        ({"except": []}, "      except: [保证书, @sorry]", None),
        ({"tier": ["gold", "a, b"]}, None, "    tier: [gold, 'a, b']"),
        ({"suggestion": "好的：{title|您}稍等"}, "    suggest: {say: 我先帮您核实。, brands: {a: 甲}}",
         "    suggest: {say: '好的：{title|您}稍等', brands: {a: 甲}}"),
        ({"brands": {"b": "乙"}}, "    suggest: {say: 我先帮您核实。, brands: {a: 甲}}",
         "    suggest: {say: 我先帮您核实。, brands: {b: 乙}}"),
        ({"suggestion": ""}, "    suggest: {say: 我先帮您核实。, brands: {a: 甲}}", None),
        ({"fires": ["包退吧", "包了"]}, "      - fires: [我们保证退款, {text: 包退吧, quote: 包退}]",
         "      - fires: [{text: 包退吧, quote: 包退}, 包了]"),
    ],
)  # fmt: skip
def test_one_line_changes(changes: dict[str, Any], gone: str | None, come: str | None) -> None:
    after = form.write(TEXT, "shop.one", changes)
    assert lines_changed(TEXT, after) == (
        {gone} if gone else set(),
        {come} if come else set(),
    )
    assert [r["id"] for r in form.read(after, "")["rules"]] == ["shop.one", "shop.two"]
    assert {name: rule(after, "shop.one")[name] for name in changes} == changes


def test_what_a_form_cannot_show_it_does_not_touch() -> None:
    with pytest.raises(form.FormError, match="not plain words"):
        form.write(TEXT, "shop.two", {"phrases": ["我要走"]})
    with pytest.raises(form.FormError, match="no rule"):
        form.write(TEXT, "shop.three", {"title": "甲"})
    commented = TEXT.replace("[保证书, @sorry]", "[保证书, # why\n        乙]")
    with pytest.raises(form.FormError, match="comments"):
        form.write(commented, "shop.one", {"except": ["甲"]})
    with pytest.raises(form.FormError):
        form.read("rules: [", "x.yaml")


NEW = {
    "rule": "shop.three",
    "title": "新: 规则",
    "category": "customer.churn",
    "phrase": "'不'用: 了",
}


@pytest.mark.parametrize("text", [TEXT, TEXT.rstrip(), TEXT + "lists2: {}\n", TEXT + "# end\n"])
def test_a_rule_is_added_and_taken_away_again(text: str) -> None:
    more = form.add(text, **NEW)
    added = rule(more, "shop.three")
    assert (added["title"], added["category"], added["role"]) == (
        "新: 规则",
        "customer.churn",
        "customer",
    )
    assert added["phrases"] == added["fires"] == ["'不'用: 了"]
    assert added["plain"]
    assert [rule(more, name)["title"] for name in ("shop.one", "shop.two")] == ["擅自: 承诺", "甲"]
    assert form.remove(more, "shop.three") == (text if text != TEXT.rstrip() else TEXT)
    fewer = form.remove(more, "shop.one")
    assert lines_changed(more, fewer)[1] == set(), "nothing came"
    assert [one["id"] for one in form.read(fewer, "")["rules"]] == ["shop.two", "shop.three"]


@pytest.mark.parametrize(
    ("text", "rule"), [("rules: []\n", "a.b"), (TEXT, "shop.one"), ("pack: a\n", "a.b")]
)
def test_what_cannot_be_added_in_a_form_is_told(text: str, rule: str) -> None:
    with pytest.raises(form.FormError):
        form.add(text, **{**NEW, "rule": rule})


def test_the_last_rule_stays() -> None:
    alone = form.remove(TEXT, "shop.two")
    with pytest.raises(form.FormError, match="only rule"):
        form.remove(alone, "shop.one")


def test_a_list_of_the_file_changes_alone() -> None:
    after = form.write_list(TEXT, "sorry", ["抱歉, 抱歉", "真抱歉"])
    assert lines_changed(TEXT, after)[1] == {'  sorry: ["抱歉, 抱歉", 真抱歉]   # said often'}


SHIPPED = sorted(PACKS.rglob("*.yaml"))
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12
).map(lambda text: text.strip("\ufeff＠"))


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(SHIPPED), place=st.integers(0, 200),
    field=st.sampled_from(["title", "suggestion", "fires", "silent", "tier", "phrases", "except"]),
    words=st.lists(WORDS.filter(bool), min_size=1, max_size=4), cut=st.integers(0, 3),
)  # fmt: skip
def test_the_shipped_packs_take_any_words_in_any_field(
    path: Path, place: int, field: str, words: list[str], cut: int
) -> None:
    """Whatever is typed is what the rule then says, and all other rules stand as before."""
    text = path.read_text("utf-8")
    rules = form.read(text, path.name)["rules"]
    if not rules:
        return
    before = rules[place % len(rules)]
    if field in ("phrases", "except") and not before["plain"]:
        return
    value = words[0] if isinstance(before[field], str) else [*before[field][cut:], *words]
    after = form.write(text, before["id"], {field: value})
    now = form.read(after, path.name)["rules"]
    assert now[place % len(rules)][field] == value
    unmoved = [{k: v for k, v in r.items() if k != "lines"} for r in now]
    for number, one in enumerate(rules):
        if one is not before:
            assert unmoved[number] == {k: v for k, v in one.items() if k != "lines"}


async def test_the_desk_edits_by_form(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "shop.yaml").write_text(pack(), "utf-8")
    desk = Desk(tmp_path / "kept", tmp_path / "packs")
    async with running(desk=desk) as server, httpx.AsyncClient(base_url=server.http) as http:
        asked = {"text": TEXT, "rule": "shop.one", "changes": {"except": ["保证书"]}}
        answer = await http.post("/v1/desk/form", json=asked)
        assert answer.json()["rules"][0]["except"] == ["保证书"]
        assert answer.json()["text"] == form.write(TEXT, "shop.one", {"except": ["保证书"]})
        answer = await http.post(
            "/v1/desk/form", json={"text": TEXT, "list": "sorry", "phrases": []}
        )
        assert answer.json()["lists"] == {"sorry": []}
        new = {"id": "shop.new", "title": "新", "category": "customer.churn", "phrase": "不来了"}
        more = (await http.post("/v1/desk/form", json={"text": TEXT, "add": new})).json()
        assert [one["id"] for one in more["rules"]] == ["shop.one", "shop.two", "shop.new"]
        gone = {"text": more["text"], "rule": "shop.new", "remove": True}
        assert (await http.post("/v1/desk/form", json=gone)).json()["text"] == TEXT
        bad = {"text": TEXT, "add": {**new, "id": "Not An Id"}}
        assert (await http.post("/v1/desk/form", json=bad)).status_code == 422
        answer = await http.post("/v1/desk/form", json={"text": "rules: ["})
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "bad_form"
    async with running() as server, httpx.AsyncClient(base_url=server.http) as http:
        answer = await http.post("/v1/desk/form", json={"text": pack()})
        assert answer.status_code == 404, "this server's rules are not from packs"
