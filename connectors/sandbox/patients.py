"""The queue of a puskesmas: one number a patient, poli and day; the clerk calls them in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import opening, seats
from connectors.sandbox.city import City, Poli
from connectors.sandbox.database import upsert
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import patient_queue, patients, running_numbers


@dataclass(frozen=True, slots=True)
class Tally:
    """The board of one poli and day: how many numbers were given, how many still wait, who was called
    last."""

    total: int
    left: int
    calling: int | None


async def seed(conn: AsyncConnection, city: City) -> None:
    """The patients the city starts with."""
    rows = [{**patient, "record": f"RM-{patient['card'][-4:]}"} for patient in city.patients]
    await conn.execute(upsert(conn, patients).on_conflict_do_nothing(), rows)


async def known(conn: AsyncConnection, card: str) -> bool:
    """Whether the puskesmas has a record of this card."""
    return (await conn.execute(select(patients.c.card).where(patients.c.card == card))).first() is not None


async def register(conn: AsyncConnection, card: str, nik: str) -> str:
    """Make a patient known; returns the record number, the same one for the same card."""
    record = await _next(conn, "pasien")
    row = {"card": card, "nik": nik, "record": f"RM-{record:06d}"}
    await conn.execute(upsert(conn, patients).on_conflict_do_nothing(), row)
    return str((await conn.execute(select(patients.c.record).where(patients.c.card == card))).scalar_one())


async def closed(conn: AsyncConnection, city: City, poli: Poli, day: date, now: datetime) -> str | None:
    """Why no number is given on a day, or None: closed, over, or past the last opening hour."""
    closure = await seats.closure(conn, poli.desk.id, day)
    reason = opening.closed_reason(city, poli.desk, day, now, closure)
    if reason is not None:
        return reason
    last = max(end for _, end in opening.intervals(city, poli.desk, day))
    local = now.astimezone(city.timezone)
    if (day, last) <= (local.date(), local.time()):
        return f"Pendaftaran ke {poli.desk.title} Sudah Tutup Jam {last:%H:%M}"
    return None


async def take(
    conn: AsyncConnection, city: City, poli: Poli, day: date, card: str, complaint: str, now: datetime
) -> Row[Any]:
    """Give the next number.

    Raises:
        Refusal: closed, full, or this card has a number there that day.
    """
    if (reason := await closed(conn, city, poli, day, now)) is not None:
        raise Refusal(201, "closed", reason)
    # The running number is a row that is locked from here on: whoever comes beside waits, and counts after
    # us.
    number = await _next(conn, f"{poli.desk.id}:{day:%Y%m%d}")
    if await find(conn, poli, day, card) is not None:
        raise Refusal(201, "twice", "Nomor Antrean Hanya Dapat Diambil 1 Kali Pada Tanggal Yang Sama")
    if (await tally(conn, poli, day)).total >= poli.quota:
        raise Refusal(201, "full", f"Kuota {poli.desk.title} Sudah Penuh")
    values = {"counter": poli.desk.id, "day": day, "number": number, "card": card, "complaint": complaint}
    values |= {"status": "terdaftar", "created_at": now, "updated_at": now}
    row: Row[Any] = (await conn.execute(insert(patient_queue).values(values).returning(patient_queue))).one()
    return row


async def _next(conn: AsyncConnection, name: str) -> int:
    count = upsert(conn, running_numbers).values(name=name, last=1)
    count = count.on_conflict_do_update(index_elements=["name"], set_={"last": running_numbers.c.last + 1})
    return int((await conn.execute(count.returning(running_numbers.c.last))).scalar_one())


async def find(conn: AsyncConnection, poli: Poli, day: date, card: str) -> Row[Any] | None:
    """The place of a card that was not given back, or None."""
    query = select(patient_queue).where(_on(poli, day), patient_queue.c.card == card)
    return (await conn.execute(query.where(patient_queue.c.status != "batal"))).one_or_none()


async def ahead(conn: AsyncConnection, poli: Poli, row: Row[Any]) -> int:
    """How many are called before this place."""
    query = select(func.count()).select_from(patient_queue).where(_on(poli, row.day))
    query = query.where(patient_queue.c.status == "terdaftar", patient_queue.c.number < row.number)
    return int((await conn.execute(query)).scalar_one())


async def cancel(conn: AsyncConnection, poli: Poli, day: date, card: str, now: datetime) -> None:
    """Give a number back.

    Raises:
        Refusal: there is none, or the patient was called already.
    """
    row = await find(conn, poli, day, card)
    if row is None:
        raise Refusal(201, "none", "Antrean Tidak Ditemukan atau Sudah Dibatalkan")
    if row.status != "terdaftar":
        raise Refusal(201, "served", "Pasien Sudah Dilayani, Antrean Tidak Dapat Dibatalkan")
    await _put(conn, row, "batal", now)


async def call_next(conn: AsyncConnection, city: City, poli: Poli, now: datetime) -> Row[Any] | None:
    """Call the next number of the nearest day somebody waits for; who was inside is done."""
    day = await board_day(conn, city, poli, now)
    inside = select(patient_queue).where(_on(poli, day), patient_queue.c.status == "dipanggil")
    for previous in (await conn.execute(inside.with_for_update())).all():
        await _put(conn, previous, "selesai", now)
    query = select(patient_queue).where(_on(poli, day), patient_queue.c.status == "terdaftar")
    query = query.order_by(patient_queue.c.number).limit(1).with_for_update(skip_locked=True)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else await _put(conn, row, "dipanggil", now, called_at=now)


async def board_day(conn: AsyncConnection, city: City, poli: Poli, now: datetime) -> date:
    """The day the poli works on: the first from today on that somebody waits for, else today."""
    today = opening.today(city, now)
    query = select(func.min(patient_queue.c.day)).where(
        patient_queue.c.counter == poli.desk.id,
        patient_queue.c.day >= today,
        patient_queue.c.status == "terdaftar",
    )
    day: date | None = (await conn.execute(query)).scalar_one()
    return day or today


async def tally(conn: AsyncConnection, poli: Poli, day: date) -> Tally:
    """The board of one poli and day."""
    query = select(patient_queue.c.status, func.count().label("people")).where(_on(poli, day))
    counts: dict[str, int] = {
        row.status: row.people for row in await conn.execute(query.group_by(patient_queue.c.status))
    }
    calling = select(patient_queue.c.number).where(_on(poli, day), patient_queue.c.called_at.is_not(None))
    calling = calling.order_by(patient_queue.c.called_at.desc(), patient_queue.c.number.desc()).limit(1)
    return Tally(
        total=sum(people for status, people in counts.items() if status != "batal"),
        left=counts.get("terdaftar", 0),
        calling=(await conn.execute(calling)).scalar_one_or_none(),
    )


async def places(conn: AsyncConnection, poli: Poli, day: date) -> Sequence[Row[Any]]:
    """Every place of a day, in order."""
    query = select(patient_queue).where(_on(poli, day), patient_queue.c.status != "batal")
    return (await conn.execute(query.order_by(patient_queue.c.number))).all()


def _on(poli: Poli, day: date) -> Any:
    return (patient_queue.c.counter == poli.desk.id) & (patient_queue.c.day == day)


async def _put(conn: AsyncConnection, row: Row[Any], status: str, now: datetime, **more: Any) -> Row[Any]:
    query = update(patient_queue).where(patient_queue.c.id == row.id)
    values = {"status": status, "updated_at": now, **more}
    new: Row[Any] = (await conn.execute(query.values(values).returning(patient_queue))).one()
    return new
