"""Holds messages against the AsyncAPI document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import yaml

import server
from server.wire import TYPES

FILE = Path(next(iter(server.__path__))) / "asyncapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))


def check(name: str, payload: dict[str, Any]) -> None:
    """Against the schema of that name; raises where the message is not as promised."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(payload)


def check_down(channel: str, payload: dict[str, Any]) -> None:
    """A message that the server sent must be one that the channel lists."""
    kind = "event" if payload["type"] in TYPES else payload["type"]
    assert kind in DOCUMENT["channels"][channel]["messages"]
    check(kind, payload)
