"""The way to the city's own sign-in and back."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.door import Door
from bot.storage import agents, audit, users
from bot.storage.audit import Act
from bot.storage.users import User
from bot.web import screens
from bot.web.access import entrance, identity, oidc, pages, signin

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)
_TRIP = "lawang_kota"


@router.get("/masuk/kota")
async def depart(request: Request, lanjut: str = "") -> Response:
    """Send the browser to the city's sign-in."""
    door = _door(request)
    try:
        url, trip = await oidc.depart(door.settings, _back(door), entrance.safe(lanjut))
    except oidc.CityAway:
        return pages.form(request, lanjut, refused="city_away", status=502)
    response = RedirectResponse(url, 303, screens.HEADERS)
    # Lax: the browser comes back from another site and must bring it.
    response.set_cookie(
        _TRIP,
        door.sealer.seal(trip.packed()),
        max_age=600,
        path="/agent/masuk/kota",
        httponly=True,
        samesite="lax",
        secure=door.settings.production,
    )
    return response


@router.get("/masuk/kota/kembali")
async def arrive(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """Let in whom the city vouches for, if they have an account here; a trip is good once."""
    door = _door(request)
    response = await _arrived(request, door, state, code, error)
    response.delete_cookie(_TRIP, path="/agent/masuk/kota")
    return response


async def _arrived(request: Request, door: Door, state: str, code: str, error: str) -> Response:
    try:
        trip = oidc.Trip.unpacked(door.sealer.open(request.cookies.get(_TRIP, "")))
    except (oidc.CityRefused, ValueError):
        return await _refuse(request, "city_trip")
    if error:
        return await _refuse(request, "city_cancelled" if error == "access_denied" else "city_refused")
    try:
        vouched = await oidc.arrive(door.settings, _back(door), trip, state, code)
    except oidc.CityAway:
        return pages.form(request, trip.onward, refused="city_away", status=502)
    except oidc.CityRefused:
        return await _refuse(request, "city_refused")
    async with door.database.reading() as conn:
        user = await users.by_subject(conn, vouched.subject)
    if user is None:
        return await _refuse(request, "city_unknown")
    if not signin.usable(door, user, datetime.now(UTC)):
        return await _refuse(request, "city_closed", user)
    return await entrance.go_on(request, user, trip.onward, "city", twice=vouched.twice)


async def _refuse(request: Request, why: str, user: User | None = None) -> Response:
    """Say what to do, and write down that somebody was not let in."""
    door = identity.door_of(request)
    async with door.database.transaction() as conn:
        agent = None if user is None else await agents.get(conn, user.agent_id)
        await audit.write(
            conn,
            Act.SIGN_IN_REFUSED,
            datetime.now(UTC),
            tenant=agent.tenant if agent else None,
            agent_id=agent.id if agent else None,
            subject=user.username if user else None,
            address=identity.address_of(request),
            detail=why,
        )
    return pages.form(request, "", refused=why, status=401)


def _door(request: Request) -> Door:
    """The door, if its city has a sign-in. Raises LookupError."""
    door = identity.door_of(request)
    if door.settings.oidc_issuer is None:
        raise LookupError("no sign-in of the city's own")
    return door


def _back(door: Door) -> str:
    return f"{door.settings.public_url}/agent/masuk/kota/kembali"
