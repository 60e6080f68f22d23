"""Writing to a citizen: words, files, and canned replies with the citizen's particulars."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from bot.conversations.desk import canned, writing
from bot.conversations.desk.errors import Unusable
from bot.storage.media import MAX_BYTES
from bot.web import screens
from bot.web.access import identity
from bot.web.agent import frame
from bot.web.agent.frame import Poster, Visitor

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)


@router.post("/percakapan/{conversation_id}/balas")
async def reply(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Send words and files; the form's own key makes a second press harmless."""
    door = identity.door_of(request)
    form = await request.form()
    key = await frame.field(request, "kunci", 64)
    if not key:
        raise Unusable("other")
    files = []
    for item in form.getlist("berkas"):
        if isinstance(item, UploadFile) and item.filename:
            data = await item.read(MAX_BYTES + 1)
            kind = (item.content_type or "").partition(";")[0].strip().lower()
            files.append(await writing.attach(door, signed.agent, conversation_id, data, kind))
    text = await frame.field(request, "teks", 20_000)
    await writing.reply(door, signed.agent, conversation_id, text, key=key, attachments=files)
    return frame.done(request, conversation_id, said="sent")


@router.post("/percakapan/{conversation_id}/mengetik")
async def typing(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Let the citizen see that somebody writes."""
    await writing.typing(identity.door_of(request), signed.agent, conversation_id)
    return Response(status_code=204)


@router.get("/percakapan/{conversation_id}/balasan/{shortcut}")
async def fill(request: Request, signed: Visitor, conversation_id: str, shortcut: str) -> Response:
    """A canned reply with the particulars of this conversation put in."""
    door = identity.door_of(request)
    found = {one.shortcut: one for one in await canned.of(door, signed.agent.tenant)}
    if shortcut not in found:
        raise LookupError(shortcut)
    text = await canned.fill(door, signed.agent, conversation_id, found[shortcut].text)
    return JSONResponse({"text": text}, headers={"Cache-Control": "no-store"})
