"""The long form of the equality proof: full size, random weights, FunASR alone against our batch.

Streams join at different times, in packets of different sizes, with ragged ends. Ids must be equal.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.paraformer.decoder import Decoder, Kind, Question
from asr.paraformer.reference import FULL, Size, random_reference


def sound(samples: int, seed: int) -> NDArray[np.float32]:
    """Something that changes like speech does: a gliding tone in bursts, over noise."""
    dice = np.random.default_rng(seed)
    t = np.arange(samples) / 16_000
    glide = 200 + 900 * np.abs(np.sin(t * (1 + seed % 7)))
    bursts = dice.random(samples // 1600 + 1).repeat(1600)[:samples]
    wave = 0.2 * np.sin(2 * np.pi * glide * t) * bursts
    return (wave + 0.03 * dice.standard_normal(samples)).astype(np.float32)


def measure(
    streams: int,
    seconds: float,
    seed: int = 0,
    size: Size = FULL,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Token ids of every stream, ours and FunASR's."""
    dice = random.Random(seed)
    reference = random_reference(size, seed)
    sounds = [
        sound(int(16_000 * seconds * dice.uniform(0.5, 1.0)), seed + n) for n in range(streams)
    ]
    joins = [dice.randrange(6) for _ in sounds]
    ours = _ours(Decoder(reference.model()), sounds, joins)
    progress("decoded in one batch")
    found = []
    for number, whole in enumerate(sounds):
        step = dice.choice([160, 800, 9_600, 16_000])
        pieces = (whole[at : at + step] for at in range(0, len(whole), step))
        found.append({"ours": ours[number], "funasr": reference.decode(pieces)})
        progress(f"stream {number + 1} of {streams}: {len(found[-1]['funasr'])} tokens")
    return {"streams": found}


def _ours(decoder: Decoder, sounds: list[NDArray[np.float32]], joins: list[int]) -> list[list[int]]:
    size = decoder.shape.samples
    unspoken = decoder.model.unspoken
    heard: list[list[int]] = [[] for _ in sounds]
    streams = [decoder.open() for _ in sounds]
    turn, going = 0, set(range(len(sounds)))
    while going:
        asked = []
        for n in sorted(going):
            chunk = turn - joins[n]
            if chunk < 0:
                continue
            samples = sounds[n]
            streams[n].push(samples[chunk * size : (chunk + 1) * size])
            # Exactly at its end a stream has a chunk and then an end without sound.
            ends = chunk * size + size > len(samples)
            kind = Kind.END if ends else Kind.CHUNK
            asked.append((n, Question(streams[n], kind, min((chunk + 1) * size, len(samples)))))
        answers = decoder.hear([question for _, question in asked]) if asked else []
        for (n, question), answer in zip(asked, answers, strict=True):
            firm = len(answer.ids) if question.kind is Kind.END else answer.firm
            best = answer.ids[:firm, 0].tolist()
            heard[n].extend(token for token in best if token not in unspoken)
            if question.kind is Kind.END:
                decoder.close(streams[n])
                going.remove(n)
        turn += 1
    return heard
