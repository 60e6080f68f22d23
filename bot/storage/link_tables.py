"""One person on two channels: the codes that link them, the links, and who guesses."""

import sqlalchemy as sa

from bot.storage.tables import Id, UtcDateTime, metadata

# The code that a conversation asked for last. Whoever uses it deletes it: nobody else can.
link_codes = sa.Table(
    "link_codes",
    metadata,
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    # Keyed digests of what is typed and of what a link carries.
    sa.Column("code_digest", sa.String(64), nullable=False, unique=True),
    sa.Column("token_digest", sa.String(64), nullable=False, unique=True),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)

# A conversation that shares its citizen with others, and the citizen it had before.
links = sa.Table(
    "links",
    metadata,
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
    sa.Column("citizen_id", Id, sa.ForeignKey("citizens.id"), nullable=False),
    sa.Column("linked_at", UtcDateTime, nullable=False),
)

link_guesses = sa.Table(
    "link_guesses",
    metadata,
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
    sa.Column("wrong", sa.Integer, nullable=False),
    sa.Column("locked_until", UtcDateTime),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)
