"""Measures what a partial costs the rules, and how long a large pack takes to load."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from asr.events import CallId, Party, Transcript
from assist_rules.compiled import keep, take
from assist_rules.events import CallInfo
from assist_rules.rulebook import Rulebook, load_rulebook
from assist_rules.session import RuleSession
from assist_rules.tools.speech import Spoken, Steps, duration_ms, partials

RULES, PHRASES = 5_000, 50_000
UTTERANCES = 200
ROUNDS = 5
LOADS = 3
CHARS = 30
CATEGORIES = ("customer.complaint", "customer.anger", "customer.repeat", "agent.forbidden")


def words(limit: int = 20_000) -> list[str]:
    """Frequent words of two and more characters from jieba's dictionary."""
    import jieba

    path = Path(jieba.__file__).parent / "dict.txt"
    rows = (line.split(" ") for line in path.read_text(encoding="utf-8").splitlines())
    ranked = sorted(((int(r[1]), r[0]) for r in rows if 2 <= len(r[0]) <= 4), reverse=True)
    return [word for _, word in ranked[:limit] if all("\u4e00" <= c <= "\u9fa5" for c in word)]


def large_pack(rules: int = RULES, phrases: int = PHRASES) -> str:
    """A pack of that size in the rule language: plain phrases, gaps, exceptions, absences."""
    vocabulary = words()
    steps = Steps("large pack")
    each = max(1, phrases // rules)
    out = ["pack: large", "rules:"]
    for number in range(rules):
        category = CATEGORIES[number % len(CATEGORIES)]
        role = category.split(".")[0]
        said = []
        for i in range(each):
            one = vocabulary[steps.below(len(vocabulary))]
            other = vocabulary[steps.below(len(vocabulary))]
            said.append(f"{one}<4>{other}" if i % 5 == 4 else one + other)
        if number % 25 == 0:
            said[0] = vocabulary[steps.below(500)]
        out += [
            f"  - id: large.r{number}",
            f"    category: {category}",
            "    severity: low",
            f"    title: 规则{number}",
            "    when:",
            f"      role: {role}",
            f"      say: [{', '.join(said)}]",
            f"      except: [{said[0]}以外, 不是{said[1]}]",
            "    tests:",
            f"      - fires: [{said[1]}]",
            "      - silent: [今天下午三点]",
        ]
    return "\n".join(out) + "\n"


def utterances(count: int, rulebook: Rulebook) -> Iterator[str]:
    """Text of ordinary words in which now and then a phrase of the rulebook comes."""
    vocabulary = words(3_000)
    steps = Steps("utterances")
    known = [t for say in rulebook.leaves for s in say.phrases[:2] for t in list(s.parts[0])[:1]]
    for number in range(count):
        text = ""
        while len(text) < CHARS:
            if number % 3 == 0 and steps.below(6) == 0:
                text += known[steps.below(len(known))]
            text += vocabulary[steps.below(len(vocabulary))]
        yield text[:CHARS]


def stream(texts: Sequence[str]) -> list[Transcript]:
    """The texts as a call: growing, a fifth of the steps revised."""
    call = CallId("bench")
    heard: list[Transcript] = []
    clock = 0
    for number, text in enumerate(texts):
        party = Party.AGENT if number % 2 else Party.CUSTOMER
        end = clock + duration_ms(text)
        heard.extend(partials(call, Spoken(party, clock, end, text, f"u{number}")))
        clock = end + 400
    return heard


def measure(rulebook: Rulebook, texts: Sequence[str], per_call: int = 40) -> list[float]:
    """Microseconds of CPU for each partial, the whole path.

    Every call is played ``ROUNDS`` times and the least time of each partial kept: sessions are
    deterministic, so what differs between rounds is what other programs did to the caches.
    """
    costs: list[float] = []
    gc.collect()
    gc.disable()
    try:
        for first in range(0, len(texts), per_call):
            inputs = stream(texts[first : first + per_call])
            rounds = [_play(rulebook, inputs) for _ in range(ROUNDS)]
            costs.extend(map(min, zip(*rounds, strict=True)))
    finally:
        gc.enable()
    return costs


def _play(rulebook: Rulebook, inputs: Sequence[Transcript]) -> list[float]:
    session = RuleSession(rulebook, CallInfo(CallId("bench")))
    costs = []
    for transcript in inputs:
        before = time.thread_time_ns()
        session.hear(transcript)
        costs.append((time.thread_time_ns() - before) / 1000)
    return costs


def summary(costs: Sequence[float]) -> dict[str, Any]:
    """Mean and percentiles, in microseconds."""
    ordered = sorted(costs)

    def at(percent: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))], 1)

    return {
        "partials": len(ordered),
        "mean_us": round(sum(ordered) / len(ordered), 1),
        "p50_us": at(50),
        "p99_us": at(99),
        "p999_us": at(99.9),
    }


def bench_large(rules: int = RULES, phrases: int = PHRASES) -> dict[str, Any]:
    """Load a generated pack of that size and run calls through it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.yaml"
        path.write_text(large_pack(rules, phrases), encoding="utf-8")
        loads = []
        for _ in range(LOADS):
            before = time.thread_time()
            rulebook = load_rulebook([path])
            loads.append(time.thread_time() - before)
        keep(Path(folder), "large.rulebook", rulebook)
        again = []
        for _ in range(LOADS):
            before = time.thread_time()
            kept = take(Path(folder), "large.rulebook")
            again.append(time.thread_time() - before)
        assert kept is not None
        rulebook = kept
    texts = list(utterances(UTTERANCES, rulebook))
    measure(rulebook, texts[:40])
    costs = measure(rulebook, texts)
    return {
        "rules": len(rulebook.rules),
        "phrases": rulebook.phrase_count,
        "load_cpu_s": round(min(loads), 3),
        "load_compiled_cpu_s": round(min(again), 3),
        **summary(costs),
    }


def bench_shipped() -> dict[str, Any]:
    """The same for the packs we ship."""
    before = time.thread_time()
    rulebook = load_rulebook()
    load_cpu = time.thread_time() - before
    texts = list(utterances(UTTERANCES, rulebook))
    measure(rulebook, texts[:40])
    return {
        "rules": len(rulebook.rules),
        "phrases": rulebook.phrase_count,
        "load_cpu_s": round(load_cpu, 3),
        **summary(measure(rulebook, texts)),
    }
