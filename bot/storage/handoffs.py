"""Hand-offs: who asks for a person, who has them, and the compare-and-set between.

Whoever changes one holds its conversation's row first (`conversations.lock`), as every turn does.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.desk_tables import agent_notes, assignments, handoffs, presences, relays
from bot.storage.tables import conversations
from bot.vocabulary.agents import Handoff, Outcome, Stage, Urgency
from bot.vocabulary.conversations import Owner

RANKS = {Urgency.CRISIS: 0, Urgency.EMERGENCY: 1, Urgency.NORMAL: 5}
_URGENCIES = {rank: urgency for urgency, rank in RANKS.items()}
_OPEN = sa.text("closed_at IS NULL")


def handoff(row: Any) -> Handoff:
    """Read one row of the table."""
    return Handoff(
        id=row.id,
        number=row.number,
        tenant=row.tenant,
        conversation_id=row.conversation_id,
        stage=Stage(row.stage),
        urgency=_URGENCIES.get(row.rank, Urgency.NORMAL),
        reason=row.reason,
        asked_at=row.requested_at,
        queued_at=row.queued_at,
        summary=row.summary or {},
        skill=row.skill,
        language=row.language,
        agent_id=row.agent_id,
        wanted_agent_id=row.wanted_agent_id,
        claimed_at=row.claimed_at,
        first_reply_at=row.first_reply_at,
        unanswered_since=row.unanswered_since,
        last_message_at=row.last_message_at,
        callback_at=row.callback_at,
        closed_at=row.closed_at,
        outcome=None if row.outcome is None else _outcome(row.outcome),
        rating=row.rating,
        transfers=row.transfers,
    )


def _outcome(word: str) -> Outcome:
    # Rows of before the desk say who ended it: "citizen".
    return Outcome(word) if word in set(Outcome) else Outcome.TO_BOT


async def get(conn: AsyncConnection, handoff_id: str) -> Handoff:
    """The hand-off with this id. Raises LookupError."""
    row = (await conn.execute(sa.select(handoffs).where(handoffs.c.id == handoff_id))).first()
    if row is None:
        raise LookupError(handoff_id)
    return handoff(row)


async def open_of(conn: AsyncConnection, conversation_id: str) -> Handoff | None:
    """The hand-off of a conversation that has not ended, if there is one."""
    query = sa.select(handoffs).where(handoffs.c.conversation_id == conversation_id, _OPEN)
    row = (await conn.execute(query)).first()
    return None if row is None else handoff(row)


async def of(conn: AsyncConnection, conversation_id: str, limit: int = 20) -> list[Handoff]:
    """Every hand-off of a conversation, newest first."""
    query = (
        sa.select(handoffs)
        .where(handoffs.c.conversation_id == conversation_id)
        .order_by(handoffs.c.requested_at.desc())
        .limit(limit)
    )
    return [handoff(row) for row in await conn.execute(query)]


async def open(
    conn: AsyncConnection,
    conversation_id: str,
    tenant: str,
    reason: str,
    summary: dict[str, Any],
    now: datetime,
    *,
    stage: Stage = Stage.WAITING,
    urgency: Urgency = Urgency.NORMAL,
    skill: str | None = None,
    language: str | None = None,
    callback_at: datetime | None = None,
) -> tuple[Handoff, bool]:
    """Ask for a person: the request, and whether it is new. An open one is kept with its number."""
    found = await open_of(conn, conversation_id)
    if found is not None:
        return found, False
    if conn.dialect.name == "postgresql":
        # Numbers run on without a double: one request is numbered at a time. SQLite has one writer anyway.
        await conn.execute(sa.text("SELECT pg_advisory_xact_lock(571604)"))
    highest = sa.select(sa.func.coalesce(sa.func.max(handoffs.c.number), 0) + 1)
    number = (await conn.execute(highest)).scalar_one()
    statement = (
        handoffs.insert()
        .values(
            id=uuid.uuid4().hex,
            number=number,
            tenant=tenant,
            conversation_id=conversation_id,
            stage=stage,
            rank=RANKS[urgency],
            reason=reason[:64],
            summary=summary,
            skill=skill,
            language=language,
            requested_at=now,
            queued_at=now,
            unanswered_since=None if stage is Stage.CALLBACK else now,
            last_message_at=now,
            callback_at=callback_at,
            transfers=0,
        )
        .returning(handoffs)
    )
    return handoff((await conn.execute(statement)).one()), True


async def claim(
    conn: AsyncConnection, handoff_id: str, agent_id: str, now: datetime, how: str = "taken"
) -> bool:
    """Give a waiting hand-off to one agent; False when it waits no longer: somebody was faster.

    `how` says whether it was `taken`, `assigned` or `forwarded`.
    """
    statement = (
        handoffs.update()
        .where(handoffs.c.id == handoff_id, handoffs.c.stage == Stage.WAITING)
        .values(
            stage=Stage.ASSIGNED,
            agent_id=agent_id,
            wanted_agent_id=None,
            claimed_at=now,
            first_claimed_at=sa.func.coalesce(handoffs.c.first_claimed_at, now),
        )
        .returning(handoffs.c.tenant)
    )
    tenant = (await conn.execute(statement)).scalar()
    if tenant is None:
        return False
    await conn.execute(
        assignments.insert().values(
            handoff_id=handoff_id, tenant=tenant, agent_id=agent_id, how=how, started_at=now, replies=0
        )
    )
    return True


async def unclaim(
    conn: AsyncConnection,
    handoff_id: str,
    agent_id: str,
    now: datetime,
    how: str,
    *,
    wanted_agent_id: str | None = None,
    skill: str | None = None,
) -> bool:
    """Put a hand-off that `agent_id` has back into the queue at its old place; False when they have it not.

    `how` says why it left them: `released`, `silent` or `forwarded`.
    """
    values: dict[str, Any] = {
        "stage": Stage.WAITING,
        "agent_id": None,
        "claimed_at": None,
        "wanted_agent_id": wanted_agent_id,
        "told_position": None,
        "transfers": handoffs.c.transfers + 1,
    }
    if skill is not None:
        values["skill"] = skill
    mine = sa.and_(
        handoffs.c.id == handoff_id, handoffs.c.stage == Stage.ASSIGNED, handoffs.c.agent_id == agent_id
    )
    if (await conn.execute(handoffs.update().where(mine).values(**values))).rowcount != 1:
        return False
    await end_assignment(conn, handoff_id, how, now)
    return True


async def end_assignment(conn: AsyncConnection, handoff_id: str, how: str, now: datetime) -> None:
    """Note that whoever had it has it no longer."""
    await conn.execute(
        assignments.update()
        .where(assignments.c.handoff_id == handoff_id, assignments.c.ended_at.is_(None))
        .values(ended_at=now, ended_how=how)
    )


async def close(conn: AsyncConnection, conversation_id: str, outcome: Outcome, now: datetime) -> str | None:
    """End the open request of a conversation; its id, or None when there was none."""
    statement = (
        handoffs.update()
        .where(handoffs.c.conversation_id == conversation_id, _OPEN)
        .values(stage=Stage.CLOSED, closed_at=now, outcome=outcome, unanswered_since=None)
        .returning(handoffs.c.id)
    )
    found = (await conn.execute(statement)).scalar()
    if found is None:
        return None
    await end_assignment(conn, found, outcome, now)
    return str(found)


async def carry(conn: AsyncConnection, old_id: str, new_id: str) -> None:
    """The citizen goes on on another channel: their open request goes with them, with notes and relays."""
    request = sa.select(handoffs.c.id).where(handoffs.c.conversation_id == old_id, _OPEN).scalar_subquery()
    await conn.execute(relays.update().where(relays.c.handoff_id == request).values(conversation_id=new_id))
    await conn.execute(
        agent_notes.update().where(agent_notes.c.conversation_id == old_id).values(conversation_id=new_id)
    )
    await conn.execute(
        handoffs.update().where(handoffs.c.conversation_id == old_id, _OPEN).values(conversation_id=new_id)
    )


async def promote(conn: AsyncConnection, handoff_id: str, now: datetime) -> bool:
    """Move a call-back whose time has come, or whose citizen asks again, into the queue."""
    statement = (
        handoffs.update()
        .where(handoffs.c.id == handoff_id, handoffs.c.stage == Stage.CALLBACK)
        .values(stage=Stage.WAITING, unanswered_since=now, last_message_at=now, queued_at=now)
    )
    return (await conn.execute(statement)).rowcount == 1


async def heard(conn: AsyncConnection, conversation_id: str, now: datetime) -> Handoff | None:
    """The citizen wrote while a person is asked for or there; the request it belongs to."""
    statement = (
        handoffs.update()
        .where(handoffs.c.conversation_id == conversation_id, _OPEN)
        .values(unanswered_since=sa.func.coalesce(handoffs.c.unanswered_since, now), last_message_at=now)
        .returning(handoffs)
    )
    row = (await conn.execute(statement)).first()
    return None if row is None else handoff(row)


async def answered(conn: AsyncConnection, handoff_id: str, now: datetime) -> None:
    """A person wrote: nothing of the citizen is unanswered now."""
    await conn.execute(
        handoffs.update()
        .where(handoffs.c.id == handoff_id)
        .values(
            unanswered_since=None,
            last_message_at=now,
            first_reply_at=sa.func.coalesce(handoffs.c.first_reply_at, now),
        )
    )
    await conn.execute(
        assignments.update()
        .where(assignments.c.handoff_id == handoff_id, assignments.c.ended_at.is_(None))
        .values(
            replies=assignments.c.replies + 1,
            first_reply_at=sa.func.coalesce(assignments.c.first_reply_at, now),
        )
    )


async def told(conn: AsyncConnection, handoff_id: str, position: int, now: datetime) -> None:
    """Remember which place the citizen was told, and when."""
    await conn.execute(
        handoffs.update().where(handoffs.c.id == handoff_id).values(told_position=position, told_at=now)
    )


async def ahead(conn: AsyncConnection, found: Handoff) -> int:
    """How many wait before this one."""
    rank = RANKS[found.urgency]
    query = (
        sa.select(sa.func.count())
        .select_from(handoffs)
        .where(
            handoffs.c.tenant == found.tenant,
            sa.text("stage = 'waiting'"),
            sa.tuple_(handoffs.c.rank, handoffs.c.queued_at, handoffs.c.id)
            < sa.tuple_(sa.literal(rank), sa.literal(found.queued_at, handoffs.c.queued_at.type), found.id),
        )
    )
    return int((await conn.execute(query)).scalar_one())


async def waiting(conn: AsyncConnection, tenant: str, limit: int = 200) -> list[Handoff]:
    """What waits, in the order in which it is helped."""
    query = (
        sa.select(handoffs)
        .where(handoffs.c.tenant == tenant, sa.text("stage = 'waiting'"))
        .order_by(handoffs.c.rank, handoffs.c.queued_at, handoffs.c.id)
        .limit(limit)
    )
    return [handoff(row) for row in await conn.execute(query)]


async def with_silent_bot(conn: AsyncConnection, tenant: str) -> list[str]:
    """The requests that wait while the bot keeps still for them."""
    query = (
        sa.select(handoffs.c.id)
        .join(conversations, conversations.c.id == handoffs.c.conversation_id)
        .where(
            handoffs.c.tenant == tenant, sa.text("stage = 'waiting'"), conversations.c.owner == Owner.QUEUE
        )
    )
    return list((await conn.execute(query)).scalars())


async def claims_since(conn: AsyncConnection, tenant: str, since: datetime) -> list[datetime]:
    """When requests were first taken since a time, newest first: the throughput of the desk."""
    query = (
        sa.select(handoffs.c.first_claimed_at)
        .where(handoffs.c.tenant == tenant, handoffs.c.first_claimed_at >= since)
        .order_by(handoffs.c.first_claimed_at.desc())
        .limit(50)
    )
    return list((await conn.execute(query)).scalars())


async def had_by(conn: AsyncConnection, agent_ids: Iterable[str]) -> list[Handoff]:
    """What these agents have now."""
    query = sa.select(handoffs).where(handoffs.c.agent_id.in_(list(agent_ids)), sa.text("stage = 'assigned'"))
    return [handoff(row) for row in await conn.execute(query)]


async def rate(
    conn: AsyncConnection, handoff_id: str, conversation_id: str, stars: int, now: datetime
) -> bool:
    """Keep the citizen's rating, the first one only; False when it is not theirs to rate or was rated."""
    statement = (
        handoffs.update()
        .where(
            handoffs.c.id == handoff_id,
            handoffs.c.conversation_id == conversation_id,
            handoffs.c.closed_at.is_not(None),
            handoffs.c.rating.is_(None),
        )
        .values(rating=stars, rated_at=now)
    )
    return (await conn.execute(statement)).rowcount == 1


async def loads(conn: AsyncConnection, tenant: str) -> dict[str, int]:
    """How many conversations each agent of a tenant has; who has none is not there."""
    query = (
        sa.select(handoffs.c.agent_id, sa.func.count())
        .where(handoffs.c.tenant == tenant, sa.text("stage = 'assigned'"))
        .group_by(handoffs.c.agent_id)
    )
    return {agent_id: int(count) for agent_id, count in await conn.execute(query)}


async def tenants_waiting(conn: AsyncConnection) -> list[str]:
    """The tenants in which somebody waits for a person."""
    query = sa.select(handoffs.c.tenant).where(sa.text("stage = 'waiting'")).distinct()
    return list((await conn.execute(query)).scalars())


async def of_silent(conn: AsyncConnection, tenant: str, before: datetime) -> list[Handoff]:
    """What agents have whose consoles were last heard before a time, or never were."""
    query = (
        sa.select(handoffs)
        .outerjoin(presences, presences.c.agent_id == handoffs.c.agent_id)
        .where(
            handoffs.c.tenant == tenant,
            sa.text("stage = 'assigned'"),
            handoffs.c.claimed_at < before,
            sa.or_(presences.c.seen_at.is_(None), presences.c.seen_at < before),
            ~_elsewhere(),
        )
    )
    return [handoff(row) for row in await conn.execute(query)]


async def left_unanswered(conn: AsyncConnection, tenant: str, before: datetime) -> list[Handoff]:
    """What agents have had, and left a message unanswered, since before a time."""
    query = sa.select(handoffs).where(
        handoffs.c.tenant == tenant,
        sa.text("closed_at IS NULL AND unanswered_since IS NOT NULL"),
        sa.text("stage = 'assigned'"),
        handoffs.c.unanswered_since < before,
        handoffs.c.claimed_at < before,
        ~_elsewhere(),
    )
    return [handoff(row) for row in await conn.execute(query)]


async def idle(conn: AsyncConnection, tenant: str, before: datetime) -> list[Handoff]:
    """What agents have answered, and citizens left alone, since before a time."""
    query = sa.select(handoffs).where(
        handoffs.c.tenant == tenant,
        sa.text("stage = 'assigned'"),
        handoffs.c.last_message_at < before,
        handoffs.c.claimed_at < before,
        handoffs.c.unanswered_since.is_(None),
        handoffs.c.first_reply_at.is_not(None),
        ~_elsewhere(),
    )
    return [handoff(row) for row in await conn.execute(query)]


def _elsewhere() -> sa.ColumnElement[bool]:
    """Another program's desk has it, and minds its own agents."""
    return sa.exists().where(relays.c.handoff_id == handoffs.c.id)


async def call_back_at(conn: AsyncConnection, handoff_id: str, at: datetime) -> None:
    """Set, or set again, when the citizen wants to be written to."""
    await conn.execute(handoffs.update().where(handoffs.c.id == handoff_id).values(callback_at=at))


async def callbacks_due(conn: AsyncConnection, now: datetime) -> list[Handoff]:
    """Call-backs whose time has come."""
    query = sa.select(handoffs).where(sa.text("stage = 'callback'"), handoffs.c.callback_at <= now)
    return [handoff(row) for row in await conn.execute(query.order_by(handoffs.c.callback_at))]


async def last_told(conn: AsyncConnection, handoff_id: str) -> tuple[int | None, datetime | None]:
    """Which place the citizen was told last, and when."""
    query = sa.select(handoffs.c.told_position, handoffs.c.told_at).where(handoffs.c.id == handoff_id)
    row = (await conn.execute(query)).one()
    return row.told_position, row.told_at


async def make_urgent(conn: AsyncConnection, handoff_id: str, urgency: Urgency) -> None:
    """Move a request up; one that is more urgent already stays where it is."""
    rank = RANKS[urgency]
    await conn.execute(
        handoffs.update().where(handoffs.c.id == handoff_id, handoffs.c.rank > rank).values(rank=rank)
    )
