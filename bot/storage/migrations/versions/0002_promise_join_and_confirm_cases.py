"""promise, join and confirm cases"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WATCHED = (
    "late_told_at IS NULL AND status IN"
    " ('received', 'verified', 'assigned', 'in_progress', 'waiting_for_citizen', 'reopened', 'unknown')"
)
MOMENT = sa.DateTime(timezone=True)
MOMENTS = (
    "filed_at",
    "verify_by",
    "unverified_at",
    "reminded_at",
    "late_told_at",
    "hidden_at",
    "done_at",
    "confirmed_at",
)


def upgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        for name in MOMENTS:
            batch_op.add_column(sa.Column(name, MOMENT, nullable=True))
        batch_op.add_column(sa.Column("region", sa.String(length=20), nullable=True))
        batch_op.add_column(
            sa.Column("origin", sa.String(length=16), nullable=False, server_default="filed")
        )
        batch_op.add_column(sa.Column("number", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("agency", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("false_closures", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("rating", sa.Integer(), nullable=True))
        batch_op.create_index("ix_cases_near", ["tenant", "topic", "latitude"], unique=False)
        batch_op.create_index("ix_cases_region", ["tenant", "topic", "region", "created_at"], unique=False)
        batch_op.create_index(
            "ix_cases_promised",
            ["promised_at"],
            unique=False,
            sqlite_where=sa.text(WATCHED),
            postgresql_where=sa.text(WATCHED),
        )
    op.execute(sa.text("UPDATE cases SET filed_at = created_at"))
    with op.batch_alter_table("filings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("case_id", sa.String(length=32), nullable=True))
    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.add_column(sa.Column("latitude", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("longitude", sa.Float(), nullable=True))

    op.create_table(
        "notes",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=True),
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("photos", sa.JSON(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=False),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_notes_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notes")),
    )
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notes_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index("ix_notes_due", ["status", "next_try_at"], unique=False)
        batch_op.create_index("ix_notes_reference", ["connector", "reference"], unique=False)

    op.create_table(
        "held_news",
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_held_news_conversation_id_conversations"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_held_news")),
    )
    with op.batch_alter_table("held_news", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_held_news_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_held_news_due_at"), ["due_at"], unique=False)
