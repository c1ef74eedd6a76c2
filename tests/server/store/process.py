"""A server with a store in a process of its own, so that it can be killed.

``python -m tests.server.store.process FOLDER PORT [URL]``
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from assist_rules.events import CallInfo
from assist_rules.rulebook import load_rulebook
from assist_rules.session import RuleSession
from server.app import create_app
from server.serve import DrainingServer, listen, uvicorn_config
from server.settings import Settings
from server.store.store import Store
from tests.server.store.hearing import HearingRecogniser


def main(folder: str, port: str, url: str | None = None) -> None:
    settings = Settings.model_validate({"port": int(port), "store": {"url": url}})
    rulebook = load_rulebook([Path(__file__).with_name("pack.yaml")])

    def rules(info: CallInfo) -> RuleSession:
        return RuleSession(rulebook, info)

    with listen(settings) as listener:
        store = Store(Path(folder), settings.store)
        app = create_app(settings, HearingRecogniser(), rules, store=store)
        server = DrainingServer(uvicorn_config(app, settings), app.state.switchboard)
        asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    main(*sys.argv[1:])
