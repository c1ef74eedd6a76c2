"""A PostgreSQL of our own: a cluster in a temporary folder, run by somebody without rights."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = "nobody"


def binaries() -> Path | None:
    """The newest PostgreSQL on this machine."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted(debian, key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    initdb = found[-1] if found else Path(on_path).resolve() if on_path else None
    return None if initdb is None else initdb.parent


class Cluster:
    """Starts and stops; what it holds stays."""

    def __init__(self, folder: Path, bin_: Path) -> None:
        self._data = folder / "data"
        self._folder = folder
        self._bin = bin_
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._run("initdb", "-D", str(self._data), "-U", "tingban", "--auth=trust", "-N")

    @property
    def pid(self) -> int:
        """Of the first of its processes, while it runs."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    @property
    def url(self) -> str:
        """As ``store.url`` wants it."""
        return f"postgresql://tingban@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Returns once it answers."""
        options = f"-p {self.port} -k {self._folder} -h 127.0.0.1 -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        """At once, as a crash does; what was committed stays."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop", check=False)

    def sql(self, statement: str) -> None:
        """Run a statement."""
        self._run(
            "psql", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tingban",
            "-d", "postgres", "-c", statement,
        )  # fmt: skip

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        user = NOBODY if os.geteuid() == 0 else None
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            user=user,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


@contextmanager
def cluster(bin_: Path) -> Iterator[Cluster]:
    """A running PostgreSQL until the context ends."""
    folder = Path(tempfile.mkdtemp(prefix="tingban-pg-"))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(NOBODY).pw_uid, -1)
    found = None
    try:
        found = Cluster(folder, bin_)
        found.start()
        yield found
    finally:
        if found is not None:
            found.stop()
        shutil.rmtree(folder, ignore_errors=True)
