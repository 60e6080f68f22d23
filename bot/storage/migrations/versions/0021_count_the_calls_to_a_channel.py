"""number every call to a channel with a message, also those that do not count as a try"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("calls", sa.Integer(), nullable=False, server_default="0"))
    # What is on its way during the upgrade goes by the number it was sent with.
    op.execute("UPDATE messages SET calls = attempts WHERE direction = 'out' AND attempts > 0")


def downgrade() -> None:
    op.drop_column("messages", "calls")
