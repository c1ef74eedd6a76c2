"""The shape of the repository itself: what it may contain and how its parts may lean on each other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import models

ROOT = Path(__file__).parents[2]
SOURCE = {".py", ".js", ".html", ".css", ".md", ".yaml", ".yml", ".toml", ".sh", ".txt", ""}
# Written in pieces so that this file does not name them itself.
FORBIDDEN = {
    "a registry host": r"py"
    + r"pi\.org|python"
    + r"hosted\.org|registry\.npm"
    + r"js|deb\.deb"
    + r"ian\.org",
    "a path of one machine": r"(^|[^A-Za-z0-9_.-])/(wo" + r"rk|fa" + r"rm)/|\.\./sha" + r"red",
}
BUNDLED_LIMIT = 20 * 1024 * 1024


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_packages_are_ours_not_a_stray_wheels() -> None:
    assert Path(models.__file__).is_relative_to(ROOT)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_text_names(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    named = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in SOURCE and path.is_file() and pattern.search(path.read_text("utf8"))
    ]
    assert named == []


def test_bundled_model_stays_small() -> None:
    bundled = [p for p in tracked() if p.is_relative_to(ROOT / "models" / "bundled")]
    assert bundled
    assert sum(p.stat().st_size for p in bundled) <= BUNDLED_LIMIT


@pytest.mark.parametrize(
    "package", ["server.app", "assist_rules.session", "asr.recogniser", "asr.events", "server.cli"]
)
def test_torch_is_not_imported_by(package: str) -> None:
    code = f"import sys, {package}; sys.exit('torch' in sys.modules or 'funasr' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-test.txt"):
        for line in (ROOT / name).read_text("utf8").splitlines():
            if line and not line.startswith("#") and not line.startswith("-"):
                assert re.fullmatch(r"[A-Za-z0-9._-]+==\S+", line), line
