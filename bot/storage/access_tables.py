"""The tables of signing in: accounts, their sessions, and who looked at what."""

import sqlalchemy as sa

from bot.storage.tables import Id, Number, UtcDateTime, metadata

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("agent_id", Id, sa.ForeignKey("agents.id"), nullable=False, unique=True),
    sa.Column("username", sa.String(64), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(255)),
    # A password that somebody else made: good until then, and only for choosing one's own.
    sa.Column("first_password_until", UtcDateTime),
    # Sealed: whoever copies the database still has no codes.
    sa.Column("totp_sealed", sa.Text),
    # The time step of the last code accepted: no code is good twice.
    sa.Column("totp_step", Number),
    sa.Column("recovery_hashes", sa.JSON, nullable=False),
    # Issuer and subject of the city's own sign-in, where it has one.
    sa.Column("oidc_subject", sa.String(255), unique=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_until", UtcDateTime),
    sa.Column("active", sa.Boolean, nullable=False),
    # Made by a development start: never let in by production.
    sa.Column("development", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("signed_in_at", UtcDateTime),
)

sessions = sa.Table(
    "sessions",
    metadata,
    # SHA-256 of the cookie: a copy of the table opens nothing.
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False, index=True),
    # How far a sign-in is: sessions.Step.
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    sa.Column("address", sa.String(64)),
    sa.Column("browser", sa.String(200)),
)

# No foreign keys: what was done stays written after an account is gone.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(64)),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("agent_id", Id),
    sa.Column("conversation_id", Id),
    sa.Column("subject", sa.String(128)),
    sa.Column("address", sa.String(64)),
    # Of a change: from what to what.
    sa.Column("detail", sa.Text),
    sa.Index("ix_audit_tenant", "tenant", "at"),
    sa.Index("ix_audit_tenant_id", "tenant", "id"),
    sa.Index("ix_audit_agent_id", "agent_id", "id"),
    sa.Index("ix_audit_conversation", "conversation_id", "at"),
)
