"""What machines ask of a server: is it alive, does it take calls, how is it doing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client.core import Metric
from starlette.datastructures import State

from server import gauges
from server.answers import ApiError, failing
from server.metrics import Exposition, gauge, watch_loop
from server.nodes.site import Site


class Parts:
    """The parts of an application, looked up when they are asked: the store may be none."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def store(self) -> gauges.Store | None:
        """The store, if the server has one."""
        return getattr(self._state, "store", None)

    @property
    def site(self) -> Site | None:
        """The other nodes, if the server is one of several."""
        return getattr(self._state, "site", None)

    def gauges(self) -> Iterator[Metric]:
        """Everything that goes up and down."""
        switchboard = self._state.switchboard
        yield from gauges.Calls(switchboard).gauges()
        yield from gauges.Viewers(switchboard.bus).gauges()
        tasks = len(asyncio.all_tasks())
        yield gauge(
            "tingban_loop_tasks", "Tasks of the event loop, of which none may pile up", tasks
        )
        if self.store is not None:
            yield from gauges.Kept(self.store).gauges()
        if self.site is not None:
            yield from self.site.gauges()

    def amiss(self) -> dict[str, str]:
        """What does not work, by name; calls go on all the same."""
        found = {}
        if self.store is not None and self.store.why_lost is not None:
            found["store"] = "events do not reach the disk"
        elif self.store is not None and self.store.away is not None:
            found["archive"] = "the archive takes no events; they wait on disk"
        if self.site is not None and not self.site.link.up:
            found["redis"] = "this node is alone; pages here show no other node's calls"
        return found


def routes(state: State) -> APIRouter:
    """Health, readiness and metrics of the application with that state."""
    parts = Parts(state)
    exposition = Exposition([parts])

    @asynccontextmanager
    async def life(_: Any) -> AsyncIterator[None]:
        watching = asyncio.create_task(watch_loop(), name="loop lag")
        try:
            yield
        finally:
            watching.cancel()

    router = APIRouter(lifespan=life)

    @router.get("/healthz")
    async def healthy() -> dict[str, bool]:
        """The process answers."""
        return {"ok": True}

    @router.get("/readyz", responses=failing(503))
    async def ready() -> dict[str, Any]:
        """New calls are taken, for how many there is room, and what is amiss all the same.

        A full server is ready: its pages work, and it tells clients where there is room.
        """
        switchboard = state.switchboard
        if not switchboard.ready:
            raise ApiError(503, "not_ready", "starting or stopping")
        return {"ok": True, "room": switchboard.room(), "amiss": parts.amiss()}

    @router.get("/metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        """Prometheus' text."""
        text, content_type = exposition.text(request.headers.get("accept", ""))
        return Response(text, headers={"content-type": content_type})

    return router
