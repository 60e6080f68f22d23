"""Where another program's desk calls in: verified, read, applied once."""

import json
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from bot import metrics
from bot.conversations.desk import relay
from bot.door import Door
from bot.web import bodies
from bot.web.refusals import refusal

MAX_BODY = 1024 * 1024

router = APIRouter()


@router.post("/helpdesk/{name}", include_in_schema=False)
async def receive(name: str, request: Request) -> Response:
    """Take one signed call. What cannot be read is said yes to, or it would be delivered for ever."""
    door: Door = request.app.state.door
    desk = door.helpdesk
    if desk is None or desk.name != name:
        return refusal(404, "no_such_helpdesk", f"No helpdesk {name[:32]!r} is connected here.")
    try:
        body = await bodies.read(request, MAX_BODY)
    except bodies.BodyTooBig:
        metrics.BAD_INPUT.labels(desk.name, "too_big").inc()
        return refusal(413, "body_too_big", f"A webhook body has at most {MAX_BODY} bytes.")
    if not desk.verify(request.headers, body, datetime.now(UTC)):
        metrics.BAD_INPUT.labels(desk.name, "signature").inc()
        return refusal(401, "not_from_the_helpdesk", "The signature is missing, wrong, or too old.")
    try:
        news = desk.parse(json.loads(body))
    except ValueError:
        metrics.BAD_INPUT.labels(desk.name, "unreadable").inc()
        return Response(status_code=200)
    if news is not None:
        await relay.receive(door, desk, news)
    return Response(status_code=200)
