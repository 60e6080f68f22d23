"""Links between one person's conversations: codes that are used once, guesses, and the shared citizen."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import persons
from bot.storage.database import insert_once
from bot.storage.link_tables import link_codes, link_guesses, links
from bot.storage.tables import cases, citizens, conversations

WRONG_CODES = 5
LOCKED = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Offered:
    """A code that is still good: which conversation asked for it."""

    conversation_id: str
    code_digest: str


async def offer(
    conn: AsyncConnection, conversation_id: str, tenant: str, code: str, token: str, expires_at: datetime
) -> None:
    """Keep the digests of a new code and of its link; the one before is good for nothing any more."""
    await conn.execute(link_codes.delete().where(link_codes.c.conversation_id == conversation_id))
    await conn.execute(
        link_codes.insert().values(
            conversation_id=conversation_id,
            tenant=tenant,
            code_digest=code,
            token_digest=token,
            expires_at=expires_at,
        )
    )


async def find(conn: AsyncConnection, tenant: str, digest: str, now: datetime) -> Offered | None:
    """The live code with this digest, typed or carried by a link."""
    query = sa.select(link_codes).where(
        link_codes.c.tenant == tenant,
        link_codes.c.expires_at > now,
        sa.or_(link_codes.c.code_digest == digest, link_codes.c.token_digest == digest),
    )
    row = (await conn.execute(query)).first()
    return None if row is None else Offered(row.conversation_id, row.code_digest)


async def use(conn: AsyncConnection, offered: Offered) -> bool:
    """Use a code up; False when somebody else just did."""
    statement = link_codes.delete().where(
        link_codes.c.conversation_id == offered.conversation_id,
        link_codes.c.code_digest == offered.code_digest,
    )
    return (await conn.execute(statement)).rowcount == 1


async def locked_until(conn: AsyncConnection, conversation_id: str, now: datetime) -> datetime | None:
    """Until when a conversation may try no code, after too many wrong ones."""
    query = sa.select(link_guesses.c.locked_until).where(
        link_guesses.c.conversation_id == conversation_id, link_guesses.c.locked_until > now
    )
    found: datetime | None = (await conn.execute(query)).scalar()
    return found


async def wrong(conn: AsyncConnection, conversation_id: str, now: datetime) -> datetime | None:
    """Count a wrong code. WRONG_CODES of them lock the conversation out; until when, else None."""
    row = {"conversation_id": conversation_id, "wrong": 0, "updated_at": now}
    await insert_once(conn, link_guesses, row, ["conversation_id"])
    mine = link_guesses.c.conversation_id == conversation_id
    old = link_guesses.c.updated_at < now - LOCKED
    counted = sa.case((old, 1), else_=link_guesses.c.wrong + 1)
    statement = link_guesses.update().where(mine).values(wrong=counted, updated_at=now)
    count = (await conn.execute(statement.returning(link_guesses.c.wrong))).scalar_one()
    if count < WRONG_CODES:
        return None
    until = now + LOCKED
    await conn.execute(link_guesses.update().where(mine).values(wrong=0, locked_until=until))
    return until


async def right(conn: AsyncConnection, conversation_id: str) -> None:
    """Forget the wrong codes of who had a right one in the end."""
    await conn.execute(link_guesses.delete().where(link_guesses.c.conversation_id == conversation_id))


async def join(conn: AsyncConnection, host_id: str, guest_id: str, now: datetime) -> None:
    """Make the persons of two conversations one: the guest's become the host's citizen.

    The caller holds the rows of all their conversations. A case that both follow is followed once from now
    on, by who filed it, else by who followed it first: its news goes to one place.
    """
    host = await _citizen(conn, host_id)
    for conversation_id in {*await persons.ids(conn, host_id), *await persons.ids(conn, guest_id)}:
        before = await _citizen(conn, conversation_id)
        row = {"conversation_id": conversation_id, "citizen_id": before, "linked_at": now}
        await insert_once(conn, links, row, ["conversation_id"])
        await _become(conn, [conversation_id], host)
    await _follow_once(conn, host_id)


async def leave(conn: AsyncConnection, conversation_id: str) -> list[str]:
    """Make a conversation a person of its own again; the ids of those it was linked with.

    The caller holds the rows of all of them.
    """
    others = [found for found in await persons.ids(conn, conversation_id) if found != conversation_id]
    if not others:
        return []
    shared = await _citizen(conn, conversation_id)
    own = await own_citizen(conn, conversation_id)
    await _become(conn, [conversation_id], own)
    alone = [conversation_id]
    if len(others) == 1:
        await _become(conn, others, await own_citizen(conn, others[0]))
        alone += others
    elif own == shared:
        # Those who stay together were this one's guests: they become one person without it.
        await _become(conn, others, await _new_citizen(conn, shared))
    await conn.execute(links.delete().where(links.c.conversation_id.in_(alone)))
    return others


async def own_citizen(conn: AsyncConnection, conversation_id: str) -> str:
    """The citizen a conversation is by itself, linked or not."""
    query = sa.select(links.c.citizen_id).where(links.c.conversation_id == conversation_id)
    return (await conn.execute(query)).scalar() or await _citizen(conn, conversation_id)


async def forget(conn: AsyncConnection, conversation_id: str) -> None:
    """Delete a conversation's code and its guesses; `leave` ends its link."""
    for table in (link_codes, link_guesses):
        await conn.execute(table.delete().where(table.c.conversation_id == conversation_id))


async def _citizen(conn: AsyncConnection, conversation_id: str) -> str:
    query = sa.select(conversations.c.citizen_id).where(conversations.c.id == conversation_id)
    return str((await conn.execute(query)).scalar_one())


async def _become(conn: AsyncConnection, conversation_ids: Iterable[str], citizen_id: str) -> None:
    await conn.execute(
        conversations.update()
        .where(conversations.c.id.in_(list(conversation_ids)))
        .values(citizen_id=citizen_id)
    )


async def _new_citizen(conn: AsyncConnection, like: str) -> str:
    known = (await conn.execute(sa.select(citizens).where(citizens.c.id == like))).one()
    made = uuid.uuid4().hex
    await conn.execute(citizens.insert().values(id=made, tenant=known.tenant, created_at=known.created_at))
    return made


async def _follow_once(conn: AsyncConnection, conversation_id: str) -> None:
    theirs = cases.c.conversation_id.in_(persons.conversations_of(conversation_id))
    query = sa.select(cases).where(theirs).order_by((cases.c.origin == "filed").desc(), cases.c.created_at)
    known: set[tuple[str, str]] = set()
    for row in list(await conn.execute(query.with_for_update())):
        if (row.connector, row.reference) in known:
            await conn.execute(cases.delete().where(cases.c.id == row.id))
        known.add((row.connector, row.reference))
