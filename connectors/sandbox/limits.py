"""How many places one person may have, and what follows from not coming. A person is a pseudonym Lawang
sends."""

from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import opening
from connectors.sandbox.city import City
from connectors.sandbox.database import upsert
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings, people

ACTIVE = ("dipesan", "dijadwal_ulang", "checkin", "dipanggil", "terlewat")


async def check(
    conn: AsyncConnection, city: City, person: str | None, day: date, now: datetime, *, giving_up: int = 0
) -> None:
    """Hold one person's requests in line, then count what they have. Nobody is counted without a pseudonym.

    `giving_up` is how many of their places the same transaction gives back.

    Raises:
        Refusal: 409 `limit_reached`, with the rule in the citizen's language.
    """
    if person is None:
        return
    rules, words = city.rules, city.closed_words
    # Writing the same number again is what locks the row, whether or not it was there.
    mine = upsert(conn, people).values(person=person, no_shows=0)
    mine = mine.on_conflict_do_update(index_elements=["person"], set_={"no_shows": people.c.no_shows})
    missed: int = (await conn.execute(mine.returning(people.c.no_shows))).scalar_one()
    today = opening.today(city, now)
    query = (
        select(func.count()).select_from(bookings).where(bookings.c.person == person, bookings.c.day >= today)
    )
    has = (await conn.execute(query.where(bookings.c.status.in_(ACTIVE)))).scalar_one() - giving_up
    if missed > rules.no_shows_allowed:
        if has >= rules.restricted_places or day > today + timedelta(days=rules.restricted_days):
            raise Refusal(
                409,
                "limit_reached",
                words["limit_after_no_shows"].format(
                    missed=missed, places=rules.restricted_places, days=rules.restricted_days
                ),
            )
    elif has >= rules.places_per_person:
        raise Refusal(409, "limit_reached", words["limit"].format(places=rules.places_per_person))


async def missed(conn: AsyncConnection, person: str | None) -> None:
    """Count a visit that was not kept."""
    if person is not None:
        row = {"person": person, "no_shows": 1}
        more = {"no_shows": people.c.no_shows + 1}
        query = upsert(conn, people).values(row)
        await conn.execute(query.on_conflict_do_update(index_elements=["person"], set_=more))


async def kept(conn: AsyncConnection, person: str | None) -> None:
    """A visit that was kept makes up for those that were not."""
    if person is not None:
        await conn.execute(update(people).where(people.c.person == person).values(no_shows=0))
