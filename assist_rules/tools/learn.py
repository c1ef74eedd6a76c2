"""Learns the weights of ``engine/weights.py`` from labelled dialogues, tests, sayings, plain talk.

``tingban rules learn`` runs it. The result is deterministic.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.optimize
import scipy.sparse

from assist_rules.engine.sound import sound_of
from assist_rules.engine.text import norm
from assist_rules.engine.weights import DATA, FOLDER, SOUND, Weights, features
from assist_rules.rulebook import check_rulebook

SAYINGS = DATA / "sayings"
AGENT = ("agent.forbidden", "agent.promise")
CUSTOMER = tuple(
    f"customer.{cue}"
    for cue in ("anger", "churn", "complaint", "danger", "escalation", "praise", "repeat")
)
LEARNT = AGENT + CUSTOMER
UPSET = frozenset(
    f"customer.{cue}" for cue in ("anger", "churn", "complaint", "escalation", "repeat")
)
"""Who shows one of these may well show another."""
AUTHORS = (
    frozenset(("sayings", "wide", "packs", "dev")),
    frozenset(("turns", "dev2")),
    frozenset(("talk", "dev3")),
    frozenset(("north",)),
    frozenset(("south",)),
    frozenset(("dev4",)),
)
"""Sources by the same hand: how somebody puts it is only unseen where all of these are."""
RIDGE = 0.1
LEAST_OFTEN = 2
MOST = 90_000
"""Features that are kept of a party, the heaviest: files and memory stay small."""
ROUNDS = 100
ROUGHLY = 40
"""Steps of the descent; the second number is enough to see what weighs anything."""
AGENT_TALK = re.compile("帮你|为你|请问|请稍|感谢|抱歉|你看|给你")


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance: who said it, what it shows, and what it may show without counting."""

    role: str
    text: str
    shows: frozenset[str] = frozenset()
    may_show: frozenset[str] = frozenset()
    source: str = ""
    """Who wrote it; what is judged is never learnt from the same source."""


def from_dialogues(path: Path) -> Iterable[Said]:
    """Turns of labelled dialogues."""
    for line in path.read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        for number, turn in enumerate(call["turns"]):
            shows = {x["category"] for x in call["labels"] if x["turn"] == number}
            may = {x["category"] for x in call["optional"] if x["turn"] == number}
            yield Said(
                turn["role"], norm(turn["text"]), frozenset(shows), frozenset(may), path.stem
            )


def from_sayings(folder: Path = SAYINGS) -> Iterable[Said]:
    """Single lines; one that shows a category may show those that go with it."""
    for path in sorted(folder.glob("*.txt")):
        name, _, source = path.stem.partition("-")
        ordinary = name.startswith("clean_")
        if ordinary:
            role = name.split("_")[1]
        else:
            role = "agent" if f"agent.{name}" in AGENT else "customer"
        category = f"{role}.{name}"
        shows = frozenset() if ordinary else frozenset([category])
        for line in path.read_text(encoding="utf-8").splitlines():
            may = frozenset() if ordinary else goes_with(category)
            yield Said(role, norm(line), shows, may, source or "sayings")


def goes_with(category: str) -> frozenset[str]:
    """What a line that shows the category may show too."""
    if category in UPSET:
        return UPSET - {category}
    if category == "customer.danger":
        return frozenset(("customer.complaint", "customer.anger"))
    return frozenset(("agent.promise",)) if category == "agent.forbidden" else frozenset()


def from_packs() -> Iterable[Said]:
    """The tests beside the rules."""
    every = frozenset(LEARNT)
    for draft in check_rulebook()[1]:
        category = draft.rule.category
        for example in draft.examples:
            if example.text and category in every:
                shows = frozenset([category]) if example.fires else frozenset()
                may = goes_with(category) if example.fires else every - {category}
                role = category.split(".")[0]
                yield Said(role, norm(example.text), shows, may, "packs")


def from_plain(path: Path) -> Iterable[Said]:
    """Ordinary talk; what an agent would say counts for agents, the rest for both."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = norm(re.sub(r"\{\w+\}", "", line)) if not line.startswith("#") else ""
        if text:
            yield Said("agent", text, source="plain")
            if AGENT_TALK.search(text) is None:
                yield Said("customer", text, source="plain")


def learn(role: str, said: Sequence[Said], categories: Sequence[str] | None = None) -> Weights:
    """Ridge logistic regression, one column per category, on features that they share.

    Learnt twice: once to see which features weigh anything, then with those alone.
    """
    chosen = tuple(categories or (AGENT if role == "agent" else CUSTOMER))
    rows = [s for s in said if s.role == role and s.text]
    seen = [_names(s.text) for s in rows]
    often = Counter(name for found in seen for name in found)
    rarity = {
        name: math.log((1 + len(rows)) / (1 + n)) for name, n in often.items() if n >= LEAST_OFTEN
    }
    kept = sorted(rarity)
    table, bias = _fit(rows, seen, kept, rarity, chosen, ROUGHLY)
    heaviest = np.argsort(-np.abs(table).max(axis=1), kind="stable")[:MOST]
    kept = [kept[i] for i in sorted(heaviest)]
    table, bias = _fit(rows, seen, kept, rarity, chosen, ROUNDS)
    numbers = {name: i for i, name in enumerate(kept)}
    rare = np.array([rarity[name] for name in kept])
    return Weights(chosen, bias.round(3), numbers, (rare**2).round(1), table.round(1))


def _names(text: str) -> list[str]:
    return sorted({name for name, _, _ in features(text)})


def _fit(
    rows: Sequence[Said], seen: Sequence[Sequence[str]], kept: Sequence[str],
    rarity: Mapping[str, float], categories: Sequence[str], rounds: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Weights of shape (features, categories), as they are added up, and biases."""
    column = {name: i for i, name in enumerate(kept)}
    places = [(i, column[n]) for i, found in enumerate(seen) for n in found if n in column]
    at = np.array(places).reshape(-1, 2).T
    shape = (len(rows), len(kept))
    matrix = scipy.sparse.csr_matrix((np.ones(len(places)), (at[0], at[1])), shape=shape)
    rare = np.array([rarity[name] for name in kept])
    length = np.sqrt(np.maximum(matrix @ rare**2, 1e-9))
    matrix = scipy.sparse.csr_matrix(
        scipy.sparse.diags(1 / length) @ matrix @ scipy.sparse.diags(rare)
    )
    shows = np.array([[c in s.shows for c in categories] for s in rows], dtype=float)
    counts = np.array([[c in s.shows or c not in s.may_show for c in categories] for s in rows])
    table, bias = _ridge(matrix, shows, counts, rounds)
    return table * rare[:, None], bias


def _ridge(
    matrix: scipy.sparse.csr_matrix, wanted: np.ndarray, counts: np.ndarray, rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """All categories at once; ``wanted`` and ``counts`` are (utterances, categories)."""
    across = matrix.T.tocsr()
    shape = (matrix.shape[1] + 1, wanted.shape[1])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        point = flat.reshape(shape)
        odds = matrix @ point[:-1] + point[-1]
        error = (1 / (1 + np.exp(-odds)) - wanted) * counts
        value = ((np.logaddexp(0, odds) - wanted * odds) * counts).sum()
        value += RIDGE / 2 * (point[:-1] ** 2).sum()
        slope = np.vstack([across @ error + RIDGE * point[:-1], error.sum(axis=0)])
        return float(value), slope.ravel()

    best = scipy.optimize.minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": rounds}
    ).x.reshape(shape)
    return best[:-1], best[-1]


def write(role: str, weights: Weights, folder: Path = FOLDER) -> Path:
    """A line of names, a line of biases, then a feature, its rarity and its weights per line."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{role}.txt"
    lines = [
        "\t".join(("", "", *weights.categories)),
        "\t".join(("", "", *map("{:g}".format, weights.bias))),
    ]
    for name, row in sorted((_readable(name), row) for name, row in weights.rows.items()):
        values = map("{:g}".format, weights.table[row])
        lines.append("\t".join((name, f"{weights.rarity[row]:g}", *values)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _readable(name: str) -> str:
    """Sounds are private codes; a character that sounds so stands for each."""
    return SOUND + "".join(_like(code) for code in name[1:]) if name[0] == SOUND else name


_LIKE: dict[str, str] = {}


def _like(code: str) -> str:
    if not _LIKE:
        for line in (DATA / "sounds.txt").read_text(encoding="utf-8").splitlines():
            for char in line.split(" ")[1]:
                _LIKE.setdefault(sound_of(char), char)
    return _LIKE.get(code, code)


def judged(
    role: str, said: Sequence[Said], held_out: Iterable[frozenset[str]]
) -> list[dict[str, float | str]]:
    """Precision and recall, at several thresholds, on sources that the weights have not seen.

    Each set of sources is left out once, and judged by weights learnt from all others.
    """
    scored: dict[str, list[tuple[float, bool]]] = {}
    for sources in held_out:
        weights = learn(role, [s for s in said if s.source not in sources])
        for s in said:
            if s.source not in sources or s.role != role or not s.text:
                continue
            for category, odds in zip(weights.categories, weights.score(s.text), strict=True):
                if category in s.shows or category not in s.may_show:
                    scored.setdefault(category, []).append((odds, category in s.shows))
    rows: list[dict[str, float | str]] = []
    for category, found in scored.items():
        total = sum(shows for _, shows in found)
        for threshold in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0):
            fired = [shows for value, shows in found if value > threshold]
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
