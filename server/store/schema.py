"""The tables of the archive; ``migrations/`` brings a database to this state, step by step.

A call is named by its id and its *epoch*, the millisecond in which it began, because an id may be
used again. Times are milliseconds since 1970. Bodies are the JSON of the wire, so that whatever an
event says is kept as it was shown.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

metadata = MetaData()

calls = Table(
    "calls",
    metadata,
    Column("call", String(64), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("agent", String(64)),
    Column("queue", String(64)),
    Column("tier", String(64)),
    Column("brand", String(64)),
    Column("attributes", Text, nullable=False, server_default="{}"),
    Column("parties", String(64), nullable=False, server_default=""),
    Column("rate", Integer, nullable=False, server_default="0"),
    Column("customer", String(64)),  # a keyed hash of the customer's number
    Column("ended_at", BigInteger),
    Column("duration_ms", BigInteger),
    Column("why", String(64)),
    Column("audio", Boolean, nullable=False, server_default="0"),
    PrimaryKeyConstraint("call", "epoch"),
    Index("calls_by_epoch", "epoch"),
    Index("calls_by_agent", "agent", "epoch"),
    Index("calls_by_queue", "queue", "epoch"),
    Index("calls_by_customer", "customer"),
)


def _of_call() -> list[Column[str] | Column[int]]:
    return [
        Column("call", String(64), nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("seq", BigInteger, nullable=False),
    ]


def _belongs() -> list[PrimaryKeyConstraint | ForeignKeyConstraint]:
    return [
        PrimaryKeyConstraint("call", "epoch", "seq"),
        ForeignKeyConstraint(["call", "epoch"], ["calls.call", "calls.epoch"], ondelete="CASCADE"),
    ]


events = Table(
    "events",
    metadata,
    *_of_call(),
    Column("type", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    # What events are looked for by; all of it stands in the body, too.
    Column("ref", String(128)),  # the id of an alert, suggestion, mark or action
    Column("rule", String(128)),
    Column("category", String(64)),
    Column("severity", String(16)),
    Column("state", String(16)),
    Column("text", Text),  # of final transcripts
    Column("body", Text, nullable=False),
    *_belongs(),
    Index("events_by_rule", "type", "rule"),
    Index("events_by_category", "type", "category"),
)

feedback = Table(
    "feedback",
    metadata,
    *_of_call(),
    Column("suggestion", String(128), nullable=False),
    Column("verdict", String(16), nullable=False),
    *_belongs(),
    Index("feedback_by_verdict", "verdict"),
)

actions = Table(
    "actions",
    metadata,
    *_of_call(),
    Column("id", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("alert", String(128), nullable=False, server_default=""),
    Column("by", String(64), nullable=False, server_default=""),
    Column("to", String(64), nullable=False, server_default=""),
    Column("text", Text, nullable=False, server_default=""),
    *_belongs(),
)

pack_versions = Table(
    "pack_versions",
    metadata,
    Column("pack", String(128), primary_key=True),
    Column("first_seen", BigInteger, nullable=False),
    Column("by", String(64), nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("content", Text),  # JSON of its files where somebody published it here
)
