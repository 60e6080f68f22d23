"""One's own account: its password, and where one is signed in."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from bot.storage import sessions
from bot.storage.audit import Act
from bot.storage.sessions import Step
from bot.web import screens
from bot.web.access import browsers, entrance, identity, passwords, signin
from bot.web.access.identity import Signed

router = APIRouter(prefix="/agent/akun", route_class=screens.ScreenRoute, include_in_schema=False)

Visitor = Annotated[Signed, Depends(identity.visitor)]
Poster = Annotated[Signed, Depends(identity.poster)]


@router.get("")
async def show(request: Request, signed: Visitor) -> Response:
    """One's own account."""
    return await page(request, signed)


@router.post("/sandi")
async def change_password(request: Request, signed: Poster) -> Response:
    """Change one's own password; every other session of the account ends."""
    door = identity.door_of(request)
    given = await request.form()
    old, new = str(given.get("lama", "")), str(given.get("baru", ""))
    try:
        if signed.user.password_hash is not None:
            await signin.with_password(door, signed.user.username, old, identity.address_of(request))
        passwords.check(new, signed.user.username)
    except (signin.Refused, signin.TooOften):
        return await page(request, signed, status=422, refused="old_password")
    except passwords.PasswordUnusable:
        return await page(request, signed, status=422, refused="new_password")
    await signin.keep_password(door, signed.user, new)
    await entrance.note(request, signed, Act.PASSWORD_CHANGED)
    response = RedirectResponse("/agent/akun?tersimpan=1", 303, screens.HEADERS)
    await identity.open_session(request, response, signed.user, Step.FULL)
    return response


@router.post("/keluar-semua")
async def sign_out_everywhere(request: Request, signed: Poster) -> Response:
    """End every session of one's own, this one too."""
    door = identity.door_of(request)
    response = RedirectResponse(screens.SIGN_IN, 303, screens.HEADERS)
    await identity.leave(door, signed, response)
    async with door.database.transaction() as conn:
        await sessions.end_all(conn, signed.user.id)
    await entrance.note(request, signed, Act.SIGNED_OUT_EVERYWHERE)
    return response


async def page(
    request: Request, signed: Signed, *, status: int = 200, refused: str | None = None
) -> Response:
    """The page of one's own account, with what was wrong."""
    door, now = identity.door_of(request), datetime.now(UTC)
    async with door.database.reading() as conn:
        places = await sessions.of(conn, signed.user.id, now, now - identity.IDLE)
    return screens.render(
        request,
        "agent/account.html",
        signed,
        status=status,
        refused=refused,
        saved=request.query_params.get("tersimpan") == "1",
        shortest=passwords.SHORTEST,
        places=places,
        browser=browsers.named,
        second_step_needed=entrance.needs_second_step(door, signed.agent),
    )
