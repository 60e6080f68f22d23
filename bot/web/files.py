"""Files for city systems: a signed address opens one file, and only that one."""

import hmac

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from bot.conversations.speech import media_signature
from bot.door import Door
from bot.web.refusals import refusal

router = APIRouter(include_in_schema=False)


@router.get("/media/{media_id}/{signature}")
async def show(media_id: str, signature: str, request: Request) -> Response:
    """Send the file behind a signed address."""
    door: Door = request.app.state.door
    if not hmac.compare_digest(signature.encode(), media_signature(door, media_id).encode()):
        return refusal(404, "no_such_file", "This address was not given out here.")
    found = await door.media.find(media_id)
    if found is None or not found[0].exists():
        return refusal(410, "file_gone", "This file was deleted.")
    path, content_type, _owner = found
    shown = "inline" if content_type.startswith("image/") else "attachment"
    return FileResponse(
        path,
        media_type=content_type,
        headers={
            "Content-Disposition": shown,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
