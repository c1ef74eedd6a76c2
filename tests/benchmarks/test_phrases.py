"""The phrase benchmark counts what was found, missed and spoiled."""

from __future__ import annotations

from benchmarks.phrases import Reading, summarise


def test_counts_what_favouring_finds_and_what_it_costs():
    found = summarise(
        [
            Reading("我要投诉", "f4", 1, "我要头素", 0, 2, "我要投诉", 1, 0),
            Reading("宽带坏了", "f4", 1, "宽带坏了", 1, 0, "宽带坏了", 1, 0),
            Reading("宽带没修", "f4", 1, "款待没修", 0, 2, "款待没修", 0, 2),
            Reading("天气很好", "f4", 0, "天气很好", 0, 0, "天气投诉", 0, 2),
        ]
    )
    assert found["recall_plain"] == round(1 / 3, 4)
    assert found["recall"] == round(2 / 3, 4)
    assert found["part_of_missed_found"] == 0.5
    assert found["cer_with_phrases_plain"] == round(4 / 12, 4)
    assert found["cer_with_phrases"] == round(2 / 12, 4)
    assert (found["cer_without_phrases_plain"], found["cer_without_phrases"]) == (0.0, 0.5)
