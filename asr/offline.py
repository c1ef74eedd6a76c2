"""Listens to recordings: synchronous, as fast as it goes, the same events every time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from asr.audio.together import Asking, side_by_side
from asr.audio.wavfile import AudioFile, packets
from asr.call import CallStream
from asr.events import AsrEvent, AudioFrame, CallId, Party
from asr.paraformer.decoder import Decoder
from asr.paraformer.load import Model
from asr.paraformer.state import CHUNK_600_MS, ChunkShape
from asr.paraformer.wording import Wording
from asr.party import PartyConfig, Task
from asr.reading import reading_for
from asr.second_pass import SecondPass, hear_whole


@dataclass(frozen=True, slots=True)
class Recording:
    """A call to listen to; packets come at ``rate`` Hz, each party's in order."""

    call: CallId
    parties: Sequence[Party]
    rate: int
    packets: Iterable[AudioFrame]


def recorded(call: CallId, file: AudioFile) -> Recording:
    """A file from its beginning to its end."""
    return Recording(call, file.parties, file.rate_hz, packets(call, file))


def listen(
    model: Model,
    call: CallId,
    parties: Sequence[Party],
    rate: int,
    packets: Iterable[AudioFrame],
    config: PartyConfig | None = None,
    new_wording: Callable[[], Wording] | None = None,
    shape: ChunkShape = CHUNK_600_MS,
    second: SecondPass | None = None,
) -> Iterator[AsrEvent]:
    """Events of one recording, each as soon as its audio has been read."""
    recording = Recording(call, parties, rate, packets)
    for _, event in listen_many(model, [recording], config, new_wording, shape, second=second):
        yield event


def listen_many(
    model: Model,
    recordings: Iterable[Recording],
    config: PartyConfig | None = None,
    new_wording: Callable[[], Wording] | None = None,
    shape: ChunkShape = CHUNK_600_MS,
    together: int = 8,
    second: SecondPass | None = None,
) -> Iterator[tuple[int, AsrEvent]]:
    """Events of many recordings, with the index of the recording; ``together`` at a time.

    The events of a recording, and their order, do not depend on what else is listened to.
    """
    decoder = Decoder(model, shape)
    again = second.decoder() if second else None
    new_wording = new_wording or reading_for(model)
    waiting = iter(enumerate(recordings))
    open_calls: dict[int, _Listening] = {}
    while True:
        while len(open_calls) < together and (following := next(waiting, None)):
            index, recording = following
            open_calls[index] = _Listening(
                CallStream(
                    recording.call,
                    recording.parties,
                    recording.rate,
                    decoder,
                    new_wording,
                    config or PartyConfig(),
                    second.new_wording if second else None,
                ),
                iter(recording.packets),
            )
        if not open_calls:
            return
        side_by_side(listening.reading() for listening in open_calls.values())
        tasks: list[tuple[CallStream, Task]] = []
        for listening in open_calls.values():
            tasks.extend((listening.stream, task) for task in listening.stream.ready())
        if tasks:
            answers = decoder.hear([task.question for _, task in tasks])
            for (stream, task), heard in zip(tasks, answers, strict=True):
                stream.answer(task, heard)
        if again is not None:
            _hear_again(again, [listening.stream for listening in open_calls.values()])
        for index, listening in list(open_calls.items()):
            for event in listening.stream.collect():
                yield index, event
            if listening.stream.finished:
                listening.stream.close()
                del open_calls[index]


def _hear_again(decoder: Decoder, streams: Iterable[CallStream]) -> None:
    """The second pass of every utterance that has just become final."""
    tasks = [(stream, task) for stream in streams for task in stream.ready_again()]
    if tasks:
        answers = hear_whole(decoder, [task.question for _, task in tasks])
        for (stream, task), heard in zip(tasks, answers, strict=True):
            stream.answer_again(task, heard)


@dataclass(eq=False, slots=True)
class _Listening:
    stream: CallStream
    packets: Iterator[AudioFrame]

    def reading(self) -> Asking[None]:
        """Read on until there is something to ask or the recording ends."""
        while next(self.stream.ready(), None) is None:
            packet = next(self.packets, None)
            if packet is None:
                self.stream.end()
                return
            yield from self.stream.taking(packet)
