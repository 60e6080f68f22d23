"""The web chat's HTTP API: sessions, messages, photos, files, and the stream a page follows.

A session pass travels as a bearer token, never as a cookie, so a foreign page cannot make a browser act.
"""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message

from bot.conversations import inbound
from bot.door import Door
from bot.storage import conversations
from bot.storage.media import MediaRefused
from bot.web import feed, letters, page, passes
from bot.web.problems import Problem, ProblemRoute

MAX_BODY = 64 * 1024
MAX_PHOTO = 20 * 1024 * 1024
PHOTO_TYPES = {"image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"}

# Many phones share one address at an Indonesian mobile carrier: generous per address, strict per session.
SESSIONS_PER_TEN_MINUTES = 300
MESSAGES_PER_MINUTE = 60
PHOTOS_PER_MINUTE = 20
STREAMS_PER_MINUTE = 60


def _same_origin(request: Request) -> None:
    """Refuse what another site's page sends; programs without a browser send no Origin at all."""
    origin = request.headers.get("origin")
    ours = {request.headers.get("host", ""), urlsplit(_door(request).settings.public_url).netloc}
    if origin is not None and urlsplit(origin).netloc not in ours:
        raise Problem(403, "webchat.error.foreign_page")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Problem(403, "webchat.error.foreign_page")


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


def _session(request: Request) -> passes.Session:
    """Return whose request this is. Raises Problem 401 without a pass of ours."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise passes.PassRefused
        session = passes.read(_door(request).settings.secret_key, token.strip())
    except passes.PassRefused:
        raise Problem(401, "webchat.error.session") from None
    request.state.tenant = session.tenant
    return session


Asking = Annotated[passes.Session, Depends(_session)]

router = APIRouter(route_class=ProblemRoute, default_response_class=JSONResponse, include_in_schema=False)
router.include_router(page.router)


@router.post("/chat/sessions", status_code=201, dependencies=[Depends(_same_origin)])
async def open_session(request: Request) -> JSONResponse:
    """Give a browser its pass. Body: nothing, or {"tenant": id}."""
    door = _door(request)
    host = request.client.host if request.client else "-"
    await _limit(door, f"webchat:sessions:{host}", SESSIONS_PER_TEN_MINUTES, 600)
    tenant = letters.wanted_tenant(await _body(request, MAX_BODY)) or door.settings.tenant
    if tenant not in door.tenants:
        raise Problem(404, "webchat.error.tenant", {"tenant": tenant[:64]})
    token = passes.issue(door.settings.secret_key, tenant)
    return JSONResponse({"token": token, "tenant": tenant}, 201, {"Cache-Control": "no-store"})


@router.post("/chat/messages", status_code=202, dependencies=[Depends(_same_origin)])
async def post_message(request: Request, session: Asking) -> JSONResponse:
    """Store one message of the citizen; the same client_id twice is one message."""
    door = _door(request)
    await _limit(door, f"webchat:messages:{session.address}", MESSAGES_PER_MINUTE, 60)
    letter = letters.parse(await _body(request, MAX_BODY))
    message = letters.incoming(letter, session, door.settings.secret_key)
    accepted = await inbound.accept(door, message)
    await door.wakeups.wake(feed.bell_topic(session))
    return JSONResponse({"id": accepted.message_id, "duplicate": accepted.duplicate}, 202)


@router.post("/chat/photos", status_code=201, dependencies=[Depends(_same_origin)])
async def post_photo(request: Request, session: Asking) -> JSONResponse:
    """Keep a picture (form field `photo`) that a later message names by the returned media_id."""
    door = _door(request)
    await _limit(door, f"webchat:photos:{session.address}", PHOTOS_PER_MINUTE, 60)
    data, content_type = await _uploaded(request)
    try:
        media_id = await door.media.save(data, content_type)
    except MediaRefused as error:
        known = door.texts.has(error.text_key)
        raise Problem(422, error.text_key if known else "webchat.error.photo_type") from None
    key = door.settings.secret_key
    handle = passes.photo_handle(key, session, media_id)
    return JSONResponse({"media_id": handle, "url": passes.signed_link(key, media_id)}, 201)


@router.get("/chat/media/{media_id}")
async def show_file(request: Request, media_id: str, until: str = "", signature: str = "") -> Response:
    """Send a file to whoever holds a signed link, or to the session whose conversation owns it."""
    door = _door(request)
    try:
        found = await door.media.find(media_id)
    except ValueError:
        found = None
    if until:
        try:
            passes.check_link(door.settings.secret_key, media_id, _number(until), signature)
        except passes.PassRefused:
            raise Problem(403, "webchat.error.link") from None
    elif found is None or found[2] is None or found[2] != await _conversation(door, _session(request)):
        raise Problem(404, "webchat.error.no_file")
    if found is None or not found[0].is_file():
        raise Problem(404, "webchat.error.no_file")
    path, content_type, _ = found
    shown = "inline" if content_type.startswith("image/") else "attachment"
    headers = {
        "Cache-Control": "private, max-age=86400",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(path, media_type=content_type, headers=headers, content_disposition_type=shown)


@router.get("/chat/history")
async def history(request: Request, session: Asking, after: str = "0") -> JSONResponse:
    """Return up to feed.PAGE messages after an id, oldest first, and the progress."""
    door = _door(request)
    _, found, state = await feed.look(door, session, _number(after))
    content = {
        "messages": [feed.as_json(door, message) for message in found],
        "progress": state,
        "more": len(found) == feed.PAGE,
    }
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


@router.get("/chat/stream")
async def follow(request: Request, session: Asking, after: str = "0") -> StreamingResponse:
    """Follow the conversation as server-sent events; resumes after `after` or Last-Event-ID."""
    door = _door(request)
    await _limit(door, f"webchat:streams:{session.address}", STREAMS_PER_MINUTE, 60)
    start = max(_number(after), _number(request.headers.get("last-event-id", "0")))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        feed.follow(door, session, start), media_type="text/event-stream", headers=headers
    )


async def _limit(door: Door, key: str, most: int, seconds: int) -> None:
    """Count one request; outside production the limits only stop runaway loops."""
    if await door.keyvalue.increment(key, seconds) > (most if door.settings.production else most * 100):
        raise Problem(429, "webchat.error.too_fast", retry_after=min(seconds, 20))


async def _conversation(door: Door, session: passes.Session) -> str | None:
    async with door.database.reading() as conn:
        found = await conversations.find_by_address(conn, session.tenant, letters.address(session))
    return None if found is None else found.id


async def _body(request: Request, most: int) -> bytes:
    return await _capped(request, most, "webchat.error.body_too_big").body()


async def _uploaded(request: Request) -> tuple[bytes, str]:
    """Return the bytes and type of the form field `photo`. Raises Problem 413, 415 or 422."""
    capped = _capped(request, MAX_PHOTO + MAX_BODY, "webchat.error.photo_too_big")
    try:
        async with capped.form(max_files=1, max_fields=4) as form:
            file = form.get("photo")
            if not isinstance(file, UploadFile):
                raise Problem(422, "webchat.error.photo_missing")
            content_type = (file.content_type or "").partition(";")[0].strip().lower()
            if content_type not in PHOTO_TYPES:
                raise Problem(415, "webchat.error.photo_type")
            data = await file.read()
    except HTTPException:
        raise Problem(422, "webchat.error.photo_missing") from None
    if len(data) > MAX_PHOTO:
        raise Problem(413, "webchat.error.photo_too_big")
    return data, content_type


def _capped(request: Request, most: int, text_key: str) -> Request:
    """Return the request with a body that ends in Problem 413 once it exceeds `most` bytes."""
    if _number(request.headers.get("content-length", "0")) > most:
        raise Problem(413, text_key)
    read = 0

    async def receive() -> Message:
        nonlocal read
        message = await request.receive()
        read += len(message.get("body", b""))
        if read > most:
            raise Problem(413, text_key)
        return message

    return Request(request.scope, receive)


def _number(raw: str) -> int:
    """Read an id; anything else is 0, the beginning."""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else 0
