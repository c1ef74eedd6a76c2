"""One call: its parties' events in one order, and the watermark that deadlines are decided on.

Pure. Entries leave in the order in which the audio gave rise to them; one that waits for the
decoder holds up those behind it, so the order never depends on how questions were batched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from asr.audio.crosstalk import CrossTalk
from asr.audio.together import Asking, alone
from asr.events import AsrEvent, AudioFrame, CallId, Party, StreamFailed, Transcript, Watermark
from asr.metrics import SoundMeter
from asr.paraformer.decoder import Decoder, Kind
from asr.paraformer.step import Heard
from asr.paraformer.wording import Wording
from asr.party import BadAudio, Entry, PartyConfig, PartyStream, Task

WATERMARK_EVERY_MS = 250


@dataclass(eq=False, slots=True)
class _Waiting:
    stream: PartyStream
    entry: Entry
    done: bool


class CallStream:
    """Listens to all parties of a call. Not thread-safe."""

    def __init__(
        self,
        call: CallId,
        parties: Sequence[Party],
        rate: int,
        decoder: Decoder,
        new_wording: Callable[[], Wording],
        config: PartyConfig,
        read_again: Callable[[], Wording] | None = None,
    ) -> None:
        """``read_again`` begins the reading of a second pass; None: there is none."""
        self.call = call
        self._meter = SoundMeter(call, parties) if config.metrics else None
        talk = CrossTalk() if config.crosstalk and len(parties) > 1 else None
        self._streams = {
            party: PartyStream(
                call,
                party,
                rate,
                decoder,
                new_wording,
                config,
                self._meter,
                talk.ear() if talk else None,
                read_again,
            )
            for party in parties
        }
        self._failed: set[Party] = set()
        self._out: deque[_Waiting] = deque()
        self._tasks: dict[Party, deque[_Waiting]] = {party: deque() for party in parties}
        self._later: dict[Party, deque[_Waiting]] = {party: deque() for party in parties}
        """Second passes whose place in the order has not come."""
        self._again: dict[Task, _Waiting] = {}
        """Second passes that can still be heard."""
        self._passed_over = 0
        self._heard_ms = dict.fromkeys(parties, 0)
        self._watermark = 0
        self._ended = False

    @property
    def at_ms(self) -> int:
        """Audio position of the party that is furthest."""
        return max(stream.at_ms for stream in self._streams.values())

    @property
    def finished(self) -> bool:
        """It has ended and everything has been collected."""
        return self._ended and not self._out

    @property
    def done_ms(self) -> int:
        """Audio time before which every question that needs an answer has had one."""
        waiting = [
            task.at_ms
            for tasks in self._tasks.values()
            for w in islice(tasks, 1)
            if (task := w.entry.task) and task.question.kind is not Kind.EARLY
        ]
        return min([self.at_ms, *waiting])

    def push(self, frame: AudioFrame, since_s: float = 0.0) -> None:
        """Take a packet; of a party that has failed or does not exist it is passed over.

        ``since_s`` is kept in the tasks that it gives rise to (:attr:`Task.since_s`).
        """
        alone(self.taking(frame, since_s))

    def taking(self, frame: AudioFrame, since_s: float = 0.0) -> Asking[None]:
        """:meth:`push`, stopping where the voice network is needed."""
        stream = self._streams.get(frame.party)
        if stream is None or frame.party in self._failed:
            return
        try:
            yield from stream.taking(frame)
        except BadAudio as error:
            self.fail(frame.party, error.code, str(error))
        else:
            self._queue(stream, since_s)

    def end(self, since_s: float = 0.0) -> None:
        """No more audio. Idempotent."""
        if self._ended:
            return
        self._ended = True
        for party, stream in self._streams.items():
            if party not in self._failed:
                stream.end()
                self._queue(stream, since_s)
        for party, stream in self._streams.items():
            self._place(party, stream.at_ms, all_of_them=True)

    def close(self) -> None:
        """Give back all state; nothing more is to be asked or collected. Idempotent."""
        for stream in self._streams.values():
            stream.close()
        for tasks in self._tasks.values():
            tasks.clear()
        for later in self._later.values():
            later.clear()
        self._again.clear()
        self._out.clear()
        self._ended = True

    def ready(self) -> Iterator[Task]:
        """The next question of each party. Answer, skip or fail each."""
        for tasks in self._tasks.values():
            if tasks and (task := tasks[0].entry.task):
                yield task

    def skip_stale(self) -> int:
        """Pass over early partials that a later question has overtaken; how many there were."""
        skipped = 0
        for tasks in self._tasks.values():
            while len(tasks) > 1 and _kind(tasks[0]) is Kind.EARLY:
                tasks.popleft().done = True
                skipped += 1
        return skipped

    def skip(self, task: Task) -> None:
        """Give no answer to an early partial."""
        if task.question.kind is not Kind.EARLY:
            raise ValueError("only an early partial can do without an answer")
        self._next(task).done = True

    def answer(self, task: Task, heard: Heard) -> None:
        """Take the decoder's answer to a question that :meth:`ready` gave."""
        waiting = self._next(task)
        waiting.entry.events.extend(task.party.answer(task, heard))
        waiting.done = True
        if task.question.kind is Kind.END and not task.sentence.written:
            for again in [a for a in self._again if a.sentence is task.sentence]:
                self._again.pop(again).done = True

    def ready_again(self) -> Iterator[Task]:
        """Utterances whose final is out and that may be heard once more, while there is time."""
        return (task for task in self._again if task.sentence.written)

    def answer_again(self, task: Task, heard: Heard) -> None:
        """Take what a task that :meth:`ready_again` gave sounds like as a whole."""
        waiting = self._again.pop(task)
        waiting.entry.events.extend(task.party.answer_again(task, heard))
        waiting.done = True

    def pass_over(self, task: Task) -> None:
        """Leave an utterance as it is, without a second pass."""
        self._again.pop(task).done = True
        self._passed_over += 1

    def take_passed_over(self) -> int:
        """Second passes that were not heard in time, since this was last asked."""
        count, self._passed_over = self._passed_over, 0
        return count

    def fail(self, party: Party, code: str, message: str) -> None:
        """A party cannot be listened to any further; the others go on."""
        if party in self._failed:
            return
        stream = self._streams[party]
        self._queue(stream, 0.0)
        self._failed.add(party)
        self._drop_tasks(party)
        failed = StreamFailed(self.call, party, stream.at_ms, code, message)
        # A party that has failed says nothing any more and must not hold up deadlines for ever.
        entry = Entry(stream.at_ms, 2**62, [*stream.abandon(), failed], None)
        self._out.append(_Waiting(stream, entry, True))

    def restart(self, decoder: Decoder, why: str) -> None:
        """Go on with another decoder; what the old one had not answered becomes a gap."""
        for party, stream in self._streams.items():
            if party not in self._failed:
                self._queue(stream, 0.0)
                self._drop_tasks(party)
                stream.restart(decoder, why)
                self._queue(stream, 0.0)

    def collect(self) -> list[AsrEvent]:
        """The events whose turn has come."""
        events: list[AsrEvent] = []
        while self._out and self._its_turn(self._out[0]):
            waiting = self._out.popleft()
            entry = waiting.entry
            events.extend(self._told(entry))
            last = self.finished
            if entry.again is not None and not last:
                continue
            party = waiting.stream.party
            self._heard_ms[party] = max(self._heard_ms[party], entry.heard_ms)
            heard = min(min(self._heard_ms.values()), entry.at_ms)
            if heard - self._watermark >= (1 if last else WATERMARK_EVERY_MS):
                self._watermark = heard
                events.append(Watermark(self.call, heard, entry.at_ms))
        return events

    def _its_turn(self, waiting: _Waiting) -> bool:
        again = waiting.entry.again
        if again is not None and not waiting.done and not self._ended:
            self.pass_over(again)  # a call that goes on waits for no second pass
        return waiting.done

    def _told(self, entry: Entry) -> Iterator[AsrEvent]:
        for event in entry.events:
            if not isinstance(event, Transcript):
                yield event
            elif entry.again is not None:
                # Its speed was measured by the first final.
                yield replace(event, at_ms=entry.at_ms)
            else:
                yield event
                if self._meter is not None:
                    yield from self._meter.read(event)

    def _next(self, task: Task) -> _Waiting:
        tasks = self._tasks[task.party.party]
        if not tasks or tasks[0].entry.task is not task:
            raise ValueError("questions of a party are answered in order, each once")
        return tasks.popleft()

    def _drop_tasks(self, party: Party) -> None:
        for waiting in self._tasks[party]:
            waiting.done = True
        self._tasks[party].clear()
        self._later[party].clear()
        for task in [task for task in self._again if task.party.party is party]:
            self._again.pop(task).done = True

    def _queue(self, stream: PartyStream, since_s: float) -> None:
        for entry in stream.entries:
            waiting = _Waiting(stream, entry, entry.task is None)
            if entry.task is not None:
                entry.task.since_s = since_s
            if entry.again is not None:
                self._again[entry.again] = waiting
                self._later[stream.party].append(waiting)
                continue
            self._out.append(waiting)
            if entry.task is not None:
                self._tasks[stream.party].append(waiting)
        stream.entries.clear()
        self._place(stream.party, stream.at_ms)

    def _place(self, party: Party, at_ms: int, all_of_them: bool = False) -> None:
        """Second passes whose audio time has come get their place in the order."""
        later = self._later[party]
        while later and (all_of_them or later[0].entry.at_ms <= at_ms):
            waiting = later.popleft()
            waiting.entry.at_ms = min(waiting.entry.at_ms, at_ms)
            self._out.append(waiting)


def _kind(waiting: _Waiting) -> Kind:
    assert waiting.entry.task is not None
    return waiting.entry.task.question.kind
