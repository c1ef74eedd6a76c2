"""A client whose every second of sound is a number, and what viewers make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from asr.events import Party
from server.client.clip import Clip
from server.ingest.packet import write
from tests.server.running import RATE, hello, message

Message = dict[str, Any]


def second(number: int) -> bytes:
    """One second of the customer's sound that says ``number``."""
    return number.to_bytes(2, "little", signed=True) * RATE


def counting_clip(seconds: int) -> Clip:
    """Says 1, 2, 3…"""
    sound = b"".join(second(number + 1) for number in range(seconds))
    return Clip((Party.CUSTOMER,), "pcm16", RATE, sound)


@asynccontextmanager
async def calling(ws: str, call: str, **changes: Any) -> AsyncIterator[ClientConnection]:
    """An audio socket that has been told ``ready``; ``socket.first`` is what it said."""
    async with connect(f"{ws}/v1/audio", compression=None, max_size=None) as socket:
        await socket.send(hello(call, parties=["customer"], **changes))
        ready = await message(socket)
        assert ready["type"] == "ready", ready
        yield socket


async def speak(socket: ClientConnection, numbers: Iterable[int]) -> None:
    """Send the seconds of these numbers, which count from 1."""
    for number in numbers:
        await socket.send(write(0, (number - 1) * RATE, second(number)))


@asynccontextmanager
async def watching(address: str) -> AsyncIterator[ClientConnection]:
    """A viewer's socket, after its hello."""
    async with connect(address, compression=None, max_size=None, max_queue=None) as socket:
        assert (await message(socket))["type"] == "hello"
        yield socket


async def until(socket: ClientConnection, good: Callable[[Message], bool]) -> list[Message]:
    """Messages up to the first that is good, that one last."""
    seen = []
    while True:
        seen.append(await message(socket))
        if good(seen[-1]):
            return seen


async def told(socket: ClientConnection, good: Callable[[Message], bool]) -> list[Message]:
    """What a page knows once an event is good: a snapshot stands for all that was before."""
    known: dict[int, Message] = {}
    while True:
        one = await message(socket)
        if one["type"] == "snapshot":
            known = {}
        new = one["events"] if one["type"] == "snapshot" else [one]
        for event in new:
            assert event["seq"] not in known, "an event comes once"
            known[event["seq"]] = event
        if any(good(event) for event in new):
            return [known[seq] for seq in sorted(known)]


def says(word: int) -> Callable[[Message], bool]:
    """The final of that second."""
    return lambda one: one["type"] == "transcript" and one["text"] == f"word{word}"


async def snapshot(http: str, call: str) -> Message:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{http}/v1/calls/{call}")
    assert answer.status_code == 200, answer.text
    found: Message = answer.json()
    return found


def words(messages: Iterable[Message]) -> Counter[str]:
    """How often each word was final."""
    return Counter(one["text"] for one in messages if one["type"] == "transcript" and one["text"])


def each_once(count: int) -> Counter[str]:
    return Counter(f"word{number + 1}" for number in range(count))


async def seen_by(http: str, nodes: int) -> None:
    """Wait until a node sees so many, itself included."""
    async with httpx.AsyncClient() as client:
        while True:
            text = (await client.get(f"{http}/metrics")).text
            if f"\ntingban_nodes {float(nodes)}\n" in text:
                return
