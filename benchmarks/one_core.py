"""Live calls on one core, played out on processor time.

A clock that only the work moves: packets arrive on their fixed grid, and whatever the listener
does takes as long as the processor worked on it. Chunks wait, batches grow and lags add up as they
would in a live worker with a core of its own, but what else runs on the machine does not show.
With the model on a graphics card the clock is the wall's: waiting for the card is work, too.
Sockets, event loop and other threads are not in it; ``tingban bench capacity`` has them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from asr.audio.together import Asking, side_by_side
from asr.call import CallStream
from asr.events import AudioFrame, CallId
from asr.paraformer.decoder import Decoder, Kind
from asr.paraformer.wording import Wording
from asr.party import PartyConfig, Task
from asr.scheduler import Scheduler, SchedulerConfig, Waiting
from benchmarks.capacity import PACKET_MS, Recorded
from benchmarks.sockets import knee
from benchmarks.statistics import percentile

IDLE_S = 0.005
"""A worker without work looks again after so long."""


def clock_for(device: torch.device) -> Callable[[], float]:
    """Seconds that somebody works for, with a model there."""
    return time.thread_time if device.type == "cpu" else time.perf_counter


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet of one party of one call."""

    call: int
    frame: AudioFrame
    at_s: float


class Listener(Protocol):
    """Whoever hears the calls of one core."""

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Packets that have come since the last turn."""

    def work(self) -> tuple[list[float], bool]:
        """One turn: the arrival times of what it answered, and whether there was anything to do."""

    def turned(self, now_s: float, worked_s: float) -> None:
        """What the turn took."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it."""

    calls: int
    seconds: float
    lag_ms: list[float]
    """From a chunk's or an end's last packet to its answer."""
    busy_s: float
    """Processor time."""

    @property
    def p99_ms(self) -> float:
        """The figure that is bounded; infinite where nothing was answered."""
        return percentile(self.lag_ms, 0.99) if self.lag_ms else float("inf")

    @property
    def cpu_ms_per_call_second(self) -> float:
        """What a second of a call costs at this load."""
        return 1000 * self.busy_s / self.seconds / self.calls


@dataclass
class _Line:
    """One call's sender."""

    recorded: Recorded
    first: int
    phase_s: float
    sent: int = 0


def play(
    listener: Listener,
    recorded: Sequence[Recorded],
    calls: int,
    seconds: float,
    warm_s: float = 3.0,
    seed: int = 1,
    clock: Callable[[], float] = time.thread_time,
) -> Played:
    """Feed ``calls`` calls at real time to ``listener`` for ``seconds`` after a warm-up."""
    dice = random.Random(seed)
    lines = [
        _Line(recorded[n % len(recorded)], dice.randrange(2_000), dice.random() * PACKET_MS / 1000)
        for n in range(calls)
    ]
    now_s = busy_s = 0.0
    lags: list[float] = []
    while now_s < warm_s + seconds:
        arrivals = [a for n, line in enumerate(lines) for a in _arrived(n, line, now_s)]
        began = clock()
        listener.take(arrivals)
        answered, worked = listener.work()
        spent_s = clock() - began
        now_s += spent_s if worked else max(spent_s, IDLE_S)
        listener.turned(now_s, spent_s)
        if now_s >= warm_s:
            busy_s += spent_s
            lags.extend((now_s - since_s) * 1000 for since_s in answered)
    return Played(calls, now_s - warm_s, lags, busy_s)


def _arrived(number: int, line: _Line, now_s: float) -> list[Arrival]:
    call, size = line.recorded, line.recorded.rate * PACKET_MS // 1000
    found = []
    while (at_s := line.phase_s + (line.sent + 1) * PACKET_MS / 1000) <= now_s:
        for party in call.parties:
            sound = call.packet(party, line.first + line.sent)
            frame = AudioFrame(CallId(str(number)), party, line.sent * size, sound)
            found.append(Arrival(number, frame, at_s))
        line.sent += 1
    return found


class Listening:
    """The engine's own parts, put together as its worker does."""

    def __init__(
        self,
        decoder: Decoder,
        recorded: Sequence[Recorded],
        calls: int,
        new_wording: Callable[[], Wording],
        config: PartyConfig | None = None,
        scheduler: SchedulerConfig | None = None,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._decoder = decoder
        self._clock = clock
        self._scheduler = Scheduler(scheduler)
        self._heard = (0, 0)
        """Urgent and early rows of the last turn."""
        self._step_s = 0.0
        config = config or PartyConfig()
        self._streams = [
            CallStream(CallId(str(n)), call.parties, call.rate, decoder, new_wording, config)
            for n in range(calls)
            for call in [recorded[n % len(recorded)]]
        ]

    def take(self, arrivals: Sequence[Arrival]) -> None:
        calls: dict[int, list[Arrival]] = {}
        for arrival in arrivals:
            calls.setdefault(arrival.call, []).append(arrival)
        side_by_side(self._taking(packets) for packets in calls.values())

    def _taking(self, packets: Sequence[Arrival]) -> Asking[None]:
        for packet in packets:
            yield from self._streams[packet.call].taking(packet.frame, packet.at_s)

    def work(self) -> tuple[list[float], bool]:
        waiting: list[Waiting[tuple[CallStream, Task]]] = []
        for stream in self._streams:
            stream.skip_stale()
            waiting += [
                Waiting((stream, task), task.question.kind, task.since_s) for task in stream.ready()
            ]
        answered: list[float] = []
        self._heard = (0, 0)
        if waiting:
            choice = self._scheduler.choose(waiting)
            for stream, task in choice.skip:
                stream.skip(task)
            answered = self._hear(choice.hear)
        for stream in self._streams:
            stream.collect()
        return answered, bool(waiting)

    def _hear(self, batch: Sequence[tuple[CallStream, Task]]) -> list[float]:
        if not batch:
            return []
        began = self._clock()
        answers = self._decoder.hear([task.question for _, task in batch])
        for (stream, task), heard in zip(batch, answers, strict=True):
            stream.answer(task, heard)
        self._step_s = self._clock() - began
        urgent = [task.since_s for _, task in batch if task.question.kind is not Kind.EARLY]
        self._heard = (len(urgent), len(batch) - len(urgent))
        return urgent

    def turned(self, now_s: float, worked_s: float) -> None:
        urgent, early = self._heard
        if urgent or early:
            beside_s = worked_s - self._step_s
            self._scheduler.ran(now_s, self._step_s, urgent, early, beside_s)
        else:
            self._scheduler.idle(now_s, worked_s)


def rated(
    begin: Callable[[int], Listener],
    recorded: Sequence[Recorded],
    seconds: float,
    progress: Callable[[str], None] = lambda line: None,
    clock: Callable[[], float] = time.thread_time,
) -> tuple[int, list[Played]]:
    """The most calls whose p99 lag stays within the bound, and every load that was tried."""
    tried: list[Played] = []

    def lag_at(calls: int) -> float:
        played = play(begin(calls), recorded, calls, seconds, clock=clock)
        tried.append(played)
        progress(
            f"{calls} calls: p99 {played.p99_ms:.0f} ms, "
            f"{played.cpu_ms_per_call_second:.1f} ms a call and second"
        )
        return played.p99_ms

    # One call alone tells about where to begin; batches make later ones cheaper.
    lag_at(1)
    first = max(1, round(700 / tried[0].cpu_ms_per_call_second))
    return knee(lag_at, first), tried
