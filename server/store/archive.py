"""The database that can be asked about calls: SQLite on this machine, or PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.store import schema
from server.store.migrate import migrate
from server.store.outbox import Row
from server.store.record import Batch, Values, batch_of

PER_STATEMENT = 400
"""Names in one question: SQLite takes 32,766 values a statement, PostgreSQL 32,767."""


def database(url: str | None, file: Path) -> AsyncEngine:
    """The engine of the archive: PostgreSQL at ``url``, or the SQLite file.

    Raises ``ValueError`` that says what is wrong with the address, without its password.
    """
    # Both write values into their logs, which are what people said: never, at any log level.
    for name in ("aiosqlite", "asyncpg"):
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))
    if url is None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{file}", hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _tune_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("store.url: use postgresql://USER:PASSWORD@HOST/DATABASE") from None
    if parsed.get_backend_name() != "postgresql":
        raise ValueError(f"store.url: {parsed.get_backend_name()} is not supported, PostgreSQL is")
    # A server that does not answer must count as away before anybody wonders.
    return create_async_engine(
        parsed.set(drivername="postgresql+asyncpg"),
        pool_size=4,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"timeout": 5, "command_timeout": 30},
    )


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _tune_sqlite(connection: Any, _: object) -> None:
    # The driver would begin a transaction late, and none for a change of tables: a process that is
    # killed in one would leave half of it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class Archive:
    """Writes to the database; ``reading.py`` asks it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._migrated = False
        self._migrating = asyncio.Lock()

    @property
    def remote(self) -> bool:
        """It is PostgreSQL, which can be away."""
        return self.engine.dialect.name == "postgresql"

    async def ready(self) -> None:
        """Bring the tables to this version, once. Raises what the database raises."""
        if self._migrated:
            return
        async with self._migrating:
            if not self._migrated:
                await migrate(self.engine)
                self._migrated = True

    async def aclose(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    async def write(self, rows: list[Row]) -> list[tuple[str, int]]:
        """Write rows of the outbox in one transaction; those written before change nothing.

        Gives the calls that ended and are not here: somebody erased them while they went on.
        """
        await self.ready()
        batch = batch_of(rows, int(time.time() * 1000))
        async with self.engine.begin() as connection:
            return await self._insert_all(connection, batch)

    async def add(self, row: Row) -> bool:
        """Write one more event of a call that is here; False when its number is taken."""
        await self.ready()
        (values,) = batch_of([row], 0).events
        dialect = postgresql if self.remote else sqlite
        insert = dialect.insert(schema.events).values(values).on_conflict_do_nothing()
        async with self.engine.begin() as connection:
            return (await connection.execute(insert)).rowcount == 1

    async def _insert_all(self, connection: AsyncConnection, batch: Batch) -> list[tuple[str, int]]:
        # Events of a call that was erased or pruned meanwhile have nowhere to go.
        await self._insert(connection, schema.calls, batch.calls)
        known = await self._known(connection, batch)
        for table, found in (
            (schema.events, batch.events),
            (schema.feedback, batch.feedback),
            (schema.actions, batch.actions),
        ):
            wanted = [values for values in found if (values["call"], values["epoch"]) in known]
            await self._insert(connection, table, wanted)
        versions = list(batch.pack_versions.values())
        await self._insert(connection, schema.pack_versions, versions)
        calls = schema.calls
        for values in (*batch.bound, *batch.ended):
            key = (calls.c.call == values["call"], calls.c.epoch == values["epoch"])
            rest = {k: v for k, v in values.items() if k not in ("call", "epoch")}
            await connection.execute(update(calls).where(*key).values(**rest))
        ended = [(values["call"], values["epoch"]) for values in batch.ended]
        return [key for key in ended if key not in known]

    async def _known(self, connection: AsyncConnection, batch: Batch) -> set[tuple[str, int]]:
        wanted = sorted({(values["call"], values["epoch"]) for values in batch.events})
        calls = schema.calls
        known: set[tuple[str, int]] = set()
        for first in range(0, len(wanted), PER_STATEMENT):
            names = {call for call, _ in wanted[first : first + PER_STATEMENT]}
            found = await connection.execute(
                select(calls.c.call, calls.c.epoch).where(calls.c.call.in_(names))
            )
            known |= {(call, epoch) for call, epoch in found}
        return known

    async def _insert(
        self, connection: AsyncConnection, table: Table, rows: Sequence[Values]
    ) -> None:
        if rows:
            # One statement for many rows is compiled anew for each number of them: slower by far.
            dialect = postgresql if self.remote else sqlite
            await connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)

    async def epochs(self, call: str) -> list[int]:
        """When calls of that id began, the latest last."""
        await self.ready()
        calls = schema.calls
        query = select(calls.c.epoch).where(calls.c.call == call).order_by(calls.c.epoch)
        async with self.engine.connect() as connection:
            return list(await connection.scalars(query))

    async def head_of(self, call: str) -> Values | None:
        """The line of the latest call of that id."""
        await self.ready()
        calls = schema.calls
        query = select(calls).where(calls.c.call == call).order_by(calls.c.epoch.desc()).limit(1)
        async with self.engine.connect() as connection:
            found = (await connection.execute(query)).mappings().first()
            return None if found is None else dict(found)

    async def rows_of(self, call: str, epoch: int) -> list[Row]:
        """What the archive has of a call, as the outbox would have it."""
        await self.ready()
        calls, events = schema.calls, schema.events
        async with self.engine.connect() as connection:
            head = await connection.execute(
                select(calls).where(calls.c.call == call, calls.c.epoch == epoch)
            )
            found = head.mappings().first()
            if found is None:
                return []
            body = json.dumps({k: v for k, v in found.items() if k not in ("call", "epoch")})
            kept = await connection.execute(
                select(events.c.seq, events.c.body)
                .where(events.c.call == call, events.c.epoch == epoch)
                .order_by(events.c.seq)
            )
            rest = [Row(call, epoch, seq, "event", text) for seq, text in kept]
            return [Row(call, epoch, 0, "call", body), *rest]
