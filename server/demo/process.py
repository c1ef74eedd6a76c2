"""The server of the demonstration: a process of its own, as it would be in real life."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

START_S = 600
STOP_S = 20
_ADDRESS = re.compile(r"^(http://\S+)/$")


class ServerFailed(Exception):
    """The server did not come up; the message holds what it said last."""


@asynccontextmanager
async def serving(options: Sequence[str], complain: Callable[[str], None]) -> AsyncIterator[str]:
    """Run ``tingban serve`` with these options; gives its address once it takes calls.

    ``complain`` gets what the server logs afterwards, which is warnings and worse.
    It belongs to our process group, so Ctrl-C in the terminal reaches it as well.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "serve",
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    said: deque[str] = deque(maxlen=30)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    reader = asyncio.create_task(_read(process, said, address, complain))
    try:
        async with asyncio.timeout(START_S):
            found = await address
        yield found
    except TimeoutError:
        raise ServerFailed(f"no answer within {START_S} s\n" + "\n".join(said)) from None
    finally:
        await _stop(process)
        await reader


async def _read(
    process: asyncio.subprocess.Process,
    said: deque[str],
    address: asyncio.Future[str],
    complain: Callable[[str], None],
) -> None:
    """Find the address among what the server logs, keep the last of it."""
    assert process.stderr is not None
    async for raw in process.stderr:
        line = raw.decode("utf-8", "replace").rstrip()
        said.append(line)
        if address.done():
            complain(line)
        match = _ADDRESS.match(line)
        if match and not address.done():
            address.set_result(match[1])
    if not address.done():
        address.set_exception(ServerFailed("\n".join(said) or "it said nothing"))


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
