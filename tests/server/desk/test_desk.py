"""From a draft to the next call's rules: check, trial, gate, publication and the way back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from asr.events import CallId
from assist_rules.events import CallInfo
from assist_rules.rulebook import Rulebook
from assist_rules.session import RuleSession
from server.client.audio import AudioClient, Call
from server.desk.desk import Desk
from server.desk.shelf import Shelf, ShelfError
from server.settings import Settings
from tests.server.running import Running, hello, message, running, silent_clip

RULES = """\
pack: shop
rules:
  - id: shop.refund
    category: agent.promise
    severity: high
    title: 擅自承诺
    when: {{role: agent, say: [{phrase}]}}
    suggest: {{say: 我先帮您核实，再给您准确的答复。}}
    tests:
      - fires: [我们{phrase}]
      - silent: [我帮您查一下]
"""


def pack(phrase: str = "保证退款") -> str:
    return RULES.format(phrase=phrase)


class NotingDesk(Desk):
    """Remembers which book each call began with."""

    def begin(self, info: CallInfo) -> RuleSession:
        self.begun[info.call] = self.rulebook
        return super().begin(info)

    begun: dict[str, Rulebook]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "packs" / "shop"
    folder.mkdir(parents=True)
    (folder / "promise.yaml").write_text(pack(), "utf-8")
    return folder.parent


@pytest.fixture
def desk(base: Path, tmp_path: Path) -> NotingDesk:
    desk = NotingDesk(tmp_path / "desk", base)
    desk.begun = {}
    return desk


@asynccontextmanager
async def served(
    desk: Desk, watch_s: float = 0
) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    settings = Settings.model_validate(
        {"port": 0, "calls": {"drain_s": 2}, "desk": {"watch_s": watch_s}}
    )
    async with (
        running(settings=settings, desk=desk) as server,
        httpx.AsyncClient(base_url=server.http, timeout=60) as http,
    ):
        yield server, http


async def put(http: httpx.AsyncClient, text: str, path: str = "shop/promise.yaml") -> None:
    answer = await http.put("/v1/desk/drafts/d1", json={"files": {path: text}})
    assert answer.status_code == 200, answer.text


async def test_a_draft_becomes_the_rules_of_the_next_call_and_can_be_taken_back(
    desk: NotingDesk,
) -> None:
    async with (
        served(desk) as (server, http),
        connect(f"{server.ws}/v1/board", max_queue=None) as board,
        server.audio() as feed,
    ):
        before = desk.rulebook
        await feed.send(hello("c-1"))
        await message(feed)
        await put(http, pack("包退"))
        assert (await http.post("/v1/desk/drafts/d1/check")).json() == {"ok": True, "problems": []}
        assert desk.rulebook is before
        done = (await http.post("/v1/desk/drafts/d1/publish")).json()
        assert (done["what"], done["version"], done["by"]) == ("publish", 1, "local")
        assert desk.rulebook.hash == done["hash"] != before.hash
        while (told := await asyncio.wait_for(message(board), 20))["type"] != "rules":
            pass
        assert (told["state"], told["version"]) == ("changed", 1)
        # The call under way has the book it began with, the next one has the new one.
        await AudioClient(server.ws, Call("c-2"), silent_clip(1), speed=0).run()
        assert desk.begun == {"c-1": before, "c-2": desk.rulebook}
        text = (await http.get("/v1/desk/packs/shop/promise.yaml")).text
        assert "包退" in text
        back = (await http.post("/v1/desk/rollback")).json()
        assert (back["version"], back["hash"]) == (0, before.hash)
        assert (await http.post("/v1/desk/rollback")).status_code == 404
        versions = (await http.get("/v1/desk/versions")).json()
        assert versions["current"] == 0
        assert [entry["what"] for entry in versions["versions"]] == ["rollback", "publish"]


async def test_a_bad_draft_is_told_where_and_never_published(desk: Desk) -> None:
    async with served(desk) as (_, http):
        before = desk.rulebook
        await put(http, pack().replace("severity: high", "sevrity: high"))
        found = (await http.post("/v1/desk/drafts/d1/check")).json()
        assert not found["ok"]
        problem = found["problems"][0]
        assert (problem["file"], problem["line"] > 1) == ("shop/promise.yaml", True)
        assert "severity" in problem["message"]
        refused = await http.post("/v1/desk/drafts/d1/publish")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "gate")
        assert "shop/promise.yaml" in refused.json()["error"]["message"]
        await put(http, pack().replace("silent", "fires"))
        assert (await http.post("/v1/desk/drafts/d1/publish")).status_code == 409
        assert desk.rulebook is before
        assert (await http.post("/v1/desk/drafts/none/check")).status_code == 404


@pytest.mark.parametrize(
    "path", ["../x.yaml", "/etc/x.yaml", "shop/../../x.yaml", "shop/x.py", "a/b/c/d/e.yaml", ""]
)
async def test_a_draft_stays_in_its_folder(desk: Desk, path: str) -> None:
    with pytest.raises(ShelfError) as error:
        desk.shelf.write_draft("d1", {path: "x"})
    assert error.value.code == "bad_path"


async def test_a_trial_shows_the_cards_that_would_appear_and_vanish(desk: Desk) -> None:
    lines = ["我们包退", "我们保证退款"]
    events = [
        {"role": "agent", "utterance": f"agent-{n}", "revision": 1, "final": True, "text": text,
         "start_ms": 60_000 * n + 1_000, "end_ms": 60_000 * n + 3_000, "at_ms": 60_000 * n + 3_100}
        for n, text in enumerate(lines)
    ]  # fmt: skip
    desk.shelf.write_draft("d1", {"shop/promise.yaml": pack("包退")})
    found = await desk.trial("d1", [{"id": "c-1", "events": events}])
    assert [card["quote"] for card in found["appear"]] == ["包退"]
    assert [card["quote"] for card in found["vanish"]] == ["保证退款"]
    assert found["calls"] == 1


async def test_a_trial_takes_calls_that_this_server_has_heard(desk: Desk) -> None:
    async with served(desk) as (server, http):
        await AudioClient(server.ws, Call("c-1"), silent_clip(61), speed=0).run()
        await put(http, pack("包退"))
        found = (await http.post("/v1/desk/drafts/d1/trial", json={"calls": ["c-1"]})).json()
        assert found["calls"] == 1
        assert found["cards_per_agent_hour"].keys() == {"old", "new"}
        missing = await http.post("/v1/desk/drafts/d1/trial", json={"calls": ["c-9"]})
        assert missing.status_code == 404


async def test_packs_that_would_flood_agents_do_not_pass_the_gate(
    base: Path, tmp_path: Path
) -> None:
    turns = [
        {"role": "agent", "start_ms": 10_000 * n, "end_ms": 10_000 * n + 2_000, "text": "我帮您查"}
        for n in range(20)
    ]
    gate = tmp_path / "gate.jsonl"
    gate.write_text(json.dumps({"id": "g-1", "turns": turns}) + "\n", "utf-8")
    desk = Desk(tmp_path / "desk", base, [gate])
    flood = pack("帮您查").replace("silent: [我帮您查一下]", "silent: [好的]")
    desk.shelf.write_draft("d1", {"shop/promise.yaml": flood})
    with pytest.raises(ShelfError, match="more cards an hour") as error:
        await desk.publish("d1", "eng")
    assert error.value.code == "gate"


async def test_changed_files_are_read_again_and_bad_ones_are_not_taken(
    desk: Desk, base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        served(desk, watch_s=0.05) as (server, _),
        connect(f"{server.ws}/v1/board", max_queue=None) as board,
    ):

        async def told() -> dict[str, object]:
            while (seen := await asyncio.wait_for(message(board), 30))["type"] != "rules":
                pass
            return seen

        first = desk.rulebook.hash
        (base / "shop" / "promise.yaml").write_text(pack("包退"), "utf-8")
        changed = await told()
        assert (changed["state"], changed["hash"]) == ("changed", desk.rulebook.hash)
        good = desk.rulebook
        assert good.hash != first
        (base / "shop" / "promise.yaml").write_text("rules: [", "utf-8")
        kept = await told()
        assert (kept["state"], kept["hash"]) == ("kept", good.hash)
        assert "promise.yaml" in str(kept["problems"])
        assert desk.rulebook is good
        assert "kept as they were" in caplog.text


def test_a_server_that_starts_again_goes_on_with_what_was_published(
    desk: Desk, base: Path, tmp_path: Path
) -> None:
    desk.shelf.write_draft("d1", {"shop/promise.yaml": pack("包退")})
    entry = asyncio.run(desk.publish("d1", "eng"))
    again = Desk(tmp_path / "desk", base)
    assert (again.rulebook.hash, again.shelf.current) == (entry.hash, 1)
    assert again.begin(CallInfo(CallId("c-1"))) is not None
    # A version that has been damaged since is no reason not to start.
    (tmp_path / "desk" / "versions" / "1" / "shop" / "promise.yaml").write_text("rules: [")
    assert Desk(tmp_path / "desk", base).rulebook.hash == desk_hash(base, tmp_path)


def desk_hash(base: Path, tmp_path: Path) -> str:
    return Desk(tmp_path / "other", base).rulebook.hash


def test_an_empty_text_takes_a_file_away(base: Path, tmp_path: Path) -> None:
    (base / "shop" / "more.yaml").write_text(pack("包换").replace("shop.refund", "shop.swap"))
    shelf = Shelf(tmp_path / "desk", base)
    shelf.write_draft("d1", {"shop/more.yaml": ""})
    with shelf.candidate("d1") as folder:
        assert [path.name for path in folder.rglob("*.yaml")] == ["promise.yaml"]
    with pytest.raises(ShelfError, match="no version"), shelf.candidate("d1"):
        shelf.packs(7)
