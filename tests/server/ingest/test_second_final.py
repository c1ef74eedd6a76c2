"""A final that is replaced, in dialects whose clients append what they get."""

from __future__ import annotations

from typing import Any

import pytest

from server import sockets
from server.ingest.funasr import Config, Replies
from server.store.marks import dialogue


def final(utterance: str, revision: int, text: str, start_ms: int = 0) -> dict[str, Any]:
    return {
        "type": "transcript", "utterance": utterance, "revision": revision, "final": True,
        "text": text, "stable": len(text), "chars": [[start_ms + 100, 0.9]] * len(text),
        "start_ms": start_ms, "end_ms": start_ms + 500, "party": "customer",
    }  # fmt: skip


HEARD = [
    final("customer-1", 2, "投宿"),
    final("customer-2", 1, "你好", 1_000),
    final("customer-1", 3, "投诉"),
    final("customer-3", 1, "再见", 2_000),
]


@pytest.mark.parametrize(
    ("mode", "texts"),
    [
        ("2pass", ["投宿", "你好", "再见", ""]),
        ("online", ["投宿", "你好", "再见", ""]),
        ("offline", ["投诉你好再见"]),
    ],
)
async def test_funasr_clients_get_no_words_twice(mode, texts, monkeypatch) -> None:
    sent: list[str] = []

    async def send(socket: object, message: dict[str, Any]) -> None:
        sent.append(message["text"])

    monkeypatch.setattr(sockets, "send", send)
    replies = Replies(None, Config.model_validate({"mode": mode}))  # type: ignore[arg-type]
    for event in HEARD:
        await replies.tell(event)
    await replies.end(acknowledge=False)
    assert sent == texts


def test_a_labelled_dialogue_has_the_last_words_of_each_utterance() -> None:
    turns = dialogue("c", "telecom", HEARD)["turns"]
    assert [turn["text"] for turn in turns] == ["投诉", "你好", "再见"]
