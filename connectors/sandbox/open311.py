"""Open311 GeoReport v2: services, requests, and an extension for comments and the city's own states."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Row, Select, select
from starlette.datastructures import FormData

from connectors.sandbox import complaints, idempotency
from connectors.sandbox.complaints import NewComplaint
from connectors.sandbox.hall import CityHall, Hall
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import complaints as table

router = APIRouter(prefix="/open311/v2")
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]
PAGE = 100


@router.get("/discovery.json")
async def discovery(request: Request, hall: Hall) -> dict[str, Any]:
    """Where the endpoint is and what it speaks."""
    return {
        "changeset": "2026-11-01T00:00:00+07:00",
        "contact": f"Pemerintah {hall.city.name} (tiruan untuk pengembangan)",
        "key_service": "",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": str(request.base_url) + "open311/v2",
                "changeset": "2026-11-01T00:00:00+07:00",
                "type": "test",
                "formats": ["application/json"],
            }
        ],
    }


@router.get("/services.json")
async def services(hall: Hall) -> list[dict[str, Any]]:
    """Every kind of complaint the city takes."""
    return [
        {
            "service_code": topic.code,
            "service_name": topic.name,
            "description": topic.description,
            "metadata": False,
            "type": "realtime",
            "keywords": topic.code.replace("_", ","),
            "group": topic.group,
        }
        for topic in hall.city.topics.values()
    ]


@router.get("/services/{code}.json")
async def service(code: str, hall: Hall) -> dict[str, Any]:
    """The definition of one kind of complaint; none asks for more than GeoReport's own fields."""
    if code not in hall.city.topics:
        raise Refusal(404, "unknown_service_code", "service_code not found")
    return {"service_code": code, "attributes": []}


@router.post("/requests.json", status_code=201)
async def file_request(request: Request, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """File a complaint. The same Idempotency-Key gets the same answer and never opens a second case."""
    form = await request.form()
    _require_key(hall, form)
    complaint = NewComplaint(
        service_code=_text(form, "service_code"),
        description=_text(form, "description"),
        address=_text(form, "address_string") or None,
        latitude=_degrees(form, "lat"),
        longitude=_degrees(form, "long"),
        photos=_texts(form, "media_url"),
        reporter=" ".join(filter(None, (_text(form, "first_name"), _text(form, "last_name"))))[:120] or None,
        confidential=_text(form, "confidential").lower() in ("true", "1"),
    )
    complaints.check(hall.city, complaint)
    async with hall.writing() as conn:
        known = await idempotency.recall(conn, "open311.requests", idempotency.checked(key))
        if known is not None:
            return JSONResponse(known[1], known[0])
        now = hall.clock()
        reference = await complaints.file(conn, hall.city, complaint, now)
        agency = hall.city.agency_of(complaint.service_code)
        notice = hall.city.filed_notice.format(agency=agency)
        answer = [{"service_request_id": reference, "service_notice": notice, "account_id": None}]
        await idempotency.remember(conn, "open311.requests", idempotency.checked(key), 201, answer, now)
    return JSONResponse(answer, 201)


@router.get("/requests.json")
async def requests(
    hall: Hall,
    service_request_id: str = "",
    service_code: str = "",
    status: str = "",
    start_date: str = "",
    end_date: str = "",
    page: int = 1,
    page_size: int = PAGE,
) -> list[dict[str, Any]]:
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
        query = query.where(table.c.requested_at >= _moment("start_date", start_date))
    if end_date:
        query = query.where(table.c.requested_at <= _moment("end_date", end_date))
    if page < 1 or not 1 <= page_size <= complaints.MOST_ROWS:
        raise Refusal(400, "bad_page", f"page starts at 1, page_size is 1 to {complaints.MOST_ROWS}")
    async with hall.database.reading() as conn:
        rows = await complaints.listed(conn, query, page_size, (min(page, 100_000) - 1) * page_size)
    return [_shown(hall, row) for row in rows]


@router.get("/requests/{reference}.json")
async def request_state(reference: str, hall: Hall) -> list[dict[str, Any]]:
    """One case."""
    async with hall.database.reading() as conn:
        return [_shown(hall, await complaints.find(conn, reference.upper()))]


@router.post("/requests/{reference}/comments.json", status_code=201)
async def comment(reference: str, request: Request, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Words or photos added by the reporter."""
    form = await request.form()
    _require_key(hall, form)
    scope = "open311.comments"
    async with hall.writing() as conn:
        known = await idempotency.recall(conn, scope, idempotency.checked(key))
        if known is not None:
            return JSONResponse(known[1], known[0])
        now = hall.clock()
        text, photos = _text(form, "text"), _texts(form, "media_url")
        comment_id = await complaints.comment(conn, hall.city, reference.upper(), text, photos, now)
        row = await complaints.find(conn, reference.upper())
        answer = [
            {"service_request_id": row.reference, "comment_id": comment_id, "extended_status": row.status}
        ]
        await idempotency.remember(conn, scope, idempotency.checked(key), 201, answer, now)
    return JSONResponse(answer, 201)


def _shown(hall: CityHall, row: Row[Any]) -> dict[str, Any]:
    photos: Sequence[str] = row.photos
    return {
        "service_request_id": row.reference,
        "status": "closed" if hall.city.complaint_states[row.status].closed else "open",
        "extended_status": row.status,
        "status_notes": row.note,
        "service_code": row.service_code,
        "service_name": hall.city.topics[row.service_code].name,
        "agency_responsible": hall.city.agency_of(row.service_code),
        "requested_datetime": hall.local(row.requested_at),
        "updated_datetime": hall.local(row.updated_at),
        "address": row.address,
        "lat": row.latitude,
        "long": row.longitude,
        "media_url": photos[0] if photos else None,
    }


def _require_key(hall: CityHall, form: FormData) -> None:
    if not hall.is_key(_text(form, "api_key")):
        raise Refusal(403, "bad_api_key", "missing or invalid api_key")


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _texts(form: FormData, name: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in form.getlist(name) if isinstance(value, str) and value.strip())


def _degrees(form: FormData, name: str) -> float | None:
    raw = _text(form, name)
    if not raw:
        return None
    try:
        return float(raw)
    except ValueError:
        raise Refusal(400, "bad_coordinates", f"{name} must be decimal degrees") from None


def _moment(name: str, raw: str) -> datetime:
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        raise Refusal(400, "bad_date", f"{name} must be an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise Refusal(400, "bad_date", f"{name} needs an offset, as in 2026-11-22T00:00:00Z")
    return moment
