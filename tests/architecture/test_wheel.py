"""What is installed is all that is needed: packs, tables, pages and the bundled model too."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("asr", "assist_rules", "benchmarks", "models", "server", "web_widget")
LEFT_OUT = ("benchmarks/results/", "models/training/work/")


def tracked() -> set[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def names() -> set[str]:
    """What is built from, listed once."""
    return tracked()


@pytest.fixture(scope="module")
def wheel(names: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of the build is left in the checkout."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in names:
        if name.split("/")[0] in PACKAGES or "/" not in name:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                (copy / name).hardlink_to(ROOT / name)
            except OSError:
                shutil.copy(ROOT / name, copy / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(out), str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path, names: set[str]) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    ours = {n for n in names if n.split("/")[0] in PACKAGES and not n.startswith(LEFT_OUT)}
    assert sorted(ours - inside) == []
    assert not [name for name in inside if "node_modules" in name or "__pycache__" in name]


def test_rules_are_found_and_pass_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import assist_rules;"
        "assert assist_rules.__file__.startswith(sys.path[0]);"
        "from assist_rules.cli import app; app()"
    )
    command = [sys.executable, "-c", code, str(tmp_path), "test", "--only", "customer.danger"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert ", 0 failed" in found.stdout
