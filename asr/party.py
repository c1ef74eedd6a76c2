"""One party of a call: packets in, questions for the decoder and transcripts out.

Pure: when to ask what is decided on audio time alone, so a replay asks the same questions at
the same places, whatever the packets were and however fast they came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asr.audio.codec import CodecError, Samples, decode_pcm16
from asr.audio.crosstalk import Ear
from asr.audio.gate import SoundError
from asr.audio.resample import Resampler
from asr.audio.together import Asking, alone
from asr.audio.utterance import Action, Begin, CutterConfig, End, Speech, UtteranceCutter
from asr.audio.utterance import NotSpeech as Mark
from asr.events import AsrEvent, AudioFrame, AudioGap, CallId, NotSpeech, Party
from asr.metrics import SoundMeter
from asr.paraformer.decoder import Decoder, Kind, Question, Utterance
from asr.paraformer.features import TOO_SHORT_SAMPLES
from asr.paraformer.step import Heard
from asr.paraformer.wording import Wording
from asr.second_pass import WHOLE
from asr.sentence import FRAME_MS, Sentence, ShowConfig

_LEAK_TOGETHER_MS = 1_000
"""Crosstalk is found in pieces; those that follow each other this closely are told as one."""
_LEAK_LONGEST_MS = 10_000

PER_MS = 16
"""Samples in a millisecond at 16 kHz."""


class BadAudio(Exception):
    """This party's audio cannot be used any further; other parties go on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class PartyConfig:
    """How one party is listened to."""

    early_every_ms: int | None = 200
    """Audio between early partials while somebody speaks; None: only whole chunks."""
    early_from_ms: int = 400
    """The first early partial of an utterance comes after so much of it (pre-roll included)."""
    bridge_ms: int = 120
    """A gap up to this long is filled with silence; a longer one ends the utterance."""
    furthest_gap_ms: int = 3_600_000
    """A packet further ahead than this is an error, not a gap."""
    metrics: bool = True
    """Tell how people speak, too (:mod:`asr.metrics`)."""
    crosstalk: bool = True
    """Tell one party's voice in the other's channel from that party speaking."""
    again_after_ms: int = 1_000
    """Audio between an utterance's end and the place where its second pass is given out, if there
    is one: always there or not at all, so that it is the same however fast it was heard."""
    cutter: CutterConfig = field(default_factory=CutterConfig)
    show: ShowConfig = field(default_factory=ShowConfig)


@dataclass(eq=False, slots=True)
class Task:
    """A question of a party, waiting for its answer."""

    party: PartyStream
    sentence: Sentence
    question: Question
    until_ms: int
    """Audio time up to which it asks."""
    at_ms: int
    """The party's position when it became possible to ask."""
    since_s: float = 0.0
    """For whoever runs it live: when its audio arrived."""


@dataclass(eq=False, slots=True)
class Entry:
    """Something that comes out of a party at its turn: events now, or once a task is answered."""

    at_ms: int
    heard_ms: int
    """Everything the party said before is out once this entry is."""
    events: list[AsrEvent]
    task: Task | None

    @property
    def again(self) -> Task | None:
        """The task, if it is a second pass. Such an entry's turn comes at ``at_ms``, later than
        entries that are made after it."""
        task = self.task
        return task if task is not None and task.question.kind is Kind.AGAIN else None


class PartyStream:
    """Listens to one party. Not thread-safe."""

    def __init__(
        self,
        call: CallId,
        party: Party,
        rate: int,
        decoder: Decoder,
        new_wording: Callable[[], Wording],
        config: PartyConfig,
        meter: SoundMeter | None = None,
        ear: Ear | None = None,
        read_again: Callable[[], Wording] | None = None,
    ) -> None:
        """``meter`` and ``ear`` are what the parties of a call have in common; ``read_again``
        begins the reading of a second pass, None: there is none."""
        self.call = call
        self.party = party
        self._rate = rate
        self._decoder = decoder
        self._new_wording = new_wording
        self._read_again = read_again
        self._config = config
        self._meter = meter
        self._resampler = Resampler(rate)
        self._ear = ear
        self._cutter = UtteranceCutter(config.cutter, ear=ear)
        self._expected = 0
        self._count = 0
        self._open: _Open | None = None
        self._under_way: dict[Utterance, Sentence] = {}
        self._marked_ms = 0
        self._leak: Mark | None = None
        """Crosstalk that may go on."""
        # An utterance may yet begin this far back: its onset is seen late and has a pre-roll.
        judging = Ear.LONGEST_HOPS if ear else 0
        self._late_ms = config.cutter.preroll_ms + (6 + judging) * 32
        self.entries: list[Entry] = []
        """What has come out since the caller last emptied it."""

    @property
    def at_ms(self) -> int:
        """Audio taken in so far."""
        return self._expected * 1000 // self._rate

    def push(self, frame: AudioFrame) -> None:
        """Take a packet. Raises :class:`BadAudio`; the party is then to be closed."""
        alone(self.taking(frame))

    def taking(self, frame: AudioFrame) -> Asking[None]:
        """:meth:`push`, stopping where the voice network is needed."""
        try:
            samples = decode_pcm16(frame.pcm16)
            yield from self._take(samples, frame.start_sample)
        except CodecError as error:
            raise BadAudio("split_sample", str(error)) from error
        except SoundError as error:
            raise BadAudio("not_sound", str(error)) from error
        self._mark()

    def end(self) -> None:
        """No more audio: an open utterance is asked for to its end."""
        alone(self._hear(self._resampler.end()))
        self._act(self._cutter.end())
        self._tell_leak()
        self.entries.append(Entry(self.at_ms, self.at_ms, [], None))

    def close(self) -> None:
        """Give back everything held. Idempotent."""
        for utterance in self._under_way:
            self._decoder.close(utterance)
        self._under_way.clear()
        self._open = None

    def abandon(self) -> list[AsrEvent]:
        """Close; what was shown of utterances under way becomes final."""
        finals = [sentence.abandon(self.at_ms) for sentence in self._under_way.values()]
        self.close()
        return [final for final in finals if final is not None]

    def restart(self, decoder: Decoder, why: str) -> None:
        """All state of the old decoder is lost: go on from here with a new one."""
        gap_ms = min([self._heard_ms(), *self._unheard_ms()])
        finals = self.abandon()
        self._activity(False, self.at_ms)
        self._decoder = decoder
        self._resampler = Resampler(self._rate)
        self._cutter = UtteranceCutter(
            self._config.cutter, self._in_16k(self._expected), ear=self._ear
        )
        gap = AudioGap(self.call, self.party, gap_ms, self.at_ms, why)
        self.entries.append(Entry(self.at_ms, self.at_ms, [*finals, gap], None))

    def answer(self, task: Task, heard: Heard) -> list[AsrEvent]:
        """What a question's answer gives out."""
        kind = task.question.kind
        if kind is Kind.END:
            self._decoder.close(task.question.utterance)
            del self._under_way[task.question.utterance]
        transcript = task.sentence.hear(heard, kind, task.until_ms, task.at_ms)
        return [transcript] if transcript else []

    def answer_again(self, task: Task, heard: Heard) -> list[AsrEvent]:
        """What the second pass of an utterance gives out."""
        assert self._read_again is not None
        transcript = task.sentence.hear_again(heard, self._read_again(), task.at_ms)
        return [transcript] if transcript else []

    def _take(self, samples: NDArray[np.int16], start: int) -> Asking[None]:
        late = self._expected - start
        if late > 0:
            samples = samples[late:]  # heard before: sent twice, or arrived out of order
        if not len(samples):
            return
        if late < 0:
            yield from self._gap(start)
        self._expected += len(samples)
        yield from self._hear(self._resampler.push(samples))

    def _hear(self, sound: Samples) -> Asking[None]:
        """Take 16 kHz sound."""
        if len(sound):
            start = self._cutter.position
            actions = yield from self._cutter.taking(
                sound
            )  # refuses what is not sound, before it is measured
            if self._meter is not None:
                self._tell(self._meter.hear(self.party, sound, start))
            self._act(actions)

    def _tell(self, metrics: Sequence[AsrEvent]) -> None:
        if metrics:
            self.entries.append(Entry(self.at_ms, self._heard_ms(), [*metrics], None))

    def _activity(self, speaking: bool, at_ms: int) -> None:
        if self._meter is not None:
            self._tell(self._meter.activity(self.party, speaking, at_ms))

    def _gap(self, start: int) -> Asking[None]:
        missing_ms = (start - self._expected) * 1000 // self._rate
        if missing_ms > self._config.furthest_gap_ms:
            raise BadAudio(
                "impossible_position",
                f"a packet begins {missing_ms // 1000} s after the one before it",
            )
        begin_ms = self.at_ms
        if missing_ms <= self._config.bridge_ms:
            silence = np.zeros(start - self._expected, np.int16)
            yield from self._hear(self._resampler.push(silence))
        else:
            yield from self._hear(self._resampler.end())
            self._act(self._cutter.gap(self._in_16k(start)))
            self._resampler = Resampler(self._rate)
        self._expected = start
        gap = AudioGap(self.call, self.party, begin_ms, self.at_ms, "packets missing")
        self.entries.append(Entry(self.at_ms, self._heard_ms(), [gap], None))

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Begin():
                    self._begin(action)
                case Speech():
                    self._speak(action)
                case End():
                    self._finish(action)
                case Mark():
                    self._not_speech(action)

    def _not_speech(self, mark: Mark) -> None:
        leak = self._leak
        if leak is not None:
            apart = (mark.start_sample - leak.end_sample) // PER_MS
            lasts = (mark.end_sample - leak.start_sample) // PER_MS
            if apart <= _LEAK_TOGETHER_MS and lasts <= _LEAK_LONGEST_MS:
                # Vowels of a leaking voice can pass for music: it is all one sound.
                self._leak = replace(leak, end_sample=mark.end_sample)
                return
            self._tell_leak()
        if mark.kind == "crosstalk":
            self._leak = mark
        else:
            self._tell_mark(mark)

    def _tell_leak(self) -> None:
        leak, self._leak = self._leak, None
        if leak is not None:
            self._tell_mark(leak)

    def _tell_mark(self, mark: Mark) -> None:
        start_ms, end_ms = mark.start_sample // PER_MS, mark.end_sample // PER_MS
        told = NotSpeech(self.call, self.party, mark.kind, start_ms, end_ms)
        self.entries.append(Entry(self.at_ms, self._heard_ms(), [told], None))

    def _begin(self, begin: Begin) -> None:
        self._count += 1
        utterance = self._decoder.open()
        sentence = Sentence(
            self.call,
            self.party,
            f"{self.party.value}-{self._count}",
            begin.start_sample // PER_MS,
            begin.onset_sample // PER_MS,
            self._new_wording(),
            self._config.show,
        )
        self._under_way[utterance] = sentence
        whole = Utterance(WHOLE) if self._read_again else None
        self._open = _Open(utterance, sentence, begin.start_sample, whole)
        self._activity(True, begin.onset_sample // PER_MS)

    def _speak(self, speech: Speech) -> None:
        spoken = self._open
        assert spoken is not None
        spoken.utterance.push(speech.samples)
        if spoken.whole is not None:
            spoken.whole.push(speech.samples)
        spoken.samples += len(speech.samples)
        at_ms = (speech.start_sample + len(speech.samples)) // PER_MS
        chunk = self._decoder.shape.samples
        every = self._config.early_every_ms
        while True:
            # Early partials are counted from the last chunk, which has one built in.
            early = chunk if every is None else (spoken.early + 1) * every * PER_MS
            if early < chunk and spoken.chunks * chunk + early <= spoken.samples:
                spoken.early += 1
                asked = spoken.chunks * chunk + early
                if asked >= self._config.early_from_ms * PER_MS:
                    self._ask(spoken, Kind.EARLY, asked, at_ms, spoken.heard_ms)
            elif (spoken.chunks + 1) * chunk <= spoken.samples:
                spoken.chunks += 1
                spoken.early = 0
                # The last character may still be under way where a chunk's firm part ends.
                shape = self._decoder.shape
                frames = max(spoken.chunks * shape.size - shape.ahead - 4, 0)
                spoken.heard_ms = spoken.origin // PER_MS + frames * FRAME_MS
                self._ask(spoken, Kind.CHUNK, spoken.chunks * chunk, at_ms, spoken.heard_ms)
            else:
                return

    def _finish(self, end: End) -> None:
        spoken = self._open
        assert spoken is not None
        self._open = None
        at_ms, spoken_ms = end.end_sample // PER_MS, end.spoken_sample // PER_MS
        self._ask(spoken, Kind.END, spoken.samples, at_ms, at_ms, until_ms=spoken_ms)
        self._activity(False, spoken_ms)
        if spoken.whole is not None and TOO_SHORT_SAMPLES <= spoken.samples <= WHOLE.samples:
            question = Question(spoken.whole, Kind.AGAIN, spoken.samples)
            due_ms = at_ms + self._config.again_after_ms
            task = Task(self, spoken.sentence, question, spoken_ms, due_ms)
            self.entries.append(Entry(due_ms, 0, [], task))

    def _ask(
        self,
        spoken: _Open,
        kind: Kind,
        samples: int,
        at_ms: int,
        heard_ms: int,
        until_ms: int | None = None,
    ) -> None:
        until = (spoken.origin + samples) // PER_MS if until_ms is None else until_ms
        question = Question(spoken.utterance, kind, samples)
        task = Task(self, spoken.sentence, question, until, at_ms)
        self.entries.append(Entry(at_ms, heard_ms, [], task))

    def _in_16k(self, sample: int) -> int:
        return -(-sample * 16_000 // self._rate)

    def _unheard_ms(self) -> list[int]:
        return [sentence.heard_ms for sentence in self._under_way.values()]

    def _heard_ms(self) -> int:
        if self._open is not None:
            return self._open.heard_ms
        return max(self._cutter.position // PER_MS - self._late_ms, 0)

    def _mark(self) -> None:
        """Say now and then that there is nothing to say."""
        leak = self._leak
        if leak and self._cutter.position - leak.end_sample > _LEAK_TOGETHER_MS * PER_MS:
            self._tell_leak()
        heard_ms = self._heard_ms()
        if self._open is None and heard_ms - self._marked_ms >= 250:
            self._marked_ms = heard_ms
            self.entries.append(Entry(self.at_ms, heard_ms, [], None))


@dataclass(eq=False, slots=True)
class _Open:
    """The utterance under way."""

    utterance: Utterance
    sentence: Sentence
    origin: int
    """16 kHz sample of the call at which its sound begins."""
    whole: Utterance | None
    """All of its sound, for the second pass."""
    samples: int = 0
    chunks: int = 0
    early: int = 0
    """Early partials asked for since the last chunk."""
    heard_ms: int = 0

    def __post_init__(self) -> None:
        self.heard_ms = self.origin // PER_MS
