"""open the agents' desk: hand-offs with an owner, presence, notes, canned replies, events, search"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0004"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
Id = sa.String(length=32)
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

OPEN = "closed_at IS NULL"
WAITING = "stage = 'waiting'"
ASSIGNED = "stage = 'assigned'"
UNANSWERED = "closed_at IS NULL AND unanswered_since IS NOT NULL"

# Masked text only: `sealed_text` is never indexed. External content: the words are kept once, in `messages`.
SQLITE_SEARCH = (
    "CREATE VIRTUAL TABLE messages_words USING fts5(text, content='messages', content_rowid='id',"
    " tokenize=\"unicode61 remove_diacritics 2\", prefix='3')",
    "CREATE TRIGGER messages_words_added AFTER INSERT ON messages WHEN new.text IS NOT NULL BEGIN"
    " INSERT INTO messages_words(rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER messages_words_removed AFTER DELETE ON messages WHEN old.text IS NOT NULL BEGIN"
    " INSERT INTO messages_words(messages_words, rowid, text) VALUES ('delete', old.id, old.text); END",
    "CREATE TRIGGER messages_words_changed AFTER UPDATE OF text ON messages BEGIN"
    " INSERT INTO messages_words(messages_words, rowid, text)"
    " SELECT 'delete', old.id, old.text WHERE old.text IS NOT NULL;"
    " INSERT INTO messages_words(rowid, text) SELECT new.id, new.text WHERE new.text IS NOT NULL; END",
    "INSERT INTO messages_words(rowid, text) SELECT id, text FROM messages WHERE text IS NOT NULL",
)
POSTGRES_SEARCH = (
    "CREATE INDEX ix_messages_words ON messages USING gin (to_tsvector('simple', coalesce(text, '')))",
)


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("id", Id, primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("public_name", sa.String(128)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("skills", sa.JSON, nullable=False),
        sa.Column("languages", sa.JSON, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
    )
    op.create_index("ix_agents_tenant", "agents", ["tenant", "name"])
    op.create_table(
        "presences",
        sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64)),
        sa.Column("since", Time, nullable=False),
        sa.Column("seen_at", Time, nullable=False),
    )
    op.create_index("ix_presences_tenant", "presences", ["tenant"])
    op.create_table(
        "presence_changes",
        sa.Column("id", Number, primary_key=True, autoincrement=True),
        sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64)),
        sa.Column("at", Time, nullable=False),
    )
    op.create_index("ix_presence_changes_agent", "presence_changes", ["agent_id", "at"])
    _handoffs()
    op.create_table(
        "assignments",
        sa.Column("id", Number, primary_key=True, autoincrement=True),
        sa.Column("handoff_id", Id, sa.ForeignKey("handoffs.id"), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("first_reply_at", Time),
        sa.Column("replies", sa.Integer, nullable=False, server_default="0"),
        sa.Column("ended_at", Time),
        sa.Column("ended_how", sa.String(16)),
    )
    op.create_index("ix_assignments_handoff_id", "assignments", ["handoff_id"])
    op.create_index("ix_assignments_agent", "assignments", ["tenant", "started_at", "agent_id"])
    _writing()
    op.create_table(
        "desk_settings",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_by", Id),
        sa.Column("updated_at", Time, nullable=False),
    )
    op.create_table(
        "desk_setting_changes",
        sa.Column("id", Number, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sa.Column("changed_by", Id),
        sa.Column("at", Time, nullable=False),
    )
    op.create_index("ix_desk_setting_changes_tenant", "desk_setting_changes", ["tenant", "id"])
    op.create_table(
        "console_events",
        sa.Column("id", Number, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("conversation_id", Id),
        sa.Column("handoff_id", Id),
        sa.Column("agent_id", Id),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_console_events_tenant", "console_events", ["tenant", "id"])
    op.create_index("ix_console_events_created", "console_events", ["created_at"])
    op.add_column("messages", sa.Column("agent_id", Id))
    for statement in SQLITE_SEARCH if _sqlite() else POSTGRES_SEARCH:
        op.execute(statement)


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _handoffs() -> None:
    """Give every request its place, its person and its end; those already there keep their numbers."""
    with op.batch_alter_table("handoffs") as batch_op:
        batch_op.add_column(sa.Column("tenant", sa.String(64)))
        batch_op.add_column(sa.Column("stage", sa.String(16)))
        batch_op.add_column(sa.Column("rank", sa.Integer))
        batch_op.add_column(sa.Column("skill", sa.String(64)))
        batch_op.add_column(sa.Column("language", sa.String(8)))
        batch_op.add_column(sa.Column("queued_at", Time))
        batch_op.add_column(sa.Column("agent_id", Id))
        batch_op.add_column(sa.Column("wanted_agent_id", Id))
        for name in (
            "claimed_at",
            "first_claimed_at",
            "first_reply_at",
            "unanswered_since",
            "last_message_at",
            "callback_at",
            "told_at",
            "rated_at",
        ):
            batch_op.add_column(sa.Column(name, Time))
        batch_op.add_column(sa.Column("told_position", sa.Integer))
        batch_op.add_column(sa.Column("transfers", sa.Integer, nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("rating", sa.Integer))
        batch_op.add_column(sa.Column("rating_words", sa.Text))
    op.execute(
        "UPDATE handoffs SET tenant = (SELECT tenant FROM conversations WHERE id = handoffs.conversation_id),"
        " stage = CASE WHEN closed_at IS NULL THEN 'waiting' ELSE 'closed' END, rank = 5,"
        " queued_at = requested_at, last_message_at = requested_at"
    )
    with op.batch_alter_table("handoffs") as batch_op:
        batch_op.alter_column("tenant", existing_type=sa.String(64), nullable=False)
        batch_op.alter_column("stage", existing_type=sa.String(16), nullable=False)
        batch_op.alter_column("rank", existing_type=sa.Integer, nullable=False)
        batch_op.alter_column("queued_at", existing_type=Time, nullable=False)
        batch_op.create_foreign_key("fk_handoffs_agent_id_agents", "agents", ["agent_id"], ["id"])
        batch_op.create_foreign_key("fk_handoffs_wanted_agent_id_agents", "agents", ["wanted_agent_id"], ["id"])
        batch_op.create_unique_constraint("uq_handoffs_number", ["number"])
    _partial("uq_handoffs_open", ["conversation_id"], OPEN, unique=True)
    _partial("ix_handoffs_waiting", ["tenant", "rank", "queued_at", "id"], WAITING)
    _partial("ix_handoffs_mine", ["agent_id", "last_message_at", "id"], ASSIGNED)
    _partial("ix_handoffs_active", ["tenant", "last_message_at", "id"], ASSIGNED)
    _partial("ix_handoffs_unanswered", ["tenant", "unanswered_since", "id"], UNANSWERED)
    _partial("ix_handoffs_callback", ["callback_at"], "stage = 'callback'")
    op.create_index("ix_handoffs_history", "handoffs", ["tenant", "closed_at", "id"])
    op.create_index("ix_handoffs_asked", "handoffs", ["tenant", "requested_at"])
    op.create_index("ix_handoffs_claimed", "handoffs", ["tenant", "first_claimed_at"])


def _partial(name: str, columns: list[str], condition: str, unique: bool = False) -> None:
    op.create_index(
        name,
        "handoffs",
        columns,
        unique=unique,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )


def _writing() -> None:
    op.create_table(
        "agent_notes",
        sa.Column("id", Number, primary_key=True, autoincrement=True),
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("mentions", sa.JSON, nullable=False),
        sa.Column("created_at", Time, nullable=False),
    )
    op.create_index("ix_agent_notes_conversation", "agent_notes", ["conversation_id", "id"])
    op.create_table(
        "conversation_labels",
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
        sa.Column("label", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
        sa.Column("created_at", Time, nullable=False),
    )
    op.create_index(
        "ix_conversation_labels_label", "conversation_labels", ["tenant", "label", "created_at"]
    )
    op.create_table(
        "canned_replies",
        sa.Column("id", Id, primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("shortcut", sa.String(32), nullable=False),
        sa.Column("title", sa.String(128), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("skill", sa.String(64)),
        sa.Column("updated_by", Id),
        sa.Column("updated_at", Time, nullable=False),
        sa.UniqueConstraint("tenant", "shortcut", name="uq_canned_replies_tenant_shortcut"),
    )
    op.create_table(
        "bot_drafts",
        sa.Column("id", Id, primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("service", sa.String(64)),
        sa.Column("bubbles", sa.JSON, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("decided_at", Time),
        sa.Column("agent_id", Id, sa.ForeignKey("agents.id")),
        sa.Column("decision", sa.String(16)),
    )
    op.create_index("ix_bot_drafts_conversation_id", "bot_drafts", ["conversation_id"])
    op.create_index(
        "ix_bot_drafts_open",
        "bot_drafts",
        ["tenant", "created_at"],
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "proposed_examples",
        sa.Column("id", Id, primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("message_id", Number, sa.ForeignKey("messages.id", ondelete="SET NULL")),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("intent", sa.String(64), nullable=False),
        sa.Column("service", sa.String(64)),
        sa.Column("heard_as", sa.String(64)),
        sa.Column("proposed_by", Id, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.UniqueConstraint("message_id", name="uq_proposed_examples_message_id"),
    )
    op.create_index("ix_proposed_examples_status", "proposed_examples", ["status", "created_at"])


def downgrade() -> None:
    if _sqlite():
        for name in ("added", "removed", "changed"):
            op.execute(f"DROP TRIGGER messages_words_{name}")
        op.execute("DROP TABLE messages_words")
    else:
        op.execute("DROP INDEX ix_messages_words")
    op.drop_column("messages", "agent_id")
    for table in (
        "console_events",
        "desk_setting_changes",
        "desk_settings",
        "proposed_examples",
        "bot_drafts",
        "canned_replies",
        "conversation_labels",
        "agent_notes",
        "assignments",
    ):
        op.drop_table(table)
    for name in ("open", "waiting", "mine", "active", "unanswered", "callback", "history", "asked", "claimed"):
        op.drop_index(f"{'uq' if name == 'open' else 'ix'}_handoffs_{name}", "handoffs")
    with op.batch_alter_table("handoffs") as batch_op:
        batch_op.drop_constraint("uq_handoffs_number", type_="unique")
        batch_op.drop_constraint("fk_handoffs_agent_id_agents", type_="foreignkey")
        batch_op.drop_constraint("fk_handoffs_wanted_agent_id_agents", type_="foreignkey")
        for name in (
            "tenant",
            "stage",
            "rank",
            "skill",
            "language",
            "queued_at",
            "agent_id",
            "wanted_agent_id",
            "claimed_at",
            "first_claimed_at",
            "first_reply_at",
            "unanswered_since",
            "last_message_at",
            "callback_at",
            "told_at",
            "rated_at",
            "told_position",
            "transfers",
            "rating",
            "rating_words",
        ):
            batch_op.drop_column(name)
    for table in ("presence_changes", "presences", "agents"):
        op.drop_table(table)
