"""The pages of signing in and out."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from bot.storage import users
from bot.storage.audit import Act
from bot.storage.sessions import Step
from bot.web import screens
from bot.web.access import entrance, identity, passwords, signin
from bot.web.access.identity import Signed

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)
_ENTRANCE = "lawang_pintu"


async def before_code(request: Request) -> Signed:
    """Dependency: somebody whose password was right and whose code is to come."""
    return await identity.halfway(request, Step.PASSWORD)


async def before_renewal(request: Request) -> Signed:
    """Dependency: somebody whose password was made by somebody else."""
    return await identity.halfway(request, Step.RENEW)


Poster = Annotated[Signed, Depends(identity.poster)]
BeforeCode = Annotated[Signed, Depends(before_code)]
BeforeRenewal = Annotated[Signed, Depends(before_renewal)]


@router.get("/masuk")
async def show_sign_in(request: Request, lanjut: str = "") -> Response:
    """The form for name and password."""
    return form(request, lanjut)


@router.post("/masuk")
async def sign_in(request: Request) -> Response:
    """Take name and password; the answer is the same whatever was wrong."""
    door = identity.door_of(request)
    identity.same_origin(request)
    await identity.prove(request, identity.entrance_token(door, request.cookies.get(_ENTRANCE, "")))
    given = await request.form()
    onward = str(given.get("lanjut", ""))
    address = identity.address_of(request)
    try:
        user = await signin.with_password(
            door, str(given.get("nama", "")), str(given.get("sandi", "")), address
        )
    except signin.Refused:
        return form(request, onward, refused="refused", status=401)
    except signin.TooOften:
        return form(request, onward, refused="too_often", status=429)
    return await entrance.go_on(request, user, onward, "password", twice=False)


@router.get("/kode")
async def show_code(request: Request, signed: BeforeCode, lanjut: str = "") -> Response:
    """The form for the code of the app."""
    return screens.render(request, "agent/code.html", signed, onward=entrance.safe(lanjut), refused=None)


@router.post("/kode")
async def code(request: Request, signed: BeforeCode) -> Response:
    """Take the code of the app or a recovery code."""
    door = identity.door_of(request)
    given = await request.form()
    onward = entrance.safe(str(given.get("lanjut", "")))
    address = identity.address_of(request)
    try:
        await signin.with_code(door, signed.user, str(given.get("kode", "")), address)
    except (signin.Refused, signin.TooOften) as error:
        refused = "code_refused" if isinstance(error, signin.Refused) else "too_often"
        return screens.render(request, "agent/code.html", signed, status=401, onward=onward, refused=refused)
    return await entrance.go_on(request, signed.user, onward, "code", twice=True)


@router.get("/sandi-baru")
async def show_renewal(request: Request, signed: BeforeRenewal, lanjut: str = "") -> Response:
    """The form for a first password of one's own."""
    return _renewal(request, signed, lanjut)


@router.post("/sandi-baru")
async def renew(request: Request, signed: BeforeRenewal) -> Response:
    """Take a password of one's own in place of the one that was handed out."""
    door = identity.door_of(request)
    given = await request.form()
    onward, new = str(given.get("lanjut", "")), str(given.get("baru", ""))
    try:
        passwords.check(new, signed.user.username)
        if await passwords.matches(signed.user.password_hash, new):
            raise passwords.PasswordUnusable
    except passwords.PasswordUnusable:
        return _renewal(request, signed, onward, refused=True)
    await signin.keep_password(door, signed.user, new)
    await entrance.note(request, signed, Act.PASSWORD_CHANGED)
    async with door.database.reading() as conn:
        user = await users.get(conn, signed.user.id)
    # Whoever has a second step has shown it before coming here.
    twice = user.totp_sealed is not None
    return await entrance.go_on(request, user, onward, "new_password", twice=twice)


@router.post("/keluar")
async def sign_out(request: Request, signed: Poster) -> Response:
    """End this session."""
    door = identity.door_of(request)
    response = RedirectResponse(screens.SIGN_IN, 303, screens.HEADERS)
    await identity.leave(door, signed, response)
    await entrance.note(request, signed, Act.SIGNED_OUT)
    return response


def form(request: Request, onward: str, *, refused: str | None = None, status: int = 200) -> Response:
    """The form for name and password, with what was wrong."""
    door = identity.door_of(request)
    browser = request.cookies.get(_ENTRANCE) or secrets.token_urlsafe(16)
    response = screens.render(
        request,
        "agent/signin.html",
        status=status,
        onward=entrance.safe(onward),
        refused=refused,
        entrance=identity.entrance_token(door, browser),
    )
    response.set_cookie(
        _ENTRANCE, browser, path="/agent", httponly=True, samesite="strict", secure=door.settings.production
    )
    return response


def _renewal(request: Request, signed: Signed, onward: str, *, refused: bool = False) -> Response:
    return screens.render(
        request,
        "agent/renewal.html",
        signed,
        status=422 if refused else 200,
        onward=entrance.safe(onward),
        refused=refused,
        shortest=passwords.SHORTEST,
    )
