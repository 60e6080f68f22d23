"""The complaint desk: filing, reading, commenting, and moving a case through its states."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import outbox
from connectors.sandbox.city import City, Question
from connectors.sandbox.database import upsert
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import complaint_comments, complaint_moves, complaints, running_numbers

LONGEST_DESCRIPTION = 4000  # GeoReport v2, POST service request
MOST_PHOTOS = 10
MOST_ROWS = 1000  # GeoReport v2, GET service requests

# A box around Indonesia in WGS84 degrees (Sabang, Rote, Merauke): it catches swapped and foreign coordinates.
SOUTH, NORTH, WEST, EAST = -11.2, 6.3, 94.7, 141.1


@dataclass(frozen=True, slots=True)
class NewComplaint:
    """What a reporter hands in; checked by `check`."""

    service_code: str
    description: str
    address: str | None
    latitude: float | None
    longitude: float | None
    photos: tuple[str, ...]
    reporter: str | None
    confidential: bool = False
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def check(city: City, complaint: NewComplaint) -> None:
    """Refuse what the desk cannot work with.

    Raises:
        Refusal: 400, with a sentence saying which field and why.
    """
    if complaint.service_code not in city.topics:
        raise Refusal(400, "unknown_service_code", "service_code is not one of this city's services")
    if not complaint.description.strip():
        raise Refusal(400, "description_missing", "description must not be empty")
    if len(complaint.description) > LONGEST_DESCRIPTION:
        raise Refusal(
            400, "description_too_long", f"description has at most {LONGEST_DESCRIPTION} characters"
        )
    _check_answers(city.questions.get(complaint.service_code, ()), complaint.attributes)
    check_photos(complaint.photos)
    if (complaint.latitude is None) != (complaint.longitude is None):
        raise Refusal(400, "location_incomplete", "lat and long come together")
    if complaint.latitude is not None and complaint.longitude is not None:
        inside = SOUTH <= complaint.latitude <= NORTH and WEST <= complaint.longitude <= EAST
        if not (math.isfinite(complaint.latitude) and math.isfinite(complaint.longitude) and inside):
            raise Refusal(400, "outside_indonesia", "lat and long must be WGS84 degrees within Indonesia")
    elif not (complaint.address or "").strip():
        raise Refusal(400, "location_missing", "a location is required: lat and long, or address_string")


def _check_answers(questions: Sequence[Question], given: Mapping[str, tuple[str, ...]]) -> None:
    known = {question.code: question for question in questions}
    if unknown := sorted(set(given) - set(known)):
        raise Refusal(400, "unknown_attribute", f"this service has no attribute[{unknown[0]}]")
    for question in questions:
        answers, name = given.get(question.code, ()), f"attribute[{question.code}]"
        if question.required and not answers:
            raise Refusal(400, "attribute_missing", f"{name} is required")
        if len(answers) > 1 and question.datatype != "multivaluelist":
            raise Refusal(400, "bad_attribute", f"{name} takes one value")
        if question.values and (wrong := [answer for answer in answers if answer not in question.values]):
            raise Refusal(
                400, "bad_attribute", f"{name} is one of {', '.join(question.values)}, not {wrong[0][:40]}"
            )


def check_photos(photos: Sequence[str]) -> None:
    """Refuse more photos than the desk looks at, or addresses that are none (Refusal, 400)."""
    if len(photos) > MOST_PHOTOS:
        raise Refusal(400, "too_many_photos", f"at most {MOST_PHOTOS} media_url")
    if any(not url.startswith(("http://", "https://")) or len(url) > 2000 for url in photos):
        raise Refusal(400, "bad_media_url", "media_url must be an http(s) address")


async def file(
    conn: AsyncConnection,
    city: City,
    complaint: NewComplaint,
    now: datetime,
    series: tuple[str, int] | None = None,
) -> str:
    """Open a case and return its reference, MJK-2611-000123: year and month, then a running number.

    With a `series` (name, first) the reference is the plain next number of that series.
    """
    month = f"{city.reference_prefix}-{now.astimezone(city.timezone):%y%m}"
    name, first = series or (month, 1)
    count = upsert(conn, running_numbers).values(name=name, last=first)
    count = count.on_conflict_do_update(index_elements=["name"], set_={"last": running_numbers.c.last + 1})
    number = (await conn.execute(count.returning(running_numbers.c.last))).scalar_one()
    reference = str(number) if series else f"{month}-{number:06d}"
    await conn.execute(
        insert(complaints).values(
            reference=reference,
            service_code=complaint.service_code,
            description=complaint.description.strip(),
            address=(complaint.address or "").strip() or None,
            latitude=complaint.latitude,
            longitude=complaint.longitude,
            photos=list(complaint.photos),
            reporter=complaint.reporter,
            confidential=int(complaint.confidential),
            attributes={code: list(answers) for code, answers in complaint.attributes.items()},
            status="diterima",
            note=city.complaint_states["diterima"].note,
            requested_at=now,
            updated_at=now,
        )
    )
    return reference


async def find(conn: AsyncConnection, reference: str) -> Row[Any]:
    """One case.

    Raises:
        Refusal: 404, no such reference.
    """
    row = (await conn.execute(select(complaints).where(complaints.c.reference == reference))).one_or_none()
    if row is None:
        raise Refusal(404, "case_not_found", "no service request with this id")
    return row


async def listed(
    conn: AsyncConnection, query: Select[Any], limit: int, offset: int = 0
) -> Sequence[Row[Any]]:
    """Cases of a query on `complaints`, newest first."""
    newest = query.order_by(complaints.c.requested_at.desc(), complaints.c.reference.desc())
    rows: Sequence[Row[Any]] = (await conn.execute(newest.limit(min(limit, MOST_ROWS)).offset(offset))).all()
    return rows


async def moves(conn: AsyncConnection, since: datetime, until: datetime) -> Sequence[Row[Any]]:
    """What the desk did to cases that are public in a stretch of time, oldest first: at most MOST_ROWS."""
    query = (
        select(complaint_moves)
        .join(complaints, complaints.c.reference == complaint_moves.c.reference)
        .where(complaint_moves.c.at >= since, complaint_moves.c.at <= until, complaints.c.confidential == 0)
        .order_by(complaint_moves.c.at, complaint_moves.c.id)
        .limit(MOST_ROWS)
    )
    rows: Sequence[Row[Any]] = (await conn.execute(query)).all()
    return rows


async def counted(conn: AsyncConnection) -> dict[str, int]:
    """How many cases are in each state."""
    query = select(complaints.c.status, func.count().label("cases")).group_by(complaints.c.status)
    return {row.status: row.cases for row in await conn.execute(query)}


async def comment(
    conn: AsyncConnection, city: City, reference: str, text: str, photos: Sequence[str], now: datetime
) -> int:
    """Add a citizen's words or photos; a case that waited for them goes back to where it was. Returns the id.

    Raises:
        Refusal: 404 no such reference, 400 nothing said.
    """
    row = await find(conn, reference)
    check_photos(photos)
    if not text.strip() and not photos:
        raise Refusal(400, "comment_empty", "text or media_url is required")
    if len(text) > LONGEST_DESCRIPTION:
        raise Refusal(400, "text_too_long", f"text has at most {LONGEST_DESCRIPTION} characters")
    added = insert(complaint_comments).values(
        reference=reference, text=text.strip(), photos=list(photos), at=now
    )
    comment_id = (await conn.execute(added.returning(complaint_comments.c.id))).scalar_one()
    if row.status == "butuh_info":
        await _put(conn, city, row, row.status_before_question or "terverifikasi", city.answered_note, now)
    return int(comment_id)


async def move(
    conn: AsyncConnection, city: City, reference: str, status: str, note: str, now: datetime
) -> Row[Any]:
    """Move a case on and announce it; the state it already has is kept silently.

    Raises:
        Refusal: 404 no such reference, 400 unknown state, 409 a move this city does not make.
    """
    row = await find(conn, reference)
    if status not in city.complaint_states:
        raise Refusal(400, "unknown_status", f"status is one of {', '.join(city.complaint_states)}")
    if status == row.status:
        return row
    allowed = city.complaint_states[row.status].moves
    if status not in allowed:
        raise Refusal(
            409, "move_not_allowed", f"a case that is {row.status} cannot become {status}", allowed=allowed
        )
    default = city.complaint_states[status].note.format(agency=city.agency_of(row.service_code))
    await _put(conn, city, row, status, note.strip()[:500] or default, now)
    return await find(conn, reference)


async def _put(
    conn: AsyncConnection, city: City, row: Row[Any], status: str, note: str, now: datetime
) -> None:
    before = row.status if status == "butuh_info" else None
    await conn.execute(
        update(complaints)
        .where(complaints.c.reference == row.reference)
        .values(status=status, note=note, updated_at=now, status_before_question=before)
    )
    await conn.execute(
        insert(complaint_moves).values(reference=row.reference, status=status, note=note, at=now)
    )
    at = now.astimezone(city.timezone)
    # A case with a plain number came through LAPOR, whose account hears of it.
    app = outbox.LAPOR_APP if row.reference.isdecimal() else outbox.COMPLAINTS_APP
    await outbox.announce(conn, app, "case", row.reference, status, at, note=note)
