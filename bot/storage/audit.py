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
    ACCOUNT_CHANGED = "account_changed"
    CONVERSATION_OPENED = "conversation_opened"
    TEXT_REVEALED = "text_revealed"
    SEARCHED = "searched"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit trail. `subject` says what of it: a message's number, an account's name."""

    id: int
    tenant: str | None
    at: datetime
    act: Act
    agent_id: str | None
    conversation_id: str | None
    subject: str | None
    address: str | None


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
        )
    )


async def newest(
    conn: AsyncConnection, tenant: str, *, before: int | None = None, limit: int = 100
) -> list[Entry]:
    """The newest lines of a tenant, before an id."""
    query = sa.select(audit).where(audit.c.tenant == tenant)
    if before is not None:
        query = query.where(audit.c.id < before)
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
        )
        for row in rows
    ]
