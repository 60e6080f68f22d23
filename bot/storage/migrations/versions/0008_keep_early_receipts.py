"""keep receipts that come before the channel's answer; find what could not be delivered"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0011"
branch_labels = None
depends_on = None

TROUBLED = "direction = 'out' AND status IN ('failed', 'unknown', 'skipped')"


def upgrade() -> None:
    op.create_table(
        "early_receipts",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("channel_message_id", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "channel", "channel_message_id", "status", name=op.f("pk_early_receipts")
        ),
    )
    op.create_index(op.f("ix_early_receipts_received_at"), "early_receipts", ["received_at"])
    op.create_index(
        "ix_messages_undelivered",
        "messages",
        ["id"],
        sqlite_where=sa.text(TROUBLED),
        postgresql_where=sa.text(TROUBLED),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_undelivered", table_name="messages")
    op.drop_index(op.f("ix_early_receipts_received_at"), table_name="early_receipts")
    op.drop_table("early_receipts")
