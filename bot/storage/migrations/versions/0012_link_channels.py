"""link one person's channels by a code"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0014"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
Id = sa.String(length=32)


def upgrade() -> None:
    op.create_table(
        "link_codes",
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("code_digest", sa.String(64), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.UniqueConstraint("code_digest", name="uq_link_codes_code_digest"),
        sa.UniqueConstraint("token_digest", name="uq_link_codes_token_digest"),
    )
    op.create_table(
        "links",
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
        sa.Column("citizen_id", Id, sa.ForeignKey("citizens.id"), nullable=False),
        sa.Column("linked_at", Time, nullable=False),
    )
    op.create_table(
        "link_guesses",
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), primary_key=True),
        sa.Column("wrong", sa.Integer, nullable=False),
        sa.Column("locked_until", Time),
        sa.Column("updated_at", Time, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("link_guesses")
    op.drop_table("links")
    op.drop_table("link_codes")
