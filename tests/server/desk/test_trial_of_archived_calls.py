"""A draft against a call that only the archive still knows: heard, kept, forgotten, tried."""

from __future__ import annotations

from pathlib import Path

import httpx

from server.client.audio import AudioClient, Call
from server.desk.desk import Desk
from server.store.reading import read_call
from tests.server.running import running
from tests.server.store.conftest import eventually, new_store
from tests.server.store.hearing import HearingRecogniser, clip

PACK = """\
pack: shop
rules:
  - id: shop.refusal
    category: agent.promise
    severity: high
    title: 推诿
    when: {{role: agent, say: [{phrase}]}}
    suggest: {{say: 我来帮您跟进。}}
    tests:
      - fires: [这个{phrase}]
      - silent: [我帮您查一下]
"""


async def test_a_draft_is_tried_on_a_call_of_the_archive(tmp_path: Path) -> None:
    rules = tmp_path / "packs" / "shop"
    rules.mkdir(parents=True)
    (rules / "refusal.yaml").write_text(PACK.format(phrase="不知道"), "utf-8")
    desk = Desk(tmp_path / "desk", rules.parent)
    store = new_store(tmp_path / "calls")
    async with running(HearingRecogniser(), desk=desk, store=store) as server:
        call = Call("c-1", agent="a-7", queue="q", attributes={"level": "3"})
        await AudioClient(server.ws, call, clip(), speed=0).run()
        await eventually(lambda: store.outbox.queued == 0 and store.outbox.backlog() == 0)
    # Another process: nothing of the call is in memory.
    store = new_store(tmp_path / "calls")
    async with (
        running(HearingRecogniser(), desk=desk, store=store) as server,
        httpx.AsyncClient(base_url=server.http, timeout=60) as http,
    ):
        assert server.switchboard.get("c-1") is None
        draft = {"files": {"shop/refusal.yaml": PACK.format(phrase="不归我管")}}
        assert (await http.put("/v1/desk/drafts/d1", json=draft)).status_code == 200
        answer = await http.post("/v1/desk/drafts/d1/trial", json={"calls": ["c-1"]})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        (card,) = found["appear"]
        assert (card["quote"], found["vanish"], found["calls"]) == ("不归我管", [], 1)
        # What would appear is where the archive has the words.
        kept = await read_call(store.archive, "c-1")
        assert kept is not None
        assert any("不归我管" in event.get("text", "") for event in kept["events"])
        missing = await http.post("/v1/desk/drafts/d1/trial", json={"calls": ["c-1", "c-9"]})
        assert missing.status_code == 404
