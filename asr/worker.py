"""The thread that owns the model and hears all calls.

It repeats: take what arrived, let the scheduler choose, run one step, give the events back. A
step that fails is repeated row by row, and only the culprit's stream ends; if the thread's own
work breaks, it starts anew with fresh state, and every call is told what was passed over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch

from asr.audio.together import Asking, side_by_side
from asr.call import CallStream
from asr.live import Close, Delivery, EngineConfig, LiveCall, Message, Push
from asr.paraformer.decoder import Decoder, Kind
from asr.paraformer.load import Model
from asr.paraformer.wording import Wording
from asr.party import Task
from asr.rating import again_ms
from asr.scheduler import Scheduler, Waiting
from asr.second_pass import SecondPass, hear_whole, seconds

log = logging.getLogger(__name__)


def restart_wait_s(broken_at: Iterable[float], now: float, first_s: float) -> float:
    """How long to leave a broken worker alone: nothing the first time within a minute, then
    ``first_s``, then twice as long each time."""
    lately = sum(now - at < 60 for at in broken_at)
    return first_s * 2.0 ** (lately - 1) if lately else 0.0


class _StepTime(NamedTuple):
    """How long a step took, and its rows."""

    took_s: float
    urgent: int
    early: int


class Worker(threading.Thread):
    """Owns the decoder and every call's stream."""

    def __init__(
        self,
        model: Model,
        config: EngineConfig,
        new_wording: Callable[[], Wording],
        observe: Callable[[Kind, float], None] | None,
        post: Callable[[Sequence[Delivery]], None],
        second: SecondPass | None = None,
    ) -> None:
        super().__init__(name="tingban-recogniser", daemon=True)
        self._model = model
        self._config = config
        self._new_wording = new_wording
        self._observe = observe
        self._post = post
        self._second = second
        self._inbox: deque[Message] = deque()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._streams: dict[LiveCall, CallStream] = {}
        self._taken: dict[LiveCall, int] = {}
        self._touched: dict[LiveCall, None] = {}
        self._posted: dict[LiveCall, int] = {}
        self._broken_at: deque[float] = deque(maxlen=config.restarts + 1)
        self.decoder = Decoder(model, config.shape)
        self._whole = second.decoder() if second else None
        self.scheduler = Scheduler(config.scheduler)
        self.early_skipped = 0
        self.second_passes = 0
        self.second_skipped = 0
        self.second_waiting = 0
        self.failed = 0
        self.restarts = 0
        self.down = False

    def send(self, message: Message) -> None:
        """Called on the event loop."""
        self._inbox.append(message)
        self._wake.set()

    def stop(self) -> None:
        """Leave the loop after the present step."""
        self._ending.set()
        self._wake.set()

    def run(self) -> None:
        torch.set_num_threads(self._config.threads)
        if self._whole is not None:
            self.scheduler.expect_again(again_ms(self._whole))
        broken = False
        while not self._ending.is_set():
            try:
                if broken:
                    first_s = self._config.restart_wait_s
                    self._ending.wait(restart_wait_s(self._broken_at, time.monotonic(), first_s))
                    self._restart()
                    broken = False
                self._turn()
            except Exception:
                log.exception("the recogniser broke and starts anew")
                broken = True

    def _turn(self) -> None:
        began = time.monotonic()
        self._take_messages()
        step = self._step()
        again_s = self._hear_again() if step is None and self._whole is not None else 0.0
        self._give_events()
        now = time.monotonic()
        if step is not None:
            beside_s = now - began - step.took_s
            self.scheduler.ran(now, step.took_s, step.urgent, step.early, beside_s)
            return
        self.scheduler.idle(now, now - began - again_s)
        if again_s:
            return
        if not self._ending.is_set():
            self._wake.wait(timeout=0.5)
            # Packets of many calls arrive all the time: look at them together, not one by one.
            time.sleep(self._config.gather_ms / 1000)
            self._wake.clear()
            self.scheduler.idle(time.monotonic())

    def _take_messages(self) -> None:
        # Only what is here now: under load the model's turn must come, too.
        waiting: dict[LiveCall, list[Message]] = {}
        for _ in range(len(self._inbox)):
            message = self._inbox.popleft()
            waiting.setdefault(message.call, []).append(message)
        side_by_side(self._taking(messages) for messages in waiting.values())

    def _taking(self, messages: Iterable[Message]) -> Asking[None]:
        """Messages of one call."""
        for message in messages:
            if isinstance(message, Close):
                self._touched.pop(message.call, None)
                self._forget(message.call)
                continue
            stream = self._stream(message.call)
            self._touched[message.call] = None
            if isinstance(message, Push):
                yield from self._push(stream, message)
            else:
                stream.end(time.monotonic())

    def _push(self, stream: CallStream, message: Push) -> Asking[None]:
        call, frame = message.call, message.frame
        self._taken[call] = self._taken.get(call, 0) + len(frame.pcm16) // 2
        try:
            yield from stream.taking(frame, message.arrived_s)
        except Exception:
            log.exception("call %s: audio of %s cannot be taken in", call.call, frame.party)
            stream.fail(frame.party, "internal", "this stream's audio broke the recogniser")
            self.failed += 1

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
                self._second.new_wording if self._second else None,
            )
        return stream

    def _forget(self, call: LiveCall) -> None:
        self._posted.pop(call, None)
        self._taken.pop(call, None)
        if stream := self._streams.pop(call, None):
            stream.close()

    def _step(self) -> _StepTime | None:
        """One batch; None if there was nothing to hear."""
        waiting: list[Waiting[tuple[LiveCall, Task]]] = []
        for call, stream in self._streams.items():
            skipped = stream.skip_stale()
            if skipped:
                self.early_skipped += skipped
                self._touched[call] = None
            for task in stream.ready():
                waiting.append(Waiting((call, task), task.question.kind, task.since_s))
        choice = self.scheduler.choose(waiting)
        for call, task in choice.skip:
            self._streams[call].skip(task)
            self._touched[call] = None
        self.early_skipped += len(choice.skip)
        if not choice.hear:
            return None
        began = time.monotonic()
        self._hear(choice.hear)
        early = sum(task.question.kind is Kind.EARLY for _, task in choice.hear)
        return _StepTime(time.monotonic() - began, len(choice.hear) - early, early)

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

    def _hear_again(self) -> float:
        """Second passes, as many as there is time for while nobody else waits; seconds it took."""
        waiting = [(call, task) for call, s in self._streams.items() for task in s.ready_again()]
        waiting.sort(key=lambda one: one[1].since_s)
        chosen = waiting[
            : self.scheduler.choose_again([seconds(task.question) for _, task in waiting])
        ]
        oldest_s = time.monotonic() - self._config.scheduler.again_within_s
        for call, task in waiting[len(chosen) :]:
            if task.since_s < oldest_s:
                self._streams[call].pass_over(task)
                self._touched[call] = None
        if not chosen:
            return 0.0
        began = time.monotonic()
        self._touched.update(dict.fromkeys(call for call, _ in chosen))
        assert self._whole is not None
        try:
            answers = hear_whole(self._whole, [task.question for _, task in chosen])
        except Exception:
            log.exception(
                "a second pass of %d utterances failed; they stay as they are", len(chosen)
            )
            for call, task in chosen:
                self._streams[call].pass_over(task)
            return time.monotonic() - began
        for (call, task), heard in zip(chosen, answers, strict=True):
            self._streams[call].answer_again(task, heard)
        self.second_passes += len(chosen)
        took_s = time.monotonic() - began
        self.scheduler.ran_again(took_s, [seconds(task.question) for _, task in chosen])
        return took_s

    def _give_events(self) -> None:
        deliveries = []
        for call in self._touched:
            stream = self._streams[call]
            events, over = stream.collect(), stream.finished
            self.second_skipped += stream.take_passed_over()
            taken = self._taken.get(call, 0)
            # Most packets change nothing: do not wake the event loop for each.
            fresh_ms = (taken - self._posted.get(call, 0)) * 1000 / call.rate
            if events or over or fresh_ms >= 200:
                self._posted[call] = taken
                waiting_ms = stream.at_ms - stream.done_ms
                deliveries.append(Delivery(call, events, taken, waiting_ms, over))
            if over:
                self._forget(call)
        self._touched.clear()
        if self._whole is not None:
            self.second_waiting = sum(1 for s in self._streams.values() for _ in s.ready_again())
        if deliveries:
            self._post(deliveries)

    def _restart(self) -> None:
        now = time.monotonic()
        self._broken_at.append(now)
        self.restarts += 1
        often = len(self._broken_at) > self._config.restarts and now - self._broken_at[0] < 60
        self.down = self.down or often
        self.decoder = Decoder(self._model, self._config.shape)
        self._whole = self._second.decoder() if self._second else None
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
