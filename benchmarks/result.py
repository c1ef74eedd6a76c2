"""The one form of a benchmark's result: what was measured, on what machine, from which commit, raw.

Every ``tingban bench`` command writes one of these to ``benchmarks/results/<command>-<time>.json``.
A figure quoted anywhere in this repository comes from such a file.
"""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

RESULTS = Path(__file__).parent / "results"
LIBRARIES = (
    "torch",
    "funasr",
    "numpy",
    "pyahocorasick",
    "fastapi",
    "uvicorn",
    "websockets",
)


class Machine(BaseModel):
    """The facts of a machine that a figure depends on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu: str
    cores: int
    """Usable by this process."""
    memory_gib: float
    gpu: str | None
    system: str
    python: str
    load_before: float
    """One-minute load average when the run began: above the cores in use, times are inflated."""


class Result(BaseModel):
    """One run of one benchmark command."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = 1
    command: str
    created_at: str
    """ISO 8601, UTC."""
    commit: str
    """``git rev-parse HEAD``, with ``+changes`` when the tree was not clean."""
    machine: Machine
    versions: dict[str, str]
    configuration: dict[str, Any]
    """Everything the run was asked to do: enough to repeat it."""
    samples: dict[str, Any]
    """Raw measurements, units in the names."""
    summary: dict[str, Any]
    """What was printed, computed from the samples."""


def record(
    command: str,
    configuration: dict[str, Any],
    samples: dict[str, Any],
    summary: dict[str, Any],
    *,
    load_before: float | None = None,
) -> Result:
    """A result of this process, on this machine, at this commit."""
    return Result(
        command=command,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        machine=machine_facts(load_before),
        versions={name: metadata.version(name) for name in LIBRARIES},
        configuration=configuration,
        samples=samples,
        summary=summary,
    )


def write(result: Result, folder: Path = RESULTS) -> Path:
    """Keep the result under its command and time; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(result)
    path.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf8")
    return path


def file_name(result: Result) -> str:
    """Under which a result is kept."""
    stamp = result.created_at.replace(":", "").replace("-", "")[:15]
    return f"{result.command}-{stamp}.json"


def read(path: Path) -> Result:
    """A result kept earlier. Raises pydantic's ``ValidationError`` on anything else."""
    return Result.model_validate_json(path.read_text(encoding="utf8"))


def machine_facts(load_before: float | None = None) -> Machine:
    """What can be told of this machine without special rights."""
    return Machine(
        cpu=_cpu_name(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        gpu=_gpu_name(),
        system=platform.platform(),
        python=platform.python_version(),
        load_before=round(os.getloadavg()[0] if load_before is None else load_before, 2),
    )


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _gpu_name() -> str | None:
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        names = subprocess.run(query, capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return names.strip().replace("\n", ", ") or None


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
