"""What happens to a request afterwards, over Open311: comments, and FixMyStreet's `servicerequestupdates`."""

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from connectors.sandbox import complaints, idempotency
from connectors.sandbox.geoform import Form, IdempotencyKey, fields, moment, say, text, texts
from connectors.sandbox.hall import CityHall, Hall
from connectors.sandbox.problems import Refusal

router = APIRouter(prefix="/open311/v2")
COMMENTS = "open311.comments"
# FixMyStreet's words for this city's states; the city's own word goes along as `external_status_code`.
FIXMYSTREET = {
    "diterima": "open",
    "terverifikasi": "investigating",
    "didisposisi": "internal_referral",
    "diproses": "in_progress",
    "butuh_info": "investigating",
    "selesai": "fixed",
    "ditolak": "no_further_action",
    "digabung": "duplicate",
    "bukan_kewenangan": "not_councils_responsibility",
}


@router.post("/requests/{reference}/comments.{form}", status_code=201)
async def comment(
    reference: str, form: Form, request: Request, hall: Hall, key: IdempotencyKey = None
) -> Response:
    """Words or photos added by the reporter."""
    given = await fields(request, hall)
    words, photos = text(given, "text"), texts(given, "media_url")
    added = await _add(hall, reference.upper(), words, photos, idempotency.checked(key))
    return say(form, "comments", [added], 201)


@router.post("/servicerequestupdates.{form}")
async def post_update(form: Form, request: Request, hall: Hall) -> Response:
    """The same in FixMyStreet's way: `update_id` is the sender's own and makes a repetition harmless."""
    given = await fields(request, hall)
    key, reference = text(given, "update_id"), text(given, "service_request_id").upper()
    if not key:
        raise Refusal(400, "update_id_missing", "update_id was not provided")
    words, photos = text(given, "description"), texts(given, "media_url")
    added = await _add(hall, reference, words, photos, idempotency.checked(key))
    return say(form, "service_request_updates", [{"update_id": added["comment_id"]}])


@router.get("/servicerequestupdates.{form}")
async def updates(form: Form, hall: Hall, start_date: str = "", end_date: str = "") -> Response:
    """What the desk did, oldest first; the last 24 hours when no dates are named."""
    until = moment("end_date", end_date) if end_date else hall.clock()
    since = moment("start_date", start_date) if start_date else until - timedelta(days=1)
    async with hall.database.reading() as conn:
        rows = await complaints.moves(conn, since, until)
    news = [
        {
            "update_id": row.id,
            "service_request_id": row.reference,
            "status": FIXMYSTREET[row.status],
            "external_status_code": row.status,
            "description": row.note,
            "media_url": None,
            "updated_datetime": hall.local(row.at),
        }
        for row in rows
    ]
    return say(form, "service_request_updates", news)


async def _add(
    hall: CityHall, reference: str, words: str, photos: tuple[str, ...], key: str | None
) -> dict[str, object]:
    async with hall.writing() as conn:
        known = await idempotency.recall(conn, COMMENTS, key)
        if known is not None:
            earlier: dict[str, object] = known[1]
            return earlier
        now = hall.clock()
        comment_id = await complaints.comment(conn, hall.city, reference, words, photos, now)
        row = await complaints.find(conn, reference)
        answer: dict[str, object] = {
            "service_request_id": row.reference,
            "comment_id": comment_id,
            "extended_status": row.status,
        }
        await idempotency.remember(conn, COMMENTS, key, 201, answer, now)
    return answer
