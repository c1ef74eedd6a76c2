"""The documents for machines: AsyncAPI against real messages, OpenAPI against real answers."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, get_args

import httpx
import jsonschema
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from websockets.asyncio.client import connect

from server import viewers
from server.access.doors import DOORS
from server.app import create_app
from server.client.audio import AudioClient, Call
from server.ingest.hello import Hello
from server.settings import Settings
from server.wire import TYPES
from tests.fixtures.write import files
from tests.server.documents import DOCUMENT, check, check_down
from tests.server.running import (
    fixture_recogniser,
    hello,
    message,
    packet,
    running,
    scripted_rules,
    silent_clip,
)


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_the_sockets_of_the_protocol_are_its_channels() -> None:
    native = {path for method, path in DOORS if method == "SOCKET" and path.count("/") == 2}
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == native


def test_every_call_event_is_in_it() -> None:
    listed = {
        one["$ref"].rpartition("/")[2]
        for one in DOCUMENT["components"]["schemas"]["event"]["oneOf"]
    }
    assert listed >= TYPES.keys() - {"mark"}


@pytest.mark.parametrize("noun", sorted(TYPES.keys() - {"mark"}))
def test_recorded_events_are_as_it_says(noun: str) -> None:
    lines = files()[f"nouns/{noun}.jsonl"].splitlines()
    for line in lines:
        check("event", json.loads(line))
    wrong = {**json.loads(lines[0]), "at_ms": "soon"}
    with pytest.raises(jsonschema.ValidationError):
        check("event", wrong)


@pytest.mark.parametrize(
    "model", [*get_args(get_args(viewers.Up)[0]), Hello], ids=lambda m: m.__name__
)
def test_what_goes_up_has_the_fields_that_the_server_takes(model: Any) -> None:
    name = model.model_fields["type"].annotation.__args__[0]
    schema = DOCUMENT["components"]["schemas"]["audio_hello" if model is Hello else name]
    assert schema["properties"].keys() == model.model_fields.keys()
    needed = {field for field, info in model.model_fields.items() if info.is_required()}
    assert set(schema["required"]) == needed
    assert schema["additionalProperties"] is False


async def test_a_real_call_is_as_it_says() -> None:
    async with (
        running() as place,
        connect(f"{place.ws}/v1/agent?agent=a-7", max_queue=None) as widget,
        connect(f"{place.ws}/v1/board", max_queue=None) as board,
        httpx.AsyncClient(base_url=place.http, timeout=60) as http,
    ):
        served = await http.get("/v1/asyncapi.yaml")
        assert yaml.safe_load(served.text) == DOCUMENT
        async with place.audio() as feed:
            check("audio_hello", json.loads(hello("c-0")))
            await feed.send(hello("c-0"))
            check_down("audio", await message(feed))
            await feed.send(packet(0))
            await http.post("/v1/calls/c-0/whispers", json={"text": "慢一点"})
            await feed.send("nonsense")
            check_down("audio", await message(feed))
        call = Call("c-1", agent="a-7", queue="broadband")
        assert await AudioClient(place.ws, call, silent_clip(61), speed=0).run() == 61_000
        await widget.send('{"type":"claim","call":"nowhere"}')
        for socket, channel in ((widget, "agent"), (board, "board")):
            await socket.send('{"type":"ping","id":7}')
            kinds = set()
            while "pong" not in kinds:
                told = await asyncio.wait_for(message(socket), 20)
                check_down(channel, told)
                kinds.add(told["type"])
            assert {"hello", "alert", "suggestion", "transcript", "whisper", "status"} <= kinds


# The REST side: every operation gets what its OpenAPI entry allows, and what it does not.
EXAMPLES = int(os.environ.get("TINGBAN_SCHEMA_EXAMPLES", "0"))
"""How many requests for each operation; CONTRIBUTING.md has the command for many."""
APP = create_app(
    Settings.model_validate({"access": {"mode": "open"}}), fixture_recogniser(), scripted_rules
)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
# Every field's every boundary: hundreds of requests, for the long run alone.
SCHEMA.config.phases.coverage.enabled = bool(EXAMPLES)
# What is wrong may also be too long, and is refused for that first.
SCHEMA.config.checks.negative_data_rejection.expected_statuses.append("413")


def test_every_operation_declares_how_it_may_fail() -> None:
    paths = APP.openapi()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            assert {"401", "403", "422"} <= operation["responses"].keys(), (method, path)
            assert operation.get("description"), (method, path)


async def test_a_wrong_method_is_told_all_right_ones() -> None:
    transport = httpx.ASGITransport(APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        for path, methods in (
            ("/v1/users", "GET, POST"),
            ("/v1/users/x", "DELETE, PATCH"),
            ("/v1/session", "DELETE, GET, POST"),
        ):
            answer = await http.put(path)
            assert (answer.status_code, answer.headers["allow"]) == (405, methods)
            assert answer.json()["error"]["code"] == "method_not_allowed"


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES or 3, deadline=None, suppress_health_check=list(HealthCheck))
def test_rest_answers_as_its_document_says(case: Any) -> None:
    case.call_and_validate()
