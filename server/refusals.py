"""Every reason for which a socket is closed: its close code, its name, what to do about it.

This table is the only place that knows close codes; ``PROTOCOL.md`` shows it to clients.
"""

from __future__ import annotations

CLOSE_CODES: dict[str, int] = {
    "not_json": 1003,
    "binary_expected": 1003,
    "text_expected": 1003,
    "bad_hello": 1007,
    "bad_packet": 1007,
    "bad_message": 1007,
    "call_taken": 1008,
    "call_ended": 1008,
    "forbidden": 1008,
    "too_large": 1009,
    "recogniser_failed": 1011,
    "going_down": 1012,
    "full": 1013,
    "elsewhere": 1013,
    "unauthorized": 4401,
    "hello_timeout": 4408,
    "idle": 4408,
    "too_slow": 4429,
}


class Refusal(Exception):
    """A socket cannot go on. ``message`` tells its owner what is wrong and what to do."""

    def __init__(self, code: str, message: str, **extra: int | float | str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.close_code = CLOSE_CODES[code]
        self.extra = extra

    def wire(self) -> dict[str, object]:
        """The JSON object that is sent before the close."""
        return {"type": "error", "code": self.code, "message": self.message, **self.extra}
