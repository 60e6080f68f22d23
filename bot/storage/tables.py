"""Every table of the front door, in SQLAlchemy Core. Times are aware UTC; our ids are UUID hex strings."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every engine: SQLite forgets the zone, so it is put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime: storage takes aware times only")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Id = sa.String(32)
# Cases whose promised date may still be missed: the few that are open, however many are closed. Written out,
# because an index is only used for a condition in the same words.
WATCHED = (
    "late_told_at IS NULL AND status IN"
    " ('received', 'verified', 'assigned', 'in_progress', 'waiting_for_citizen', 'reopened', 'unknown')"
)
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

citizens = sa.Table(
    "citizens",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("erased_at", UtcDateTime),
)

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("citizen_id", Id, sa.ForeignKey("citizens.id"), primary_key=True),
    sa.Column("text_key", sa.String(128), nullable=False),
    sa.Column("wording", sa.Text, nullable=False),
    sa.Column("given_at", UtcDateTime, nullable=False),
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("citizen_id", Id, sa.ForeignKey("citizens.id"), nullable=False, index=True),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("address", sa.String(160), nullable=False),
    sa.Column("display_name", sa.String(128)),
    sa.Column("owner", sa.String(16), nullable=False),
    sa.Column("language", sa.String(8)),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("state", sa.JSON),
    sa.Column("consented", sa.Boolean, nullable=False, default=False),
    sa.Column("blocked_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("pending_since", UtcDateTime),
    sa.Column("claimed_by", Id),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("unsent_since", UtcDateTime),
    sa.Column("send_after", UtcDateTime),
    sa.Column("sender", Id),
    sa.Column("sender_until", UtcDateTime),
    sa.UniqueConstraint("tenant", "channel", "address"),
)
sa.Index(
    "ix_conversations_pending",
    conversations.c.pending_since,
    sqlite_where=conversations.c.pending_since.is_not(None),
    postgresql_where=conversations.c.pending_since.is_not(None),
)
sa.Index(
    "ix_conversations_unsent",
    conversations.c.unsent_since,
    sqlite_where=conversations.c.unsent_since.is_not(None),
    postgresql_where=conversations.c.unsent_since.is_not(None),
)

# On SQLite triggers keep the search index `messages_words` in step. A migration that rebuilds this table
# (batch_alter_table) drops them: add columns with op.add_column.
messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("uid", Id, nullable=False, unique=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("direction", sa.String(3), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("text", sa.Text),
    sa.Column("sealed_text", sa.Text),
    sa.Column("content", sa.JSON),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(64)),
    # The person who wrote it; nothing for the bot and for citizens.
    sa.Column("agent_id", Id),
    sa.Column("channel_message_id", sa.String(200)),
    sa.Column("effect_key", sa.String(400), unique=True),
    # Tries that count against the limit; somebody who sends it again begins anew.
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    # Every call to the channel with it, whatever became of it: the number by which a receipt finds its call.
    sa.Column("calls", sa.Integer, nullable=False, default=0, server_default="0"),
    # What it is counted as and in which month ("template 2026-11"); nothing once it is given back.
    sa.Column("counted", sa.String(24)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_messages_conversation", "conversation_id", "id"),
    sa.Index(
        "uq_messages_inbound",
        "conversation_id",
        "channel_message_id",
        unique=True,
        sqlite_where=sa.text("direction = 'in'"),
        postgresql_where=sa.text("direction = 'in'"),
    ),
    sa.Index("ix_messages_receipt", "channel", "channel_message_id"),
    sa.Index(
        "ix_messages_received",
        "conversation_id",
        "id",
        sqlite_where=sa.text("status IN ('received', 'queued', 'sending')"),
        postgresql_where=sa.text("status IN ('received', 'queued', 'sending')"),
    ),
)

buttons = sa.Table(
    "buttons",
    metadata,
    sa.Column("token", sa.String(32), primary_key=True),
    sa.Column("message_id", Number, sa.ForeignKey("messages.id"), nullable=False, index=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("title", sa.String(256), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("reusable", sa.Boolean, nullable=False),
    sa.Column("used_by", Id),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("outcome", sa.String(32), nullable=False),
    sa.Column("understanding", sa.JSON),
    sa.Column("model", sa.String(64)),
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("connector", sa.String(64), nullable=False),
    sa.Column("reference", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("topic", sa.String(64)),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("backend_status", sa.String(100)),
    sa.Column("description", sa.Text),
    sa.Column("place", sa.Text),
    sa.Column("latitude", sa.Float),
    sa.Column("longitude", sa.Float),
    # Kelurahan or desa, its official code.
    sa.Column("region", sa.String(20)),
    # How the citizen came to it: filed, joined somebody's, or followed by number.
    sa.Column("origin", sa.String(16), nullable=False, server_default="filed"),
    # Our own number, given while the city could not be reached; the city's replaces it as the reference.
    sa.Column("number", sa.String(32)),
    sa.Column("filed_at", UtcDateTime),
    # Both computed once, when the complaint was accepted. Nothing ever moves them.
    sa.Column("verify_by", UtcDateTime),
    sa.Column("promised_at", UtcDateTime),
    sa.Column("unverified_at", UtcDateTime),
    sa.Column("reminded_at", UtcDateTime),
    sa.Column("late_told_at", UtcDateTime),
    sa.Column("agency", sa.String(128)),
    sa.Column("hidden_at", UtcDateTime),
    sa.Column("done_at", UtcDateTime),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("false_closures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("rating", sa.Integer),
    sa.Column("moved_at", UtcDateTime),
    sa.Column("polled_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("connector", "reference", "conversation_id"),
    sa.Index("ix_cases_polled", "connector", "status", "polled_at"),
    sa.Index("ix_cases_near", "tenant", "topic", "latitude"),
    sa.Index("ix_cases_region", "tenant", "topic", "region", "created_at"),
    sa.Index(
        "ix_cases_promised", "promised_at", sqlite_where=sa.text(WATCHED), postgresql_where=sa.text(WATCHED)
    ),
)

# What a department is still to be told about a case: words of a citizen, who else is affected, what is late.
notes = sa.Table(
    "notes",
    metadata,
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), index=True),
    sa.Column("connector", sa.String(64), nullable=False),
    sa.Column("reference", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("photos", sa.JSON),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_try_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_notes_due", "status", "next_try_at"),
    sa.Index("ix_notes_reference", "connector", "reference"),
)

# News of the night, kept for the morning: one message then, whatever their number.
held_news = sa.Table(
    "held_news",
    metadata,
    sa.Column("key", sa.String(400), primary_key=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("content", sa.JSON),
    sa.Column("due_at", UtcDateTime, nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

bookings = sa.Table(
    "bookings",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("connector", sa.String(64), nullable=False),
    sa.Column("code", sa.String(100), nullable=False),
    sa.Column("number", sa.String(100)),
    sa.Column("counter", sa.String(128)),
    sa.Column("service", sa.String(64)),
    sa.Column("name", sa.String(200)),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("priority", sa.String(16)),
    sa.Column("counter_title", sa.String(200)),
    sa.Column("moves", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("told_ahead", sa.Integer),
    sa.Column("moved_at", UtcDateTime),
    sa.Column("polled_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("connector", "code"),
    sa.Index("ix_bookings_polled", "connector", "starts_at", "polled_at"),
)

reminders = sa.Table(
    "reminders",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("booking_id", Id, sa.ForeignKey("bookings.id", ondelete="CASCADE"), nullable=False),
    sa.Column("conversation_id", Id, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("done_at", UtcDateTime),
    sa.Column("outcome", sa.String(16)),
    sa.UniqueConstraint("booking_id", "kind", "due_at"),
    sa.Index(
        "ix_reminders_due",
        "due_at",
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    ),
)

waitings = sa.Table(
    "waitings",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("connector", sa.String(64), nullable=False),
    sa.Column("place_id", sa.String(100), nullable=False),
    sa.Column("service", sa.String(64), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("name", sa.String(200)),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("offered_at", UtcDateTime),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("moved_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("connector", "place_id"),
)

reservations = sa.Table(
    "reservations",
    metadata,
    sa.Column("idempotency_key", sa.String(128), primary_key=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("connector", sa.String(64), nullable=False),
    sa.Column("wish", sa.JSON, nullable=False),
    sa.Column("sealed_numbers", sa.Text),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_try_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_reservations_due", "status", "next_try_at"),
)

updates = sa.Table(
    "updates",
    metadata,
    sa.Column("connector", sa.String(64), primary_key=True),
    sa.Column("event_id", sa.String(200), primary_key=True),
    sa.Column("subject", sa.String(16), nullable=False),
    sa.Column("reference", sa.String(100), nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("backend_status", sa.String(100)),
    sa.Column("note", sa.Text),
    sa.Column("outcome", sa.String(32), nullable=False),
    sa.Column("occurred_at", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Index("ix_updates_reference", "connector", "reference"),
)

filings = sa.Table(
    "filings",
    metadata,
    sa.Column("idempotency_key", sa.String(128), primary_key=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("connector", sa.String(64), nullable=False),
    sa.Column("case_id", Id),
    sa.Column("draft", sa.JSON, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_try_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_filings_due", "status", "next_try_at"),
)

media = sa.Table(
    "media",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("owner", Id, index=True),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    # Where the camera says it was; used only when the citizen agrees.
    sa.Column("latitude", sa.Float),
    sa.Column("longitude", sa.Float),
    sa.Column("created_at", UtcDateTime, nullable=False),
)
