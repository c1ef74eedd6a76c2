"""Turn the hand-written `source/*.txt` into a `.jsonl` file for each split.

    python -m benchmarks.dialogues.assemble            # write them
    python -m benchmarks.dialogues.assemble --check    # compare with the committed files

A source file holds calls of one split and domain. The words are written by hand; only times,
ids and the lenient `optional` entries described in README.md are worked out here.

    == telecom the point of the call, for readers
    A 您好，星桥通信，请问有什么可以帮您
    C 装的时候你们吹得天花乱坠 | !complaint 吹得天花乱坠 ?anger

`A` is the agent, `C` the customer. `!category quote` must fire, `?category` may.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from benchmarks.dialogues import ABSENCES, CATEGORIES, FOLDER, Role, Split

SOURCE = FOLDER / "source"
SPLITS: tuple[Split, ...] = get_args(Split)

START_MS = 600
MS_PER_CHARACTER = 250
MS_PER_PAUSE_MARK = 150
SHORTEST_GAP_MS, LONGEST_GAP_MS = 300, 1200
#: One call in so many keeps its punctuation; the others read like a live recogniser's text.
PUNCTUATED_EVERY = 4

_ROLES: dict[str, Role] = {"A": "agent", "C": "customer"}
_PUNCTUATION = re.compile("[，。？！、]")
_MARK = re.compile(r"([!?])(\w+)(?: ([^!?|]+))?")
#: After one of these the agent had better show sympathy.
_UPSET = ("complaint", "anger", "danger", "repeat", "escalation", "churn")
_SYMPATHY = re.compile(
    "抱歉|对不起|对不住|道歉|过意不去|不好意思|赔个不是|赔礼|理解|体会|感同身受|心情|委屈|难过|"
    "我们的(错|失误|疏忽|问题|责任)|我们(错了|失职|不对)"
)
_PROMISE = re.compile(
    "尽快|马上|稍后|立刻|保证|一定|肯定|绝对|保准|准到|之前|之内|左右|工作日|分钟|我会|会给|会有|"
    "会联系|回头|快了|[点班午天底号]前|周.前"
)
_CATCHPHRASE = re.compile(
    "哦|噢|那你|嗯|这个嘛|有意思|晕|我靠|不会吧|据说|也许|随便|随你|哈哈|哎呀|得得得"
)


class SourceError(ValueError):
    """A source file is not written as described; the message names the line."""


@dataclass(frozen=True, slots=True)
class Mark:
    required: bool
    category: str
    quote: str


@dataclass(slots=True)
class Written:
    """One call as it stands in a source file."""

    domain: str
    turns: list[tuple[Role, str, list[Mark]]] = field(default_factory=list)


def assemble(split: Split) -> list[dict[str, Any]]:
    """All dialogues of one split in the wire format."""
    assembled: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for path in sorted(SOURCE.glob(f"{split}-*.txt")):
        for written in read(path):
            counts[written.domain] = counts.get(written.domain, 0) + 1
            assembled.append(
                _dialogue(f"{split}-{written.domain}-{counts[written.domain]:02d}", written)
            )
    return assembled


def read(path: Path) -> Iterator[Written]:
    """Parse one source file."""
    written: Written | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("== "):
            if written:
                yield written
            written = Written(line.split()[1])
        elif line.strip():
            if written is None or line[:2] not in ("A ", "C "):
                raise SourceError(f"{path.name}:{number}: expected '== ', 'A ' or 'C '")
            text, _, marks = line[2:].partition("|")
            role = _ROLES[line[0]]
            try:
                written.turns.append((role, text.strip(), list(_marks(role, marks))))
            except ValueError as error:
                raise SourceError(f"{path.name}:{number}: {error}") from error
    if written:
        yield written


def _marks(role: Role, text: str) -> Iterator[Mark]:
    if _MARK.sub("", text).strip():
        raise ValueError(f"cannot read the marks {text!r}")
    for kind, name, quote in _MARK.findall(text):
        category = f"{role}.{name}"
        if category not in CATEGORIES:
            raise ValueError(f"{category} is not a category")
        if (kind == "!" and category not in ABSENCES) != bool(quote.strip()):
            raise ValueError(f"{category}: only a required cue has a quote")
        yield Mark(kind == "!", category, quote.strip())


def _dialogue(name: str, written: Written) -> dict[str, Any]:
    punctuated = zlib.crc32(name.encode()) % PUNCTUATED_EVERY == 0
    turns = _timed(name, [(role, text) for role, text, _ in written.turns])
    labels: list[dict[str, Any]] = []
    optional: list[dict[str, Any]] = []
    for index, (_, text, marks) in enumerate(written.turns):
        for mark in marks:
            if mark.quote not in text:
                raise SourceError(f"{name}: {mark.quote!r} is not in {text!r}")
            if mark.required:
                labels.append({"turn": index, "category": mark.category, "quote": mark.quote})
            else:
                optional.append({"turn": index, "category": mark.category})
    taken = {(entry["turn"], entry["category"]) for entry in labels + optional}
    for index, category in _lenient(written):
        if (index, category) not in taken:
            optional.append({"turn": index, "category": category})
    optional.sort(key=lambda entry: (entry["turn"], CATEGORIES.index(entry["category"])))
    if not punctuated:
        for turn in turns:
            turn["text"] = _PUNCTUATION.sub("", turn["text"])
        for label in labels:
            label["quote"] = _PUNCTUATION.sub("", label["quote"])
    possible = {entry["category"] for entry in labels + optional}
    return {
        "id": name,
        "domain": written.domain,
        "turns": turns,
        "labels": labels,
        "absent": [category for category in CATEGORIES if category not in possible],
        "optional": optional,
    }


def _lenient(written: Written) -> Iterator[tuple[int, str]]:
    """What the meanings of the categories leave open, so that it must not count either way."""
    upset = False
    for index, (role, text, marks) in enumerate(written.turns):
        if role == "customer":
            yield index, "customer.type.*"
            upset = upset or any(mark.category.split(".")[1] in _UPSET for mark in marks)
            continue
        if upset and not _SYMPATHY.search(text):
            yield index, "agent.missing_empathy"
        upset = False
        if _PROMISE.search(text):
            yield index, "agent.promise"
        if _CATCHPHRASE.search(text):
            yield index, "agent.catchphrase"


def _timed(name: str, said: Sequence[tuple[Role, str]]) -> list[dict[str, Any]]:
    """Four characters a second, and a pause before every turn."""
    turns = []
    now_ms = START_MS
    for index, (role, text) in enumerate(said):
        marks = len(_PUNCTUATION.findall(text))
        end_ms = now_ms + (len(text) - marks) * MS_PER_CHARACTER + marks * MS_PER_PAUSE_MARK
        turns.append({"role": role, "start_ms": now_ms, "end_ms": end_ms, "text": text})
        chance = zlib.crc32(f"{name}/{index}".encode())
        now_ms = end_ms + SHORTEST_GAP_MS + chance % (LONGEST_GAP_MS - SHORTEST_GAP_MS + 1)
    return turns


def to_jsonl(assembled: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(dialogue, ensure_ascii=False) + "\n" for dialogue in assembled)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check: bool = parser.parse_args().check
    failed = False
    for split in SPLITS:
        path = FOLDER / f"{split}.jsonl"
        dialogues = assemble(split)
        text = to_jsonl(dialogues)
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
            sys.stdout.write(f"{path.name}: {len(dialogues)} dialogues\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            failed = True
            sys.stdout.write(f"{path.name} is not what its source says\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
