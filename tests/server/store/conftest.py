"""Stores on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.postgres import Cluster, binaries, cluster
from server.settings import StoreSettings
from server.store.store import Store


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    bin_ = binaries()
    if bin_ is None:
        pytest.skip("NO POSTGRESQL here; install it: apt-get install postgresql")
    with cluster(bin_) as found:
        yield found


@pytest.fixture
def postgres(postgres_cluster: Cluster) -> Cluster:
    """It runs, and it is empty."""
    postgres_cluster.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return postgres_cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Address of the archive; both kinds."""
    if request.param == "sqlite":
        return None
    found: Cluster = request.getfixturevalue("postgres")
    return found.url


def new_store(folder: Path, **settings: Any) -> Store:
    return Store(folder, StoreSettings(**settings))


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[Store]:
    store = new_store(folder, **settings)
    async with store.open():
        yield store


async def eventually(condition: Callable[[], bool]) -> None:
    """Looks until it is so; a test's own limit ends a wait in vain."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.01)
