"""The live engine: one worker hears all calls and survives what goes wrong in one of them."""

from __future__ import annotations

import asyncio
import gc
import resource
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from asr.audio.resample import RateError
from asr.engine import Engine, EngineConfig
from asr.events import AsrEvent, AudioFrame, AudioGap, CallId, Party, StreamFailed, Transcript
from asr.offline import listen
from asr.paraformer.decoder import Decoder
from asr.party import PartyConfig
from asr.recogniser import CallClosed, RecogniserFull
from asr.scheduler import SchedulerConfig
from asr.sentence import ShowConfig
from asr.worker import restart_wait_s
from tests.asr.talk import BOTH, RATE, model, talk

PARTY = PartyConfig(show=ShowConfig(hold_back=0.0))
# Nothing but chunks and ends: what a call says then does not depend on how busy the machine is.
STEADY = EngineConfig(
    party=PartyConfig(early_every_ms=None, show=ShowConfig(hold_back=0.0)),
    refuse_above_load=2.0,
    undecoded_ms=60_000,
)


@asynccontextmanager
async def engine(config: EngineConfig = STEADY) -> AsyncIterator[Engine]:
    running = Engine(model(), config)
    await running.start()
    try:
        yield running
    finally:
        await running.aclose()


async def play(running: Engine, name: str, **how) -> list[AsrEvent]:
    """A call's events, its audio pushed as fast as it is taken."""
    call = running.open(CallId(name), BOTH, RATE)

    async def feed() -> None:
        for frame in talk(name, **how):
            await call.push(frame)
        call.end()

    feeding = asyncio.create_task(feed())
    events = [event async for event in call]
    await feeding
    return events


def texts(events: list[AsrEvent]) -> list[tuple[str, str]]:
    return [(e.utterance, e.text) for e in events if isinstance(e, Transcript) and e.final]


async def test_calls_side_by_side_say_what_each_says_alone():
    wanted = [
        texts(list(listen(model(), CallId("c"), BOTH, RATE, talk(seconds=9, number=n), PARTY)))
        for n in (0, 1, 2)
    ]
    async with engine() as running:
        found = await asyncio.gather(
            *(play(running, f"call-{n}", seconds=9, number=n) for n in (0, 1, 2))
        )
        assert [sorted(texts(events)) for events in found] == [sorted(w) for w in wanted]
        assert running.stats().calls == 0
        assert running.stats().utterances_under_way == 0


async def test_early_partials_are_given_when_there_is_time():
    config = EngineConfig(party=PARTY, refuse_above_load=2.0)
    async with engine(config) as running:
        events = await play(running, "call", seconds=6)
    partials = [e for e in events if isinstance(e, Transcript) and not e.final]
    assert any(e.end_ms % 600 for e in partials)


async def test_there_is_room_for_so_many_calls_and_no_more():
    async with engine(EngineConfig(max_calls=1, retry_after_s=7)) as running:
        first = running.open(CallId("a"), BOTH, RATE)
        with pytest.raises(RecogniserFull) as caught:
            running.open(CallId("b"), BOTH, RATE)
        assert caught.value.retry_after_s == 7
        await first.aclose()
        running.open(CallId("c"), BOTH, RATE)


@pytest.mark.parametrize(
    ("rate", "parties"), [(10, BOTH), (10**6, BOTH), (RATE, ()), (RATE, BOTH * 2)]
)
async def test_impossible_calls_are_refused(rate, parties):
    async with engine() as running:
        with pytest.raises((RateError, ValueError)):
            running.open(CallId("a"), parties, rate)


async def test_pushing_after_the_end_is_an_error_and_ending_twice_is_not():
    async with engine() as running:
        call = running.open(CallId("a"), BOTH, RATE)
        call.end()
        call.end()
        with pytest.raises(CallClosed):
            await call.push(AudioFrame(CallId("a"), Party.AGENT, 0, b"\0\0"))
        assert [event async for event in call] == []
        await call.aclose()
        await call.aclose()


async def test_a_sender_who_is_too_fast_waits_for_the_worker():
    async with engine(EngineConfig(undecoded_ms=500)) as running:
        call = running.open(CallId("a"), (Party.AGENT,), RATE)
        push = asyncio.create_task(
            call.push(AudioFrame(CallId("a"), Party.AGENT, 0, bytes(2 * RATE * 30)))
        )
        await asyncio.sleep(0)
        assert not push.done()
        await push  # the worker takes it all in and lets the sender go on


async def test_a_sender_whose_events_nobody_reads_waits():
    config = EngineConfig(unread_events=3, party=PARTY, refuse_above_load=2.0)
    async with engine(config) as running:
        call = running.open(CallId("a"), BOTH, RATE)

        async def feed() -> None:
            for frame in talk("a", seconds=14):
                await call.push(frame)
            call.end()

        feeding = asyncio.create_task(feed())
        done, _ = await asyncio.wait([feeding], timeout=2)
        assert not done
        assert texts([event async for event in call])
        await feeding


async def test_a_call_that_is_closed_gives_nothing_more_and_frees_its_state():
    async with engine() as running:
        call = running.open(CallId("a"), BOTH, RATE)
        for frame in talk("a", seconds=4):
            await call.push(frame)
        await call.aclose()
        assert [event async for event in call] == []
        await play(running, "b", seconds=1)
        assert running.stats().utterances_under_way == 0


async def test_bad_audio_of_one_party_ends_that_party_alone():
    async with engine() as running:
        call = running.open(CallId("a"), BOTH, RATE)
        await call.push(AudioFrame(CallId("a"), Party.CUSTOMER, 0, b"\1\2\3"))
        await call.push(AudioFrame(CallId("a"), Party.AGENT, 2**50, b"\0\0"))
        call.end()
        failed = {e.party: e.code async for e in call if isinstance(e, StreamFailed)}
        assert failed == {Party.CUSTOMER: "split_sample", Party.AGENT: "impossible_position"}


class Poisoned(Decoder):
    """Fails as a whole while a certain utterance is among the questions."""

    def __init__(self, *args, fails: Callable[[list], bool], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._fails = fails

    def hear(self, questions):
        if self._fails(questions):
            raise RuntimeError("poisoned")
        return super().hear(questions)


async def test_a_failing_batch_costs_only_the_culprit(caplog):
    async with engine() as running:
        worker = running._worker
        culprit: list = []

        def fails(questions) -> bool:
            if not culprit:
                culprit.append(questions[0].utterance)
            return any(q.utterance is culprit[0] for q in questions)

        worker.decoder = Poisoned(model(), fails=fails)
        found = await asyncio.gather(*(play(running, f"call-{n}", seconds=9) for n in range(3)))
    failed = [e for events in found for e in events if isinstance(e, StreamFailed)]
    assert [e.code for e in failed] == ["recognition_failed"]
    wanted = texts(list(listen(model(), CallId("c"), BOTH, RATE, talk(seconds=9), PARTY)))
    whole = [events for events in found if not any(isinstance(e, StreamFailed) for e in events)]
    assert [sorted(texts(events)) for events in whole] == [sorted(wanted)] * 2
    assert "repeating one by one" in caplog.text or "cannot be recognised" in caplog.text


async def test_a_worker_that_breaks_starts_anew_and_says_what_was_lost(caplog):
    async with engine() as running:
        call = running.open(CallId("a"), BOTH, RATE)
        frames = list(talk("a", seconds=14))
        for frame in frames[:500]:
            await call.push(frame)
        broken, sound = threading.Event(), running._worker.scheduler.choose

        def choose(waiting):
            running._worker.scheduler.choose = sound
            broken.set()
            raise RuntimeError("broken")

        running._worker.scheduler.choose = choose
        for frame in frames[500:800]:
            await call.push(frame)
        assert await asyncio.to_thread(broken.wait, 60)
        for frame in frames[800:]:
            await call.push(frame)
        call.end()
        events = [event async for event in call]
        assert running.stats().restarts == 1
        assert running.stats().utterances_under_way == 0
    gaps = [e for e in events if isinstance(e, AudioGap)]
    assert {gap.party for gap in gaps} == set(BOTH)
    utterances = [e.utterance for e in events if isinstance(e, Transcript) and e.final]
    assert len(set(utterances)) == len(utterances)
    assert any(isinstance(e, Transcript) and e.at_ms > gaps[0].end_ms for e in events)


def test_each_restart_within_a_minute_waits_longer():
    assert restart_wait_s([], 100.0, 0.5) == 0.0
    assert [restart_wait_s([99.0] * n, 100.0, 0.5) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert restart_wait_s([10.0, 20.0], 100.0, 0.5) == 0.0


async def test_a_worker_that_keeps_breaking_stays_down(caplog):
    async with engine() as running:
        call = running.open(CallId("a"), BOTH, RATE)

        def choose(waiting):
            raise RuntimeError("broken")

        running._worker.scheduler.choose = choose
        for frame in talk("a", seconds=14):
            if running._worker.down:
                break
            await call.push(frame)
        call.end()
        events = [event async for event in call]
        assert {e.code for e in events if isinstance(e, StreamFailed)} <= {"recogniser_down"}
        if running._worker.down:
            with pytest.raises(RecogniserFull):
                running.open(CallId("b"), BOTH, RATE)


async def test_early_partials_stop_first_when_the_model_is_busy():
    config = EngineConfig(
        party=PARTY, scheduler=SchedulerConfig(busy_share=0.0, saved_ms=0.0), refuse_above_load=2.0
    )
    async with engine(config) as running:
        events = await play(running, "call", seconds=6)
        assert running.stats().early_skipped > 0
    finals = [e for e in events if isinstance(e, Transcript) and e.final]
    assert finals


async def test_opening_and_closing_calls_leaves_memory_flat():
    """A short form; the long one is a benchmark."""
    silence = np.zeros(160, np.int16).tobytes()
    async with engine(EngineConfig(party=PARTY)) as running:

        async def rounds(count: int) -> int:
            for number in range(count):
                call = running.open(CallId(f"call-{number}"), BOTH, RATE)
                for party in BOTH:
                    await call.push(AudioFrame(call.call, party, 0, silence))
                if number % 2:
                    await call.aclose()
                else:
                    call.end()
                    assert [e async for e in call if isinstance(e, Transcript)] == []
            gc.collect()
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        warm = await rounds(200)
        after = await rounds(800)
        assert after - warm < 8_000  # KiB
        assert running.stats().calls == 0
        assert len(running._worker._streams) <= 1
