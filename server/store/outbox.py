"""The first place where an event is written: a small SQLite file of this machine.

One thread writes, in batches, in the order of arrival; the loop only appends to a queue. The file
has a greatest size, so a database that is away cannot fill the disk. Rows stay until they are in
the archive and, while there is room, until their call has ended: a call is taken up from here even
when the archive is away.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

log = logging.getLogger(__name__)

BATCH = 2_000
COMMIT_EVERY_S = 0.02
"""How long the first event of a batch waits for others: one disk flush serves them all."""
RETRY_S = (0.2, 5.0)
SWEEP_EVERY_S = 5.0

Kind = Literal["call", "event", "mark"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    call TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    kind TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (call, epoch, seq)
);
CREATE TABLE IF NOT EXISTS open_calls (
    call TEXT NOT NULL, epoch INTEGER NOT NULL,
    settled TEXT NOT NULL DEFAULT '{}', seq INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (call, epoch)
);
CREATE TABLE IF NOT EXISTS shipped (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL);
INSERT OR IGNORE INTO shipped VALUES (1, 0);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to be kept; ``(call, epoch, seq)`` is its identity everywhere."""

    call: str
    epoch: int
    seq: int
    kind: Kind
    body: str
    """JSON."""
    n: int = 0
    """Its place in the outbox."""


@dataclass(slots=True)
class Entry:
    """Rows that are written together or not at all."""

    rows: tuple[Row, ...] = ()
    settled: tuple[str, int, str, int] | None = None
    """Call, epoch, how far it is settled as JSON, number of its last event."""
    closes: tuple[str, int] | None = None
    """A call whose end is among the rows."""
    opens: bool = False
    then: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A call that had not ended when the last process stopped."""

    call: str
    epoch: int
    settled: Mapping[str, int]
    seq: int
    rows: tuple[Row, ...]


@dataclass(slots=True)
class OutboxFigures:
    """Counted since the start."""

    written: int = 0
    refused: int = 0
    """Rows that there was no room for, neither on disk nor in memory."""
    failures: int = 0
    """Commits that failed and were tried again."""
    commits: int = 0
    commit_s: float = 0.0


@dataclass(slots=True)
class _Pending:
    """What only the lock may touch."""

    entries: deque[Entry] = field(default_factory=deque)
    rows: int = 0
    shipped: int = 0
    stop: bool = False


class Outbox:
    """Opens the file at once; :meth:`start` begins to write. Methods never wait for the disk."""

    def __init__(
        self,
        path: Path,
        *,
        limit_mb: float,
        memory_rows: int,
        on_written: Callable[[int, list[Callable[[], None]]], None],
        on_state: Callable[[str | None], None],
    ) -> None:
        """``on_written(n, then)`` and ``on_state(why)`` are called on the loop of :meth:`start`.

        ``why`` is None when rows reach the disk again. Raises ``sqlite3.Error``.
        """
        self.figures = OutboxFigures()
        self._path = path
        self._limit_mb = limit_mb
        self._memory_rows = memory_rows
        self._on_written = on_written
        self._on_state = on_state
        self._pending = _Pending()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._why: str | None = None
        self._reader = self._connect()
        self._reader.executescript(SCHEMA)
        self.shipped: int = self._reader.execute("SELECT n FROM shipped").fetchone()[0]

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        # A commit has to survive a power cut, not only our own end.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=5000")
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={max(16, int(self._limit_mb * 2**20) // page)}")
        return connection

    # On the loop

    def start(self) -> None:
        """Begin to write; callbacks come on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_on, name="outbox", daemon=True)
        self._thread.start()

    async def aclose_writer(self) -> None:
        """Write what waits, as far as that works at once, then stop writing."""
        with self._lock:
            self._pending.stop = True
        self._wake.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def close(self) -> None:
        """Keep where the archive stands and close the file."""
        try:
            self._reader.execute("UPDATE shipped SET n = ?", (self.shipped,))
        except sqlite3.Error:
            # Rows that go to the archive once more change nothing there.
            log.info("outbox: where the archive stands was not kept")
        self._reader.close()

    def put(self, entry: Entry) -> bool:
        """Queue an entry; False when there is no room in memory, which has then been counted."""
        with self._lock:
            # One entry may go over it: a whole call that is given once more.
            full = self._pending.rows >= self._memory_rows
            if not full:
                self._pending.entries.append(entry)
                self._pending.rows += len(entry.rows)
        if full:
            self.figures.refused += len(entry.rows)
            return False
        self._wake.set()
        return True

    def mark_shipped(self, n: int) -> None:
        """Everything up to place ``n`` is in the archive."""
        self.shipped = n
        with self._lock:
            self._pending.shipped = n
        self._wake.set()

    @property
    def queued(self) -> int:
        """Rows in memory that are not on disk yet."""
        return self._pending.rows

    @property
    def why_lost(self) -> str | None:
        """Why rows do not reach the disk; None while they do."""
        return self._why

    # Anywhere, one at a time

    def read(self, after: int, limit: int) -> list[Row]:
        """The next rows on disk after place ``after``."""
        found = self._reader.execute(
            "SELECT call, epoch, seq, kind, body, n FROM waiting WHERE n > ? ORDER BY n LIMIT ?",
            (after, limit),
        )
        return [Row(*row) for row in found]

    def backlog(self) -> int:
        """How many places there are after the last that is in the archive."""
        last = self._reader.execute("SELECT max(n) FROM waiting").fetchone()[0]
        return max(0, (last or 0) - self.shipped)

    def unfinished(self) -> list[Unfinished]:
        """Calls that were going on when the last process stopped, with all their rows."""
        calls = self._reader.execute(
            "SELECT call, epoch, settled, seq FROM open_calls ORDER BY epoch"
        ).fetchall()
        return [
            Unfinished(call, epoch, json.loads(settled), seq, tuple(self._rows_of(call, epoch)))
            for call, epoch, settled, seq in calls
        ]

    def _rows_of(self, call: str, epoch: int) -> list[Row]:
        found = self._reader.execute(
            "SELECT call, epoch, seq, kind, body, n FROM waiting WHERE call = ? AND epoch = ? "
            "ORDER BY seq",
            (call, epoch),
        )
        return [Row(*row) for row in found]

    # In the thread

    def _write_on(self) -> None:
        connection: sqlite3.Connection | None = None
        batch: list[Entry] = []
        wait_s, swept, shipped = RETRY_S[0], time.monotonic(), self.shipped
        while True:
            if not batch:
                self._wake.wait(SWEEP_EVERY_S)
                self._wake.clear()
                time.sleep(COMMIT_EVERY_S)
                batch = self._take()
            stop = self._pending.stop
            sweep = time.monotonic() - swept > SWEEP_EVERY_S or self._why is not None or stop
            if not batch and self._pending.shipped == shipped and not sweep:
                if stop:
                    break
                continue
            try:
                connection = connection or self._connect()
                if self._pending.shipped != shipped or sweep:
                    shipped = max(shipped, self._pending.shipped)
                    self._sweep(connection, shipped, sweep, self._why is not None)
                    swept = time.monotonic()
                last = self._write(connection, batch) if batch else 0
            except sqlite3.Error as error:
                self.figures.failures += 1
                self._tell(str(error))
                if connection is not None:
                    _undo(connection)
                    connection = None
                if stop:
                    log.error("outbox: %d rows were not written: %s", _rows(batch), error)
                    break
                time.sleep(wait_s)
                wait_s = min(wait_s * 2, RETRY_S[1])
                continue
            wait_s = RETRY_S[0]
            if batch:
                self._written(batch, last)
                batch = []
            elif stop and not self._pending.entries:
                break
        if connection is not None:
            connection.close()

    def _take(self) -> list[Entry]:
        taken: list[Entry] = []
        rows = 0
        with self._lock:
            entries = self._pending.entries
            while entries and rows < BATCH:
                entry = entries.popleft()
                rows += len(entry.rows)
                taken.append(entry)
            if entries:
                self._wake.set()
        return taken

    def _write(self, connection: sqlite3.Connection, batch: list[Entry]) -> int:
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for entry in batch:
            for row in entry.rows:
                connection.execute(
                    "INSERT OR IGNORE INTO waiting (call, epoch, seq, kind, body) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (row.call, row.epoch, row.seq, row.kind, row.body),
                )
                if entry.opens:
                    connection.execute(
                        "INSERT OR IGNORE INTO open_calls (call, epoch) VALUES (?, ?)",
                        (row.call, row.epoch),
                    )
            if entry.settled is not None:
                call, epoch, settled, seq = entry.settled
                connection.execute(
                    "UPDATE open_calls SET settled = ?, seq = ? WHERE call = ? AND epoch = ?",
                    (settled, seq, call, epoch),
                )
            if entry.closes is not None:
                connection.execute(
                    "DELETE FROM open_calls WHERE call = ? AND epoch = ?", entry.closes
                )
        last: Any = connection.execute("SELECT max(n) FROM waiting").fetchone()[0]
        connection.execute("COMMIT")
        self.figures.commits += 1
        self.figures.commit_s += time.perf_counter() - began
        return int(last or 0)

    def _written(self, batch: list[Entry], last: int) -> None:
        count = _rows(batch)
        with self._lock:
            self._pending.rows -= count
        self.figures.written += count
        self._tell(None)
        then = [entry.then for entry in batch if entry.then is not None]
        self._call(self._on_written, last, then)

    def _sweep(
        self, connection: sqlite3.Connection, shipped: int, delete: bool, need: bool
    ) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE shipped SET n = ?", (shipped,))
        if need:
            # No room: a call that is taken up again can be read from the archive as well.
            connection.execute("DELETE FROM waiting WHERE n <= ?", (shipped,))
        elif delete:
            connection.execute(
                "DELETE FROM waiting WHERE n <= ? AND NOT EXISTS (SELECT 1 FROM open_calls "
                "WHERE open_calls.call = waiting.call AND open_calls.epoch = waiting.epoch)",
                (shipped,),
            )
        connection.execute("COMMIT")

    def _tell(self, why: str | None) -> None:
        if (why is None) != (self._why is None):
            self._why = why
            if why is not None:
                log.error("outbox: nothing can be kept: %s", why)
            self._call(self._on_state, why)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(function, *arguments)
            except RuntimeError:
                log.info("outbox: the loop is gone")


def _rows(batch: list[Entry]) -> int:
    return sum(len(entry.rows) for entry in batch)


def _undo(connection: sqlite3.Connection) -> None:
    """A connection whose write failed is not trusted with the next."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        log.info("outbox: rollback failed")
    connection.close()
