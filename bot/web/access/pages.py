"""The pages of signing in and of one's own account."""

import secrets
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from bot.storage import audit, sessions, users
from bot.storage.audit import Act
from bot.storage.sessions import Step
from bot.storage.users import User
from bot.web import screens
from bot.web.access import identity, passwords, secondstep, signin
from bot.web.access.identity import Signed

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)
HOME = "/agent"
_ENTRANCE = "lawang_pintu"

Visitor = Annotated[Signed, Depends(identity.visitor)]
Poster = Annotated[Signed, Depends(identity.poster)]
Halfway = Annotated[Signed, Depends(identity.halfway)]


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
    if user.totp_sealed is not None:
        response = RedirectResponse(f"/agent/kode?lanjut={safe(onward)}", 303, screens.HEADERS)
        await identity.open_session(door, response, user, Step.PASSWORD)
        return response
    return await enter(request, user, onward, "password")


@router.get("/kode")
async def show_code(request: Request, signed: Halfway, lanjut: str = "") -> Response:
    """The form for the code of the app."""
    return screens.render(request, "agent/code.html", signed, onward=safe(lanjut), refused=None)


@router.post("/kode")
async def code(request: Request, signed: Halfway) -> Response:
    """Take the code of the app or a recovery code."""
    door = identity.door_of(request)
    given = await request.form()
    onward = safe(str(given.get("lanjut", "")))
    address = identity.address_of(request)
    try:
        await signin.with_code(door, signed.user, str(given.get("kode", "")), address)
    except (signin.Refused, signin.TooOften) as error:
        refused = "code_refused" if isinstance(error, signin.Refused) else "too_often"
        return screens.render(request, "agent/code.html", signed, status=401, onward=onward, refused=refused)
    async with door.database.transaction() as conn:
        await sessions.end(conn, signed.session.token_hash)
    return await enter(request, signed.user, onward, "password+code")


@router.post("/keluar")
async def sign_out(request: Request, signed: Poster) -> Response:
    """End this session."""
    door = identity.door_of(request)
    response = RedirectResponse("/agent/masuk", 303, screens.HEADERS)
    await identity.leave(door, signed, response)
    await _note(request, signed, Act.SIGNED_OUT)
    return response


@router.get("/akun")
async def show_account(request: Request, signed: Visitor) -> Response:
    """One's own account."""
    return _account(request, signed)


@router.post("/akun/sandi")
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
        return _account(request, signed, status=422, refused="old_password")
    except passwords.PasswordUnusable:
        return _account(request, signed, status=422, refused="new_password")
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await users.change(conn, signed.user.id, now, password_hash=passwords.hashed(new))
        await sessions.end_all(conn, signed.user.id)
    await _note(request, signed, Act.PASSWORD_CHANGED)
    response = RedirectResponse("/agent/akun?tersimpan=1", 303, screens.HEADERS)
    await identity.open_session(door, response, signed.user, Step.FULL)
    return response


@router.post("/akun/dua-langkah")
async def begin_second_step(request: Request, signed: Poster) -> Response:
    """Show a new secret as a QR code; it counts once a code from it was typed."""
    secret = secondstep.new_secret()
    return _enrol(request, signed, secret)


@router.post("/akun/dua-langkah/pasang")
async def finish_second_step(request: Request, signed: Poster) -> Response:
    """Turn the second step on and show the recovery codes, once."""
    door = identity.door_of(request)
    given = await request.form()
    try:
        secret = door.sealer.open(str(given.get("rahasia", "")))
    except ValueError:
        return _account(request, signed, status=422, refused="enrol")
    step = secondstep.accepted_step(secret, str(given.get("kode", "")).replace(" ", ""))
    if step is None:
        return _enrol(request, signed, secret, refused=True)
    codes = secondstep.new_recovery_codes()
    kept = [secondstep.recovery_hash(door.settings.secret_key, one) for one in codes]
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await users.change(
            conn,
            signed.user.id,
            now,
            totp_sealed=door.sealer.seal(secret),
            totp_step=step,
            recovery_hashes=kept,
        )
    await _note(request, signed, Act.SECOND_STEP_ON)
    return screens.render(request, "agent/recovery.html", signed, codes=codes)


def form(request: Request, onward: str, *, refused: str | None = None, status: int = 200) -> Response:
    """The form for name and password, with what was wrong."""
    door = identity.door_of(request)
    browser = request.cookies.get(_ENTRANCE) or secrets.token_urlsafe(16)
    response = screens.render(
        request,
        "agent/signin.html",
        status=status,
        onward=safe(onward),
        refused=refused,
        entrance=identity.entrance_token(door, browser),
    )
    response.set_cookie(
        _ENTRANCE, browser, path="/agent", httponly=True, samesite="strict", secure=door.settings.production
    )
    return response


async def enter(request: Request, user: User, onward: str, how: str) -> Response:
    """Let a person in with a new session."""
    door = identity.door_of(request)
    await signin.let_in(door, user, identity.address_of(request), how)
    response = RedirectResponse(safe(onward) or HOME, 303, screens.HEADERS)
    await identity.open_session(door, response, user, Step.FULL)
    return response


def _account(request: Request, signed: Signed, *, status: int = 200, refused: str | None = None) -> Response:
    return screens.render(
        request,
        "agent/account.html",
        signed,
        status=status,
        refused=refused,
        saved=request.query_params.get("tersimpan") == "1",
        shortest=passwords.SHORTEST,
    )


def _enrol(request: Request, signed: Signed, secret: str, *, refused: bool = False) -> Response:
    door = identity.door_of(request)
    issuer = f"Lawang {door.tenants[signed.agent.tenant].short_name}"
    return screens.render(
        request,
        "agent/enrol.html",
        signed,
        status=422 if refused else 200,
        picture=secondstep.picture(secret, signed.user.username, issuer),
        secret=secret,
        sealed=door.sealer.seal(secret),
        refused=refused,
    )


async def _note(request: Request, signed: Signed, act: Act) -> None:
    door = identity.door_of(request)
    async with door.database.transaction() as conn:
        await audit.write(
            conn,
            act,
            datetime.now(UTC),
            tenant=signed.agent.tenant,
            agent_id=signed.agent.id,
            subject=signed.user.username,
            address=identity.address_of(request),
        )


def safe(onward: str) -> str:
    """Only a page of the console is gone on to: no other site, no scheme, no trick with slashes."""
    plain = onward.startswith("/agent") and not any(sign in onward for sign in ("\\", "//", ":", "\n", "\r"))
    return onward if plain else ""
