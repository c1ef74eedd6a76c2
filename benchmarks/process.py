"""Servers in processes of their own, and what the system knows of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_S = 240
STOP_S = 30
_ADDRESS = re.compile(r"^http://([0-9.:]+)/$")


class NotUp(RuntimeError):
    """The server ended or said nothing; the message holds its last words."""


@dataclass
class Server:
    """A server that answers."""

    process: subprocess.Popen[str]
    address: str
    """``host:port``."""
    said: deque[str] = field(default_factory=lambda: deque(maxlen=400))
    """What it logged last."""
    told: threading.Event = field(default_factory=threading.Event)
    """Set once the address is known, or the server has ended."""
    reader: threading.Thread | None = None

    @property
    def ws(self) -> str:
        """For sockets."""
        return f"ws://{self.address}"

    @property
    def http(self) -> str:
        """For everything else."""
        return f"http://{self.address}"

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    def kill(self) -> None:
        """As a crash does: no word to anybody."""
        self.process.kill()
        self._over()

    def _over(self) -> None:
        self.process.wait()
        if self.reader is not None:
            self.reader.join()

    def stop(self) -> None:
        """Ask it to end; insist after a while."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._over()


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    core: int | None = None,
) -> Server:
    """Run a Python command that prints its address once it is up. Raises :class:`NotUp`."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    server = Server(process, "")
    server.reader = threading.Thread(target=_read, args=(server,), daemon=True)
    server.reader.start()
    server.told.wait(START_S)
    if not server.address:
        server.kill()
        raise NotUp("\n".join(server.said) or f"the server was not up within {START_S} s")
    return server


def _read(server: Server) -> None:
    """Until it ends: a pipe that nobody empties stops its writer."""
    assert server.process.stderr is not None
    with server.process.stderr as lines:
        for line in lines:
            server.said.append(line.rstrip())
            if not server.address and (match := _ADDRESS.match(line.strip())):
                server.address = match[1]
                server.told.set()
    server.told.set()


@contextmanager
def running(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    core: int | None = None,
) -> Iterator[Server]:
    """A server until the context ends."""
    server = start(arguments, environment, core)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def null_server(*arguments: str, core: int | None = None, **environment: str) -> Iterator[Server]:
    """The server around the null recogniser, with users of its own. It keeps no calls unless told to."""
    command = ["-m", "benchmarks.null_server", *arguments]
    forgetful = {"TINGBAN_STORE__ENABLED": "false"}
    with own_data() as own, running(command, {**own, **forgetful, **environment}, core) as server:
        yield server


@contextmanager
def serving(*arguments: str, core: int | None = None, **environment: str) -> Iterator[Server]:
    """``tingban serve`` on a free port, with users and calls of its own."""
    command = ["-m", "server", "serve", "--port", "0", *arguments]
    with own_data() as own, running(command, {**own, **environment}, core) as server:
        yield server


@contextmanager
def own_data() -> Iterator[dict[str, str]]:
    """Variables that keep a server away from the users and calls of this machine's owner."""
    with tempfile.TemporaryDirectory() as folder:
        yield {
            "TINGBAN_ACCESS__FILE": f"{folder}/people.sqlite3",
            "TINGBAN_STORE__DIRECTORY": f"{folder}/calls",
            "TINGBAN_DESK__DIRECTORY": f"{folder}/desk",
            "OMP_NUM_THREADS": "1",
        }


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has had, all threads together."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            spent += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return spent / 1e9


def resident_mib(pid: int) -> float:
    """Memory of a process that is in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def descriptors(pid: int) -> int:
    """Open files and sockets of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
