"""One message as the web chat posts it, checked and turned into an `IncomingMessage`."""

import re
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.vocabulary.messages import (
    ChannelAddress,
    ChannelName,
    IncomingKind,
    IncomingMedia,
    IncomingMessage,
    Location,
)
from bot.web import passes
from bot.web.problems import Problem

MAX_TEXT = 5_000

# Everything unprintable but line feed and tab: PostgreSQL cannot store NUL, and nobody can read the rest.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Point(BaseModel):
    """WGS84 degrees."""

    model_config = ConfigDict(extra="ignore")
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class Opening(BaseModel):
    """The body of POST /chat/sessions."""

    tenant: str | None = None


class Letter(BaseModel):
    """The body of POST /chat/messages: one of text, button, location, photo; a photo may bring a text."""

    model_config = ConfigDict(extra="forbid")
    client_id: UUID
    text: str | None = None
    button: Annotated[str, Field(max_length=64)] | None = None
    location: Point | None = None
    photo: Annotated[str, Field(max_length=200)] | None = None


def parse(body: bytes) -> Letter:
    """Read a posted message.

    Raises:
        Problem: no JSON, a field missing, unknown or out of range, nothing or too much in it.
    """
    try:
        letter = Letter.model_validate_json(body)
    except ValidationError as error:
        fields = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
        if "location" in fields:
            raise Problem(422, "webchat.error.location") from None
        raise Problem(
            422, "webchat.error.malformed", {"fields": ", ".join(sorted(fields)) or "JSON"}
        ) from None
    letter.text = _readable(letter.text)
    if letter.text and len(letter.text) > MAX_TEXT:
        raise Problem(413, "webchat.error.too_long", {"length": len(letter.text), "limit": MAX_TEXT})
    parts = [letter.button, letter.location, letter.photo or letter.text]
    present = sum(part is not None for part in parts)
    if present == 0:
        raise Problem(422, "webchat.error.empty")
    if present > 1:
        raise Problem(422, "webchat.error.mixed")
    return letter


def wanted_tenant(body: bytes) -> str | None:
    """Return the tenant that a new session asks for; None without a body.

    Raises:
        Problem: a body that is no JSON object with `tenant`.
    """
    if not body.strip():
        return None
    try:
        return Opening.model_validate_json(body).tenant
    except ValidationError:
        raise Problem(422, "webchat.error.malformed", {"fields": "tenant"}) from None


def address(session: passes.Session) -> ChannelAddress:
    """The channel address behind a session."""
    return ChannelAddress(ChannelName.WEBCHAT, session.address)


def incoming(letter: Letter, session: passes.Session, key: str) -> IncomingMessage:
    """Translate a checked letter.

    Raises:
        Problem: the photo was not uploaded by this session.
    """
    media: tuple[IncomingMedia, ...] = ()
    location = None
    kind = IncomingKind.TEXT
    if letter.photo is not None:
        kind = IncomingKind.PHOTO
        try:
            media_id = passes.open_photo_handle(key, session, letter.photo)
        except passes.PassRefused:
            raise Problem(422, "webchat.error.photo_unknown") from None
        media = (IncomingMedia(media_id=media_id, content_type="image/jpeg"),)
    elif letter.location is not None:
        kind = IncomingKind.LOCATION
        location = Location(letter.location.lat, letter.location.lon)
    elif letter.button is not None:
        kind = IncomingKind.BUTTON
    return IncomingMessage(
        tenant=session.tenant,
        sender=address(session),
        channel_message_id=str(letter.client_id),
        kind=kind,
        sent_at=datetime.now(UTC),
        text=letter.text,
        button=letter.button,
        location=location,
        media=media,
    )


def _readable(text: str | None) -> str | None:
    if text is None:
        return None
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip() or None
