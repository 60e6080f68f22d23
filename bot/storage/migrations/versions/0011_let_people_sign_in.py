"""let people sign in: accounts, sessions, audit"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009b"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
Id = sa.String(length=32)
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", Id, primary_key=True),
        sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("totp_sealed", sa.Text),
        sa.Column("totp_step", Number),
        sa.Column("recovery_hashes", sa.JSON, nullable=False),
        sa.Column("oidc_subject", sa.String(255)),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", Time),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("development", sa.Boolean, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.Column("signed_in_at", Time),
        sa.UniqueConstraint("agent_id", name="uq_users_agent_id"),
        sa.UniqueConstraint("username", name="uq_users_username"),
        sa.UniqueConstraint("oidc_subject", name="uq_users_oidc_subject"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("used_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "audit",
        sa.Column("id", Number, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64)),
        sa.Column("at", Time, nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("agent_id", Id),
        sa.Column("conversation_id", Id),
        sa.Column("subject", sa.String(128)),
        sa.Column("address", sa.String(64)),
    )
    op.create_index("ix_audit_tenant", "audit", ["tenant", "at"])
    op.create_index("ix_audit_conversation", "audit", ["conversation_id", "at"])


def downgrade() -> None:
    op.drop_table("audit")
    op.drop_table("sessions")
    op.drop_table("users")
