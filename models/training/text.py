"""Sentences of customer-service calls, made from the templates in `phrases/`.

A sentence holds Hanzi and commas; a comma is spoken as a pause and never recognised. Kinds:

    template   one filled template
    dialogue   clauses of one topic joined, as people talk
    domain     words of the trade in no order: they teach sound, not habit
    word       dictionary words, frequent ones more often: every character of the vocabulary is heard
    number     telephone numbers, dates, times, amounts on their own
    written    sentences written one by one in `phrases/spoken_*.txt`, and their clauses joined anew

The generator of all but the last is endless and seeded. Nothing it yields touches a withheld sentence.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import numbers
from .withheld import Withheld, clauses, read_sentences

Kind = Literal["template", "dialogue", "domain", "word", "number", "written"]

PHRASES = Path(__file__).with_name("phrases")
VOCABULARY_SIZE = 2_500
WIDER_VOCABULARY_SIZE = 2_950
LONGEST = 26  # characters of one utterance

_SLOT = re.compile(r"\{(\w+)\}")
_HANZI_WORD = re.compile(r"[\u4e00-\u9fff]{1,4}")
_GIVEN_NAMES = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国文志海燕婷宇浩欣怡子轩雨晨思佳慧斌鹏峰琳颖雪梅红波辉凯旭博梓涵"


@dataclass(frozen=True, slots=True)
class Sentence:
    """Text to speak, and how it was made."""

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Word:
    """A dictionary word and how often it occurs in jieba's count."""

    text: str
    count: int


def dictionary() -> list[Word]:
    """jieba's words of one to four Hanzi that are not rare."""
    import jieba

    path = Path(jieba.__file__).with_name("dict.txt")
    words = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text, count = line.split(" ")[:2]
        if _HANZI_WORD.fullmatch(text) and int(count) >= 20:
            words.append(Word(text, int(count)))
    return words


class Grammar:
    """Templates by topic, and slots."""

    def __init__(self, directory: Path = PHRASES) -> None:
        self.slots: dict[str, list[str]] = {}
        for line in _lines(directory / "slots.txt"):
            name, values = line.split(" = ", 1)
            self.slots[name] = values.split("|")
        self.topics: dict[str, list[str]] = {}
        topic = ""
        for line in (directory / "templates.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                topic = line[2:].strip()
            elif line.strip():
                self.topics.setdefault(topic, []).append(line.strip())
        self._made: dict[str, Callable[[random.Random], str]] = {
            "number": numbers.amount,
            "money": numbers.money,
            "date": numbers.date,
            "clock": numbers.clock,
            "phone": numbers.phone,
            "digits": lambda rng: numbers.digits(rng, rng.randint(5, 12)),
            "digits4": lambda rng: numbers.digits(rng, 4),
            "digits5": lambda rng: numbers.digits(rng, 5),
            "digits6": lambda rng: numbers.digits(rng, 6),
            "name": self._name,
            "name2": lambda rng: rng.choice(_GIVEN_NAMES),
            "surname2": lambda rng: rng.choice(self.slots["surname"]),
        }

    def fill(self, template: str, rng: random.Random) -> str:
        """Replace every slot, slots in slots included."""
        while match := _SLOT.search(template):
            name = match.group(1)
            value = self._made[name](rng) if name in self._made else rng.choice(self.slots[name])
            template = template[: match.start()] + value + template[match.end() :]
        return template

    def characters(self) -> set[str]:
        """Every Hanzi that the templates and slots can produce."""
        text = "".join(itertools.chain(*self.topics.values(), *self.slots.values()))
        made = (
            numbers.DIGITS
            + "十百千万两点幺块年月日号早上下午晚中半钟一刻左右以前后分到今去明这个多"
        )
        return {c for c in text + made + _GIVEN_NAMES if "\u4e00" <= c <= "\u9fff"}

    def _name(self, rng: random.Random) -> str:
        given = "".join(rng.choice(_GIVEN_NAMES) for _ in range(rng.choice((1, 2, 2))))
        return rng.choice(self.slots["surname"]) + given


def vocabulary(grammar: Grammar, words: list[Word], size: int = VOCABULARY_SIZE) -> list[str]:
    """The grammar's characters, then the most frequent ones of the dictionary; sorted."""
    counts: Counter[str] = Counter()
    for word in words:
        for character in word.text:
            counts[character] += word.count
    chosen = grammar.characters()
    for character, _ in counts.most_common():
        if len(chosen) >= size:
            break
        chosen.add(character)
    return sorted(chosen)


def wider_vocabulary(
    characters: Sequence[str], written: Iterable[str], words: list[Word]
) -> list[str]:
    """`characters`, those of written sentences, and again the most frequent ones; sorted."""
    counts: Counter[str] = Counter()
    for word in words:
        for character in word.text:
            counts[character] += word.count
    chosen = set(characters) | {c for text in written for c in text if "\u4e00" <= c <= "\u9fff"}
    for character, _ in counts.most_common():
        if len(chosen) >= WIDER_VOCABULARY_SIZE:
            break
        chosen.add(character)
    return sorted(chosen)


class Generator:
    """An endless, seeded stream of sentences in a fixed mix of kinds."""

    #: Share of each kind in speech. Language-model text uses templates and dialogue only.
    MIX: tuple[tuple[Kind, float], ...] = (
        ("template", 0.48),
        ("dialogue", 0.25),
        ("domain", 0.06),
        ("word", 0.16),
        ("number", 0.05),
    )

    def __init__(
        self, grammar: Grammar, words: list[Word], vocabulary: list[str], withheld: Withheld
    ) -> None:
        self._grammar = grammar
        self._withheld = withheld
        self._vocabulary = set(vocabulary)
        known = [word for word in words if set(word.text) <= self._vocabulary]
        self._words = [word.text for word in known]
        self._word_weights = list(itertools.accumulate(word.count**0.45 for word in known))
        topics = list(grammar.topics)
        self._topics = topics
        self._topic_weights = list(
            itertools.accumulate(len(grammar.topics[topic]) ** 0.8 for topic in topics)
        )
        self._makers: dict[Kind, Callable[[random.Random], str]] = {
            "template": self._template,
            "dialogue": self._dialogue,
            "domain": self._domain,
            "word": self._dictionary_words,
            "number": self._number,
        }

    def stream(self, rng: random.Random, only: tuple[Kind, ...] = ()) -> Iterator[Sentence]:
        """Sentences in the mix, or in the mix of the kinds in `only`. Repeats occur, rarely."""
        mix = [(kind, share) for kind, share in self.MIX if not only or kind in only]
        kinds = [kind for kind, _ in mix]
        shares = [share for _, share in mix]
        while True:
            kind = rng.choices(kinds, shares)[0]
            text = self._makers[kind](rng).strip(",")
            if self._accepts(text):
                yield Sentence(text, kind)

    def distinct(self, count: int, rng: random.Random) -> list[Sentence]:
        """Sentences for speech: no repeats, and every vocabulary character in at least four."""
        found: dict[str, Sentence] = {}
        for sentence in self.stream(rng):
            found.setdefault(sentence.text, sentence)
            if len(found) >= count:
                break
        for sentence in self.covering(found, 4, rng):
            found.setdefault(sentence.text, sentence)
        sentences = list(found.values())
        rng.shuffle(sentences)
        return sentences

    def covering(self, texts: Iterable[str], times: int, rng: random.Random) -> Iterator[Sentence]:
        """Words in no order, so that every character is in `times` texts with those given."""
        heard = Counter(c for text in texts for c in set(text))
        by_character: dict[str, list[str]] = {}
        for word in self._words:
            for character in set(word):
                by_character.setdefault(character, []).append(word)
        for character in sorted(self._vocabulary):
            for _ in range(times - heard[character]):
                word = rng.choice(by_character.get(character, [character]))
                text = word + self._any_word(rng) + rng.choice(("", self._any_word(rng)))
                if self._accepts(text):
                    yield Sentence(text, "word")

    def _accepts(self, text: str) -> bool:
        characters = text.replace(",", "")
        return (
            1 <= len(characters) <= LONGEST
            and set(characters) <= self._vocabulary
            and not self._withheld.blocks(text)
        )

    def _topic(self, rng: random.Random) -> list[str]:
        return self._grammar.topics[rng.choices(self._topics, cum_weights=self._topic_weights)[0]]

    def _template(self, rng: random.Random) -> str:
        text = self._grammar.fill(rng.choice(self._topic(rng)), rng)
        return text.replace(",", "") if rng.random() < 0.3 else text

    def _dialogue(self, rng: random.Random) -> str:
        topic = self._topic(rng)
        pieces = [self._grammar.fill(rng.choice(topic), rng)]
        for _ in range(rng.choice((1, 1, 2))):
            other = topic if rng.random() < 0.6 else self._topic(rng)
            pieces.append(self._grammar.fill(rng.choice(other), rng))
        if rng.random() < 0.35:
            pieces.insert(0, rng.choice(self._grammar.slots[rng.choice(("filler", "yes", "no"))]))
        text = ",".join(pieces)
        while len(text.replace(",", "")) > LONGEST and "," in text:
            text = text.rsplit(",", 1)[0]
        return text.replace(",", "") if rng.random() < 0.25 else text

    def _domain(self, rng: random.Random) -> str:
        names = sorted(self._grammar.slots)
        picks = [
            self._grammar.fill(rng.choice(self._grammar.slots[rng.choice(names)]), rng)
            for _ in range(rng.choice((1, 2, 2, 3)))
        ]
        return "".join(picks)

    def _dictionary_words(self, rng: random.Random) -> str:
        count = rng.choice((1, 2, 2, 3, 3, 4, 5))
        picks = [self._any_word(rng) for _ in range(count)]
        if count > 3 and rng.random() < 0.3:
            picks.insert(count // 2, ",")
        return "".join(picks)

    def _any_word(self, rng: random.Random) -> str:
        return rng.choices(self._words, cum_weights=self._word_weights)[0]

    def _number(self, rng: random.Random) -> str:
        kind = rng.choice(("phone", "digits", "digits4", "date", "clock", "money", "number"))
        before = rng.choice(
            ("", "", "", "我的号码是", "电话是", "一共", "大概", "是", "尾号", "约在")
        )
        after = ""
        if kind in ("money", "number"):
            after = rng.choice(
                ("块钱", "元", "块", "公里", "分钟", "兆", "个", "次", "度", "天", "")
            )
        return before + self._grammar.fill("{" + kind + "}", rng) + after


def written_sentences(withheld: Withheld, directory: Path = PHRASES) -> list[str]:
    """What people would say, written by hand: no template made it. In order, without repeats."""
    files = sorted(directory.glob("spoken_*.txt"))
    lines = itertools.chain(*(read_sentences(path) for path in files))
    distinct = dict.fromkeys(",".join(clauses(line)) for line in lines)
    return [t for t in distinct if len(t.replace(",", "")) <= LONGEST and not withheld.blocks(t)]


def written_speech(
    written: Sequence[str], withheld: Withheld, times: int, joined: int, rng: random.Random
) -> list[Sentence]:
    """Every sentence `times` over, with and without its pauses, and `joined` pairs of clauses."""
    found = [
        Sentence(text.replace(",", "") if rng.random() < 0.35 else text, "written")
        for text in list(written) * times
    ]
    pieces = [piece for text in written for piece in text.split(",") if len(piece) > 2]
    while joined:
        text = ",".join(rng.sample(pieces, 2))
        if len(text) <= LONGEST + 1 and not withheld.blocks(text):
            found.append(Sentence(text.replace(",", rng.choice((",", ""))), "written"))
            joined -= 1
    rng.shuffle(found)
    return found


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]
