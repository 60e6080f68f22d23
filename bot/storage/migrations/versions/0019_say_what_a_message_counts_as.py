"""say on a message what it was counted as, so that a failed one is given back once"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("counted", sa.String(length=24), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "counted")
