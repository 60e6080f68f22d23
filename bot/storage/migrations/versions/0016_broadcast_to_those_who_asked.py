"""broadcast to those who asked: subscriptions, broadcasts, receivers"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0012"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
Id = sa.String(length=32)
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("topic", sa.String(32), nullable=False),
        sa.Column("place", sa.String(20), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("ended_at", Time),
        sa.Column("ended_why", sa.String(32)),
        sa.PrimaryKeyConstraint("conversation_id", "topic", "place", name="pk_subscriptions"),
    )
    op.create_index("ix_subscriptions_topic", "subscriptions", ["tenant", "topic"])
    op.create_table(
        "broadcasts",
        sa.Column("id", Id, primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(32), nullable=False),
        sa.Column("places", sa.JSON, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("receivers", sa.Integer, nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("approved_by", sa.String(128)),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
    )
    op.create_index("ix_broadcasts_status", "broadcasts", ["status"])
    op.create_index("ix_broadcasts_newest", "broadcasts", ["tenant", "created_at"])
    op.create_table(
        "broadcast_receivers",
        sa.Column("broadcast_id", Id, sa.ForeignKey("broadcasts.id"), nullable=False),
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("person", Id, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("message_id", Number),
        sa.PrimaryKeyConstraint("broadcast_id", "conversation_id", name="pk_broadcast_receivers"),
        sa.UniqueConstraint("broadcast_id", "person", name="uq_broadcast_receivers_broadcast_id_person"),
        sa.UniqueConstraint("message_id", name="uq_broadcast_receivers_message_id"),
    )
    op.create_index(
        "ix_broadcast_receivers_planned", "broadcast_receivers", ["broadcast_id", "channel", "status"]
    )
    op.create_index("ix_broadcast_receivers_conversation", "broadcast_receivers", ["conversation_id"])


def downgrade() -> None:
    op.drop_table("broadcast_receivers")
    op.drop_table("broadcasts")
    op.drop_table("subscriptions")
