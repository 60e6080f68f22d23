"""Open reports of others that may be about the same thing: by topic, place and age."""

import math
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import persons
from bot.storage.cases import OPEN
from bot.storage.tables import cases

METRES_A_DEGREE = 111_320.0
MOST_LOOKED_AT = 50


async def similar(
    conn: AsyncConnection,
    *,
    tenant: str,
    conversation_id: str,
    topic: str,
    since: datetime,
    metres: float,
    latitude: float | None,
    longitude: float | None,
    region: str | None,
) -> list[Any]:
    """Open, visible, filed reports of other people: within `metres` of the pin, or in the same area.

    Each row carries `distance` in metres, None where one of the two has no pin. Nearest first, then newest.
    """
    common = [
        cases.c.tenant == tenant,
        cases.c.topic == topic,
        cases.c.kind == "complaint",
        cases.c.origin == "filed",
        cases.c.status.in_(OPEN),
        cases.c.hidden_at.is_(None),
        cases.c.filed_at.is_not(None),
        cases.c.created_at >= since,
        cases.c.conversation_id.not_in(persons.conversations_of(conversation_id)),
    ]
    found: dict[str, tuple[float | None, Any]] = {}
    if latitude is not None and longitude is not None:
        tall = metres / METRES_A_DEGREE
        wide = tall / max(0.1, math.cos(math.radians(latitude)))
        box = sa.select(cases).where(
            *common,
            cases.c.latitude.between(latitude - tall, latitude + tall),
            cases.c.longitude.between(longitude - wide, longitude + wide),
        )
        for row in await conn.execute(box.order_by(cases.c.created_at.desc()).limit(MOST_LOOKED_AT)):
            away = distance(latitude, longitude, row.latitude, row.longitude)
            if away <= metres:
                found[row.id] = (away, row)
    if region:
        area = sa.select(cases).where(*common, cases.c.region == region)
        for row in await conn.execute(area.order_by(cases.c.created_at.desc()).limit(MOST_LOOKED_AT)):
            # Two pins have a distance already; this one was too far.
            if row.id not in found and (latitude is None or row.latitude is None):
                found[row.id] = (None, row)
    ordered = sorted(found.values(), key=lambda pair: (pair[0] is None, pair[0] or 0.0))
    return [row for _, row in ordered]


async def followers(conn: AsyncConnection, connector: str, reference: str) -> int:
    """How many citizens stand behind a report: who filed it and who joined."""
    query = sa.select(sa.func.count()).where(
        cases.c.connector == connector,
        cases.c.reference == reference,
        cases.c.origin.in_(("filed", "joined")),
    )
    return int((await conn.execute(query)).scalar_one())


async def original(conn: AsyncConnection, tenant: str, connector: str, reference: str) -> Any | None:
    """The row of whoever filed a report, if it is open and visible."""
    query = sa.select(cases).where(
        cases.c.tenant == tenant,
        cases.c.connector == connector,
        cases.c.reference == reference,
        cases.c.origin == "filed",
        cases.c.hidden_at.is_(None),
        cases.c.status.in_(OPEN),
    )
    return (await conn.execute(query)).first()


def distance(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Metres between two places on a sphere of 6371 km (haversine)."""
    a, b = math.radians(lat), math.radians(other_lat)
    half = (
        math.sin((b - a) / 2) ** 2
        + math.cos(a) * math.cos(b) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    )
    return 2 * 6_371_000 * math.asin(min(1.0, math.sqrt(half)))
