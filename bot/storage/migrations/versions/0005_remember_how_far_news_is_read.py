"""remember how far the news of each city system has been read"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0009"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("read_until", Time, nullable=False),
        sa.Column("asked_at", Time, nullable=False),
        sa.Column("claimed_until", Time, nullable=True),
        sa.PrimaryKeyConstraint("connector", name=op.f("pk_feeds")),
    )


def downgrade() -> None:
    op.drop_table("feeds")
