"""let admins keep accounts: first passwords that end, where sessions are, what a change was"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0007b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("first_password_until", sa.DateTime(timezone=True)))
    op.add_column("sessions", sa.Column("address", sa.String(64)))
    op.add_column("sessions", sa.Column("browser", sa.String(200)))
    op.add_column("audit", sa.Column("detail", sa.Text))
    op.create_index("ix_audit_tenant_id", "audit", ["tenant", "id"])
    op.create_index("ix_audit_agent_id", "audit", ["agent_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_agent_id", table_name="audit")
    op.drop_index("ix_audit_tenant_id", table_name="audit")
    op.drop_column("audit", "detail")
    op.drop_column("sessions", "browser")
    op.drop_column("sessions", "address")
    op.drop_column("users", "first_password_until")
