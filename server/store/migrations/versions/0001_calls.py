"""Calls, their events, feedback, actions, pack versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _of_call() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("call", sa.String(64), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
    ]


def _belongs() -> list[sa.PrimaryKeyConstraint | sa.ForeignKeyConstraint]:
    return [
        sa.PrimaryKeyConstraint("call", "epoch", "seq"),
        sa.ForeignKeyConstraint(
            ["call", "epoch"], ["calls.call", "calls.epoch"], ondelete="CASCADE"
        ),
    ]


def _empty(name: str, kind: sa.types.TypeEngine[str]) -> sa.Column[str]:
    return sa.Column(name, kind, nullable=False, server_default="")


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "calls",
        sa.Column("call", sa.String(64), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("agent", sa.String(64)),
        sa.Column("queue", sa.String(64)),
        sa.Column("tier", sa.String(64)),
        sa.Column("brand", sa.String(64)),
        sa.Column("attributes", sa.Text, nullable=False, server_default="{}"),
        _empty("parties", sa.String(64)),
        sa.Column("rate", sa.Integer, nullable=False, server_default="0"),
        sa.Column("customer", sa.String(64)),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("duration_ms", sa.BigInteger),
        sa.Column("why", sa.String(64)),
        sa.Column("audio", sa.Boolean, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("call", "epoch"),
    )
    op.create_index("calls_by_epoch", "calls", ["epoch"])
    op.create_index("calls_by_agent", "calls", ["agent", "epoch"])
    op.create_index("calls_by_queue", "calls", ["queue", "epoch"])
    op.create_index("calls_by_customer", "calls", ["customer"])
    op.create_table(
        "events",
        *_of_call(),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("ref", sa.String(128)),
        sa.Column("rule", sa.String(128)),
        sa.Column("category", sa.String(64)),
        sa.Column("severity", sa.String(16)),
        sa.Column("state", sa.String(16)),
        sa.Column("text", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        *_belongs(),
    )
    op.create_index("events_by_rule", "events", ["type", "rule"])
    op.create_index("events_by_category", "events", ["type", "category"])
    op.create_table(
        "feedback",
        *_of_call(),
        sa.Column("suggestion", sa.String(128), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        *_belongs(),
    )
    op.create_index("feedback_by_verdict", "feedback", ["verdict"])
    op.create_table(
        "actions",
        *_of_call(),
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        _empty("alert", sa.String(128)),
        _empty("by", sa.String(64)),
        _empty("to", sa.String(64)),
        _empty("text", sa.Text()),
        *_belongs(),
    )
    op.create_table(
        "pack_versions",
        sa.Column("pack", sa.String(128), primary_key=True),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        _empty("by", sa.String(64)),
        _empty("note", sa.Text()),
        sa.Column("content", sa.Text),
    )


def downgrade() -> None:
    """Back to nothing."""
    for table in ("pack_versions", "actions", "feedback", "events", "calls"):
        op.drop_table(table)
