"""The application: everything put together, nothing read from the environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.websockets import WebSocket

from asr.recogniser import Recogniser
from server import answers, documents, operations, pages, routes, sockets, staff
from server.access import guard, origin
from server.access import routes as access_routes
from server.access.access import Access
from server.desk import routes as desk_routes
from server.desk.attended import attended
from server.desk.desk import Desk
from server.desk.stored import finder
from server.ingest import mount
from server.ingest.audiosocket import AudioSocketServer
from server.ingest.line import Telephony
from server.ingest.native import NativeSocket
from server.ingest.siprec import SiprecServer
from server.live.batches import Batches
from server.live.bus import Bus, InProcessBus
from server.live.cause import CAUSES
from server.live.switchboard import NewRules, Switchboard
from server.live.unbound import UNBOUND, Unbound
from server.nodes.site import site_of
from server.privacy.veil import veils
from server.recordings import Recordings
from server.settings import Settings
from server.spikes import SpikeWatch
from server.store import calls as stored_calls
from server.store import routes as store_routes
from server.store.store import Store
from server.viewers import AgentViewer, BoardViewer


def create_app(
    settings: Settings,
    recogniser: Recogniser,
    rules: NewRules,
    bus: Bus | None = None,
    access: Access | None = None,
    desk: Desk | None = None,
    store: Store | None = None,
) -> FastAPI:
    """The service around a recogniser and a rulebook; ``rules`` begins the rules of a call.

    With a desk, ``rules`` is its ``begin``. Without a store nothing is kept beyond the process.
    ``app.state.switchboard`` holds the calls, ``app.state.access`` says who may do what.
    """
    access = access or Access(settings.access)
    site = site_of(settings)
    switchboard = Switchboard(
        recogniser,
        rules,
        site.bus if site else bus or InProcessBus(),
        resume_s=settings.calls.resume_s,
        linger_s=settings.calls.linger_s,
        drain_s=settings.calls.drain_s,
        elsewhere=site,
        seats=lambda: {**settings.telephony.agents, **access.people.places("queue")},
        journal=stored_calls.journals(store) if store else None,
        veil=veils(settings.privacy),
    )
    spikes = SpikeWatch(switchboard, settings.spike)
    unbound = Unbound(switchboard.bus)
    batches = Batches(switchboard.bus)
    if site is not None:
        site.bus.accounts = {CAUSES: spikes.causes, UNBOUND: unbound.known}
    telephony = Telephony(switchboard, settings, access)
    audiosocket = AudioSocketServer(telephony)
    siprec = SiprecServer(telephony)
    recordings = None
    if settings.recordings is not None:
        here = f"ws://{settings.host}:{settings.port}"
        recordings = Recordings(settings.recordings, here, access.own_token)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if store is not None:
                await stack.enter_async_context(store.open())
                stored_calls.warn(store, switchboard)
                store.on_erased = switchboard.forget
            if site is not None:
                await stack.enter_async_context(site.open(store))
            stack.enter_context(unbound.open())
            await stack.enter_async_context(switchboard.open())
            if store is not None:
                await stored_calls.take_up(store, switchboard)
            await stack.enter_async_context(audiosocket.open())
            await stack.enter_async_context(siprec.open())
            await stack.enter_async_context(spikes.open())
            await stack.enter_async_context(attended(desk, switchboard, settings.desk.watch_s))
            if recordings is not None:
                await stack.enter_async_context(recordings.open())
            yield

    app = FastAPI(
        title="Tingban",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(guard.guard)],
        responses=answers.RESPONSES,
    )
    app.state.switchboard = switchboard
    app.state.access = access
    app.state.site = site
    app.state.store = store
    answers.install(app)
    app.add_middleware(answers.BodyLimit)
    others = origin.sites(settings.access.origins)
    app.add_middleware(pages.SafeHeaders, frames=others)
    if others:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=others,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type"),
        )
    app.include_router(access_routes.routes(access, switchboard.seat))
    app.include_router(routes.of_calls(switchboard, access))
    app.include_router(staff.routes(switchboard, access))
    app.include_router(documents.routes())
    app.include_router(desk_routes.routes(desk, access, finder(switchboard, store)))
    app.include_router(store_routes.routes(store, switchboard, access, desk))
    app.include_router(routes.of_recordings(recordings))
    app.include_router(operations.routes(app.state))
    app.state.telephony = telephony
    app.state.audiosocket = audiosocket
    app.state.siprec = siprec
    app.include_router(mount.routes(telephony))

    @app.websocket("/v1/audio")
    async def audio(socket: WebSocket) -> None:
        await sockets.serve(socket, NativeSocket(socket, switchboard, settings.audio).talk)

    @app.websocket("/v1/agent")
    async def agent(socket: WebSocket) -> None:
        viewer = AgentViewer(socket, switchboard, access, settings.viewers, unbound)
        await sockets.serve(socket, viewer.talk)

    @app.websocket("/v1/board")
    async def board(socket: WebSocket) -> None:
        viewer = BoardViewer(socket, switchboard, access, settings.viewers, spikes, batches)
        await sockets.serve(socket, viewer.talk)

    app.routes.extend(pages.routes())
    return app
