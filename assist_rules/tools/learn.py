"""Learns the weights of ``engine/weights.py`` from labelled dialogues, tests, sayings, plain talk.

``tingban rules learn`` runs it. The result is deterministic.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.optimize
import scipy.sparse

from assist_rules.engine.text import norm
from assist_rules.engine.weights import FOLDER, Weights, runs
from assist_rules.rulebook import check_rulebook

SAYINGS = FOLDER.parent / "sayings"
LEARNT = ("agent.forbidden", "customer.complaint")
RIDGE = 0.3
LEAST_OFTEN = 2
LEAST_WEIGHT = 0.02
AGENT_TALK = re.compile("帮你|为你|请问|请稍|感谢|抱歉|你看|给你")


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance: who said it, what it shows, and what it may show without counting."""

    role: str
    text: str
    shows: frozenset[str] = frozenset()
    may_show: frozenset[str] = frozenset()
    call: str = ""


def from_dialogues(path: Path) -> Iterable[Said]:
    """Turns of labelled dialogues."""
    for line in path.read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        for number, turn in enumerate(call["turns"]):
            shows = {x["category"] for x in call["labels"] if x["turn"] == number}
            may = {x["category"] for x in call["optional"] if x["turn"] == number}
            yield Said(
                turn["role"], norm(turn["text"]), frozenset(shows), frozenset(may), call["id"]
            )


def from_sayings() -> Iterable[Said]:
    """The sayings; a line that shows one category may show others too."""
    every = frozenset(LEARNT)
    for path in sorted(SAYINGS.glob("*.txt")):
        ordinary = path.stem.startswith("clean_")
        category = f"agent.{path.stem}" if path.stem == "forbidden" else f"customer.{path.stem}"
        role = path.stem.split("_")[1] if ordinary else category.split(".")[0]
        for line in path.read_text(encoding="utf-8").splitlines():
            shows = frozenset() if ordinary else frozenset([category])
            yield Said(role, norm(line), shows, frozenset() if ordinary else every - shows)


def from_packs() -> Iterable[Said]:
    """The tests beside the rules."""
    every = frozenset(LEARNT)
    for draft in check_rulebook()[1]:
        category = draft.rule.category
        for example in draft.examples:
            if example.text and category in every:
                shows = frozenset([category]) if example.fires else frozenset()
                yield Said(category.split(".")[0], norm(example.text), shows, every - {category})


def from_plain(path: Path) -> Iterable[Said]:
    """Ordinary talk; what an agent would say counts for agents, the rest for both."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = norm(re.sub(r"\{\w+\}", "", line)) if not line.startswith("#") else ""
        if text:
            yield Said("agent", text)
            if AGENT_TALK.search(text) is None:
                yield Said("customer", text)


def learn(category: str, said: Sequence[Said]) -> Weights:
    """Ridge logistic regression over runs of characters."""
    role = category.split(".")[0]
    rows = [
        (s.text, category in s.shows)
        for s in said
        if s.role == role and s.text and (category in s.shows or category not in s.may_show)
    ]
    often = Counter(run for text, _ in rows for run in runs(text))
    column = {
        run: i for i, run in enumerate(sorted(r for r, n in often.items() if n >= LEAST_OFTEN))
    }
    places = [
        (i, column[run])
        for i, (text, _) in enumerate(rows)
        for run in sorted(runs(text))
        if run in column
    ]
    at = np.array(places).T
    shape = (len(rows), len(column))
    matrix = scipy.sparse.csr_matrix((np.ones(len(places)), (at[0], at[1])), shape=shape)
    counts = np.asarray(matrix.sum(axis=1)).ravel()
    matrix = scipy.sparse.diags(1 / np.sqrt(np.maximum(counts, 1))) @ matrix
    wanted = np.array([float(shows) for _, shows in rows])

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        odds = matrix @ point[:-1] + point[-1]
        error = 1 / (1 + np.exp(-odds)) - wanted
        value = (np.logaddexp(0, odds) - wanted * odds).sum() + RIDGE / 2 * (point[:-1] ** 2).sum()
        return float(value), np.append(matrix.T @ error + RIDGE * point[:-1], error.sum())

    start = np.zeros(len(column) + 1)
    best = scipy.optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}
    ).x
    table = {
        run: round(float(best[i]), 3) for run, i in column.items() if abs(best[i]) >= LEAST_WEIGHT
    }
    return Weights(round(float(best[-1]), 3), table)


def write(category: str, weights: Weights) -> Path:
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{category}.txt"
    lines = [f"{weights.bias}", *(f"{run}\t{w:g}" for run, w in sorted(weights.table.items()))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def judged(category: str, said: Sequence[Said], folds: int) -> list[dict[str, float | str]]:
    """Precision and recall, at several thresholds, on dialogues that the weights have not seen."""
    calls = sorted({s.call for s in said if s.call})
    role = category.split(".")[0]
    scored: list[tuple[float, bool]] = []
    for fold in range(folds):
        away = set(calls[fold::folds])
        weights = learn(category, [s for s in said if s.call not in away])
        scored += [
            (weights.score(s.text), category in s.shows)
            for s in said
            if s.call in away and s.role == role and s.text
            if category in s.shows or category not in s.may_show
        ]
    total = sum(shows for _, shows in scored)
    rows: list[dict[str, float | str]] = []
    for threshold in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0):
        fired = [shows for value, shows in scored if value > threshold]
        precision = round(sum(fired) / max(1, len(fired)), 3)
        recall = round(sum(fired) / max(1, total), 3)
        rows.append(
            {"category": category, "above": threshold, "precision": precision, "recall": recall}
        )
    return rows


def gather(dialogues: Sequence[Path], plain: Sequence[Path]) -> list[Said]:
    """Everything to learn from."""
    said = [s for path in dialogues for s in from_dialogues(path)]
    said += [*from_sayings(), *from_packs()]
    return said + [s for path in plain for s in from_plain(path)]
