"""What a channel tells of a citizen beside their address: a phone, and until when to write."""

import sqlalchemy as sa

from bot.storage.tables import Id, UtcDateTime, metadata

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
    # A keyed digest finds the phone, the sealed one is dialled; the number itself is in no column.
    sa.Column("phone_digest", sa.String(64), index=True),
    sa.Column("phone_sealed", sa.Text),
    # Free words are taken until then, later only approved templates; nothing where there is no window.
    sa.Column("window_until", UtcDateTime),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

# What was sent that a channel bills, by government and month.
spending = sa.Table(
    "spending",
    metadata,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("month", sa.String(7), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)
