"""The tables of the agents' desk: who answers, what waits for them, what they wrote, what consoles show."""

import sqlalchemy as sa

from bot.storage.tables import Id, Number, UtcDateTime, metadata

# Written out, because an index is only used for a condition in the same words.
OPEN = "closed_at IS NULL"
WAITING = "stage = 'waiting'"
ASSIGNED = "stage = 'assigned'"
UNANSWERED = "closed_at IS NULL AND unanswered_since IS NOT NULL"

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("public_name", sa.String(128)),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("skills", sa.JSON, nullable=False),
    sa.Column("languages", sa.JSON, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_agents_tenant", "tenant", "name"),
)

presences = sa.Table(
    "presences",
    metadata,
    sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(64)),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

# Every change of presence, for figures of a day.
presence_changes = sa.Table(
    "presence_changes",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(64)),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_presence_changes_agent", "agent_id", "at"),
)

handoffs = sa.Table(
    "handoffs",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("number", Number, nullable=False, unique=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("stage", sa.String(16), nullable=False),
    # 0 crisis, 1 emergency, 5 normal: what sorts first is helped first.
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("summary", sa.JSON),
    sa.Column("skill", sa.String(64)),
    sa.Column("language", sa.String(8)),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("queued_at", UtcDateTime, nullable=False),
    sa.Column("agent_id", Id, sa.ForeignKey("agents.id")),
    sa.Column("wanted_agent_id", Id, sa.ForeignKey("agents.id")),
    sa.Column("claimed_at", UtcDateTime),
    # The first time any person took it: what a wait is measured by, however often it moved afterwards.
    sa.Column("first_claimed_at", UtcDateTime),
    sa.Column("first_reply_at", UtcDateTime),
    sa.Column("unanswered_since", UtcDateTime),
    sa.Column("last_message_at", UtcDateTime),
    sa.Column("callback_at", UtcDateTime),
    sa.Column("told_position", sa.Integer),
    sa.Column("told_at", UtcDateTime),
    sa.Column("transfers", sa.Integer, nullable=False, server_default="0"),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("outcome", sa.String(32)),
    sa.Column("rating", sa.Integer),
    sa.Column("rated_at", UtcDateTime),
    sa.Column("rating_words", sa.Text),
    # One person at a time for one citizen.
    sa.Index(
        "uq_handoffs_open",
        "conversation_id",
        unique=True,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    ),
    sa.Index(
        "ix_handoffs_waiting",
        "tenant",
        "rank",
        "queued_at",
        "id",
        sqlite_where=sa.text(WAITING),
        postgresql_where=sa.text(WAITING),
    ),
    sa.Index(
        "ix_handoffs_mine",
        "agent_id",
        "last_message_at",
        "id",
        sqlite_where=sa.text(ASSIGNED),
        postgresql_where=sa.text(ASSIGNED),
    ),
    sa.Index(
        "ix_handoffs_active",
        "tenant",
        "last_message_at",
        "id",
        sqlite_where=sa.text(ASSIGNED),
        postgresql_where=sa.text(ASSIGNED),
    ),
    sa.Index(
        "ix_handoffs_unanswered",
        "tenant",
        "unanswered_since",
        "id",
        sqlite_where=sa.text(UNANSWERED),
        postgresql_where=sa.text(UNANSWERED),
    ),
    sa.Index("ix_handoffs_history", "tenant", "closed_at", "id"),
    sa.Index("ix_handoffs_asked", "tenant", "requested_at"),
    sa.Index("ix_handoffs_claimed", "tenant", "first_claimed_at"),
    sa.Index(
        "ix_handoffs_callback",
        "callback_at",
        sqlite_where=sa.text("stage = 'callback'"),
        postgresql_where=sa.text("stage = 'callback'"),
    ),
)

# Who had a hand-off from when to when: forwarded and released ones count for each who had them.
assignments = sa.Table(
    "assignments",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("handoff_id", Id, sa.ForeignKey("handoffs.id"), nullable=False, index=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
    sa.Column("how", sa.String(16), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("first_reply_at", UtcDateTime),
    sa.Column("replies", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_how", sa.String(16)),
    sa.Index("ix_assignments_agent", "tenant", "started_at", "agent_id"),
)

agent_notes = sa.Table(
    "agent_notes",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("mentions", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_agent_notes_conversation", "conversation_id", "id"),
)

conversation_labels = sa.Table(
    "conversation_labels",
    metadata,
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
    sa.Column("label", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_conversation_labels_label", "tenant", "label", "created_at"),
)

canned_replies = sa.Table(
    "canned_replies",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("shortcut", sa.String(32), nullable=False),
    sa.Column("title", sa.String(128), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("skill", sa.String(64)),
    sa.Column("updated_by", Id),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("tenant", "shortcut"),
)

bot_drafts = sa.Table(
    "bot_drafts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("service", sa.String(64)),
    sa.Column("bubbles", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("agent_id", Id, sa.ForeignKey("agents.id")),
    sa.Column("decision", sa.String(16)),
    sa.Index(
        "ix_bot_drafts_open",
        "tenant",
        "created_at",
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    ),
)

proposed_examples = sa.Table(
    "proposed_examples",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("message_id", Number, sa.ForeignKey("messages.id", ondelete="SET NULL"), unique=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("intent", sa.String(64), nullable=False),
    sa.Column("service", sa.String(64)),
    sa.Column("heard_as", sa.String(64)),
    sa.Column("proposed_by", Id, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_proposed_examples_status", "status", "created_at"),
)

desk_settings = sa.Table(
    "desk_settings",
    metadata,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_by", Id),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

# Who changed which setting from what to what, and when: kept for ever.
desk_setting_changes = sa.Table(
    "desk_setting_changes",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("before", sa.JSON),
    sa.Column("after", sa.JSON),
    sa.Column("changed_by", Id),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_desk_setting_changes_tenant", "tenant", "id"),
)

console_events = sa.Table(
    "console_events",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("conversation_id", Id),
    sa.Column("handoff_id", Id),
    sa.Column("agent_id", Id),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_console_events_tenant", "tenant", "id"),
    sa.Index("ix_console_events_created", "created_at"),
    # Ids of deleted rows must not come again: a console would take the new event for one it has seen.
    sqlite_autoincrement=True,
)

# Which conversation of another program's desk a request became, and how far it was told.
relays = sa.Table(
    "relays",
    metadata,
    sa.Column("handoff_id", Id, sa.ForeignKey("handoffs.id"), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("contact", sa.String(128)),
    sa.Column("thread", sa.String(64)),
    sa.Column("told_upto", Number, nullable=False),
    # The message being told: found here after a crash, the other desk is asked whether it has it.
    sa.Column("sending", Number),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index("ix_relays_thread", "tenant", "thread"),
)
