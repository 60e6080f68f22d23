"""What both Open311 faces share: the two formats, the API key, and reading a form."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Header, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import FormData
from starlette.responses import Response

from connectors.georeport import write_xml
from connectors.sandbox.hall import CityHall
from connectors.sandbox.problems import Refusal

Form = Literal["json", "xml"]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]


def say(form: Form, root: str, document: Any, status: int = 200) -> Response:
    """Answer in the format that was asked for; `root` is the XML element around it."""
    if form == "json":
        return JSONResponse(document, status)
    return Response(write_xml(root, document), status, media_type="text/xml")


async def fields(request: Request, hall: CityHall) -> FormData:
    """Return the form of a request that carries the API key.

    Raises:
        Refusal: 403, without the key or with a wrong one.
    """
    form = await request.form()
    if not hall.is_key(text(form, "api_key")):
        raise Refusal(403, "bad_api_key", "missing or invalid api_key")
    return form


def text(form: FormData, name: str) -> str:
    """Return one field without the spaces around it."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts(form: FormData, name: str) -> tuple[str, ...]:
    """Return every value of a field that may be repeated."""
    return tuple(value.strip() for value in form.getlist(name) if isinstance(value, str) and value.strip())


def attributes(form: FormData) -> dict[str, tuple[str, ...]]:
    """Return `attribute[A]=x` and `attribute[A][]=x` by code."""
    found: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(form.keys()):
        if name.startswith("attribute["):
            code = name.removeprefix("attribute[").removesuffix("[]").removesuffix("]")
            if answers := texts(form, name):
                found[code] = (*found.get(code, ()), *answers)
    return found


def degrees(form: FormData, name: str) -> float | None:
    """Return a coordinate, None when there is none (Refusal, 400, when it is no number)."""
    raw = text(form, name)
    if not raw:
        return None
    try:
        return float(raw)
    except ValueError:
        raise Refusal(400, "bad_coordinates", f"{name} must be decimal degrees") from None


def moment(name: str, raw: str) -> datetime:
    """Return a W3C time with its offset (Refusal, 400)."""
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        raise Refusal(400, "bad_date", f"{name} must be an ISO 8601 time") from None
    if found.tzinfo is None:
        raise Refusal(400, "bad_date", f"{name} needs an offset, as in 2026-11-22T00:00:00Z")
    return found
