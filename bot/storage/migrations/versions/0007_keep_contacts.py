"""keep what a channel tells of a citizen beside their address"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("phone_digest", sa.String(length=64), nullable=True),
        sa.Column("phone_sealed", sa.Text(), nullable=True),
        sa.Column("window_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_contacts_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_phone_digest"), "contacts", ["phone_digest"])


def downgrade() -> None:
    op.drop_table("contacts")
