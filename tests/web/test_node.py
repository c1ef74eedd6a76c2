"""Runs what node can check without a browser: the reducers' tests and the types."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WIDGET = HERE.parents[1] / "web_widget"
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("*.test.js")))
def test_reducers(file: str) -> None:
    run = subprocess.run(
        [str(NODE), "--test", "--test-reporter=tap", file],
        cwd=HERE, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "\n# pass 0" not in run.stdout


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_types() -> None:
    compiler = WIDGET / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.is_file():
        pytest.skip("typescript is not installed: npm ci in web_widget")
    run = subprocess.run(
        [str(NODE), str(compiler), "-p", "tsconfig.json"],
        cwd=WIDGET, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout


def test_each_element_and_client_file_stays_small() -> None:
    long = {
        str(path.relative_to(WIDGET)): count
        for path in WIDGET.rglob("*.js")
        if "node_modules" not in path.parts
        and (count := len(path.read_text("utf8").splitlines())) > 250
    }
    assert long == {}


def test_nothing_in_the_widget_writes_html_or_runs_text() -> None:
    forbidden = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
    )
    found = [
        f"{path.name}: {word}"
        for path in WIDGET.rglob("*.js")
        if "node_modules" not in path.parts
        for word in forbidden
        if word in path.read_text("utf8")
    ]
    assert found == []
