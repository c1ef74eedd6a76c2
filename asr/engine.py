"""The live recogniser: one model hears all calls, on one worker thread.

``Engine(load_model(directory), EngineConfig())`` implements :class:`asr.recogniser.Recogniser`.
Calls are refused at the door when there is no room; what has been let in is heard to its end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asr.audio.resample import check_rate
from asr.events import CallId, Party
from asr.live import Delivery, EngineConfig, LiveCall, Message, deliver_all
from asr.paraformer.decoder import Kind
from asr.paraformer.load import Model
from asr.paraformer.wording import Wording
from asr.rating import rated_calls
from asr.reading import reading_for
from asr.recogniser import RecogniserFull, RecogniserInfo
from asr.second_pass import SecondPass
from asr.worker import Worker

__all__ = ["Engine", "EngineConfig", "EngineStats", "LiveCall"]

log = logging.getLogger(__name__)


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
    second_passes: int
    """Utterances heard once more as a whole."""
    second_skipped: int
    """Utterances for which there was no time to do so."""
    second_waiting: int
    """Utterances for which there may be time yet."""


class Engine:
    """Implements :class:`asr.recogniser.Recogniser` on one model."""

    def __init__(
        self,
        model: Model,
        config: EngineConfig | None = None,
        new_wording: Callable[[], Wording] | None = None,
        observe: Callable[[Kind, float], None] | None = None,
        demonstration: bool = True,
        second: SecondPass | None = None,
    ) -> None:
        """``observe`` is told, on the worker, each answer's kind and seconds since its audio."""
        self.config = config or EngineConfig()
        self.info = RecogniserInfo(model.name, demonstration)
        self._model = model
        self._new_wording = new_wording or reading_for(model)
        self._observe = observe
        self._second = second
        self._max_calls = self.config.max_calls
        self._calls: set[LiveCall] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: Worker | None = None

    async def start(self) -> None:
        """Start the worker; measure how many calls it can take, unless that was told."""
        if self._max_calls is None:
            self._max_calls, costs = await asyncio.to_thread(
                rated_calls, self._model, self.config, self._new_wording
            )
            log.info("at most %d calls: %s", self._max_calls, costs)
        self._loop = asyncio.get_running_loop()
        self._worker = Worker(
            self._model, self.config, self._new_wording, self._observe, self._post, self._second
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
        """Begin a call.

        Raises :class:`RecogniserFull`, or ``ValueError`` for a rate or parties that cannot be.
        """
        check_rate(rate)
        if not parties or len(set(parties)) != len(parties):
            raise ValueError(f"a call needs parties, each once, not {list(parties)}")
        if not self.room():
            raise RecogniserFull(self.config.retry_after_s)
        live = LiveCall(call, parties, rate, self.config, self._send, self._calls.discard)
        self._calls.add(live)
        return live

    def room(self) -> int:
        """How many more calls would be taken now, as far as the load can tell."""
        worker, calls = self._worker, len(self._calls)
        if worker is None or worker.down or self._max_calls is None:
            return 0
        left = max(0, self._max_calls - calls)
        limit, load = self.config.refuse_above_load, worker.scheduler.load
        if not calls or load <= 0:
            return left
        # Calls cost about the same each, so the load of these tells how many more it bears.
        return 0 if load > limit else min(left, max(1, int(min(left, calls * (limit / load - 1)))))

    def stats(self) -> EngineStats:
        """How it is doing now."""
        worker = self._worker
        if worker is None:
            return EngineStats(0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, 0)
        return EngineStats(
            calls=len(self._calls),
            load=worker.scheduler.load,
            row_ms=worker.scheduler.row_ms,
            early_skipped=worker.early_skipped,
            failed=worker.failed,
            restarts=worker.restarts,
            utterances_under_way=worker.decoder.slabs.taken,
            second_passes=worker.second_passes,
            second_skipped=worker.second_skipped,
            second_waiting=worker.second_waiting,
        )

    def _send(self, message: Message) -> None:
        if self._worker is not None:
            self._worker.send(message)

    def _post(self, deliveries: Sequence[Delivery]) -> None:
        """Called on the worker: hand events to the event loop, all of a step at once."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(deliver_all, deliveries)
        except RuntimeError:  # the loop is closed: nobody is left to hear
            log.debug("events dropped: the event loop is closed")
