"""A booking as an iCalendar file (RFC 5545): opened on a phone, it puts the visit into the calendar."""

from datetime import UTC, datetime, timedelta
from typing import Any

from icalendar import Alarm, Calendar, Event

VISIT = timedelta(minutes=30)
ALARM_BEFORE = timedelta(hours=1)


def write(ticket: Any, summary: str, description: str) -> bytes:
    """Return the file. A moved booking keeps its UID and counts SEQUENCE up: its entry moves too."""
    event = Event()
    event.add("uid", f"{ticket.key}@{ticket.connector}.{ticket.tenant}")
    event.add("sequence", ticket.moves)
    event.add("dtstamp", datetime.now(UTC))
    event.add("dtstart", ticket.starts_at.astimezone(UTC))
    event.add("duration", VISIT)
    event.add("summary", summary)
    event.add("location", ticket.place)
    event.add("description", description)
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", -ALARM_BEFORE)
    event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//Lawang//Antrean//ID")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
