"""The people of the desk and where they are."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.desk_tables import agents, presence_changes, presences
from bot.vocabulary.agents import Agent, Presence, PresenceState, Role


def _agent(row: Any) -> Agent:
    return Agent(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        role=Role(row.role),
        public_name=row.public_name,
        skills=tuple(row.skills),
        languages=tuple(row.languages),
        capacity=row.capacity,
        active=row.active,
    )


async def save(conn: AsyncConnection, agent: Agent, now: datetime) -> None:
    """Add an agent, or change what is known of one."""
    values = {
        "tenant": agent.tenant,
        "name": agent.name,
        "public_name": agent.public_name,
        "role": agent.role,
        "skills": list(agent.skills),
        "languages": list(agent.languages),
        "capacity": agent.capacity,
        "active": agent.active,
        "updated_at": now,
    }
    if not await insert_once(conn, agents, {"id": agent.id, "created_at": now, **values}, ["id"]):
        await conn.execute(agents.update().where(agents.c.id == agent.id).values(**values))


async def get(conn: AsyncConnection, agent_id: str) -> Agent:
    """The agent with this id. Raises LookupError."""
    row = (await conn.execute(sa.select(agents).where(agents.c.id == agent_id))).first()
    if row is None:
        raise LookupError(agent_id)
    return _agent(row)


async def some(conn: AsyncConnection, agent_ids: Collection[str]) -> dict[str, Agent]:
    """The agents with these ids, by id; those there are."""
    rows = await conn.execute(sa.select(agents).where(agents.c.id.in_(agent_ids)))
    return {row.id: _agent(row) for row in rows}


async def of(conn: AsyncConnection, tenant: str) -> list[Agent]:
    """The active agents of a tenant, by name."""
    query = sa.select(agents).where(agents.c.tenant == tenant, agents.c.active).order_by(agents.c.name)
    return [_agent(row) for row in await conn.execute(query)]


async def everybody(conn: AsyncConnection, tenant: str) -> list[Agent]:
    """All agents of a tenant, those who left too, by name."""
    query = sa.select(agents).where(agents.c.tenant == tenant).order_by(agents.c.name, agents.c.id)
    return [_agent(row) for row in await conn.execute(query)]


async def hold(conn: AsyncConnection, tenant: str, role: Role) -> list[Agent]:
    """The agents with a role, in an order that two who hold them at once share; held as by `lock`."""
    mine = sa.and_(agents.c.tenant == tenant, agents.c.role == role)
    query = sa.select(agents).where(mine).order_by(agents.c.id).with_for_update()
    return [_agent(row) for row in await conn.execute(query)]


async def lock(conn: AsyncConnection, agent_id: str, now: datetime) -> None:
    """Hold an agent's row until the transaction ends: conversations are given to one at a time."""
    await conn.execute(agents.update().where(agents.c.id == agent_id).values(updated_at=now))


def _presence(row: Any) -> Presence:
    return Presence(row.agent_id, PresenceState(row.state), row.reason, row.since, row.seen_at)


async def presence_of(conn: AsyncConnection, agent_id: str) -> Presence | None:
    """Where an agent is, or None before they first signed in."""
    row = (await conn.execute(sa.select(presences).where(presences.c.agent_id == agent_id))).first()
    return None if row is None else _presence(row)


async def presences_in(conn: AsyncConnection, tenant: str) -> dict[str, Presence]:
    """Where every agent of a tenant is, by agent."""
    query = sa.select(presences).where(presences.c.tenant == tenant)
    return {row.agent_id: _presence(row) for row in await conn.execute(query)}


async def set_presence(
    conn: AsyncConnection, agent: Agent, state: PresenceState, reason: str | None, now: datetime
) -> bool:
    """Say where an agent is now; False when that is what was known."""
    row = {"agent_id": agent.id, "tenant": agent.tenant, "state": state, "reason": reason}
    new = await insert_once(conn, presences, {**row, "since": now, "seen_at": now}, ["agent_id"])
    if not new:
        same = sa.and_(presences.c.state == state, presences.c.reason.is_not_distinct_from(reason))
        statement = (
            presences.update()
            .where(presences.c.agent_id == agent.id, ~same)
            .values(state=state, reason=reason, since=now, seen_at=now)
        )
        if (await conn.execute(statement)).rowcount == 0:
            await beat(conn, agent.id, now)
            return False
    await conn.execute(presence_changes.insert().values(**row, at=now))
    return True


async def beat(conn: AsyncConnection, agent_id: str, now: datetime) -> None:
    """Note that a console of this agent lives."""
    await conn.execute(presences.update().where(presences.c.agent_id == agent_id).values(seen_at=now))


async def silent(conn: AsyncConnection, before: datetime) -> list[Agent]:
    """Agents who are said to be there and whose consoles were last heard before a time."""
    query = (
        sa.select(agents)
        .join(presences, presences.c.agent_id == agents.c.id)
        .where(presences.c.state != PresenceState.OFFLINE, presences.c.seen_at < before)
    )
    return [_agent(row) for row in await conn.execute(query)]


async def tenants(conn: AsyncConnection) -> list[str]:
    """The tenants that have agents."""
    return list((await conn.execute(sa.select(agents.c.tenant).distinct())).scalars())
