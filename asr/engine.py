"""The live recogniser: one worker thread owns the model and hears all calls.

The worker repeats: take what arrived, let the scheduler choose, run one step, give the events
back to the event loop. The asyncio side only moves packets and events. A step that fails is
repeated row by row, and only the culprit's stream ends; a worker that breaks starts anew with
fresh state, and every call is told what was passed over.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import torch

from asr.call import CallStream
from asr.events import AsrEvent, AudioFrame, CallId, Party
from asr.offline import greedy_wording
from asr.paraformer.decoder import Decoder, Kind
from asr.paraformer.load import Model
from asr.paraformer.state import CHUNK_600_MS, ChunkShape
from asr.paraformer.wording import Wording
from asr.party import PartyConfig, Task
from asr.recogniser import CallClosed, RecogniserFull, RecogniserInfo
from asr.scheduler import Scheduler, SchedulerConfig, Waiting

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How many calls are taken and how they are listened to."""

    max_calls: int = 64
    """Calls at once; measure it with `tingban bench capacity`."""
    refuse_above_load: float = 0.85
    """Refuse new calls while the model spends this share of its time on what cannot wait."""
    retry_after_s: float = 5.0
    """What a refused caller is told."""
    threads: int = 1
    """Processor threads of the model; no more than are free."""
    gather_ms: float = 5.0
    """How long an idle worker waits for more packets once one has come."""
    undecoded_ms: int = 2_000
    """Audio of a call that may wait for the worker before :meth:`LiveCall.push` waits."""
    unread_events: int = 2_000
    """Events nobody has read before :meth:`LiveCall.push` waits."""
    restarts: int = 3
    """A worker that breaks more often than this within a minute stays down."""
    shape: ChunkShape = CHUNK_600_MS
    party: PartyConfig = field(default_factory=PartyConfig)
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)


@dataclass(frozen=True, slots=True)
class EngineStats:
    """How the engine is doing, for gauges."""

    calls: int
    load: float
    """Share of time spent on what cannot wait."""
    row_ms: float
    early_skipped: int
    failed: int
    restarts: int
    utterances_under_way: int


class LiveCall:
    """One call's end of the engine; see :class:`asr.recogniser.CallAudio`."""

    def __init__(self, engine: Engine, call: CallId, parties: Sequence[Party], rate: int) -> None:
        self.call = call
        self.parties = tuple(parties)
        self.rate = rate
        self._engine = engine
        self._events: deque[AsrEvent] = deque()
        self._changed = asyncio.Event()
        self._pushed_ms = 0
        self._done_ms = 0
        self._ended = False
        self._over = False

    async def push(self, frame: AudioFrame) -> None:
        """Take a packet; waits while too much audio or too many events of this call wait."""
        if self._ended:
            raise CallClosed(f"call {self.call} has ended")
        self._pushed_ms = max(
            self._pushed_ms, (frame.start_sample + len(frame.pcm16) // 2) * 1000 // self.rate
        )
        self._engine._send(_Push(self, frame, time.monotonic()))
        while self._behind() and not self._over:
            self._changed.clear()
            await self._changed.wait()

    def end(self) -> None:
        """No more audio: the last utterances become final. Idempotent."""
        if not self._ended:
            self._ended = True
            self._engine._send(_End(self))

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        while True:
            while self._events:
                event = self._events.popleft()
                if not self._events:
                    self._changed.set()
                yield event
            if self._over:
                return
            self._changed.clear()
            await self._changed.wait()

    async def aclose(self) -> None:
        """Forget the call at once. Idempotent."""
        if not self._over:
            self._ended = True
            self._over = True
            self._events.clear()
            self._changed.set()
            self._engine._send(_Close(self))
            self._engine._left(self)

    def _behind(self) -> bool:
        config = self._engine.config
        undecoded = self._pushed_ms - self._done_ms
        return undecoded > config.undecoded_ms or len(self._events) > config.unread_events

    def _deliver(self, events: list[AsrEvent], done_ms: int, over: bool) -> None:
        """Called on the event loop."""
        if self._over:
            return
        self._events.extend(events)
        self._done_ms = max(self._done_ms, done_ms)
        if over:
            self._ended = self._over = True
            self._engine._left(self)
        self._changed.set()


@dataclass(frozen=True, slots=True)
class _Push:
    call: LiveCall
    frame: AudioFrame
    arrived_s: float


@dataclass(frozen=True, slots=True)
class _End:
    call: LiveCall


@dataclass(frozen=True, slots=True)
class _Close:
    call: LiveCall


_Message = _Push | _End | _Close


class Engine:
    """Implements :class:`asr.recogniser.Recogniser` on one model."""

    def __init__(
        self,
        model: Model,
        config: EngineConfig | None = None,
        new_wording: Callable[[], Wording] | None = None,
        observe: Callable[[Kind, float], None] | None = None,
        demonstration: bool = True,
    ) -> None:
        """``observe`` is told, on the worker, each answer's kind and seconds since its audio."""
        self.config = config or EngineConfig()
        self.info = RecogniserInfo(model.name, demonstration)
        self._model = model
        self._new_wording = new_wording or greedy_wording(model)
        self._observe = observe
        self._calls: set[LiveCall] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: _Worker | None = None

    async def start(self) -> None:
        """Start the worker."""
        self._loop = asyncio.get_running_loop()
        self._worker = _Worker(
            self._model, self.config, self._new_wording, self._observe, self._post
        )
        self._worker.start()

    async def aclose(self) -> None:
        """Close every call and stop the worker."""
        for call in list(self._calls):
            await call.aclose()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            await asyncio.to_thread(worker.join)

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> LiveCall:
        """Begin a call. Raises :class:`RecogniserFull`."""
        worker = self._worker
        if worker is None:
            raise RecogniserFull(self.config.retry_after_s)
        crowded = self._calls and worker.scheduler.load > self.config.refuse_above_load
        if len(self._calls) >= self.config.max_calls or crowded or worker.down:
            raise RecogniserFull(self.config.retry_after_s)
        live = LiveCall(self, call, parties, rate)
        self._calls.add(live)
        return live

    def stats(self) -> EngineStats:
        """How it is doing now."""
        worker = self._worker
        if worker is None:
            return EngineStats(0, 0.0, 0.0, 0, 0, 0, 0)
        return EngineStats(
            calls=len(self._calls),
            load=worker.scheduler.load,
            row_ms=worker.scheduler.row_ms,
            early_skipped=worker.early_skipped,
            failed=worker.failed,
            restarts=worker.restarts,
            utterances_under_way=worker.decoder.slabs.taken,
        )

    def _send(self, message: _Message) -> None:
        if self._worker is not None:
            self._worker.send(message)

    def _left(self, call: LiveCall) -> None:
        self._calls.discard(call)

    def _post(self, deliveries: list[tuple[LiveCall, list[AsrEvent], int, bool]]) -> None:
        """Called on the worker: hand events to the event loop, all of a step at once."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(_deliver_all, deliveries)
        except RuntimeError:  # the loop is closed: nobody is left to hear
            log.debug("events dropped: the event loop is closed")


def _deliver_all(deliveries: list[tuple[LiveCall, list[AsrEvent], int, bool]]) -> None:
    for call, events, done_ms, over in deliveries:
        call._deliver(events, done_ms, over)


class _Worker(threading.Thread):
    """Owns the decoder and every call's stream."""

    def __init__(
        self,
        model: Model,
        config: EngineConfig,
        new_wording: Callable[[], Wording],
        observe: Callable[[Kind, float], None] | None,
        post: Callable[[list[tuple[LiveCall, list[AsrEvent], int, bool]]], None],
    ) -> None:
        super().__init__(name="tingban-recogniser", daemon=True)
        self._model = model
        self._config = config
        self._new_wording = new_wording
        self._observe = observe
        self._post = post
        self._inbox: deque[_Message] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._streams: dict[LiveCall, CallStream] = {}
        self._touched: dict[LiveCall, None] = {}
        self._posted: dict[LiveCall, int] = {}
        self._broken_at: deque[float] = deque(maxlen=config.restarts + 1)
        self.decoder = Decoder(model, config.shape)
        self.scheduler = Scheduler(config.scheduler)
        self.early_skipped = 0
        self.failed = 0
        self.restarts = 0
        self.down = False

    def send(self, message: _Message) -> None:
        """Called on the event loop."""
        self._inbox.append(message)
        self._wake.set()

    def stop(self) -> None:
        """Leave the loop after the present step."""
        self._stopping = True
        self._wake.set()

    def run(self) -> None:
        torch.set_num_threads(self._config.threads)
        broken = False
        while not self._stopping:
            try:
                if broken:
                    self._restart()
                    broken = False
                self._turn()
            except Exception:
                log.exception("the recogniser broke and starts anew")
                broken = True

    def _turn(self) -> None:
        self._take_messages()
        worked = self._step()
        self._give_events()
        if not worked and not self._stopping:
            self._wake.wait(timeout=0.5)
            # Packets of many calls arrive all the time: look at them together, not one by one.
            time.sleep(self._config.gather_ms / 1000)
            self._wake.clear()
            self.scheduler.idle(time.monotonic())

    def _take_messages(self) -> None:
        # Only what is here now: under load the model's turn must come, too.
        for _ in range(len(self._inbox)):
            message = self._inbox.popleft()
            if isinstance(message, _Close):
                self._touched.pop(message.call, None)
                self._forget(message.call)
                continue
            stream = self._stream(message.call)
            self._touched[message.call] = None
            if isinstance(message, _Push):
                stream.push(message.frame, message.arrived_s)
            else:
                stream.end(time.monotonic())

    def _stream(self, call: LiveCall) -> CallStream:
        stream = self._streams.get(call)
        if stream is None:
            stream = self._streams[call] = CallStream(
                call.call,
                call.parties,
                call.rate,
                self.decoder,
                self._new_wording,
                self._config.party,
            )
        return stream

    def _forget(self, call: LiveCall) -> None:
        self._posted.pop(call, None)
        if stream := self._streams.pop(call, None):
            stream.close()

    def _step(self) -> bool:
        """One batch; False if there was nothing to hear."""
        waiting: list[Waiting[tuple[LiveCall, Task]]] = []
        for call, stream in self._streams.items():
            skipped = stream.skip_stale()
            if skipped:
                self.early_skipped += skipped
                self._touched[call] = None
            for task in stream.ready():
                waiting.append(Waiting((call, task), task.question.kind, task.since_s))
        if not waiting:
            return False
        choice = self.scheduler.choose(waiting)
        for call, task in choice.skip:
            self._streams[call].skip(task)
            self._touched[call] = None
        self.early_skipped += len(choice.skip)
        if choice.hear:
            began = time.monotonic()
            self._hear(choice.hear)
            now = time.monotonic()
            early = sum(task.question.kind is Kind.EARLY for _, task in choice.hear)
            self.scheduler.ran(now, now - began, len(choice.hear) - early, early)
        return True

    def _hear(self, batch: list[tuple[LiveCall, Task]]) -> None:
        try:
            answers = self.decoder.hear([task.question for _, task in batch])
        except Exception:
            if len(batch) > 1:
                log.warning("a step of %d streams failed; repeating one by one", len(batch))
                for one in batch:
                    self._hear([one])
                return
            call, task = batch[0]
            log.exception("call %s: %s cannot be recognised", call.call, task.party.party)
            self._streams[call].fail(
                task.party.party, "recognition_failed", "this stream's audio broke the recogniser"
            )
            self.failed += 1
            self._touched[call] = None
            return
        now = time.monotonic()
        for (call, task), heard in zip(batch, answers, strict=True):
            self._streams[call].answer(task, heard)
            self._touched[call] = None
            if self._observe is not None:
                self._observe(task.question.kind, now - task.since_s)

    def _give_events(self) -> None:
        deliveries = []
        for call in self._touched:
            stream = self._streams[call]
            events, done_ms, over = stream.collect(), stream.done_ms, stream.finished
            # Most packets change nothing: do not wake the event loop for each.
            if events or over or done_ms - self._posted.get(call, 0) >= 200:
                self._posted[call] = done_ms
                deliveries.append((call, events, done_ms, over))
            if over:
                self._forget(call)
        self._touched.clear()
        if deliveries:
            self._post(deliveries)

    def _restart(self) -> None:
        now = time.monotonic()
        self._broken_at.append(now)
        self.restarts += 1
        often = len(self._broken_at) > self._config.restarts and now - self._broken_at[0] < 60
        self.down = self.down or often
        self.decoder = Decoder(self._model, self._config.shape)
        for call, stream in self._streams.items():
            self._touched[call] = None
            if self.down:
                # The old decoder may be what is broken: ask it for nothing, not even to let go.
                stream.restart(self.decoder, "the recogniser broke")
                for party in call.parties:
                    stream.fail(party, "recogniser_down", "the recogniser cannot be restarted")
                stream.end(now)
            else:
                stream.restart(self.decoder, "the recogniser was restarted")
        self._give_events()
