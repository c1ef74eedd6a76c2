"""A server with a store in a process of its own, so that it can be killed."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection
from pathlib import Path

from assist_rules.events import CallInfo
from assist_rules.rulebook import load_rulebook
from assist_rules.session import RuleSession
from server.app import create_app
from server.serve import listen, uvicorn_config
from server.settings import Settings
from server.store.store import Store
from tests.server.nodes.node import Telling
from tests.server.store.hearing import HearingRecogniser


def main(folder: Path, port: int, url: str | None, told: Connection) -> None:
    """Be a server until it is killed; ``told`` the port once it answers."""
    settings = Settings.model_validate({"port": port, "store": {"url": url}})
    rulebook = load_rulebook([Path(__file__).with_name("pack.yaml")])

    def rules(info: CallInfo) -> RuleSession:
        return RuleSession(rulebook, info)

    with listen(settings) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        store = Store(folder, settings.store)
        app = create_app(settings, HearingRecogniser(), rules, store=store)
        server = Telling(uvicorn_config(app, settings), app.state.switchboard)
        server.port = told
        asyncio.run(server.serve(sockets=[listener]))
