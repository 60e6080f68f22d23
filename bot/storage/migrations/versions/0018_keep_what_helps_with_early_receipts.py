"""keep what helps against an early failure"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("early_receipts", sa.Column("remedy", sa.String(length=16), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("early_receipts") as batch:
        batch.drop_column("remedy")
