"""The page stands alone, shows every kind of result, and takes nothing on trust."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import tostring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks import measures, report, result, svg
from benchmarks.cli import app
from benchmarks.svg import Line

runner = CliRunner()


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.fixture(scope="module")
def kept() -> list[result.Result]:
    return report.results(result.RESULTS)[0]


def test_the_page_asks_nobody_for_anything(kept: list[result.Result]) -> None:
    text = report.page(kept)
    seen = Seen()
    seen.feed(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(seen.tags)
    assert not [a for a in seen.attributes if a[0] in ("src", "href", "xlink:href")]
    assert not re.search(r"url\(|@import|https?://", text)
    assert "svg" in seen.tags


def test_every_command_has_its_section(kept: list[result.Result]) -> None:
    text = report.page(kept)
    for one in kept:
        assert one.commit[:8] in text
        assert report.SECTIONS.get(one.command, (one.command,))[0] in text


def test_every_measured_command_has_a_section() -> None:
    assert report.SECTIONS.keys() == measures.MEASURES.keys()


def test_history_needs_two_runs_and_shows_all_of_them(kept: list[result.Result]) -> None:
    rules = [one for one in kept if one.command == "rules"]
    assert "Over commits" not in report.page(rules[:1])
    text = report.page(rules)
    assert "Over commits" in text
    for one in rules:
        assert f"{measures.of(one)[0].value:.4g} of 1 ({one.commit[:8]}" in text


def test_a_command_without_a_plot_shows_its_figures(kept: list[result.Result]) -> None:
    other = kept[0].model_copy(update={"command": "other", "summary": {"a": {"b": 3.25}, "c": 1}})
    text = report.page([other])
    assert "a · b" in text
    assert "3.25" in text


def test_what_a_result_says_cannot_become_markup(kept: list[result.Result]) -> None:
    evil = kept[0].model_copy(update={"configuration": {"asr": "<script>alert(1)</script>"}})
    assert "<script" not in report.page([evil])


def test_a_file_that_is_no_result_is_named_and_left_out(tmp_path: Path) -> None:
    shutil.copy(next(result.RESULTS.glob("rules-*.json")), tmp_path)
    (tmp_path / "foreign.json").write_text('{"numbers": [1]}')
    to = tmp_path / "page.html"
    done = runner.invoke(app, ["report", "--results", str(tmp_path), "--to", str(to)])
    assert done.exit_code == 0
    assert "foreign.json" in done.output
    assert "macro F1" in to.read_text("utf8")


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    done = runner.invoke(app, ["report", "--results", str(tmp_path)])
    assert done.exit_code == 2
    assert "no results" in done.output


NUMBERS = st.floats(-1e6, 1e6)


@example([(0.0, 5e-324), (5e-324, 0.0)], True)
@example([(0.0, 5e-324), (5e-324, 0.0)], False)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=60), st.booleans())
def test_every_point_lies_inside_the_picture(points: list[tuple[float, float]], log: bool) -> None:
    figure = svg.plot([Line("one", points)], "x", "y", log_y=log)
    for dot in figure.iter("circle"):
        assert svg.LEFT <= float(dot.attrib["cx"]) <= svg.WIDTH - svg.RIGHT
        assert svg.TOP <= float(dot.attrib["cy"]) <= svg.HEIGHT - svg.BOTTOM
    assert b"nan" not in tostring(figure)


@given(st.lists(NUMBERS, min_size=1, max_size=500))
def test_a_distribution_ends_at_its_largest_sample(samples: list[float]) -> None:
    points = svg.curve(samples)
    assert points[-1] == (max(samples), 1.0)
    assert points == sorted(points)
    for value, share in points:
        assert sum(one <= value for one in samples) / len(samples) >= share - 1e-9


def test_a_worse_run_ends_with_its_own_status(tmp_path: Path) -> None:
    from benchmarks import keeping

    before = result.read(max(result.RESULTS.glob("rules-*.json")))
    path = result.write(before, tmp_path / "then")
    worse = before.model_copy(deep=True)
    worse.summary["parts"]["test"]["macro_f1"] -= 0.1
    keeping._compare(before, before)
    with pytest.raises(keeping.typer.Exit) as ended:
        keeping.keep("rules", {}, worse.samples, worse.summary, tmp_path, 0.0, path)
    assert ended.value.exit_code == keeping.WORSE
    with pytest.raises(keeping.typer.Exit) as foreign:
        keeping.keep("latency", {}, {}, {}, tmp_path, 0.0, path)
    assert foreign.value.exit_code == 2
