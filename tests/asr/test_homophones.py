"""Candidates that sound alike share what the decoder gave each of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.homophones import Homophones

TOKENS = ("<blank>", "是", "事", "试", "师", "人", "行", "航", "星", "买", "卖", "ok@@")
PLAIN = Homophones(TOKENS, trust=1.0)
ALIKE = Homophones(TOKENS, trust=0.0)
HALF = Homophones(TOKENS, trust=0.5)

logs = st.lists(st.floats(-12, 0), min_size=len(TOKENS), max_size=len(TOKENS))


def _row(values: list[float]) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-np.array(values), kind="stable")
    return order[None].astype(np.int64), np.array(values)[order][None]


def _by_token(ids: np.ndarray, logp: np.ndarray) -> dict[str, float]:
    return {TOKENS[i]: float(v) for i, v in zip(ids[0], logp[0], strict=True)}


@given(logs)
def test_full_trust_changes_nothing(values: list[float]) -> None:
    ids, logp = _row(values)
    blurred = PLAIN.blur(ids, logp)
    assert np.array_equal(blurred[0], ids)
    np.testing.assert_allclose(blurred[1], logp)


@given(logs)
def test_without_trust_homophones_are_equal_and_never_worth_less(values: list[float]) -> None:
    found = _by_token(*ALIKE.blur(*_row(values)))
    before = _by_token(*_row(values))
    assert np.isclose(found["是"], found["事"])
    assert np.isclose(found["是"], found["师"])
    assert np.isclose(found["买"], found["卖"])
    assert all(found[token] >= before[token] - 1e-9 for token in TOKENS)
    for alone in ("<blank>", "人", "ok@@"):
        assert np.isclose(found[alone], before[alone])


def test_a_character_with_two_readings_sounds_like_both() -> None:
    """行 is hang and xing; 航 and 星 do not sound alike."""
    values = [-9.0] * len(TOKENS)
    values[TOKENS.index("航")] = np.log(0.5)
    values[TOKENS.index("星")] = np.log(0.25)
    found = _by_token(*ALIKE.blur(*_row(values)))
    assert found["行"] > np.log(0.74)
    assert np.log(0.49) < found["航"] < np.log(0.51)


@settings(max_examples=30)
@given(logs, logs)
def test_rows_do_not_touch_each_other(first: list[float], second: list[float]) -> None:
    one, two = _row(first), _row(second)
    both = HALF.blur(np.concatenate([one[0], two[0]]), np.concatenate([one[1], two[1]]))
    for at, row in enumerate((one, two)):
        alone = HALF.blur(*row)
        assert np.array_equal(alone[0][0], both[0][at])
        np.testing.assert_allclose(alone[1][0], both[1][at])


@given(logs)
def test_the_best_comes_first(values: list[float]) -> None:
    _, logp = HALF.blur(*_row(values))
    assert (np.diff(logp[0]) <= 1e-12).all()
