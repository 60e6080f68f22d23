"""Setting the second step up: on one's own account, or on the way in where a role has to."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from bot.storage import users
from bot.storage.audit import Act
from bot.storage.sessions import Step
from bot.web import screens
from bot.web.access import account, entrance, identity, secondstep, signin
from bot.web.access.identity import Signed

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)


async def before_enrolment(request: Request) -> Signed:
    """Dependency: somebody whose role only comes in with a second step, and who has none yet."""
    return await identity.halfway(request, Step.ENROL)


Poster = Annotated[Signed, Depends(identity.poster)]
BeforeEnrolment = Annotated[Signed, Depends(before_enrolment)]


@router.get("/dua-langkah")
async def show_on_the_way(request: Request, signed: BeforeEnrolment, lanjut: str = "") -> Response:
    """A new secret as a QR code; without a code from it nobody of this role goes on."""
    return _page(request, signed, secondstep.new_secret(), onward=lanjut)


@router.post("/dua-langkah")
async def finish_on_the_way(request: Request, signed: BeforeEnrolment) -> Response:
    """Turn the second step on, let the person in and show the recovery codes, once."""
    given = await request.form()
    onward = entrance.safe(str(given.get("lanjut", "")))
    secret = _secret(request, signed, str(given.get("rahasia", "")))
    if secret is None:
        return _page(request, signed, secondstep.new_secret(), onward=onward, refused="enrol")
    codes = await _turn_on(request, signed, secret, str(given.get("kode", "")))
    if codes is None:
        return _page(request, signed, secret, onward=onward, refused="code_wrong")
    shown = screens.render(
        request, "agent/recovery.html", signed, codes=codes, onward=onward or entrance.HOME
    )
    return await entrance.let_in(request, signed.user, "second_step", shown)


@router.post("/akun/dua-langkah")
async def begin(request: Request, signed: Poster) -> Response:
    """Show a new secret; whoever has a second step already shows it first."""
    if signed.user.totp_sealed is not None:
        code = str((await request.form()).get("kode", ""))
        try:
            await signin.with_code(identity.door_of(request), signed.user, code, identity.address_of(request))
        except (signin.Refused, signin.TooOften):
            return await account.page(request, signed, status=422, refused="old_code")
    return _page(request, signed, secondstep.new_secret())


@router.post("/akun/dua-langkah/pasang")
async def finish(request: Request, signed: Poster) -> Response:
    """Turn the second step on and show the recovery codes, once."""
    given = await request.form()
    secret = _secret(request, signed, str(given.get("rahasia", "")))
    if secret is None:
        return await account.page(request, signed, status=422, refused="enrol")
    codes = await _turn_on(request, signed, secret, str(given.get("kode", "")))
    if codes is None:
        return _page(request, signed, secret, refused="code_wrong")
    return screens.render(request, "agent/recovery.html", signed, codes=codes, onward=entrance.HOME)


async def _turn_on(request: Request, signed: Signed, secret: str, code: str) -> list[str] | None:
    """The recovery codes, None when the code is not one of this secret's."""
    door = identity.door_of(request)
    step = secondstep.accepted_step(secret, code.replace(" ", ""))
    if step is None:
        return None
    codes = secondstep.new_recovery_codes()
    kept = [secondstep.recovery_hash(door.settings.secret_key, one) for one in codes]
    async with door.database.transaction() as conn:
        await users.change(
            conn,
            signed.user.id,
            datetime.now(UTC),
            totp_sealed=door.sealer.seal(secret),
            totp_step=step,
            recovery_hashes=kept,
        )
    await entrance.note(request, signed, Act.SECOND_STEP_ON)
    return codes


def _secret(request: Request, signed: Signed, sealed: str) -> str | None:
    """The secret that was shown in this session, and in no other."""
    try:
        session, _, secret = identity.door_of(request).sealer.open(sealed).partition(" ")
    except ValueError:
        return None
    return secret if secret and session == signed.session.token_hash else None


def _page(
    request: Request, signed: Signed, secret: str, *, onward: str = "", refused: str | None = None
) -> Response:
    door = identity.door_of(request)
    issuer = f"Lawang {door.tenants[signed.agent.tenant].short_name}"
    return screens.render(
        request,
        "agent/enrol.html",
        signed,
        status=422 if refused else 200,
        picture=secondstep.picture(secret, signed.user.username, issuer),
        secret=secret,
        sealed=door.sealer.seal(f"{signed.session.token_hash} {secret}"),
        refused=refused,
        onward=entrance.safe(onward),
        on_the_way=signed.session.step is Step.ENROL,
    )
