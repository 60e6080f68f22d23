"""Where WhatsApp asks what its forms shall show: signature, envelope, token, and only then an answer.

Status codes by Meta's endpoint error codes: 432 a wrong signature, 421 an envelope we cannot open (the client
fetches our public key again and repeats), 427 a form that does not count any more.
"""

import logging

from fastapi import APIRouter, Request, Response

from bot import metrics
from bot.channels.whatsapp import envelopes
from bot.channels.whatsapp.envelopes import CannotOpen, Envelope, KeyUnusable
from bot.conversations import flowforms
from bot.door import Door
from bot.vocabulary.messages import ChannelName
from bot.web import bodies
from bot.web.refusals import refusal

log = logging.getLogger(__name__)

MAX_BODY = 256 * 1024
BAD_SIGNATURE, CANNOT_OPEN, TOKEN_OVER = 432, 421, 427

router = APIRouter(include_in_schema=False)


@router.post("/channels/whatsapp/flow")
async def answer(request: Request) -> Response:
    """Answer one request of a form."""
    door: Door = request.app.state.door
    channel, given = door.channels.get(ChannelName.WHATSAPP), door.settings.whatsapp
    if channel is None or given is None or given.private_key is None:
        return refusal(404, "no_such_endpoint", "No form of WhatsApp asks this server.")
    try:
        body = await bodies.read(request, MAX_BODY)
    except bodies.BodyTooBig:
        metrics.BAD_INPUT.labels(channel.name, "too_big").inc()
        return refusal(413, "body_too_big", f"A request has at most {MAX_BODY} bytes.")
    if not channel.verify(request.headers, body):
        metrics.BAD_INPUT.labels(channel.name, "signature").inc()
        return refusal(BAD_SIGNATURE, "not_from_the_channel", "The signature is missing or wrong.")
    try:
        envelope = envelopes.open_(body, given.private_key)
    except CannotOpen as error:
        metrics.BAD_INPUT.labels(channel.name, "envelope").inc()
        log.warning("a form's request cannot be opened (%s): is our public key the one Meta has?", error)
        return refusal(CANNOT_OPEN, "cannot_open", "The envelope cannot be opened with the key we have.")
    except KeyUnusable as error:
        log.error("WHATSAPP_FLOW_KEY cannot be used: %s", error)
        return refusal(CANNOT_OPEN, "cannot_open", "The key of this server cannot be used.")
    return await _answer(door, envelope)


async def _answer(door: Door, envelope: Envelope) -> Response:
    asked = envelope.request
    data = asked.get("data")
    if asked.get("action") == "ping":
        return _sealed(envelope, {"data": {"status": "active"}})
    if isinstance(data, dict) and data.get("error"):
        log.warning("a form could not show what we sent: %s", str(data["error"])[:80])
        return _sealed(envelope, {"data": {"acknowledged": True}})
    if asked.get("action") not in ("INIT", "data_exchange", "BACK"):
        metrics.BAD_INPUT.labels(ChannelName.WHATSAPP, "form_action").inc()
        return refusal(422, "unknown_action", "Known actions are ping, INIT, data_exchange and BACK.")
    screen, over = await flowforms.next_screen(door, asked)
    if screen is None:
        metrics.BAD_INPUT.labels(ChannelName.WHATSAPP, "form_token").inc()
        return _sealed(envelope, {"error_msg": over}, TOKEN_OVER)
    return _sealed(envelope, {"version": str(asked.get("version") or "3.0"), **screen})


def _sealed(envelope: Envelope, reply: dict[str, object], status: int = 200) -> Response:
    return Response(envelope.seal(reply), status, media_type="text/plain")
