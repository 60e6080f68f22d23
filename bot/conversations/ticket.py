"""The ticket a citizen holds in their hand: words, a picture with the code, and a file for the calendar.

The queue has the booking; a ticket is only drawn from it, so it may be drawn again at any time. Files are
written under names made from the booking before the transaction that hands them over, so a turn done again
leaves nothing behind.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import calendarfile, ticketpicture
from bot.door import Door
from bot.vocabulary.conversations import Say
from connectors.capabilities import Capability
from connectors.errors import NotOffered
from intents.catalog import Service

CODE_FOR_PEOPLE = 20
"""A longer code is for programs only (connectors.queues.BookingReceipt): it is neither shown nor drawn."""
MOST_TO_BRING = 8


@dataclass(frozen=True, slots=True)
class Ticket:
    """What stands on a ticket. `code` is None where the number alone counts; `place` is one line."""

    tenant: str
    connector: str
    key: str
    code: str | None
    number: str
    service: str
    starts_at: datetime
    place: str
    name: str | None = None
    bring: tuple[str, ...] = ()
    priority: str | None = None
    note: str | None = None
    moves: int = 0
    movable: bool = True


@dataclass(frozen=True, slots=True)
class Files:
    """A ticket's files, written but nobody's until `hand_over`: (media id, size, type, title)."""

    picture: tuple[str, int, str, str]
    calendar: tuple[str, int, str, str]


def of(door: Door, tenant: str, booking: Any) -> Ticket:
    """Make a ticket of a booking: an effect, or a row of ours."""
    starts_at = booking.starts_at
    if isinstance(starts_at, str):
        starts_at = datetime.fromisoformat(starts_at)
    service = door.catalog.service(booking.service) if booking.service else None
    return Ticket(
        tenant=tenant,
        connector=booking.connector,
        key=booking.code,
        code=booking.code if len(booking.code) <= CODE_FOR_PEOPLE else None,
        number=booking.number or "-",
        service=service.title if service else str(booking.service or "-"),
        starts_at=starts_at.astimezone(zone_of(door, tenant)),
        place=place(door, tenant, service, booking.counter, booking.counter_title),
        name=getattr(booking, "name", None),
        bring=service.persyaratan[:MOST_TO_BRING] if service else (),
        priority=getattr(booking, "priority", None),
        note=getattr(booking, "note", None),
        moves=getattr(booking, "moves", 0),
        movable=_movable(door, booking.connector),
    )


def _movable(door: Door, connector: str) -> bool:
    """Whether the queue can move a booking; an app that is gone can do nothing."""
    try:
        return Capability.BOOKING_RESCHEDULE in door.registry.by_id(connector).offers
    except NotOffered:
        return False


def place(door: Door, tenant: str, service: Service | None, counter: str | None, title: str | None) -> str:
    """Where to go, in one line: the counter, and the service hall with its address if that is where it is."""
    known = door.tenants.get(tenant)
    facts: Any = known.facts.get("mpp") if known else None
    hall = facts if isinstance(facts, dict) else {}
    desk = (hall.get("counters") or {}).get(counter)
    named = title or (f"Loket {desk['title']}" if desk else counter)
    in_hall = desk is not None or (service is not None and service.counter is not None)
    where = (hall.get("name"), hall.get("address")) if in_hall else ()
    return ", ".join(str(part) for part in (named, *where) if part)


def zone_of(door: Door, tenant: str) -> ZoneInfo:
    """The tenant's time zone."""
    known = door.tenants.get(tenant)
    return ZoneInfo(known.timezone if known else "Asia/Jakarta")


async def draw(door: Door, ticket: Ticket) -> Files:
    """Write the picture and the calendar file."""
    words = {
        name: door.texts.render(f"ticket.{name}", ticket.tenant, values(ticket))
        for name in ("heading", "number", "when", "code", "summary", "description")
    }
    picture = await asyncio.to_thread(ticketpicture.draw, ticket, words)
    calendar = calendarfile.write(ticket, words["summary"], words["description"])
    name = f"{ticket.number}-{ticket.starts_at:%Y%m%d}"
    return Files(
        await _written(door, ticket, "picture", picture, "image/png", f"tiket-{name}.png"),
        await _written(door, ticket, "calendar", calendar, "text/calendar", f"antrean-{name}.ics"),
    )


async def _written(
    door: Door, ticket: Ticket, what: str, data: bytes, content_type: str, title: str
) -> tuple[str, int, str, str]:
    mark = f"{what} {ticket.connector} {ticket.key} {ticket.starts_at.isoformat()} {ticket.number}"
    media_id = hashlib.sha256(mark.encode()).hexdigest()[:32]
    await door.media.write(media_id, data)
    return media_id, len(data), content_type, title


async def hand_over(
    conn: AsyncConnection, door: Door, conversation_id: str, ticket: Ticket, files: Files | None, key: str
) -> list[Say]:
    """Give a ticket to its citizen: the words of `key` with the picture, then the calendar file."""
    if files is None:
        return [Say(key, values(ticket), buttons(ticket))]
    for media_id, size, content_type, _ in (files.picture, files.calendar):
        await door.media.record(conn, media_id, size, content_type, conversation_id)
    return [
        Say(key, values(ticket), buttons(ticket), (_attachment("image", files.picture),)),
        Say("ticket.calendar", values(ticket), (), (_attachment("document", files.calendar),)),
    ]


def buttons(ticket: Ticket) -> tuple[dict[str, Any], ...]:
    """What can be done with a ticket, as long as it lives."""
    return tuple(
        {
            "title_key": f"button.{title}",
            "payload": f'/{intent}{{"code": "{ticket.key}"}}',
            "reusable": True,
        }
        for title, intent in (
            ("live", "queue_live"),
            ("reschedule", "reschedule_booking"),
            ("cancel_booking", "cancel_booking"),
        )
        if ticket.movable or title != "reschedule"
    )


def arrived(ticket: Ticket) -> dict[str, Any]:
    """The button for whoever stands in the hall."""
    return {
        "title_key": "button.check_in",
        "payload": f'/check_in{{"code": "{ticket.key}"}}',
        "reusable": True,
    }


def again(ticket: Ticket) -> dict[str, Any]:
    """The button that hands the ticket over once more."""
    return {
        "title_key": "button.ticket",
        "payload": f'/check_booking{{"code": "{ticket.key}", "ticket": "yes"}}',
        "reusable": True,
    }


def _attachment(kind: str, file: tuple[str, int, str, str]) -> dict[str, Any]:
    media_id, _, content_type, title = file
    return {"kind": kind, "media_id": media_id, "content_type": content_type, "title": title}


def values(ticket: Ticket) -> dict[str, Any]:
    """The values of every sentence about a ticket; `lines` holds those that not every ticket has."""
    lines: list[Any] = []
    if ticket.name:
        lines.append({"$text": "ticket.name", "values": {"name": ticket.name}})
    if ticket.priority and ticket.priority != "none":
        lines.append(
            {"$text": "ticket.priority", "values": {"who": {"$text": f"priority.{ticket.priority}"}}}
        )
    if ticket.bring:
        lines.append({"$text": "ticket.bring", "values": {"papers": {"$list": list(ticket.bring)}}})
    if ticket.note:
        lines.append(ticket.note)
    return {
        "number": ticket.number,
        "shown": {"$text": "ticket.shown", "values": {"code": ticket.code}} if ticket.code else "",
        "code": ticket.code or "-",
        "service": ticket.service,
        "when": {"$datetime": ticket.starts_at.isoformat()},
        "place": ticket.place,
        "bring": "; ".join(ticket.bring) or "-",
        "lines": _stacked(lines),
    }


def _stacked(lines: list[Any]) -> Any:
    """Put sentences under each other."""
    if not lines:
        return ""
    whole = lines[-1]
    for line in reversed(lines[:-1]):
        whole = {"$text": "layout.lines", "values": {"first": line, "second": whole}}
    return whole
