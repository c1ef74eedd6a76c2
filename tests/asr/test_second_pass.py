"""Finished utterances heard once more: always at the same place, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from asr.engine import Engine, EngineConfig, EngineStats
from asr.events import AsrEvent, AudioFrame, CallId, Party, Transcript
from asr.offline import Recording, listen, listen_many
from asr.paraformer.decoder import Decoder, Kind, Question, Utterance
from asr.paraformer.reference import TINY, random_reference
from asr.party import PartyConfig
from asr.scheduler import SchedulerConfig
from asr.second_pass import WHOLE, SecondPass, hear_whole
from asr.sentence import ShowConfig
from tests.asr.streams import sound
from tests.asr.talk import BOTH, RATE, model, talk

# Nothing but chunks and ends: what a live call says then does not depend on the machine.
PARTY = PartyConfig(early_every_ms=None, show=ShowConfig(hold_back=0.0))
PATIENT = SchedulerConfig(again_ms=1e9, saved_ms=1e9, again_within_s=1e9)
SECONDS = 14


def events(second: SecondPass | None) -> list[AsrEvent]:
    packets = talk(seconds=SECONDS)
    return list(listen(model(), CallId("call"), BOTH, RATE, packets, PARTY, second=second))


@pytest.fixture(scope="module")
def second() -> SecondPass:
    return SecondPass.of(model())


@pytest.fixture(scope="module")
def without() -> list[AsrEvent]:
    return events(None)


@pytest.fixture(scope="module")
def expected(second) -> list[AsrEvent]:
    return events(second)


def finals(found: list[AsrEvent]) -> dict[str, list[Transcript]]:
    by_utterance: dict[str, list[Transcript]] = {}
    for event in found:
        if isinstance(event, Transcript) and event.final:
            by_utterance.setdefault(event.utterance, []).append(event)
    return by_utterance


def corrections(found: list[AsrEvent]) -> list[Transcript]:
    return [one for spoken in finals(found).values() for one in spoken[1:]]


def test_a_correction_is_a_later_revision_of_the_same_utterance(expected):
    assert len(corrections(expected)) >= 3
    for spoken in finals(expected).values():
        first, *more = spoken
        assert len(more) <= 1
        for again in more:
            assert again.revision == first.revision + 1
            assert again.text != first.text
            assert again.stable == len(again.text) == len(again.chars)
            assert (again.start_ms, again.end_ms) == (first.start_ms, first.end_ms)
            times = [char.ms for char in again.chars]
            assert times == sorted(times)
            assert again.start_ms <= times[0] <= times[-1] <= again.end_ms
            assert all(0 <= char.confidence <= 1 for char in again.chars)


def test_it_comes_a_second_of_audio_after_the_utterance_or_at_the_end_of_the_call(expected):
    for first, *more in finals(expected).values():
        for again in more:
            assert again.at_ms == min(first.at_ms + PARTY.again_after_ms, SECONDS * 1000)


def test_nothing_else_changes(expected, without):
    added = corrections(expected)
    assert [event for event in expected if event not in added] == without
    assert not corrections(without)


def test_a_replay_gives_the_same_events_also_among_other_calls(expected, second):
    assert events(second) == expected
    recordings = [
        Recording(CallId("call"), BOTH, RATE, talk(seconds=SECONDS)),
        Recording(CallId("other"), BOTH, RATE, talk("other", 9, number=1)),
    ]
    found = list(listen_many(model(), recordings, PARTY, second=second))
    mine = [event for index, event in found if index == 0]

    def plain(found):
        return [replace(e, chars=()) if isinstance(e, Transcript) else e for e in found]

    assert plain(mine) == plain(expected)


async def play(running: Engine) -> list[AsrEvent]:
    """A call whose packets come no faster than it is listened to, second passes included."""
    call = running.open(CallId("call"), BOTH, RATE)

    async def feed() -> None:
        for frame in talk(seconds=SECONDS, samples=RATE // 5):
            await call.push(frame)
            while running.stats().second_waiting:  # noqa: ASYNC110 - the worker is a thread
                await asyncio.sleep(0.002)
        call.end()

    feeding = asyncio.create_task(feed())
    found = [event async for event in call]
    await feeding
    return found


async def live(
    second: SecondPass, scheduler: SchedulerConfig, broken: bool = False
) -> tuple[list[AsrEvent], EngineStats]:
    config = EngineConfig(
        party=PARTY, scheduler=scheduler, refuse_above_load=2.0, undecoded_ms=0, threads=1
    )
    running = Engine(model(), config, second=second)
    await running.start()
    try:
        if broken:
            running._worker._whole = Broken(second.model, WHOLE)
        found = await (play(running) if scheduler is PATIENT else play_through(running))
        return found, running.stats()
    finally:
        await running.aclose()


async def play_through(running: Engine) -> list[AsrEvent]:
    """The same without waiting for second passes."""
    call = running.open(CallId("call"), BOTH, RATE)

    async def feed() -> None:
        for frame in talk(seconds=SECONDS, samples=RATE // 5):
            await call.push(frame)
        call.end()

    feeding = asyncio.create_task(feed())
    found = [event async for event in call]
    await feeding
    return found


def spoken(found: list[AsrEvent]) -> list[Transcript]:
    return [event for event in found if isinstance(event, Transcript)]


def in_big_packets(second: SecondPass | None) -> list[AsrEvent]:
    packets = talk(seconds=SECONDS, samples=RATE // 5)
    return list(listen(model(), CallId("call"), BOTH, RATE, packets, PARTY, second=second))


async def test_a_live_call_says_what_its_replay_says(second):
    found, stats = await live(second, PATIENT)
    assert spoken(found) == spoken(in_big_packets(second))
    assert stats.second_passes >= len(corrections(found)) >= 3
    assert stats.second_skipped == 0


async def test_without_time_for_it_it_is_left_out_and_counted(second):
    busy = SchedulerConfig(again_ms=0.0, again_within_s=0.0)
    found, stats = await live(second, busy)
    assert spoken(found) == spoken(in_big_packets(None))
    assert stats.second_passes == 0
    assert stats.second_skipped == len(finals(found))


class Broken(Decoder):
    def hear(self, questions):
        raise RuntimeError("broken")


async def test_a_second_pass_that_fails_leaves_the_first_text(second, caplog):
    found, stats = await live(second, PATIENT, broken=True)
    assert spoken(found) == spoken(in_big_packets(None))
    assert stats.second_skipped == len(finals(found))
    assert stats.failed == 0
    assert "they stay as they are" in caplog.text


def test_a_party_that_fails_is_not_heard_again(second):
    def packets():
        for at, frame in enumerate(talk(seconds=SECONDS)):
            yield frame
            if at == 200:  # two seconds in: the agent's first utterance has just ended
                yield AudioFrame(frame.call, Party.AGENT, frame.start_sample, b"\1\2\3")

    found = list(listen(model(), CallId("c"), BOTH, RATE, packets(), PARTY, second=second))
    assert {one.party for one in corrections(found)} == {Party.CUSTOMER}


@pytest.mark.parametrize("samples", [960, 5_000, 9_600, 33_333, 60_001, 160_000])
def test_the_whole_window_says_what_funasr_says_of_it(samples):
    reference = random_reference(TINY, seed=3)
    decoder = Decoder(reference.model(), WHOLE)
    asked = []
    for seed in (1, 2):
        utterance = Utterance(WHOLE)
        utterance.push(sound(samples, seed))
        asked.append(Question(utterance, Kind.AGAIN, samples))
    for seed, heard in zip((1, 2), hear_whole(decoder, asked), strict=True):
        best = [one for one in heard.ids[:, 0].tolist() if one not in decoder.model.unspoken]
        assert best == reference.decode([sound(samples, seed)], WHOLE)
    assert decoder.slabs.taken == 0
