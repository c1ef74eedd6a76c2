"""What the model hears next: tables, no clock."""

from __future__ import annotations

from asr.paraformer.decoder import Kind
from asr.scheduler import Scheduler, SchedulerConfig, Waiting

END, CHUNK, EARLY = Kind.END, Kind.CHUNK, Kind.EARLY


def waiting(*rows: tuple[str, Kind, float]) -> list[Waiting[str]]:
    return [Waiting(name, kind, since) for name, kind, since in rows]


def test_everything_is_heard_when_there_is_time_for_all():
    choice = Scheduler().choose(waiting(("a", EARLY, 1), ("b", CHUNK, 2), ("c", END, 3)))
    assert set(choice.hear) == {"a", "b", "c"}
    assert choice.skip == []


def test_the_oldest_come_first_and_the_rest_wait():
    scheduler = Scheduler(SchedulerConfig(most_rows=2))
    choice = scheduler.choose(waiting(("new", CHUNK, 3), ("old", CHUNK, 1), ("mid", CHUNK, 2)))
    assert (choice.hear, choice.skip) == (["old", "mid"], [])


def test_an_end_overtakes_chunks_of_its_age_but_not_old_ones():
    scheduler = Scheduler(SchedulerConfig(most_rows=2))
    choice = scheduler.choose(waiting(("chunk", CHUNK, 1.0), ("end", END, 1.1), ("old", CHUNK, 0)))
    assert choice.hear == ["old", "end"]


def test_early_partials_are_given_up_when_more_waits_than_fits():
    scheduler = Scheduler(SchedulerConfig(most_rows=2))
    rows = [("e", EARLY, 0.0), *((f"c{i}", CHUNK, 1.0) for i in range(3))]
    choice = scheduler.choose(waiting(*rows))
    assert choice.skip == ["e"]
    assert len(choice.hear) == 2


def busy(scheduler: Scheduler, share: float, seconds: float = 20) -> None:
    """Steps of 10 ms of what cannot wait, filling so much of the time."""
    now = 0.0
    scheduler.idle(now)
    while now < seconds:
        now += 0.01 / share
        scheduler.ran(now, 0.01, urgent=2, early=0)


def test_measured_load_follows_what_the_model_was_busy_with():
    scheduler = Scheduler()
    busy(scheduler, 0.5)
    assert 0.45 < scheduler.load < 0.55
    assert 4 < scheduler.row_ms < 6
    for second in range(20, 40):
        scheduler.idle(float(second))
    assert scheduler.load < 0.01


def test_packets_and_events_are_load_too():
    """A worker that has no time left for early partials must know, whatever takes it."""
    scheduler = Scheduler()
    now = 0.0
    scheduler.idle(now)
    for _ in range(1_000):
        now += 0.02
        scheduler.ran(now, 0.005, urgent=2, early=0, beside_s=0.01)
    assert 0.7 < scheduler.load < 0.8
    for _ in range(1_000):
        now += 0.02
        scheduler.idle(now, 0.01)
    assert 0.45 < scheduler.load < 0.55


def test_early_partials_stop_before_anything_else_under_load():
    scheduler = Scheduler(SchedulerConfig(busy_share=0.7))
    busy(scheduler, 0.95)
    # What was saved up before is spent within a moment; then nothing comes in any more.
    spent = 0
    while not scheduler.choose(waiting(("e", EARLY, 0))).skip:
        scheduler.ran(20.0, 0.005, urgent=0, early=1)
        spent += 1
    assert spent <= 45
    choice = scheduler.choose(waiting(("e", EARLY, 0), ("c", CHUNK, 0)))
    assert (choice.hear, choice.skip) == (["c"], ["e"])


def test_early_partials_get_what_the_share_leaves_over():
    """Half busy with chunks, 70 % allowed: early partials take about a fifth of the time."""
    scheduler = Scheduler(SchedulerConfig(busy_share=0.7))
    now, early_ms = 0.0, 0.0
    scheduler.idle(now)
    for turn in range(4_000):
        now += 0.005
        if turn % 2:
            scheduler.ran(now, 0.005, urgent=1, early=0)
            continue
        choice = scheduler.choose(waiting(("e", EARLY, now)))
        if choice.hear:
            early_ms += 5
            scheduler.ran(now, 0.005, urgent=0, early=1)
        else:
            scheduler.idle(now)
    assert 0.12 < early_ms / 1000 / now < 0.28


def test_of_many_early_partials_the_newest_are_heard():
    scheduler = Scheduler(SchedulerConfig(saved_ms=10))
    choice = scheduler.choose(waiting(("old", EARLY, 1), ("new", EARLY, 3), ("mid", EARLY, 2)))
    assert choice.hear == ["mid", "new"]
    assert choice.skip == ["old"]


def test_second_passes_are_as_many_as_a_short_step_takes():
    scheduler = Scheduler(SchedulerConfig(again_ms=100, saved_ms=200))
    scheduler.expect_again(10)
    assert scheduler.choose_again([2.0, 2.0, 1.0]) == 3
    assert scheduler.choose_again([2.0, 4.0, 2.0]) == 2, "rows are padded to the longest"
    assert scheduler.choose_again([11.0]) == 0
    assert scheduler.choose_again([]) == 0


def test_second_passes_live_on_what_is_left():
    scheduler = Scheduler(SchedulerConfig(again_ms=100, saved_ms=200))
    scheduler.expect_again(10)
    busy(scheduler, 0.9)
    scheduler.ran_again(0.1, [10.0])
    scheduler.ran_again(0.1, [10.0])
    busy(scheduler, 0.9)
    assert scheduler.choose_again([1.0]) == 0, "a busy model saves nothing"
    scheduler.idle(40)
    assert scheduler.choose_again([1.0]) == 1


def test_what_a_second_pass_costs_is_learned():
    scheduler = Scheduler(SchedulerConfig(again_ms=100, saved_ms=1e9))
    scheduler.expect_again(100)
    assert scheduler.choose_again([2.0]) == 0
    for _ in range(30):
        scheduler.ran_again(0.02, [2.0])
    assert scheduler.choose_again([2.0]) == 1
