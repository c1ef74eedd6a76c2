"""Many calls about one thing: measured against that thing's own baseline."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from server.client.audio import AudioClient, Call
from server.live.spike import Spike, Spikes
from server.settings import Settings
from tests.server.running import message, running, silent_clip

WINDOW = 600_000


def spikes() -> Spikes:
    return Spikes(5, WINDOW, 3.0)


def note(watch: Spikes, call: int, at_ms: int, topic: str = "宽带断线") -> tuple[Spike, ...]:
    return watch.note(topic, "customer.complaint", f"c-{call}", "a1", at_ms)


def test_five_calls_within_the_window_are_a_spike_and_four_are_none() -> None:
    watch = spikes()
    assert [note(watch, n, n * 1_000) for n in range(4)] == [()] * 4
    (spike,) = note(watch, 4, 4_000)
    assert spike == Spike(
        "宽带断线", "customer.complaint", ("c-0", "c-1", "c-2", "c-3", "c-4"), 5, 0.0, WINDOW, "on"
    )
    assert watch.standing == (spike,)
    (grown,) = note(watch, 5, 5_000)
    assert grown.count == 6


def test_one_call_counts_once_and_other_topics_do_not_count() -> None:
    watch = spikes()
    for _ in range(9):
        assert note(watch, 1, 1_000) == ()
    for n in range(4):
        assert note(watch, n, 2_000, "费用") == ()


def test_calls_spread_over_time_are_no_spike() -> None:
    watch = spikes()
    assert [note(watch, n, n * WINDOW // 3) for n in range(40)] == [()] * 40


def test_a_busy_topic_is_measured_against_itself() -> None:
    """Four calls a window are usual here: eleven are no spike, twelve are."""
    watch, calls = spikes(), 0
    for window in range(24):
        for n in range(4):
            note(watch, calls, window * WINDOW + n * WINDOW // 4)
            calls += 1
    at = 24 * WINDOW + WINDOW // 2
    told: list[int] = []
    for n in range(20):
        told += [spike.count for spike in note(watch, calls + n, at + n)]
    assert told
    assert told[0] >= 12
    assert 3.5 < watch.standing[0].baseline < 4.5


def test_it_ends_when_the_calls_stop_and_says_so_once() -> None:
    watch = spikes()
    for n in range(6):
        note(watch, n, n)
    assert watch.advance(WINDOW - 1) == ()
    (over,) = watch.advance(WINDOW + 4)
    assert (over.state, over.count) == ("off", 1)
    assert watch.advance(WINDOW + 5) == ()
    assert watch.standing == ()


def test_an_alert_that_was_a_mistake_does_not_count() -> None:
    watch = spikes()
    for n in range(4):
        note(watch, n, n)
    watch.note("宽带断线", "customer.complaint", "c-3", "a2", 4)
    watch.withdraw("c-0", "a1", 5)
    watch.withdraw("c-3", "a1", 5)
    watch.withdraw("c-9", "a1", 5)
    assert note(watch, 7, 6) == ()
    (spike,) = note(watch, 8, 7)
    assert spike.calls == ("c-1", "c-2", "c-3", "c-7", "c-8")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5 * WINDOW)), max_size=60))
def test_what_is_on_has_enough_calls_in_the_window(heard: list[tuple[int, int]]) -> None:
    watch = spikes()
    last: dict[str, str] = {}
    for call, at in sorted(heard, key=lambda item: item[1]):
        for spike in note(watch, call, at):
            assert spike.count == len(set(spike.calls))
            assert spike.state == "off" or spike.count >= 3
            if last.get(spike.topic, "off") == "off":
                assert spike.state == "on"
                assert spike.count >= 5
            last[spike.topic] = spike.state
    assert {spike.topic for spike in watch.standing} == {t for t, s in last.items() if s == "on"}


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5 * WINDOW)), max_size=60),
    st.sets(st.integers(0, 30)),
)
def test_what_one_node_knows_makes_another_see_the_same(
    heard: list[tuple[int, int]], withdrawn: set[int]
) -> None:
    """However late it comes: ages are told, not times, as no two nodes have the same clock."""
    one, two = spikes(), spikes()
    for call, at in sorted(heard, key=lambda item: item[1]):
        note(one, call, at)
    for call in sorted(withdrawn):
        one.withdraw(f"c-{call}", "a1", 5 * WINDOW)
    other_clock = 90 * WINDOW
    for topic, category, of, alert, age_ms in one.known(5 * WINDOW):
        two.note(topic, category, of, alert, other_clock, age_ms)
    fresh = spikes()
    for topic, category, of, alert, age_ms in two.known(other_clock):
        fresh.note(topic, category, of, alert, other_clock, age_ms)
    assert sorted(two.known(other_clock)) == sorted(one.known(5 * WINDOW))
    assert fresh.standing == two.standing


async def test_boards_are_told_those_that_are_open_and_those_that_come_later() -> None:
    settings = Settings.model_validate(
        {"port": 0, "calls": {"drain_s": 2}, "spike": {"calls": 2, "window_s": 600}}
    )
    async with (
        running(settings=settings) as server,
        connect(f"{server.ws}/v1/board", max_queue=None) as board,
    ):
        for name in ("c-1", "c-2"):
            call = Call(name, agent="a-7", queue="broadband")
            await AudioClient(server.ws, call, silent_clip(61), speed=0).run()
        while (told := await asyncio.wait_for(message(board), 20))["type"] != "spike":
            pass
        assert (told["state"], told["calls"], told["count"]) == ("on", ["c-1", "c-2"], 2)
        async with connect(f"{server.ws}/v1/board", max_queue=None) as late:
            seen = [(await message(late))["type"] for _ in range(3)]
            assert seen == ["hello", "board", "spike"]
