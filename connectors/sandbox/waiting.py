"""The waiting list of a full day: who asked first is offered a freed place first, for a limited time."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import bookings as tickets
from connectors.sandbox import limits, opening, outbox, seats
from connectors.sandbox.city import City, Counter
from connectors.sandbox.opening import Slot
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings, waiting_list

OPEN = ("menunggu", "ditawarkan")


async def find(conn: AsyncConnection, place_id: str, *, locked: bool = False) -> Row[Any]:
    """One place on the list.

    Raises:
        Refusal: 404, no such place.
    """
    query = select(waiting_list).where(waiting_list.c.id == place_id)
    row = (await conn.execute(query.with_for_update() if locked else query)).one_or_none()
    if row is None:
        raise Refusal(404, "waiting_not_found", "no such place on a waiting list")
    return row


async def join(
    conn: AsyncConnection, city: City, service: str, day: date, who: dict[str, Any], now: datetime
) -> Row[Any]:
    """Line up for a full day; asking again is asking once. `who` has name, person, contact, priority and
    times.

    Raises:
        Refusal: 404 no counter takes the service; 409 `slot_closed` on a closed day, `places_left` when one
        can
            simply book, `limit_reached`.
    """
    desks = city.counters_for(service)
    if not desks:
        raise Refusal(404, "service_not_found", "no counter takes this service")
    counter = desks[0]
    free, reason = await seats.free_slots(conn, city, counter, day, now)
    if reason is not None:
        raise Refusal(409, "slot_closed", reason)
    if any(_suits(city, who, slot) for slot, _ in free):
        raise Refusal(409, "places_left", "there are free places on this day")
    await limits.check(conn, city, who["person"], day, now)
    if who["person"] is not None:
        mine = select(waiting_list).where(waiting_list.c.person == who["person"], waiting_list.c.day == day)
        mine = mine.where(waiting_list.c.service == service, waiting_list.c.status.in_(OPEN))
        if (known := (await conn.execute(mine)).first()) is not None:
            return known
    values = {"id": uuid.uuid4().hex, "counter": counter.id, "day": day, "service": service, **who}
    values |= {"status": "menunggu", "created_at": now, "updated_at": now}
    row: Row[Any] = (await conn.execute(insert(waiting_list).values(values).returning(waiting_list))).one()
    await offer(conn, city, counter, day, now)
    return await find(conn, row.id)


async def ahead(conn: AsyncConnection, row: Row[Any]) -> int | None:
    """How many were first; None once this place no longer waits."""
    if row.status != "menunggu":
        return None
    query = select(func.count()).select_from(waiting_list).where(_line(row.counter, row.day))
    return (await conn.execute(query.where(waiting_list.c.number < row.number))).scalar_one()


async def hopeful(conn: AsyncConnection, counter: str, day: date) -> int:
    """How many wait for a place on that day."""
    query = select(func.count()).select_from(waiting_list).where(_line(counter, day))
    return (await conn.execute(query)).scalar_one()


async def offer(conn: AsyncConnection, city: City, counter: Counter, day: date, now: datetime) -> None:
    """Offer what is free on a day to whoever waits for it, public or not yet; nobody is woken at night."""
    opens, closes = city.rules.offer_hours
    if not opens <= now.astimezone(city.timezone).time() < closes:
        return
    if conn.dialect.name == "postgresql":
        # One after the other: two who each free a place would skip the rows that the other looks at, and
        # leave a place unoffered. SQLite has one writer anyway.
        line = {"line": f"{counter.id} {day}"}
        await conn.execute(text("SELECT pg_advisory_xact_lock(571607, hashtext(:line))"), line)
    query = select(waiting_list).where(_line(counter.id, day)).order_by(waiting_list.c.number)
    for entry in (await conn.execute(query.with_for_update(skip_locked=True))).all():
        free, _ = await seats.free_slots(conn, city, counter, day, now, shut_too=True)
        suiting = [
            slot for slot, _ in free if _suits(city, entry._asdict(), slot) and _reachable(city, slot, now)
        ]
        for slot in suiting:
            try:
                seat = await seats.take(conn, counter, slot, now, shut_too=True)
            except Refusal:
                continue
            await _offer(conn, city, entry, slot, seat, now)
            break


def _line(counter: str, day: date) -> Any:
    mine = (waiting_list.c.counter == counter) & (waiting_list.c.day == day)
    return mine & (waiting_list.c.status == "menunggu")


def _suits(city: City, who: dict[str, Any], slot: Slot) -> bool:
    clock = slot.starts_at.astimezone(city.timezone).strftime("%H:%M")
    return (who["earliest"] or "00:00") <= clock <= (who["latest"] or "23:59")


def _reachable(city: City, slot: Slot, now: datetime) -> bool:
    return slot.starts_at >= now + city.rules.offer_lead


async def _offer(
    conn: AsyncConnection, city: City, entry: Row[Any], slot: Slot, seat: int, now: datetime
) -> None:
    until = min(now + city.rules.offer, slot.starts_at)
    values = {"service": entry.service, "person": entry.person, "status": "ditahan", "hold_until": until}
    ticket = await seats.insert_ticket(conn, slot, seat, values | {"created_at": now, "updated_at": now})
    row = await _put(conn, entry, "ditawarkan", now, code=ticket.code)
    more = {"slot_id": slot.id, "starts_at": _local(city, slot.starts_at), "expires_at": _local(city, until)}
    await _tell(conn, city, row, now, event="offered", counter=slot.counter, **more)


async def accept(conn: AsyncConnection, city: City, place_id: str, now: datetime) -> Row[Any]:
    """Take the place that is offered; twice is once. Returns the ticket.

    Raises:
        Refusal: 404; 409 `no_offer` while none is made, `hold_expired` when it is over, `limit_reached`.
    """
    row = await find(conn, place_id, locked=True)
    if row.status == "diterima":
        return await tickets.find(conn, row.code)
    if row.status == "menunggu":
        raise Refusal(409, "no_offer", "no place is offered yet")
    if row.status != "ditawarkan":
        raise Refusal(409, "hold_expired", "this offer is over")
    await limits.check(conn, city, row.person, row.day, now)
    ticket = await tickets.confirm(conn, city, row.code, row.name, row.contact, row.priority, now)
    await _put(conn, row, "diterima", now)
    return ticket


async def leave(conn: AsyncConnection, city: City, place_id: str, now: datetime) -> Row[Any]:
    """Ask no longer; a place that was offered goes to the next. Twice is once.

    Raises:
        Refusal: 404; 409 `move_not_allowed`, the offer was taken already: cancel the booking instead.
    """
    row = await find(conn, place_id, locked=True)
    if row.status == "diterima":
        raise Refusal(409, "move_not_allowed", "the offer was accepted: cancel the booking", allowed=[])
    if row.status not in OPEN:
        return row
    left = await _put(conn, row, "keluar", now)
    if row.status == "ditawarkan":
        await tickets.release(conn, row.code, now)
        await offer(conn, city, city.counters[row.counter], row.day, now)
    return left


async def lapse(conn: AsyncConnection, city: City, now: datetime) -> Sequence[Row[Any]]:
    """End offers whose time is up, and days that are over; say so. Returns the places that lapsed."""
    over = (bookings.c.status == "kedaluwarsa") | (
        (bookings.c.status == "ditahan") & (bookings.c.hold_until <= now)
    )
    offered = select(waiting_list.c.id).join(bookings, waiting_list.c.code == bookings.c.code)
    offered = offered.where(waiting_list.c.status == "ditawarkan", over)
    past = select(waiting_list.c.id).where(
        waiting_list.c.status == "menunggu", waiting_list.c.day < opening.today(city, now)
    )
    ids = list((await conn.execute(offered)).scalars()) + list((await conn.execute(past)).scalars())
    query = select(waiting_list).where(waiting_list.c.id.in_(ids), waiting_list.c.status.in_(OPEN))
    lapsed = []
    for row in (await conn.execute(query.order_by(waiting_list.c.number).with_for_update())).all():
        lapsed.append(await _put(conn, row, "lewat", now))
        await _tell(conn, city, lapsed[-1], now, event="lapsed")
    await seats.end_holds(conn, now)
    return lapsed


async def close(conn: AsyncConnection, city: City, counter: str, day: date, note: str, now: datetime) -> None:
    """The day is closed: nobody waits for it any more."""
    query = select(waiting_list).where(waiting_list.c.counter == counter, waiting_list.c.day == day)
    query = query.where(waiting_list.c.status.in_(OPEN)).order_by(waiting_list.c.number)
    for row in (await conn.execute(query.with_for_update())).all():
        if row.status == "ditawarkan":
            await tickets.release(conn, row.code, now)
        await _tell(conn, city, await _put(conn, row, "lewat", now), now, event="lapsed", note=note)


async def days(conn: AsyncConnection) -> Sequence[Row[Any, Any]]:
    """Counters and days that somebody waits for."""
    query = select(waiting_list.c.counter, waiting_list.c.day).where(waiting_list.c.status == "menunggu")
    return (await conn.execute(query.distinct())).all()


async def _put(conn: AsyncConnection, row: Row[Any], status: str, now: datetime, **more: Any) -> Row[Any]:
    query = update(waiting_list).where(waiting_list.c.id == row.id)
    values = {"status": status, "updated_at": now, **more}
    new: Row[Any] = (await conn.execute(query.values(values).returning(waiting_list))).one()
    return new


async def _tell(conn: AsyncConnection, city: City, row: Row[Any], now: datetime, **more: Any) -> None:
    at = now.astimezone(city.timezone)
    await outbox.announce(conn, outbox.MPP_APP, "waiting", row.id, row.status, at, **more)


def _local(city: City, moment: datetime) -> str:
    return moment.astimezone(city.timezone).isoformat(timespec="seconds")
