"""Skips without redis-server; CI installs it and counts skips as failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.redis_server import RedisServer, installed, redis_server
from tests.server.nodes.site import NodeProcess, start_node


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    if not installed():
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    with redis_server() as server:
        yield server


@pytest.fixture
def start(redis: RedisServer) -> Iterator[Callable[..., tuple[NodeProcess, NodeProcess]]]:
    """Starts the nodes `one` and `two` of a site; all are killed at the end."""
    started: list[NodeProcess] = []

    def both(one: int = 100, two: int = 100, **settings: Any) -> tuple[NodeProcess, NodeProcess]:
        """``one`` and ``two``: how many calls each takes."""
        started.append(start_node("one", redis.url, one, **settings))
        started.append(start_node("two", redis.url, two, **settings))
        return started[-2], started[-1]

    yield both
    for node in started:
        node.kill()
