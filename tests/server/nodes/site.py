"""A real Redis and real server processes, started and killed by tests."""

from __future__ import annotations

import multiprocessing
import socket
import subprocess
import time
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from typing import Any

from tests.server.nodes import node


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass
class RedisServer:
    """Debian's redis-server, without a disk."""

    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, "redis-server does not start"
                time.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


FORKS = multiprocessing.get_context("forkserver")
# Most of a start is Python's imports: they are done once, and each node is a fork of that.
FORKS.set_forkserver_preload(["tests.server.nodes.node"])


@dataclass
class NodeProcess:
    """One server process."""

    name: str
    port: int
    process: ForkServerProcess

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """As the out-of-memory killer does."""
        self.process.kill()
        self.process.join()

    def terminate(self) -> None:
        self.process.terminate()


def start_node(name: str, redis: str | None, max_calls: int = 100, **settings: Any) -> NodeProcess:
    """A node that answers."""
    nodes = {"redis": redis, "name": name, "heartbeat_s": 0.2, "lost_s": 5, "wait_s": 5}
    nodes |= settings.pop("nodes", {})
    values = {"port": 0, "access": {"mode": "open"}, "nodes": nodes, **settings}
    here, there = FORKS.Pipe()
    process = FORKS.Process(target=node.main, args=(values, max_calls, there), daemon=True)
    process.start()
    there.close()
    with here:
        return NodeProcess(name, here.recv(), process)
