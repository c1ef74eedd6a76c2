"""How many calls this machine can hear, from the processor time that their parts take on it.

A few steps on made-up sound, before the first call: what a packet of silence costs, the voice
network, a chunk in a batch, the reading of a character. Processor time, not wall time, so that
what else runs just then does not change the answer; while calls go on, the measured load refuses
new ones as well (:attr:`asr.live.EngineConfig.refuse_above_load`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from asr.audio.vad import HOP, VoiceActivity, hear_together
from asr.call import CallStream
from asr.events import AudioFrame, CallId, Party
from asr.live import EngineConfig
from asr.paraformer.decoder import Decoder, Kind, Question, Utterance
from asr.paraformer.features import RATE
from asr.paraformer.load import Model
from asr.paraformer.wording import Wording
from asr.second_pass import hear_whole

_ENDS_A_SECOND = 0.3
_CHARACTERS_A_SECOND = 4.5
_SERVICE_MS = 6.0
"""Processor time of sockets, rules and event loop for a second of a call. It shares the
interpreter with the worker, so it counts."""
_BATCH = 8
_TURNS = 4


@dataclass(frozen=True, slots=True)
class Costs:
    """Processor ms."""

    silence: float
    """A second of one silent party, packets of 20 ms."""
    voice: float
    """The voice network in a batch, for a second of one party's speech."""
    chunk: float
    """One chunk of one stream in a batch."""
    character: float
    """Reading one character."""

    def call_ms(self, chunk_ms: int) -> float:
        """A second of a call of two parties, one of whom speaks at a time, without early partials."""
        rows = 1000 / chunk_ms + _ENDS_A_SECOND
        reading = self.character * _CHARACTERS_A_SECOND
        return 2 * self.silence + self.voice + rows * self.chunk + reading + _SERVICE_MS


def rated_calls(
    model: Model, config: EngineConfig, new_wording: Callable[[], Wording]
) -> tuple[int, Costs]:
    """How many calls one worker can take, at least one, and what that was reckoned from."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # processor time of one thread is what is measured
    try:
        costs = measure(model, config, new_wording)
    finally:
        torch.set_num_threads(threads)
    spare_ms = 1000 * min(config.refuse_above_load, 1.0)
    chunk_ms = config.shape.samples // 16
    return max(1, int(spare_ms / costs.call_ms(chunk_ms))), costs


def measure(model: Model, config: EngineConfig, new_wording: Callable[[], Wording]) -> Costs:
    """Time the parts. The first turn of each is left out: it builds what stays."""
    dice = np.random.default_rng(0)
    decoder = Decoder(model, config.shape)
    chunks = [_chunk_ms(decoder, dice) for _ in range(2)]
    return Costs(
        silence=min(_silence_ms(decoder, config, new_wording) for _ in range(3)),
        voice=min(_voice_ms(dice) for _ in range(3)),
        chunk=min(chunks),
        character=min(_character_ms(model, new_wording, dice) for _ in range(3)),
    )


def again_ms(decoder: Decoder) -> float:
    """Processor ms of a second pass over a second of speech; ``decoder`` is a second pass's own."""
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32) * np.float32(0.1)

    def hear() -> None:
        utterance = Utterance(decoder.shape)
        utterance.push(noise)
        hear_whole(decoder, [Question(utterance, Kind.AGAIN, len(noise))])

    return min(_timed(hear) for _ in range(2)) * RATE / len(noise)


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1000


def _silence_ms(
    decoder: Decoder, config: EngineConfig, new_wording: Callable[[], Wording]
) -> float:
    call, party = CallId("rating"), Party.UNKNOWN
    stream = CallStream(call, [party], 8_000, decoder, new_wording, config.party)
    packets = [AudioFrame(call, party, at, bytes(320)) for at in range(0, 8_000, 160)]

    def hear() -> None:
        for packet in packets:
            stream.push(packet)
            stream.collect()

    return _timed(hear)


def _voice_ms(dice: np.random.Generator) -> float:
    voices = [VoiceActivity() for _ in range(_BATCH)]
    hops = dice.standard_normal((16_000 // HOP, HOP)).astype(np.float32) * np.float32(0.1)

    def hear() -> None:
        for hop in hops:
            hear_together([(voice, hop) for voice in voices])

    return _timed(hear) / _BATCH


def _chunk_ms(decoder: Decoder, dice: np.random.Generator) -> float:
    streams = [decoder.open() for _ in range(_BATCH)]
    size = decoder.shape.samples
    took = []
    for turn in range(_TURNS):
        for stream in streams:
            stream.push(dice.standard_normal(size).astype(np.float32) * np.float32(0.1))
        asked = [Question(stream, Kind.CHUNK, (turn + 1) * size) for stream in streams]
        took.append(_timed(lambda asked=asked: decoder.hear(asked)))  # type: ignore[misc]
    for stream in streams:
        decoder.close(stream)
    return min(took[1:]) / _BATCH


def _character_ms(
    model: Model, new_wording: Callable[[], Wording], dice: np.random.Generator
) -> float:
    count, most = 16, min(8, len(model.tokens))
    ids = np.stack([dice.permutation(len(model.tokens))[:most] for _ in range(count)])
    logp = -np.sort(dice.exponential(2.0, (count, most)), axis=1).astype(np.float32)
    wording = new_wording()
    return _timed(lambda: wording.absorb(ids.astype(np.int64), logp)) / count
