"""Whatever short name the server has, the interface has words for it, in both languages."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assist_rules.engine.governor import MAY_COME_LATER, Governor
from assist_rules.session import RuleSession
from server.events import STATUS
from server.live.takeover import ResumedRules
from tests.web.test_node import NODE

WIDGET = Path(__file__).parents[2] / "web_widget"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.fixture(scope="module")
def words() -> dict[str, Any]:
    script = f"""
import * as reasons from '{WIDGET}/client/reasons.js'
import {{ stringsFor }} from '{WIDGET}/ui/strings.js'
const own = [stringsFor('zh'), stringsFor('en')].map((one) => one.notSpeech)
console.log(JSON.stringify({{ ...reasons, own }}))"""
    run = subprocess.run(
        [str(NODE), "--input-type=module", "-e", script],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def returned(method: Callable[..., object]) -> set[str]:
    """Every text that the method may return."""
    values = [one.value for one in _nodes(method) if isinstance(one, ast.Return)]
    return _texts(values) - {""}


def last_argument(of: type, called: str) -> set[str]:
    """Texts given last to a function or method of that name."""
    return _texts(
        one.args[-1]
        for one in _nodes(of)
        if isinstance(one, ast.Call)
        and one.args
        and called in (getattr(one.func, "attr", ""), getattr(one.func, "id", ""))
    )


def _nodes(of: type | Callable[..., object]) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(textwrap.dedent(inspect.getsource(of))))


def _texts(nodes: Iterable[ast.expr | None]) -> set[str]:
    return {
        one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def kinds(text: str) -> set[str]:
    """Of ``kind (a | b)`` the names."""
    listed = re.search(r"\(([a-z_ |]+)\)", text)
    return {one.strip() for one in listed[1].split("|")} if listed else set()


def complete(names: dict[str, list[str]], wanted: set[str]) -> None:
    assert wanted, "nothing was found to compare with"
    assert wanted - names.keys() == set()
    for chinese, english in (names[one] for one in wanted):
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert english
        assert not re.search(r"[\u4e00-\u9fff]", english)


def test_why_a_card_is_held(words: dict[str, Any]) -> None:
    reasons = returned(Governor._against)
    assert reasons > MAY_COME_LATER
    complete(words["HELD"], reasons)


def test_why_something_is_taken_back(words: dict[str, Any]) -> None:
    given = last_argument(Governor, "_remove") | last_argument(ResumedRules, "Retraction")
    source = inspect.getsource(RuleSession._take_back)
    given |= set(re.findall(r'"([a-z_]+)"', source))
    # What an agent answers takes the card away as well.
    complete(words["WITHDRAWN"], given | {"used", "dismissed", "wrong"})


def test_every_status_and_what_it_tells(words: dict[str, Any]) -> None:
    complete(words["STATUS"], set(STATUS))
    complete(words["NOT_SPEECH"], kinds(STATUS["not_speech"]))
    complete(words["WHY"], kinds(STATUS["agent_changed"]) | kinds(STATUS["durability"]))


def test_the_widget_tells_every_kind_of_sound(words: dict[str, Any]) -> None:
    for own in words["own"]:
        assert own.keys() == kinds(STATUS["not_speech"])
