"""A provider for the tests that sign in with one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.server.access.provider import Provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    thread = threading.Thread(target=provider.server.serve_forever)
    thread.start()
    yield provider
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()
