"""What delivery needs besides the messages themselves."""

import sqlalchemy as sa

from bot.storage.tables import UtcDateTime, messages, metadata

# Written out, because an index is only used for a condition in the same words.
UNDELIVERED = "direction = 'out' AND status IN ('failed', 'unknown', 'skipped')"

# A channel may report on a message before its own answer told us the message's id.
early_receipts = sa.Table(
    "early_receipts",
    metadata,
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("channel_message_id", sa.String(200), primary_key=True),
    sa.Column("status", sa.String(16), primary_key=True),
    sa.Column("reason", sa.String(64)),
    sa.Column("remedy", sa.String(16)),
    sa.Column("received_at", UtcDateTime, nullable=False, index=True),
)

sa.Index(
    "ix_messages_undelivered",
    messages.c.id,
    sqlite_where=sa.text(UNDELIVERED),
    postgresql_where=sa.text(UNDELIVERED),
)
