"""Real server processes, started and killed by tests."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from typing import Any

from tests.server.nodes import node

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
