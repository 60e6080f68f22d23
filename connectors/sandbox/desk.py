"""What *Meja Kota* shows, gathered in one reading: complaints, counters, permits, and the webhook strip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from babel.dates import format_date, format_datetime
from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import bookings as tickets
from connectors.sandbox import complaints, line, opening, outbox, patients, permits, seats, waiting
from connectors.sandbox.city import City, Counter, Ladder, Poli, Stage, State, Topic
from connectors.sandbox.hall import CityHall
from connectors.sandbox.outbox import Tally
from connectors.sandbox.pace import Measured
from connectors.sandbox.patients import Tally as PoliTally
from connectors.sandbox.tables import bookings, complaint_comments, patient_queue, waiting_list
from connectors.sandbox.tables import complaints as complaint_table
from connectors.sandbox.tables import permits as permit_table

PAGE = 12
FILTERS = ("terbuka", "selesai", "semua")


@dataclass(frozen=True, slots=True)
class ComplaintCard:
    """One case with everything a clerk needs to move it on."""

    row: Row[Any]
    topic: Topic
    agency: str
    state: State
    moves: tuple[State, ...]
    comments: Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class CounterCard:
    """One counter on the day its desk works on. `tickets` are in calling order, the called ones first.

    `hopeful` people are on the waiting list of that day.
    """

    counter: Counter
    day: date
    now_serving: str | None
    waiting: int
    tickets: Sequence[tuple[Row[Any], State, tuple[State, ...]]]
    closed_reason: str | None
    hopeful: int
    pace: Measured | None

    @property
    def minutes(self) -> int | None:
        """The measured pace in whole minutes a number."""
        return None if self.pace is None else max(1, round(self.pace.seconds / 60))


@dataclass(frozen=True, slots=True)
class PoliCard:
    """One poli of a puskesmas on the day it works on; a clerk sees numbers, never who has them."""

    poli: Poli
    day: date
    tally: PoliTally


@dataclass(frozen=True, slots=True)
class PermitCard:
    """One file on its ladder. `suggested` is the step it would go to if all is well."""

    row: Row[Any]
    ladder: Ladder
    stage: Stage
    suggested: int


@dataclass(frozen=True, slots=True)
class Desk:
    """The whole page."""

    city: City
    today: date
    tally: Tally
    pushing: bool
    filter: str
    page: int
    pages: int
    counts: dict[str, int]
    complaints: list[ComplaintCard]
    counters: list[CounterCard]
    polis: list[PoliCard]
    permits: list[PermitCard]

    def when(self, moment: datetime) -> str:
        """A time as clerks read it: 24 Nov 09.00."""
        return format_datetime(moment.astimezone(self.city.timezone), "d MMM HH.mm", locale="id")

    def clock(self, moment: datetime) -> str:
        """The time of day: 09.00."""
        return format_datetime(moment.astimezone(self.city.timezone), "HH.mm", locale="id")

    def day(self, day: date) -> str:
        """A day in full: Selasa, 24 November 2026."""
        return format_date(day, "EEEE, d MMMM y", locale="id")


async def look(hall: CityHall, conn: AsyncConnection, chosen: str, page: int) -> Desk:
    """Gather the page. An unknown filter means `terbuka`, a page outside the list the nearest one."""
    chosen = chosen if chosen in FILTERS else FILTERS[0]
    counts = await _counts(conn, hall.city)
    pages = max(1, -(-counts[chosen] // PAGE))
    page = min(max(page, 1), pages)
    now = hall.clock()
    today = opening.today(hall.city, now)
    return Desk(
        city=hall.city,
        today=today,
        tally=await outbox.tally(conn),
        pushing=hall.courier is not None,
        filter=chosen,
        page=page,
        pages=pages,
        counts=counts,
        complaints=await _complaints(conn, hall.city, chosen, page),
        counters=[
            await _counter(conn, hall.city, counter, today, now) for counter in hall.city.counters.values()
        ],
        polis=[await _poli(conn, hall.city, poli, now) for poli in hall.city.polis.values()],
        permits=[
            PermitCard(
                row,
                hall.city.ladders[row.jenis],
                permits.stage_of(hall.city, row),
                _next_stage(hall.city.ladders[row.jenis], row.stage),
            )
            for row in await permits.listed(conn)
        ],
    )


async def pulse(conn: AsyncConnection) -> str:
    """A word that changes whenever the page would."""
    tally = await outbox.tally(conn)
    marks: list[Any] = [tally.delivered, tally.waiting, tally.refused, tally.trouble]
    for table in (complaint_table, bookings, permit_table, waiting_list, patient_queue):
        marks += (
            await conn.execute(select(func.count(), func.max(table.c.updated_at)).select_from(table))
        ).one()
    marks.append((await conn.execute(select(func.max(complaint_comments.c.id)))).scalar_one())
    return "|".join(str(mark) for mark in marks)


async def _counts(conn: AsyncConnection, city: City) -> dict[str, int]:
    by_state = await complaints.counted(conn)
    closed = sum(count for word, count in by_state.items() if city.complaint_states[word].closed)
    total = sum(by_state.values())
    return {"terbuka": total - closed, "selesai": closed, "semua": total}


async def _complaints(conn: AsyncConnection, city: City, chosen: str, page: int) -> list[ComplaintCard]:
    query: Select[Any] = select(complaint_table)
    if chosen != "semua":
        words = [
            state.word for state in city.complaint_states.values() if state.closed == (chosen == "selesai")
        ]
        query = query.where(complaint_table.c.status.in_(words))
    rows = await complaints.listed(conn, query, PAGE, (page - 1) * PAGE)
    said = select(complaint_comments).where(
        complaint_comments.c.reference.in_([row.reference for row in rows])
    )
    comments = (await conn.execute(said.order_by(complaint_comments.c.id))).all()
    return [
        ComplaintCard(
            row=row,
            topic=city.topics[row.service_code],
            agency=city.agency_of(row.service_code),
            state=city.complaint_states[row.status],
            moves=tuple(city.complaint_states[word] for word in city.complaint_states[row.status].moves),
            comments=[comment for comment in comments if comment.reference == row.reference],
        )
        for row in rows
    ]


async def _counter(
    conn: AsyncConnection, city: City, counter: Counter, today: date, now: datetime
) -> CounterCard:
    day = await line.board_day(conn, counter.id, today)
    board = await line.board(conn, counter, day)
    query = select(bookings).where(bookings.c.counter == counter.id, bookings.c.day == day)
    query = query.where(bookings.c.status != "kedaluwarsa")
    rows = (await conn.execute(query.order_by(bookings.c.line_at, bookings.c.number))).all()
    rows = sorted(
        rows, key=lambda row: 0 if row.status in line.AT_THE_DESK else 1 if row.status in line.WAITING else 2
    )
    closure = await seats.closure(conn, counter.id, day)
    return CounterCard(
        counter=counter,
        day=day,
        now_serving=board.now_serving,
        waiting=board.waiting,
        tickets=[
            (row, city.booking_states[row.status], _desk_moves(city, city.booking_states[row.status]))
            for row in rows
        ],
        closed_reason=opening.closed_reason(city, counter, day, now, closure),
        hopeful=await waiting.hopeful(conn, counter.id, day),
        pace=board.pace,
    )


async def _poli(conn: AsyncConnection, city: City, poli: Poli, now: datetime) -> PoliCard:
    day = await patients.board_day(conn, city, poli, now)
    return PoliCard(poli, day, await patients.tally(conn, poli, day))


def _next_stage(ladder: Ladder, stage: int) -> int:
    if ladder.stages[stage].status in ("terbit", "ditolak"):
        return stage
    later = range(stage + 1, len(ladder.stages))
    return next((one for one in later if ladder.stages[one].status not in ("perbaikan", "ditolak")), stage)


def _desk_moves(city: City, state: State) -> tuple[State, ...]:
    """What a clerk may press on a ticket; another time is the citizen's own business."""
    return tuple(city.booking_states[word] for word in state.moves if word not in tickets.NO_MOVE)
