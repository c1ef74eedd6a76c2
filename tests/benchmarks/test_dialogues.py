"""The labelled dialogues: well formed, varied, and balanced enough to trust a score on them."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter

import pytest

from benchmarks.corpus import calls
from benchmarks.dialogues import (
    ABSENCES,
    CATEGORIES,
    FOLDER,
    Dialogue,
    Split,
    dialogue_from_json,
    dialogues,
)
from benchmarks.dialogues.assemble import SPLITS, assemble, to_jsonl

DIALOGUES: dict[Split, list[Dialogue]] = {split: dialogues(split) for split in SPLITS}
ALL = [dialogue for split in SPLITS for dialogue in DIALOGUES[split]]

every_split = pytest.mark.parametrize("split", SPLITS)
LARGE: tuple[Split, ...] = ("dev", "test")
large_splits = pytest.mark.parametrize("split", LARGE)

DOMAINS = {"telecom", "auto", "ecommerce", "utilities", "bank"}
CUES = {
    f"customer.{name}" for name in ("complaint", "escalation", "anger", "danger", "churn", "repeat")
}


@every_split
def test_committed_file_is_what_its_source_says(split: Split) -> None:
    assert (FOLDER / f"{split}.jsonl").read_text(encoding="utf-8") == to_jsonl(assemble(split))


def test_splits_are_large_and_of_one_size() -> None:
    sizes = [len(DIALOGUES[split]) for split in LARGE]
    assert sum(sizes) >= 150
    assert max(sizes) - min(sizes) <= 0.1 * sum(sizes)


def test_ids_are_unique() -> None:
    assert max(Counter(dialogue.id for dialogue in ALL).values()) == 1


@large_splits
def test_a_third_is_clean_and_every_domain_takes_part(split: Split) -> None:
    assert sum(d.clean for d in DIALOGUES[split]) >= len(DIALOGUES[split]) / 3
    per_domain = Counter(d.domain for d in DIALOGUES[split])
    assert set(per_domain) == DOMAINS
    assert min(per_domain.values()) >= 15
    for domain in DOMAINS:
        assert any(d.clean for d in DIALOGUES[split] if d.domain == domain)


@large_splits
def test_enough_of_every_category_to_measure_it(split: Split) -> None:
    count = Counter(label.category for d in DIALOGUES[split] for label in d.labels)
    assert all(count[category] >= 15 for category in CUES), count
    assert count["agent.forbidden"] >= 60
    assert min(count[category] for category in ABSENCES) >= 4


@every_split
def test_turns_are_well_formed(split: Split) -> None:
    for dialogue in DIALOGUES[split]:
        assert 6 <= len(dialogue.turns) <= 20, dialogue.id
        assert dialogue.turns[-1].role == "agent", dialogue.id
        for turn in dialogue.turns:
            assert re.fullmatch("[\u4e00-\u9fff，。？！、]+", turn.text), (dialogue.id, turn.text)
            hanzi = len(re.sub("[^\u4e00-\u9fff]", "", turn.text))
            assert turn.start_ms + 250 * hanzi <= turn.end_ms, (dialogue.id, turn.text)
        for before, after in itertools.pairwise(dialogue.turns):
            assert 300 <= after.start_ms - before.end_ms <= 1200, dialogue.id


@every_split
def test_labels_are_well_placed(split: Split) -> None:
    for dialogue in DIALOGUES[split]:
        agent = [i for i, turn in enumerate(dialogue.turns) if turn.role == "agent"]
        place = {"agent.missing_opening": agent[0], "agent.missing_closing": agent[-1]}
        for label in dialogue.labels:
            where = (dialogue.id, label)
            turn = dialogue.turns[label.turn]
            assert label.category in CATEGORIES, where
            assert label.category.split(".")[0] == turn.role, where
            assert label.quote in turn.text, where
            assert bool(label.quote) == (label.category not in ABSENCES), where
            assert place.get(label.category, label.turn) == label.turn, where


@every_split
def test_optional_and_absent_do_not_contradict_the_labels(split: Split) -> None:
    for dialogue in DIALOGUES[split]:
        marked = [(label.turn, label.category) for label in dialogue.labels]
        marked += [(entry.turn, entry.category) for entry in dialogue.optional]
        assert len(marked) == len(set(marked)), f"{dialogue.id}: one entry per turn and category"
        for turn, category in marked:
            assert category in CATEGORIES, dialogue.id
            assert category.split(".")[0] == dialogue.turns[turn].role, dialogue.id
        possible = {category for _, category in marked}
        assert set(dialogue.absent) == set(CATEGORIES) - possible, dialogue.id


def test_missing_empathy_follows_something_to_be_sorry_for() -> None:
    for dialogue in ALL:
        for label in dialogue.labels:
            if label.category == "agent.missing_empathy":
                before = {c.category for c in dialogue.labels if c.turn == label.turn - 1}
                assert before & CUES, (dialogue.id, label.turn)


def test_no_two_dialogues_are_near_duplicates() -> None:
    words = [(dialogue.id, _texts(dialogue)) for dialogue in ALL]
    words += [(call.id, {turn.text for turn in call.turns}) for call in calls()]
    for (one, left), (other, right) in itertools.combinations(words, 2):
        shared = len(left & right) / min(len(left), len(right))
        assert shared <= 0.3, (one, other)


def test_the_test_split_is_written_in_its_own_words() -> None:
    tuned = {text for dialogue in DIALOGUES["dev"] for text in _texts(dialogue)}
    tuned |= {turn.text for call in calls() for turn in call.turns}
    reported = {text for dialogue in DIALOGUES["test"] for text in _texts(dialogue)}
    assert not [text for text in tuned & reported if len(text) > 6]
    cues = {
        split: {label.quote for d in DIALOGUES[split] for label in d.labels if label.quote}
        for split in SPLITS
    }
    assert len(cues["dev"] & cues["test"]) <= 0.05 * len(cues["test"])


def _texts(dialogue: Dialogue) -> set[str]:
    return {re.sub("[^\u4e00-\u9fff]", "", turn.text) for turn in dialogue.turns}


def test_reading_keeps_every_field() -> None:
    line = {
        "id": "x",
        "domain": "bank",
        "turns": [{"role": "agent", "start_ms": 0, "end_ms": 900, "text": "喂"}],
        "labels": [
            {"turn": 0, "category": "agent.missing_opening", "quote": "", "accept_turns": [2]}
        ],
        "absent": ["customer.anger"],
        "optional": [{"turn": 0, "category": "agent.rate"}],
    }
    dialogue = dialogue_from_json(json.loads(json.dumps(line)))
    assert dialogue.labels[0].accept_turns == (2,)
    assert dialogue.turns[0].text == "喂"
    assert dialogue.optional[0].category == "agent.rate"
    assert not dialogue.clean
