"""The wheel that the guide installs: all of the program is in it, and it runs where no checkout is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("server", "asr", "assist_rules", "models", "benchmarks", "web_widget")
LEFT_OUT = ("benchmarks/results/",)


def tracked(*names: str) -> list[str]:
    """Files of the repository below these names that are there."""
    command = ["git", "ls-files", "-z", "--", *names]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in told.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: what an earlier build left in the checkout would get in."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked(*PACKAGES, "pyproject.toml", "README.md", "LICENSE"):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(folder), str(folder / "source")], check=True)
    (made,) = folder.glob("tingban-*.whl")
    return made


def test_all_of_the_program_is_in_it(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        packed = set(opened.namelist())
    wanted = {name for name in tracked(*PACKAGES) if not name.startswith(LEFT_OUT)}
    assert len(wanted) > 400
    assert wanted - packed == set()


def test_it_runs_where_no_checkout_is(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "installed")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    ask = "import assist_rules, server; print(assist_rules.__file__, server.__file__)"
    for command in (["-c", ask], ["-m", "server", "rules", "check"], ["-m", "server", "--help"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        if command[0] == "-c":
            assert done.stdout.count(str(tmp_path / "installed")) == 2
