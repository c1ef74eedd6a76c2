"""Puts the real recogniser and the real rules together. The one file that knows both.

It imports torch; import it inside the function that needs it, so that ``--help`` stays quick.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from asr.engine import Engine, EngineConfig
from asr.paraformer.load import Model, ModelError, device_named, load_model
from asr.paraformer.network import Precision, native_precision
from asr.paraformer.state import SHAPES
from asr.phrases import PhraseFileError, read_phrases
from asr.reading import reading_for
from asr.recogniser import Recogniser, RecogniserInfo
from asr.second_pass import SecondPass
from assist_rules.compiled import cache_folder
from assist_rules.events import CallInfo
from assist_rules.reload import start_rulebook
from assist_rules.rulebook import RuleError
from assist_rules.session import RuleSession
from models.manifest import cards
from models.store import StoreError, locate
from server.live.switchboard import NewRules
from server.settings import RecogniserSettings


class EngineError(Exception):
    """The recogniser or the rules cannot be loaded; the message says what to do."""


def load_listener(asr: str, precision: str = "auto", device: str = "cpu") -> Model:
    """The recogniser's model by name or directory; ``auto``: what the device does best.

    Raises :class:`EngineError`.
    """
    try:
        place = device_named(device)
        chosen = native_precision(place) if precision == "auto" else Precision(precision)
        return load_model(locate(asr), chosen, str(place))
    except (StoreError, ModelError) as error:
        raise EngineError(str(error)) from error


def about(model: Model) -> RecogniserInfo:
    """What viewers are told of it; a model that somebody carried in is theirs to vouch for."""
    card = cards().get(model.name)
    return RecogniserInfo(model.name, card is not None and card.demonstration)


def live(model: Model, settings: RecogniserSettings | None = None) -> Recogniser:
    """The engine that hears many calls at once. Raises :class:`EngineError` for a bad word list."""
    settings = settings or RecogniserSettings()
    try:
        phrases = read_phrases(settings.hotwords) if settings.hotwords else []
    except PhraseFileError as error:
        raise EngineError(str(error)) from error
    return Engine(
        model,
        EngineConfig(max_calls=settings.max_calls, shape=SHAPES[settings.chunk_ms]),
        reading_for(model, phrases),
        demonstration=about(model).demonstration,
        second=second_pass(
            settings.second_pass, model, settings.precision, settings.device, phrases
        ),
    )


def second_pass(
    which: str,
    model: Model,
    precision: str = "auto",
    device: str = "cpu",
    phrases: Iterable[str] = (),
) -> SecondPass | None:
    """What hears utterances once more: nothing (``off``), the ``same`` model, or another one.

    Raises :class:`EngineError`.
    """
    if which == "off":
        return None
    second = model if which == "same" else load_listener(which, precision, device)
    return SecondPass(second, reading_for(second, phrases))


def load_rules(folder: Path | None) -> NewRules:
    """Begins the rules of a call, from the packs in a folder or from those shipped."""
    try:
        rulebook = start_rulebook(None if folder is None else [folder], None, cache_folder())
    except RuleError as error:
        raise EngineError(str(error)) from error

    def begin(info: CallInfo) -> RuleSession:
        return RuleSession(rulebook, info)

    return begin
