"""What a client sends is read in order, whoever asks, and not read on when too much waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from asr.events import AsrEvent, AudioFrame, CallId, Party
from asr.recogniser import CallAudio, RecogniserInfo, ScriptedRecogniser
from server.connection import Connection
from server.intake import ENOUGH, Event, Intake
from tests.server.running import PACKET, hello, message, packet, running

MESSAGES = st.lists(st.one_of(st.binary(max_size=8), st.text(max_size=4)))


class Reading:
    """Counts how often the socket is to be read on."""

    def __init__(self) -> None:
        self.resumed = 0
        self.intake = Intake(self._resume)

    def _resume(self) -> None:
        self.resumed += 1

    def come(self, sent: Sequence[bytes | str]) -> None:
        for one in sent:
            if isinstance(one, bytes):
                self.intake.put(one)
            else:
                self.intake.put_nowait({"type": "websocket.receive", "text": one})


def content(event: Event) -> bytes | str:
    found: bytes | str = event["bytes"] if "bytes" in event else event["text"]
    return found


@given(MESSAGES, st.data())
async def test_order_is_kept_however_it_is_asked_for(
    sent: list[bytes | str], data: st.DataObject
) -> None:
    reading = Reading()
    reading.come(sent)
    taken: list[bytes | str] = []
    while len(taken) < len(sent):
        packets = await reading.intake.packets() if data.draw(st.booleans()) else []
        taken += packets or [content(await reading.intake.get())]
    assert taken == sent
    assert reading.intake.empty()


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1), st.binary(max_size=8))
async def test_packets_are_taken_together_up_to_another_message(
    sent: list[bytes], last: bytes
) -> None:
    reading = Reading()
    reading.come([*sent, "end", last])
    assert await reading.intake.packets() == sent
    assert await reading.intake.packets() == []
    assert reading.resumed == 0
    assert content(await reading.intake.get()) == "end"
    assert await reading.intake.packets() == [last]
    assert reading.resumed == 1


async def test_a_reader_waits_for_the_next_message_and_another_may_take_its_place() -> None:
    intake = Reading().intake
    gone = asyncio.create_task(intake.packets())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    waits = asyncio.create_task(intake.packets())
    await asyncio.sleep(0)
    intake.put(b"1")
    intake.put(b"2")
    assert await waits == [b"1", b"2"]


async def test_it_says_when_enough_waits_until_all_is_taken() -> None:
    intake = Reading().intake
    assert intake.put(bytes(ENOUGH - 1))
    assert not intake.put(b"1")
    await intake.packets()
    assert intake.put(bytes(ENOUGH - 1))


class Stubborn(ScriptedRecogniser):
    """Takes no sound until it is told to; remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.info = RecogniserInfo("stubborn", demonstration=True)
        self.willing = asyncio.Event()
        self.asked = asyncio.Event()
        self.taken: list[tuple[Party, int]] = []

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> CallAudio:
        return _Stubborn(super().open(call, parties, rate), self)


class _Stubborn:
    def __init__(self, inner: CallAudio, owner: Stubborn) -> None:
        self._inner = inner
        self._owner = owner
        self.end, self.aclose = inner.end, inner.aclose

    async def push(self, frame: AudioFrame) -> None:
        self._owner.asked.set()
        await self._owner.willing.wait()
        self._owner.taken.append((frame.party, frame.start_sample))
        await self._inner.push(frame)

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        async for event in self._inner:
            yield event


async def test_a_socket_is_not_read_on_while_its_call_takes_nothing() -> None:
    recogniser = Stubborn()
    paused = asyncio.Event()

    class Watched(Connection):
        """Tells when it leaves the rest to TCP."""

        def handle_bytes(self, event: object) -> None:
            super().handle_bytes(event)  # type: ignore[arg-type]
            if self.read_paused:
                paused.set()

    async with running(recogniser) as server:
        server.server.config.ws_protocol_class = Watched
        # Nothing of the client's own may wait: what the server does not read stops it.
        async with connect(f"{server.ws}/v1/audio", compression=None) as socket:
            await socket.send(hello())
            assert (await message(socket))["type"] == "ready"
            count = 4 * ENOUGH // len(packet(0))
            for index in range(count):
                await socket.send(packet(index))
            await asyncio.wait_for(paused.wait(), 30)
            await recogniser.asked.wait()
            assert not recogniser.taken
            recogniser.willing.set()
            # In two parts, as clients may: uvicorn puts it together, and it keeps its place.
            whole = packet(count)
            await socket.send([whole[:100], whole[100:]])
            await socket.send(packet(count + 1))
            await socket.send(json.dumps({"type": "end"}))
            while (last := await message(socket))["type"] == "ack":
                pass
    assert last == {"type": "ended", "call": "c-1", "duration_ms": (count + 2) * 20}
    due = [index * PACKET for index in range(count + 2) for _ in range(2)]
    assert [start for _, start in recogniser.taken] == due
