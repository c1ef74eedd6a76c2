"""The stages before training, as functions of a work directory."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import torch

from .architecture import build, write_checksums, write_cmvn, write_model, write_tokens
from .dataset import load_corpus
from .ngram import estimate
from .speech import speak_all
from .text import (
    PHRASES,
    Generator,
    Grammar,
    Sentence,
    dictionary,
    vocabulary,
    wider_vocabulary,
    written_sentences,
    written_speech,
)
from .train import Run, Schedule, averaged_model
from .withheld import clauses, load_withheld, read_sentences

WORK = Path(__file__).with_name("work")
BUNDLED = Path(__file__).parents[1] / "bundled"
DIALOGUES = Path(__file__).parents[2] / "benchmarks" / "dialogues"
SAYINGS = Path(__file__).parents[2] / "assist_rules" / "data" / "sayings"
SENTENCES = 40_000
WRITTEN_TIMES = 3
WRITTEN_JOINED = 5_000
TIMES_HEARD = 8
PER_SHARD = 2_000
TEXT_SEED = 2_411
LM_SENTENCES = 30_000
WRITTEN_REPEATS = 5
LM_SEED = 911
STEPS = 12_000
DECAY = 2_800


def make_text(work: Path = WORK, count: int = SENTENCES) -> None:
    """sentences.json and tokens.json."""
    work.mkdir(parents=True, exist_ok=True)
    rng = random.Random(TEXT_SEED)
    generator, characters, wider = make_generator()
    sentences = generator.distinct(count, rng)
    withheld = load_withheld()
    written = written_sentences(withheld)
    sentences += written_speech(written, withheld, WRITTEN_TIMES, WRITTEN_JOINED, rng)
    said = [sentence.text for sentence in sentences]
    sentences += wider.covering(said, TIMES_HEARD, rng)
    rows = [[sentence.text, sentence.kind] for sentence in sentences]
    (work / "sentences.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    write_tokens(work / "tokens.json", characters)


def make_generator() -> tuple[Generator, list[str], Generator]:
    """The sentence generator with everything withheld, all characters, and a generator of them.

    Templates need fewer characters than people use; the second generator knows those as well.
    """
    grammar, words, withheld = Grammar(), dictionary(), load_withheld()
    narrow = vocabulary(grammar, words)
    characters = wider_vocabulary(narrow, written_sentences(withheld), words)
    return (
        Generator(grammar, words, narrow, withheld),
        characters,
        Generator(grammar, words, characters, withheld),
    )


def make_speech(work: Path = WORK, processes: int = 2) -> None:
    """The shards."""
    rows = json.loads((work / "sentences.json").read_text(encoding="utf-8"))
    sentences = [Sentence(text, kind) for text, kind in rows]
    speak_all(sentences, work / "speech", PER_SHARD, processes)


def train(work: Path = WORK, steps: int = STEPS, decay: int = DECAY, workers: int = 2) -> None:
    """checkpoint.pt, from the shards; goes on where an earlier run stopped."""
    torch.set_num_threads(1)  # before the workers are forked: no thread may live in the parent
    tokens = json.loads((work / "tokens.json").read_text(encoding="utf-8"))
    corpus = load_corpus(work / "speech", tokens, load_withheld())
    write_cmvn(work / "am.mvn", corpus.mean, corpus.deviation)
    print(f"{len(corpus.utterances)} utterances, {corpus.hours:.1f} h", flush=True)
    model = build(work / "tokens.json", work / "am.mvn")
    run = Run(model, corpus, len(tokens), work, workers)
    run.resume()
    run.train(Schedule(steps, decay))


def export(work: Path = WORK, directory: Path = BUNDLED) -> None:
    """The model directory from the averaged weights of the last checkpoint."""
    state = torch.load(work / "checkpoint.pt", weights_only=True)
    model = averaged_model(build(work / "tokens.json", work / "am.mvn"), state["average"])
    write_model(model, work / "tokens.json", work / "am.mvn", directory)
    write_checksums(directory)
    print(f"{directory} holds the weights of step {state['step']}", flush=True)


def language_sentences(characters: list[str]) -> list[str]:
    """Everything written by hand, for the language model: sentences, dialogues, sayings.

    Of the dialogues those of the development split; the rules are judged by the others.
    """
    withheld, known = load_withheld(), set(characters)
    found = written_sentences(withheld)
    for path in sorted(PHRASES.glob("language*.txt")):
        found += read_sentences(path)
    for path in sorted(DIALOGUES.glob("dev*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            found += [turn["text"] for turn in json.loads(line)["turns"]]
    for path in sorted(SAYINGS.glob("*.txt")):
        found += read_sentences(path)
    distinct = dict.fromkeys(",".join(clauses(text)) for text in found)
    return [t for t in distinct if t and set(t) <= known | {","} and not withheld.blocks(t)]


def make_language_model(directory: Path = BUNDLED, count: int = LM_SENTENCES) -> None:
    """lm.npz, from what was written, generated text, and the dictionary."""
    generator, characters, _ = make_generator()
    stream = generator.stream(random.Random(LM_SEED), ("template", "dialogue", "number"))
    generated = (sentence.text for sentence in itertools.islice(stream, count))
    written = language_sentences(characters) * WRITTEN_REPEATS
    model = estimate(itertools.chain(written, generated), dictionary(), characters)
    directory.mkdir(parents=True, exist_ok=True)
    model.save(directory / "lm.npz")
    write_checksums(directory)
