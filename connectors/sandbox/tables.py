"""The tables of the stand-in city. What must never happen twice is forbidden here, not in the code above."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

SCHEMA_VERSION = 3

COMPLAINT_STATES = (
    "diterima",
    "terverifikasi",
    "didisposisi",
    "diproses",
    "butuh_info",
    "selesai",
    "ditolak",
    "digabung",
    "bukan_kewenangan",
)
BOOKING_STATES = (
    "ditahan",
    "dipesan",
    "dijadwal_ulang",
    "checkin",
    "dipanggil",
    "dilayani",
    "terlewat",
    "selesai",
    "tidak_hadir",
    "batal",
    "kedaluwarsa",
)
WAITING_STATES = ("menunggu", "ditawarkan", "diterima", "lewat", "keluar")
PATIENT_STATES = ("terdaftar", "dipanggil", "selesai", "batal")
EVENT_STATES = ("waiting", "delivered", "refused")

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """An aware time, kept as sortable UTC text: SQLite itself has no time zone."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Day(TypeDecorator[date]):
    """A calendar day of the city, kept as ISO text."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        return None if value is None else value.isoformat()

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        return None if value is None else date.fromisoformat(value)


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(word) for word in words)})", name=f"known_{column}")


complaints = Table(
    "complaints",
    metadata,
    Column("reference", String(20), primary_key=True),
    Column("service_code", String(40), nullable=False, index=True),
    Column("description", Text, nullable=False),
    Column("address", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("photos", JSON, nullable=False),
    Column("reporter", String(120)),
    Column("confidential", Integer, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("status", String(20), nullable=False, index=True),
    Column("status_before_question", String(20)),
    Column("note", Text),
    Column("requested_at", Instant, nullable=False, index=True),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", COMPLAINT_STATES),
    CheckConstraint(
        "address IS NOT NULL OR (latitude IS NOT NULL AND longitude IS NOT NULL)", name="is_somewhere"
    ),
)

complaint_moves = Table(
    "complaint_moves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", ForeignKey("complaints.reference"), nullable=False, index=True),
    Column("status", String(20), nullable=False),
    Column("note", Text),
    Column("at", Instant, nullable=False, index=True),
)

complaint_comments = Table(
    "complaint_comments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", ForeignKey("complaints.reference"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("photos", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)

bookings = Table(
    "bookings",
    metadata,
    Column("code", String(12), primary_key=True),
    Column("walk_in", Integer, nullable=False),
    Column("slot_id", String(60), nullable=False),
    Column("counter", String(40), nullable=False),
    Column("day", Day, nullable=False),
    Column("number", Integer, nullable=False),
    Column("service", String(40)),
    Column("person", String(120)),
    Column("name", String(120)),
    Column("contact", String(120)),
    Column("priority", String(20), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("line_at", Instant, nullable=False),
    Column("hold_until", Instant),
    Column("status", String(20), nullable=False),
    Column("clerk", String(20)),
    Column("called_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", BOOKING_STATES),
    CheckConstraint("status <> 'ditahan' OR hold_until IS NOT NULL", name="a_hold_ends"),
    Index(
        "one_ticket_per_number",
        "counter",
        "day",
        "number",
        unique=True,
        sqlite_where=text("status NOT IN ('batal', 'kedaluwarsa')"),
        postgresql_where=text("status NOT IN ('batal', 'kedaluwarsa')"),
    ),
    Index("bookings_in_line", "counter", "day", "status"),
    Index("bookings_of_a_person", "person", "status"),
)

# A place is a chair at a time: one row, one holder. A slot has as many rows here as it has places, and the
# row is what a transaction must win; `shut_until` keeps a place that was given back from the next hand at
# once.
places = Table(
    "places",
    metadata,
    Column("slot_id", String(60), primary_key=True),
    Column("seat", Integer, primary_key=True),
    Column("counter", String(40), nullable=False),
    Column("day", Day, nullable=False),
    Column("code", ForeignKey("bookings.code"), unique=True),
    Column("shut_until", Instant),
    Index("places_of_a_day", "counter", "day"),
)

people = Table(
    "people",
    metadata,
    Column("person", String(120), primary_key=True),
    Column("no_shows", Integer, nullable=False),
)

waiting_list = Table(
    "waiting_list",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("counter", String(40), nullable=False),
    Column("day", Day, nullable=False),
    Column("service", String(40), nullable=False),
    Column("person", String(120)),
    Column("name", String(120), nullable=False),
    Column("contact", String(120)),
    Column("priority", String(20), nullable=False),
    Column("earliest", String(5)),
    Column("latest", String(5)),
    Column("status", String(20), nullable=False),
    Column("code", ForeignKey("bookings.code"), unique=True),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", WAITING_STATES),
    Index("waiting_in_line", "counter", "day", "status"),
)

# A puskesmas knows a place by card, poli and date, and gives one a day: the store forbids a second.
patient_queue = Table(
    "patient_queue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("counter", String(40), nullable=False),
    Column("day", Day, nullable=False),
    Column("number", Integer, nullable=False),
    Column("card", String(16), nullable=False),
    Column("complaint", String(200)),
    Column("status", String(20), nullable=False),
    Column("called_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", PATIENT_STATES),
    Index("one_number_per_poli", "counter", "day", "number", unique=True),
    Index(
        "one_place_per_patient",
        "counter",
        "day",
        "card",
        unique=True,
        sqlite_where=text("status <> 'batal'"),
        postgresql_where=text("status <> 'batal'"),
    ),
)

patients = Table(
    "patients",
    metadata,
    Column("card", String(16), primary_key=True),
    Column("nik", String(16), nullable=False),
    Column("record", String(20), nullable=False, unique=True),
)

closures = Table(
    "closures",
    metadata,
    Column("counter", String(40), primary_key=True),
    Column("day", Day, primary_key=True),
    Column("reason", String(200), nullable=False),
)

permits = Table(
    "permits",
    metadata,
    Column("nomor", String(40), primary_key=True),
    Column("jenis", String(20), nullable=False),
    Column("judul", String(120), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("note", Text),
    Column("asked_at", Instant),
    Column("updated_at", Instant, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("nomor", ForeignKey("permits.nomor"), primary_key=True),
    Column("callback_reference", String(120), primary_key=True),
    Column("created_at", Instant, nullable=False),
)

running_numbers = Table(
    "running_numbers",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("last", Integer, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", String(80), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("status_code", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event_id", String(40), nullable=False, unique=True),
    Column("app_id", String(40), nullable=False),
    Column("reference", String(60), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(12), nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant, nullable=False),
    Column("last_answer", String(120)),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    _one_of("state", EVENT_STATES),
    Index("outbox_line", "state", "app_id", "reference", "id"),
)
