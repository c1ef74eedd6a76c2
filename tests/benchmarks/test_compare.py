"""The comparison with FunASR and the play on one core, on a model too small to be slow."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from websockets.sync.server import ServerConnection, serve

from asr.paraformer.decoder import Kind, Question
from asr.paraformer.network import Precision
from asr.paraformer.reference import TINY, random_reference
from benchmarks import peer, stages
from benchmarks.capacity import corpus, everybody_talks
from benchmarks.compare import OneByOne, chunk_costs, engine, loop_over_generate
from benchmarks.equality import sound
from benchmarks.one_core import Arrival, play


def test_both_are_timed_on_the_same_speech() -> None:
    found = chunk_costs(
        random_reference(TINY), (Precision.FP32,), batches=(1, 2), chunks=2, baseline_chunks=2
    )
    assert [len(timed["cpu_ms"]) for timed in found["funasr"] + found["ours"]] == [2, 2, 2]
    assert [timed["batch"] for timed in found["ours"]] == [1, 2]


def test_the_baseline_gives_funasr_all_the_sound_once() -> None:
    """What it would have written is what FunASR writes of the whole."""
    reference = random_reference(TINY)
    wave = sound(50_000, 4)
    decoder = OneByOne(reference)
    utterance = decoder.open()
    heard: list[int] = []
    give = utterance._stream.push
    utterance._stream.push = lambda s, final: heard.extend(give(s, final)) or []  # type: ignore[method-assign]
    for first in range(0, len(wave), 9_600):
        utterance.push(wave[first : first + 9_600])
        last = first + 9_600 >= len(wave)
        kind, until = (Kind.END, len(wave)) if last else (Kind.CHUNK, first + 9_600)
        decoder.hear([Question(utterance, kind, until)])  # type: ignore[arg-type]
    assert heard == reference.decode([wave])
    assert heard


@dataclass
class Counting:
    """A listener that notes what it is given and works for nothing."""

    taken: list[Arrival] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)

    def take(self, arrivals: Sequence[Arrival]) -> None:
        self.taken.extend(arrivals)

    def work(self) -> tuple[list[float], bool]:
        return [a.at_s for a in self.taken[-1:]], False

    def turned(self, now_s: float, worked_s: float) -> None:
        self.turns.append(now_s)


def test_packets_come_on_their_grid_and_none_before_its_time() -> None:
    listener = Counting()
    played = play(listener, corpus()[:1], calls=2, seconds=1.0, warm_s=0.5)
    for call in ("0", "1"):
        mine = [a for a in listener.taken if a.frame.call == call]
        party = mine[0].frame.party
        starts = [a.frame.start_sample for a in mine if a.frame.party is party]
        assert starts == list(range(0, 160 * len(starts), 160))
        assert 72 <= len(starts) <= 76
    assert all(lag >= 0 for lag in played.lag_ms)
    assert listener.turns == sorted(listener.turns)


def test_both_sides_answer_the_same_calls() -> None:
    reference, recorded = random_reference(TINY), everybody_talks(corpus()[:1])
    for begin in (
        engine(reference, Precision.FP32, recorded),
        loop_over_generate(reference, recorded),
    ):
        played = play(begin(1), recorded, calls=1, seconds=1.5, warm_s=0)
        assert len(played.lag_ms) >= 2
        assert played.busy_s > 0


def test_stages_share_out_what_the_play_took() -> None:
    [one] = stages.measure(random_reference(TINY).model(), [1], "full", seconds=1.0)
    assert {"encoder", "voice network", "resampling", "features"} <= one["stages"].keys()
    whole = sum(one["stages"].values())
    assert whole == pytest.approx(one["cpu_ms_per_call_second"], rel=0.35)


@pytest.fixture
def parrot() -> Iterator[str]:
    """A server with FunASR's protocol: a word for every 600 ms, and one at the end."""

    def answer(socket: ServerConnection) -> None:
        held = 0
        for message in socket:
            if isinstance(message, bytes):
                held += len(message)
                if held < 19_200:
                    continue
                held = 0
            elif json.loads(message)["is_speaking"]:
                continue
            socket.send(json.dumps({"text": "字", "is_final": isinstance(message, str)}))

    with serve(answer, "127.0.0.1", 0, subprotocols=["binary"]) as server:  # type: ignore[list-item]
        running = threading.Thread(target=server.serve_forever)
        running.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        running.join()


def test_another_server_is_timed_from_the_last_sample(
    parrot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "QUIET_S", 0.5)
    quiet = np.zeros(16_000, np.int16).tobytes()
    found = asyncio.run(peer._at(parrot, [quiet], 2, 1.3))
    assert found["silent"] == 0
    assert found["characters"] == 2 * 3
    assert len(found["last_word_ms"]) == 2
