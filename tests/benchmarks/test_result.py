"""Results can be written, read back, and every committed one still fits the schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from benchmarks import result, statistics


def test_a_written_result_reads_back_equal(tmp_path: Path) -> None:
    made = result.record("example", {"calls": 3}, {"lag_ms": [1.0, 2.0]}, {"p50": 1.0})
    assert result.read(result.write(made, tmp_path)) == made
    assert made.machine.cores >= 1
    assert made.versions["torch"]


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    path.write_text('{"command": "example", "numbers": [1]}')
    with pytest.raises(ValidationError):
        result.read(path)


def test_every_committed_result_fits_the_schema() -> None:
    for path in result.RESULTS.glob("*.json"):
        kept = result.read(path)
        assert path.name.startswith(kept.command + "-"), path
        assert kept.samples, path


def test_percentile_is_a_sample_that_enough_others_do_not_exceed() -> None:
    samples = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert statistics.percentile(samples, 0.5) == 3.0
    assert statistics.percentile(samples, 0.95) == 5.0
    assert statistics.percentile([7.0], 0.01) == 7.0
    assert statistics.summary([])["n"] == 0


def test_bootstrap_interval_holds_the_mean_of_the_samples() -> None:
    samples = [float(i % 7) for i in range(200)]
    low, high = statistics.bootstrap_interval(samples, lambda values: float(values.mean()))
    assert low < sum(samples) / len(samples) < high
    assert high - low < 1.0
