"""The store of one server: outbox, the way from there to the archive, and how durable things are."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from sqlalchemy.exc import SQLAlchemyError

from asr.events import AudioFrame, Party
from assist_rules.events import CallInfo
from server.events import CallEvent, Status
from server.live.takeover import Kept
from server.privacy.mask import ALL, HIDDEN, Policy
from server.privacy.veil import Veil
from server.settings import StoreSettings
from server.store.archive import Archive, database
from server.store.customer import CustomerKey
from server.store.migrate import SchemaError
from server.store.outbox import Entry, Outbox, Row, Unfinished
from server.store.reading import last_of
from server.store.sound import Ring, SoundFiles

log = logging.getLogger(__name__)

SHIP_BATCH = 1_000
SHIP_EVERY_S = 0.2
"""Pause between transactions of the archive: fewer, larger ones."""
RETRY_S = (0.5, 30.0)
LAST_WORDS_S = 5.0
"""How long the end of the server waits for the archive; the next start sends what is left."""

OnDurability = Callable[[str | None], None]


@dataclass(slots=True)
class StoreFigures:
    """Counted since the start."""

    shipped: int = 0
    ship_failures: int = 0


class Store:
    """Open it with :meth:`open`. On the loop nothing here waits but :meth:`open` itself."""

    def __init__(self, folder: Path, settings: StoreSettings, policy: Policy = ALL) -> None:
        """``policy``: what is hidden in a call's attributes; its events come masked.

        Raises ``OSError``, ``sqlite3.Error`` or ``ValueError``."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.archive = Archive(database(settings.url, folder / "archive.sqlite3"))
        self._lock = lock(folder)
        self.folder = folder
        self.settings = settings
        self._veil = Veil(policy)
        self.figures = StoreFigures()
        self.customers = CustomerKey(folder)
        self.outbox = Outbox(
            folder / "outbox.sqlite3",
            limit_mb=settings.outbox_mb,
            memory_rows=settings.memory_rows,
            on_written=self._written,
            on_state=self._on_state,
        )
        self.sounds = SoundFiles(folder / "sound")
        self._going: dict[str, CallJournal] = {}
        self._marking = asyncio.Lock()
        self.away: str | None = None
        """Why the archive cannot be written; None while it can."""
        self._listeners: list[OnDurability] = []
        self.on_erased: Callable[[str], None] = lambda _: None
        """Told of a call that was erased while it went on, once it has ended."""
        self._holed: set[CallJournal] = set()
        self._told: str | None = None
        self._durable: deque[tuple[int, list[Callable[[], None]]]] = deque()
        self._new = asyncio.Event()
        self._shipping: asyncio.Task[None] | None = None
        self._closing = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Write until the context ends, then give the archive a few seconds to catch up."""
        self.outbox.start()
        self._shipping = asyncio.create_task(self._ship(), name="store")
        try:
            yield
        finally:
            self._closing = True
            await self.outbox.aclose_writer()
            self._new.set()
            try:
                async with asyncio.timeout(LAST_WORDS_S):
                    await self._shipping
            except TimeoutError:
                log.warning("store: the archive did not take everything; the next start goes on")
            await self.sounds.aclose()
            self.outbox.close()
            await self.archive.aclose()
            self._lock.close()

    # Calls

    async def unfinished(self) -> list[Unfinished]:
        """Calls that were going on when the last process stopped, with all that is kept of them."""
        found = await asyncio.to_thread(self.outbox.unfinished)
        return [await self._completed(call) for call in found]

    async def _completed(self, call: Unfinished) -> Unfinished:
        if call.rows and call.rows[0].kind == "call":
            return call
        # The outbox had no room for what was in the archive already.
        try:
            kept = await self.archive.rows_of(call.call, call.epoch)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.error("call %s cannot be read: %s", call.call, _said(error))
            return call
        rows = {row.seq: row for row in (*kept, *call.rows)}
        return replace(call, rows=tuple(rows[seq] for seq in sorted(rows)))

    def begin(self, info: CallInfo, epoch: int, parties: Sequence[Party], rate: int) -> CallJournal:
        """A call begins; its customer's number is kept as a hash only."""
        journal = self._journal(info.call, epoch, parties, rate)
        number = self.settings.customer_attribute
        attributes = dict(self._veil.attributes(info.attributes))
        if number in attributes:
            attributes[number] = HIDDEN * len(attributes[number])
        head = {
            "agent": info.agent,
            "queue": info.queue,
            "tier": info.tier,
            "brand": info.brand,
            "attributes": json.dumps(attributes, ensure_ascii=False),
            "parties": ",".join(parties),
            "rate": rate,
            "customer": self.customers.of(info.attributes, number),
            "audio": self.settings.audio,
        }
        row = Row(info.call, epoch, 0, "call", json.dumps(head, ensure_ascii=False))
        self.put(journal, Entry((row,), opens=True))
        return journal

    def carry_on(self, kept: Kept) -> CallJournal:
        """The journal of a call that another node began: the same call in the archive."""
        return self.begin(kept.info, kept.epoch, kept.parties, kept.rate)

    def resume(
        self, call: str, epoch: int, parties: Sequence[Party] = (), rate: int = 8_000
    ) -> CallJournal:
        """The journal of a call that is taken up again."""
        return self._journal(call, epoch, parties, rate)

    def _journal(self, call: str, epoch: int, parties: Sequence[Party], rate: int) -> CallJournal:
        journal = CallJournal(self, call, epoch, Ring(parties, rate, self.settings.ring_s))
        self._going[call] = journal
        return journal

    def ended(self, journal: CallJournal) -> None:
        """Of a call that is over only what is on disk can be heard."""
        if self._going.get(journal.call) is journal:
            del self._going[journal.call]

    def ring(self, call: str) -> Ring | None:
        """The latest sound of a call that goes on."""
        journal = self._going.get(call)
        return None if journal is None else journal.ring

    async def add(self, call: str, epoch: int, after: int, event: dict[str, Any]) -> dict[str, Any]:
        """Give a call that is over one more event, numbered; raises what the archive raises.

        It does not go through the outbox: whoever judges a call can try again.
        """
        async with self._marking:
            while True:
                last = await last_of(self.archive, call)
                seq = max(after, last[1] if last and last[0] == epoch else 0) + 1
                numbered = {"type": event["type"], "call": call, "seq": seq, **event}
                text = json.dumps(numbered, ensure_ascii=False)
                row = Row(call, epoch, seq, "event", text)
                if await self.archive.add(row):
                    return numbered

    def put(self, journal: CallJournal, entry: Entry) -> bool:
        """Queue an entry of a call; when there is no room, the call is known to have a hole."""
        if self.outbox.put(entry):
            return True
        self._holed.add(journal)
        self._judge()
        return False

    def whole(self, journal: CallJournal) -> bool:
        """Nothing of that call was turned away."""
        return journal not in self._holed

    # How durable things are

    @property
    def why_lost(self) -> str | None:
        """Why events are not durable now; None when they are."""
        if self.outbox.why_lost is not None:
            return self.outbox.why_lost
        return "more events than the disk takes" if self._holed else None

    def listen(self, listener: OnDurability) -> None:
        """``listener`` is told on the loop when durability is lost (why) and is back (None)."""
        self._listeners.append(listener)

    def mended(self, journal: CallJournal) -> None:
        """All that is known of a call has been queued once more."""
        self._holed.discard(journal)
        self._judge()

    def _on_state(self, _: str | None) -> None:
        self._judge()

    def _judge(self) -> None:
        why = self.why_lost
        if (why is None) != (self._told is None):
            self._told = why
            for listener in self._listeners:
                listener(why)

    def _written(self, last: int, then: list[Callable[[], None]]) -> None:
        if self._holed and self.outbox.queued <= self.settings.memory_rows // 2:
            # One at a time: each may be thousands of events.
            next(iter(self._holed)).mend()
        if self.archive.remote:
            self._durable.append((last, then))
        else:
            for call in then:
                call()
        self._new.set()

    def _settle(self, shipped: int) -> None:
        while self._durable and self._durable[0][0] <= shipped:
            for call in self._durable.popleft()[1]:
                call()

    # From the outbox to the archive

    async def _ship(self) -> None:
        shipped = self.outbox.shipped
        wait_s = RETRY_S[0]
        while True:
            rows = await asyncio.to_thread(self.outbox.read, shipped, SHIP_BATCH)
            if not rows:
                self._settle(shipped)
                if self._closing:
                    return
                self._new.clear()
                await self._new.wait()
                await asyncio.sleep(0 if self._closing else SHIP_EVERY_S)
                continue
            try:
                erased = await self.archive.write(rows)
            except (SQLAlchemyError, OSError, TimeoutError, SchemaError) as error:
                self.figures.ship_failures += 1
                if self.away is None:
                    log.error("store: the archive is away: %s", _said(error))
                self.away = _said(error)
                if self._closing:
                    return
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, RETRY_S[1])
                continue
            if self.away is not None:
                log.warning("store: the archive is back; %d events wait", self.outbox.backlog())
            self.away, wait_s = None, RETRY_S[0]
            shipped = rows[-1].n
            self.figures.shipped += len(rows)
            self.outbox.mark_shipped(shipped)
            self._settle(shipped)
            for call, epoch in erased:
                await self._forget(call, epoch)

    async def _forget(self, call: str, epoch: int) -> None:
        try:
            await self.sounds.erase_last(call, epoch)
        except OSError as error:
            log.error("call %s: its sound cannot be erased: %s", call, error)
        self.on_erased(call)


class CallJournal:
    """One call's way to the store; fulfils ``live.journal.Journal``."""

    def __init__(self, store: Store, call: str, epoch: int, ring: Ring) -> None:
        self.call = call
        self.epoch = epoch
        self.ring = ring
        self.again: Callable[[], None] | None = None
        """Gives :meth:`keep` everything that is known of the call once more."""
        self._store = store

    def hear(self, frame: AudioFrame) -> None:
        """Sound as it comes in, to be heard again as evidence."""
        settings = self._store.settings
        if settings.ring_s or settings.audio:
            self._to_disk(self.ring.take(frame))

    def _to_disk(self, pieces: list[tuple[Party, int, bytes]]) -> None:
        if self._store.settings.audio:
            for party, start, coded in pieces:
                self._store.sounds.write(self.call, self.epoch, party, start, coded)

    def keep(self, events: Sequence[tuple[CallEvent, str]]) -> None:
        """Write events with their JSON text, all or none. One kept before is not doubled."""
        if events:
            rows = tuple(
                Row(self.call, self.epoch, event.seq, "event", text) for event, text in events
            )
            last = events[-1][0].body
            ended = isinstance(last, Status) and last.name == "call_ended"
            self._store.put(self, Entry(rows, closes=(self.call, self.epoch) if ended else None))
            if ended:
                self._to_disk(self.ring.flush())
                self._store.ended(self)

    def reached(self, settled_ms: Mapping[Party, int], seq: int, then: Callable[[], None]) -> None:
        """Every final before ``settled_ms`` has been given to :meth:`keep`."""
        if self._store.whole(self):
            settled = json.dumps({str(party): ms for party, ms in settled_ms.items()})
            self._store.put(self, Entry(settled=(self.call, self.epoch, settled, seq), then=then))

    def abandon(self, seq: int) -> None:
        """Nobody can go on with the call: it ended when its process did."""
        body = {"why": "server_restarted", "duration_ms": 0}
        event = {"type": "status", "call": self.call, "seq": seq + 1, "at_ms": 0}
        text = json.dumps({**event, "name": "call_ended", "detail": body})
        row = Row(self.call, self.epoch, seq + 1, "event", text)
        self._store.put(self, Entry((row,), closes=(self.call, self.epoch)))

    def mend(self) -> None:
        """Room is back: queue the call's events once more."""
        self._store.mended(self)
        if self.again is not None:
            self.again()


def lock(folder: Path) -> IO[str]:
    """Two servers must not take up each other's calls. Raises ``OSError``."""
    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise OSError(error.errno, "another server keeps its calls here") from None
    return file


def now_ms() -> int:
    """The epoch of a call that begins now."""
    return int(time.time() * 1000)


def _said(error: BaseException) -> str:
    # SQLAlchemy's own text holds the statement and its values, which are what people said.
    cause = getattr(error, "orig", None) or error
    return type(cause).__name__ if isinstance(error, SQLAlchemyError) else str(error)
