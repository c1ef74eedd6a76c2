"""Partials are merged, nothing else is dropped, a viewer too far behind is cut off."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.live.notice import Notice, of_event
from server.live.queue import TooSlow, ViewerQueue
from tests.fixtures.write import call_events


def partial(text: str, utterance: str = "a-1") -> Notice:
    return Notice(text, ("c", utterance), passing=True)


def final(text: str, utterance: str = "a-1") -> Notice:
    return Notice(text, ("c", utterance))


async def drained(queue: ViewerQueue) -> list[str]:
    return [(await queue.get()).text for _ in range(len(queue))]


async def test_a_later_revision_replaces_a_waiting_one() -> None:
    queue = ViewerQueue()
    for notice in (partial("1"), Notice("alert"), partial("2"), partial("x", "a-2"), partial("3")):
        queue.put(notice)
    assert await drained(queue) == ["alert", "x", "3"]


async def test_a_final_replaces_the_waiting_partial_and_stays() -> None:
    queue = ViewerQueue()
    for notice in (partial("1"), final("2"), final("3")):
        queue.put(notice)
    assert await drained(queue) == ["2", "3"]


async def test_what_was_taken_is_not_replaced() -> None:
    queue = ViewerQueue()
    queue.put(partial("1"))
    assert (await queue.get()).text == "1"
    queue.put(partial("2"))
    assert await drained(queue) == ["2"]


async def test_cuts_off_a_viewer_who_is_too_far_behind() -> None:
    queue = ViewerQueue(limit=3)
    for number in range(4):
        queue.put(Notice(str(number)))
    queue.put(Notice("too late"))
    with pytest.raises(TooSlow):
        await queue.get()
    with pytest.raises(TooSlow):
        await queue.overflow()
    assert len(queue) == 0


async def test_merging_keeps_a_slow_viewer_within_the_limit() -> None:
    queue = ViewerQueue(limit=3)
    for number in range(10_000):
        queue.put(partial(str(number)))
    assert await drained(queue) == ["9999"]


NOTICES = [of_event(event) for event in call_events()]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), max_size=40))
async def test_drops_nothing_but_partials_and_metrics(reads: list[int]) -> None:
    queue, seen = ViewerQueue(), []
    for number, notice in enumerate(NOTICES):
        queue.put(notice)
        for _ in range(min(reads[number] if number < len(reads) else 0, len(queue))):
            seen.append((await queue.get()).text)
    seen += await drained(queue)
    must = [notice.text for notice in NOTICES if not notice.passing]
    assert [text for text in seen if text in set(must)] == must
    order = {notice.text: number for number, notice in enumerate(NOTICES)}
    assert [order[text] for text in seen] == sorted(order[text] for text in seen)
