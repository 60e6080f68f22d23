"""The way to the city's own sign-in and back."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.door import Door
from bot.storage import users
from bot.web import screens
from bot.web.access import identity, oidc, pages

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)
_TRIP = "lawang_kota"


@router.get("/masuk/kota")
async def depart(request: Request, lanjut: str = "") -> Response:
    """Send the browser to the city's sign-in."""
    door = _door(request)
    try:
        url, trip = await oidc.depart(door.settings, _back(door), pages.safe(lanjut))
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
async def arrive(request: Request, state: str = "", code: str = "") -> Response:
    """Let in whom the city vouches for, if they have an account here."""
    door = _door(request)
    try:
        trip = oidc.Trip.unpacked(door.sealer.open(request.cookies.get(_TRIP, "")))
        subject = await oidc.arrive(door.settings, _back(door), trip, state, code)
    except oidc.CityAway:
        return pages.form(request, "", refused="city_away", status=502)
    except (oidc.CityRefused, ValueError):
        return pages.form(request, "", refused="city_refused", status=401)
    async with door.database.reading() as conn:
        user = await users.by_subject(conn, subject)
    if user is None or not user.active:
        return pages.form(request, trip.onward, refused="city_refused", status=401)
    response = await pages.enter(request, user, trip.onward, "city")
    response.delete_cookie(_TRIP, path="/agent/masuk/kota")
    return response


def _door(request: Request) -> Door:
    """The door, if its city has a sign-in. Raises LookupError."""
    door = identity.door_of(request)
    if door.settings.oidc_issuer is None:
        raise LookupError("no sign-in of the city's own")
    return door


def _back(door: Door) -> str:
    return f"{door.settings.public_url}/agent/masuk/kota/kembali"
