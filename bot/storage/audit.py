"""Who signed in, and who looked at whose personal data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.access_tables import audit


class Act(StrEnum):
    """What is written down."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    SECOND_STEP_ON = "second_step_on"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    SECOND_STEP_RESET = "second_step_reset"
    ACCOUNT_ADDED = "account_added"
    ACCOUNT_CHANGED = "account_changed"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_OPENED = "account_opened"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    SETTING_CHANGED = "setting_changed"
    REPLY_CHANGED = "reply_changed"
    TRAIL_EXPORTED = "trail_exported"
    CONVERSATION_OPENED = "conversation_opened"
    TEXT_REVEALED = "text_revealed"
    SEARCHED = "searched"
    BROADCAST_STARTED = "broadcast_started"
    BROADCAST_APPROVED = "broadcast_approved"
    BROADCAST_STOPPED = "broadcast_stopped"
    BROADCAST_RESUMED = "broadcast_resumed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit trail: `agent_id` did it. `subject` says to what, `detail` from what to what."""

    id: int
    tenant: str | None
    at: datetime
    act: Act
    agent_id: str | None
    conversation_id: str | None
    subject: str | None
    address: str | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of a person, of a kind, from a moment, before a moment; None is any."""

    agent_id: str | None = None
    act: Act | None = None
    since: datetime | None = None
    until: datetime | None = None


async def write(
    conn: AsyncConnection,
    act: Act,
    now: datetime,
    *,
    tenant: str | None = None,
    agent_id: str | None = None,
    conversation_id: str | None = None,
    subject: str | None = None,
    address: str | None = None,
    detail: str | None = None,
) -> None:
    """Add a line; nothing ever changes or removes one."""
    await conn.execute(
        audit.insert().values(
            tenant=tenant,
            at=now,
            act=act,
            agent_id=agent_id,
            conversation_id=conversation_id,
            subject=None if subject is None else subject[:128],
            address=None if address is None else address[:64],
            detail=None if detail is None else detail[:2000],
        )
    )


async def newest(
    conn: AsyncConnection,
    tenant: str,
    wanted: Wanted = Wanted(),
    *,
    before: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """The newest lines of a tenant that are wanted, before an id."""
    query = sa.select(audit).where(audit.c.tenant == tenant)
    if before is not None:
        query = query.where(audit.c.id < before)
    if wanted.agent_id is not None:
        query = query.where(audit.c.agent_id == wanted.agent_id)
    if wanted.act is not None:
        query = query.where(audit.c.act == wanted.act)
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    rows = await conn.execute(query.order_by(audit.c.id.desc()).limit(limit))
    return [
        Entry(
            row.id,
            row.tenant,
            row.at,
            Act(row.act),
            row.agent_id,
            row.conversation_id,
            row.subject,
            row.address,
            row.detail,
        )
        for row in rows
    ]
