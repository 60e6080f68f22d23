"""A tenant's settings of the desk, and who changed which of them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.desk_tables import desk_setting_changes, desk_settings


async def of(conn: AsyncConnection, tenant: str) -> dict[str, Any]:
    """What a tenant has set, by name; what it has not is not there."""
    query = sa.select(desk_settings.c.name, desk_settings.c.value).where(desk_settings.c.tenant == tenant)
    return {row.name: row.value for row in await conn.execute(query)}


async def change(
    conn: AsyncConnection, tenant: str, name: str, value: Any, agent_id: str | None, now: datetime
) -> bool:
    """Set one value and note who did; False when it had that value already."""
    one = sa.and_(desk_settings.c.tenant == tenant, desk_settings.c.name == name)
    row = {"value": value, "updated_by": agent_id, "updated_at": now}
    before = None
    if not await insert_once(
        conn, desk_settings, {"tenant": tenant, "name": name, "version": 1, **row}, ["tenant", "name"]
    ):
        found = (await conn.execute(sa.select(desk_settings).where(one).with_for_update())).one()
        before = found.value
        if before == value:
            return False
        await conn.execute(desk_settings.update().where(one).values(version=found.version + 1, **row))
    await conn.execute(
        desk_setting_changes.insert().values(
            tenant=tenant, name=name, before=before, after=value, changed_by=agent_id, at=now
        )
    )
    return True


async def changes(conn: AsyncConnection, tenant: str, limit: int = 100) -> list[Any]:
    """Who changed what, newest first: rows with name, before, after, changed_by and at."""
    query = (
        sa.select(desk_setting_changes)
        .where(desk_setting_changes.c.tenant == tenant)
        .order_by(desk_setting_changes.c.id.desc())
        .limit(limit)
    )
    return list(await conn.execute(query))
