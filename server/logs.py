"""The form of the log: lines for people or JSON for programs, and never what people said.

Our own messages name calls, codes and addresses. What may slip in from elsewhere is cut here: the
text of an exception, which can hold the value that caused it, and long runs of digits, which are
telephone numbers in somebody's call ids.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from server.settings import LogSettings

DIGITS = re.compile(r"\d(?:[ -]?\d){6,}")
"""Seven digits and more are masked, however they are grouped."""
QUIET = ("uvicorn.error", "websockets", "httpx", "httpcore", "redis", "sqlalchemy", "aiosqlite")
"""At DEBUG these print whole messages, which is what people said."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def masked(text: str) -> str:
    """The text with long numbers starred, as long as before."""
    return DIGITS.sub(lambda found: "*" * len(found.group()), text)


class Discreet(logging.Formatter):
    """Prints where an exception came from and what kind it was, not what it said."""

    def formatException(self, ei: ExcInfo | tuple[None, None, None]) -> str:
        """The frames and the names of the exceptions, causes first."""
        parts: list[str] = []
        seen: set[int] = set()
        error = ei[1]
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            frames = "".join(traceback.format_tb(error.__traceback__))
            parts.append(f"{frames}{type(error).__module__}.{type(error).__qualname__}")
            error = error.__cause__ or error.__context__
        return masked("\nthen\n".join(reversed(parts)))

    def format(self, record: logging.LogRecord) -> str:
        """One entry for people."""
        # A cached text of another formatter would bypass ours.
        record.exc_text = None
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line without an exception."""
        record.message = masked(record.message)
        return super().formatMessage(record)


class Json(Discreet):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """``at``, ``level``, ``logger``, ``message``, and ``exception`` where there was one."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def handler(settings: LogSettings, stream: TextIO | None = None) -> logging.Handler:
    """Writes entries in the form that is asked for."""
    made = logging.StreamHandler(stream or sys.stderr)
    if settings.format == "json":
        made.setFormatter(Json())
    else:
        made.setFormatter(Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return made


def set_up(settings: LogSettings) -> None:
    """Log to stderr, and hold the loggers that print messages at INFO."""
    logging.basicConfig(level=settings.level.upper(), handlers=[handler(settings)], force=True)
    hold_quiet()


def hold_quiet() -> None:
    """Whatever the level: never what people said."""
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))
