"""Who asked for notices, the notices, and each receiver's line."""

import sqlalchemy as sa

from bot.storage.tables import Id, UtcDateTime, metadata

# `place` is an official code, or empty for the whole area. Who stopped keeps the row, with the day.
subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
    sa.Column("topic", sa.String(32), primary_key=True),
    sa.Column("place", sa.String(20), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_why", sa.String(32)),
    sa.Index("ix_subscriptions_topic", "tenant", "topic"),
)

broadcasts = sa.Table(
    "broadcasts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("topic", sa.String(32), nullable=False),
    sa.Column("places", sa.JSON, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False, index=True),
    sa.Column("receivers", sa.Integer, nullable=False),
    sa.Column("created_by", sa.String(128), nullable=False),
    sa.Column("approved_by", sa.String(128)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_broadcasts_newest", "tenant", "created_at"),
)

# One line a person: the key makes it once per conversation, `person` once per citizen of several.
broadcast_receivers = sa.Table(
    "broadcast_receivers",
    metadata,
    sa.Column("broadcast_id", Id, sa.ForeignKey("broadcasts.id"), primary_key=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
    sa.Column("person", Id, nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(64)),
    # Taken back by a stop, it is sent under a new key when it goes on.
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), unique=True),
    sa.UniqueConstraint("broadcast_id", "person"),
    sa.Index("ix_broadcast_receivers_planned", "broadcast_id", "channel", "status"),
    sa.Index("ix_broadcast_receivers_conversation", "conversation_id"),
)
