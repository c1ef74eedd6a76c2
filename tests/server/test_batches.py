"""Boards that show the same get the same batches: everything once, in order, from when they came."""

from __future__ import annotations

import asyncio
import json

from server.live.batches import Batches
from server.live.bus import BOARD, InProcessBus, of_queue
from server.live.notice import AFRESH, Notice
from server.live.queue import ViewerQueue


def notice(number: int) -> Notice:
    return Notice(json.dumps({"n": number}))


def numbers(queue: ViewerQueue) -> list[list[int]]:
    """What each waiting batch holds."""
    return [[one["n"] for one in json.loads(batch.text)] for batch in queue.take()]


async def test_who_comes_later_gets_what_comes_later() -> None:
    bus = InProcessBus()
    batches = Batches(bus)
    early, late = ViewerQueue(), ViewerQueue()
    with batches.listen([BOARD], early):
        bus.publish([BOARD], notice(1))
        # Nothing waits between these: what was before goes to those who were there.
        with batches.listen([BOARD], late):
            bus.publish([BOARD], notice(2))
            bus.publish([BOARD, of_queue("q")], notice(3))
            shared = await late.get()
            assert [one["n"] for one in json.loads(shared.text)] == [2, 3]
            assert early.take()[-1] is shared, "put together once for both"
            assert bus.depths() == [0, 0]
        bus.publish([BOARD], notice(4))
        assert json.loads((await early.get()).text) == [{"n": 4}]
        assert len(late) == 0
    # The last one takes the listener along.
    bus.publish([BOARD], notice(5))
    assert bus.depths() == []
    assert len(early) == 0


async def test_other_topics_are_other_batches_and_partials_still_merge() -> None:
    bus = InProcessBus()
    batches = Batches(bus)
    north, both = ViewerQueue(), ViewerQueue()
    queues = [of_queue("north"), of_queue("south")]
    with batches.listen(queues[:1], north), batches.listen(queues, both):
        for number, queue in enumerate(("north", "south", "north")):
            about = Notice(notice(number).text, ("c", queue), passing=True)
            bus.publish([of_queue(queue)], about)
        await asyncio.wait_for(both.get(), 20)
        bus.publish([of_queue("south")], notice(9))
        assert json.loads((await both.get()).text) == [{"n": 9}]
        assert numbers(north) == [[2]]


async def test_what_is_not_the_same_for_everybody_comes_alone() -> None:
    bus = InProcessBus()
    queue = ViewerQueue()
    with Batches(bus).listen([BOARD], queue):
        for one in (notice(1), notice(2), AFRESH, notice(3)):
            bus.publish([BOARD], one)
        first = await queue.get()
        second, third = queue.take()
    assert json.loads(first.text) == [{"n": 1}, {"n": 2}]
    assert second is AFRESH
    assert json.loads(third.text) == [{"n": 3}]
