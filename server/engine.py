"""Puts the real recogniser and the real rules into the application. The one file that knows both."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI
from models.store import ModelError

from asr.engine import Engine
from assist_rules.errors import RuleError
from assist_rules.rulebook import load_rulebook
from assist_rules.session import RuleSession
from server.app import create_app
from server.settings import Settings


class EngineError(Exception):
    """The recogniser or the rules cannot be loaded; the message says what to do."""


def build(settings: Settings) -> FastAPI:
    """The application with what the settings name."""
    try:
        engine = Engine(settings.asr)
        rulebook = load_rulebook(settings.rules)
    except (ModelError, RuleError) as error:
        raise EngineError(str(error)) from error
    return create_app(settings, engine, partial(RuleSession, rulebook))
