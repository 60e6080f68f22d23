"""Where city systems report a change: verified, parsed, recorded once, told to the citizen."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from bot import metrics
from bot.conversations import updates
from bot.conversations.updates import Recorded
from bot.door import Door
from bot.web import bodies, contract
from bot.web.refusals import refusal
from connectors import updates as reports
from connectors.errors import NotOffered

router = APIRouter(tags=["Status updates"])


@router.post(
    "/connectors/{app_id}/updates",
    operation_id="report",
    summary="Report a change",
    responses=contract.RESPONSES,
    openapi_extra=contract.OPERATION,
)
async def receive(app_id: str, request: Request) -> Response:
    """Report a change of a case or a booking.

    Sign the raw body: `X-Lawang-Timestamp` is the Unix time in seconds, `X-Lawang-Signature` is
    `sha256=` + hex HMAC-SHA256(secret, timestamp + "." + body). The same `event_id` twice is one event.
    A 404 means "not known yet": try again with back-off, the citizen's turn may still be committing.
    """
    door: Door = request.app.state.door
    try:
        connector = door.registry.by_id(app_id)
    except NotOffered:
        return refusal(404, "no_such_app", f"No app {app_id[:64]!r} is connected here.")
    try:
        body = await bodies.read(request, reports.MAX_BODY_BYTES)
    except bodies.BodyTooBig:
        metrics.UPDATES.labels(app_id, "body_too_big").inc()
        return refusal(413, "body_too_big", f"A report has at most {reports.MAX_BODY_BYTES} bytes.")
    try:
        update = reports.receive(connector, request.headers, body, datetime.now(UTC))
    except reports.UpdateRefused as error:
        metrics.UPDATES.labels(app_id, error.code).inc()
        return refusal(error.status, error.code, str(error))
    outcome = await updates.record(door, update)
    if outcome is Recorded.UNKNOWN_REFERENCE:
        return refusal(404, "unknown_reference", f"Nobody here follows {update.reference[:64]!r} (yet).")
    return JSONResponse({"event_id": update.event_id, "outcome": outcome})
