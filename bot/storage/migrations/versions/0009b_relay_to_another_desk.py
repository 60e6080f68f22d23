"""relay requests for a person to another program's desk"""

import sqlalchemy as sa
from alembic import op

revision = "0009b"
down_revision = "0005"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
Id = sa.String(length=32)
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "relays",
        sa.Column("handoff_id", Id, sa.ForeignKey("handoffs.id"), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("contact", sa.String(128)),
        sa.Column("thread", sa.String(64)),
        sa.Column("told_upto", Number, nullable=False),
        sa.Column("sending", Number),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("ended_at", Time),
    )
    op.create_index("ix_relays_thread", "relays", ["tenant", "thread"])


def downgrade() -> None:
    op.drop_table("relays")
