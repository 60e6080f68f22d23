"""Where channels call in: the signature first, then the message is stored, then 200."""

import asyncio
import json
import logging

from fastapi import APIRouter, BackgroundTasks, Request, Response

from bot import metrics
from bot.channels.base import Channel
from bot.conversations.intake import Intake, IntakeFull
from bot.door import Door
from bot.vocabulary.messages import ChannelName
from bot.web import bodies
from bot.web.refusals import refusal

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024

router = APIRouter(include_in_schema=False)


@router.get("/channels/{name}")
async def challenge(name: str, request: Request) -> Response:
    """Answer a channel that asks whether this address is ours, before it delivers here."""
    door: Door = request.app.state.door
    asked = getattr(_channel(door, name), "challenge", None)
    answer = asked(request.query_params) if asked else None
    if answer is None:
        return refusal(403, "not_from_the_channel", "The verify token is missing or wrong.")
    return Response(answer[:256], media_type="text/plain")


@router.post("/channels/{name}")
async def receive(name: str, request: Request) -> Response:
    """Take one webhook call of a channel. Nothing is acknowledged before it is stored."""
    door: Door = request.app.state.door
    intake: Intake = request.app.state.intake
    channel = _channel(door, name)
    if channel is None:
        return refusal(404, "no_such_channel", f"No channel {name[:32]!r} is connected here.")
    try:
        body = await bodies.read(request, MAX_BODY)
    except bodies.BodyTooBig:
        metrics.BAD_INPUT.labels(channel.name, "too_big").inc()
        return refusal(413, "body_too_big", f"A webhook body has at most {MAX_BODY} bytes.")
    if not channel.verify(request.headers, body):
        metrics.BAD_INPUT.labels(channel.name, "signature").inc()
        return refusal(401, "not_from_the_channel", "The secret or signature is missing or wrong.")
    try:
        payload = json.loads(body)
        parsed = channel.parse(payload)
    except Exception as error:
        # It is from the channel but cannot be read: said yes to, or it would be delivered for ever.
        metrics.BAD_INPUT.labels(channel.name, "unreadable").inc()
        unforeseen = None if isinstance(error, ValueError) else error
        log.warning(
            "%s sent an update nobody can read: %s", channel.name, type(error).__name__, exc_info=unforeseen
        )
        if unforeseen is not None:
            await intake.set_aside(door, channel, body)
        return Response(status_code=200)
    # What follows waits until the 200 is out: a slow channel must not make itself deliver again.
    after = BackgroundTasks()
    if parsed:
        try:
            after.add_task(asyncio.wait, [await intake.receive(door, channel, body, parsed)])
        except IntakeFull:
            metrics.BAD_INPUT.labels(channel.name, "too_many").inc()
            return refusal(503, "too_many_calls", "Too much waits here. Deliver this again later.")
    after.add_task(channel.leave_group, payload)
    return Response(status_code=200, background=after)


def _channel(door: Door, name: str) -> Channel | None:
    try:
        return door.channels.get(ChannelName(name))
    except ValueError:
        return None
