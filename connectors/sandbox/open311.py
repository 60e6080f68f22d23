"""Open311 GeoReport v2 in JSON and XML: discovery, services, requests, with the city's own states beside."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Row, Select, select
from starlette.responses import Response

from connectors.sandbox import complaints, geoform, idempotency
from connectors.sandbox.complaints import NewComplaint
from connectors.sandbox.geoform import Form, IdempotencyKey, say, text, texts
from connectors.sandbox.hall import CityHall, Hall
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import complaints as table

router = APIRouter(prefix="/open311/v2")
PAGE = 100


@router.get("/discovery.{form}")
async def discovery(form: Form, request: Request, hall: Hall) -> Response:
    """Where the endpoint is and what it speaks."""
    document = {
        "changeset": "2026-11-01T00:00:00+07:00",
        "contact": f"Pemerintah {hall.city.name} (tiruan untuk pengembangan)",
        "key_service": "",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": str(request.base_url) + "open311/v2",
                "changeset": "2026-11-01T00:00:00+07:00",
                "type": "test",
                "formats": ["application/json", "text/xml"],
            }
        ],
    }
    return say(form, "discovery", document)


@router.get("/services.{form}")
async def services(form: Form, hall: Hall) -> Response:
    """Every kind of complaint the city takes."""
    listed = [
        {
            "service_code": topic.code,
            "service_name": topic.name,
            "description": topic.description,
            "metadata": topic.code in hall.city.questions,
            "type": "realtime",
            "keywords": topic.code.replace("_", ","),
            "group": topic.group,
        }
        for topic in hall.city.topics.values()
    ]
    return say(form, "services", listed)


@router.get("/services/{code}.{form}")
async def service(code: str, form: Form, hall: Hall) -> Response:
    """The definition of one kind of complaint: what it asks beyond GeoReport's own fields."""
    if code not in hall.city.topics:
        raise Refusal(404, "unknown_service_code", "service_code not found")
    asked = [
        {
            "variable": True,
            "code": question.code,
            "datatype": question.datatype,
            "required": question.required,
            "datatype_description": None,
            "order": place,
            "description": question.description,
            "values": [{"key": key, "name": name} for key, name in question.values.items()],
        }
        for place, question in enumerate(hall.city.questions.get(code, ()), 1)
    ]
    return say(form, "service_definition", {"service_code": code, "attributes": asked})


@router.post("/requests.{form}", status_code=201)
async def file_request(form: Form, request: Request, hall: Hall, key: IdempotencyKey = None) -> Response:
    """File a complaint. The same Idempotency-Key gets the same answer and never opens a second case."""
    given = await geoform.fields(request, hall)
    name = " ".join(filter(None, (text(given, "first_name"), text(given, "last_name"))))[:120]
    complaint = NewComplaint(
        service_code=text(given, "service_code"),
        description=text(given, "description"),
        address=text(given, "address_string") or None,
        latitude=geoform.degrees(given, "lat"),
        longitude=geoform.degrees(given, "long"),
        photos=texts(given, "media_url"),
        reporter=name or None,
        confidential=text(given, "confidential").lower() in ("true", "1"),
        attributes=geoform.attributes(given),
    )
    complaints.check(hall.city, complaint)
    async with hall.writing() as conn:
        known = await idempotency.recall(conn, "open311.requests", idempotency.checked(key))
        if known is not None:
            return say(form, "service_requests", known[1], known[0])
        now = hall.clock()
        reference = await complaints.file(conn, hall.city, complaint, now)
        agency = hall.city.agency_of(complaint.service_code)
        notice = hall.city.filed_notice.format(agency=agency)
        answer = [{"service_request_id": reference, "service_notice": notice, "account_id": None}]
        await idempotency.remember(conn, "open311.requests", idempotency.checked(key), 201, answer, now)
    return say(form, "service_requests", answer, 201)


@router.get("/requests.{form}")
async def requests(
    form: Form,
    hall: Hall,
    service_request_id: str = "",
    service_code: str = "",
    status: str = "",
    start_date: str = "",
    end_date: str = "",
    page: int = 1,
    page_size: int = PAGE,
) -> Response:
    """Cases, newest first, without the confidential ones; filters as in GeoReport v2."""
    query: Select[Any] = select(table).where(table.c.confidential == 0)
    if service_request_id:
        query = query.where(table.c.reference.in_(service_request_id.split(",")))
    if service_code:
        query = query.where(table.c.service_code.in_(service_code.split(",")))
    if status:
        wanted = set(status.split(","))
        if unknown := wanted - {"open", "closed"}:
            raise Refusal(400, "bad_status", f"status is open or closed, not {', '.join(sorted(unknown))}")
        states = hall.city.complaint_states.values()
        words = [state.word for state in states if ("closed" if state.closed else "open") in wanted]
        query = query.where(table.c.status.in_(words))
    if start_date:
        query = query.where(table.c.requested_at >= geoform.moment("start_date", start_date))
    if end_date:
        query = query.where(table.c.requested_at <= geoform.moment("end_date", end_date))
    if page < 1 or not 1 <= page_size <= complaints.MOST_ROWS:
        raise Refusal(400, "bad_page", f"page starts at 1, page_size is 1 to {complaints.MOST_ROWS}")
    async with hall.database.reading() as conn:
        rows = await complaints.listed(conn, query, page_size, (min(page, 100_000) - 1) * page_size)
    return say(form, "service_requests", [_shown(hall, row) for row in rows])


@router.get("/requests/{reference}.{form}")
async def request_state(reference: str, form: Form, hall: Hall) -> Response:
    """One case."""
    async with hall.database.reading() as conn:
        row = await complaints.find(conn, reference.upper())
    return say(form, "service_requests", [_shown(hall, row)])


def _shown(hall: CityHall, row: Row[Any]) -> dict[str, Any]:
    photos: Sequence[str] = row.photos
    return {
        "service_request_id": row.reference,
        "status": "closed" if hall.city.complaint_states[row.status].closed else "open",
        "extended_status": row.status,
        "status_notes": row.note,
        "service_code": row.service_code,
        "service_name": hall.city.topics[row.service_code].name,
        "description": row.description,
        "agency_responsible": hall.city.agency_of(row.service_code),
        "requested_datetime": hall.local(row.requested_at),
        "updated_datetime": hall.local(row.updated_at),
        "address": row.address,
        "lat": row.latitude,
        "long": row.longitude,
        "media_url": photos[0] if photos else None,
    }
