"""remind of bookings, keep waiting lists, and settle reservations whose answer was lost"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("priority", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("counter_title", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("moves", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("told_ahead", sa.Integer(), nullable=True))

    op.create_table(
        "reminders",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("booking_id", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("due_at", Time, nullable=False),
        sa.Column("done_at", Time, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_reminders_booking_id_bookings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("booking_id", "kind", "due_at", name=op.f("uq_reminders_booking_id_kind_due_at")),
    )
    op.create_index(
        "ix_reminders_due",
        "reminders",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )

    op.create_table(
        "waitings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("place_id", sa.String(length=100), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("offered_at", Time, nullable=True),
        sa.Column("expires_at", Time, nullable=True),
        sa.Column("moved_at", Time, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_waitings_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waitings")),
        sa.UniqueConstraint("connector", "place_id", name=op.f("uq_waitings_connector_place_id")),
    )
    op.create_index(op.f("ix_waitings_conversation_id"), "waitings", ["conversation_id"], unique=False)

    op.create_table(
        "reservations",
        sa.Column("idempotency_key", sa.String(length=128), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("sealed_numbers", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", Time, nullable=False),
        sa.Column("claimed_until", Time, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_reservations_conversation_id_conversations"),
        ),
        sa.PrimaryKeyConstraint("idempotency_key", name=op.f("pk_reservations")),
    )
    op.create_index("ix_reservations_due", "reservations", ["status", "next_try_at"], unique=False)
    op.create_index(
        op.f("ix_reservations_conversation_id"), "reservations", ["conversation_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("reservations")
    op.drop_table("waitings")
    op.drop_table("reminders")
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        for name in ("told_ahead", "moves", "counter_title", "priority"):
            batch_op.drop_column(name)
