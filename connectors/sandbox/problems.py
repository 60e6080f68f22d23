"""What the city says when it says no: one exception, as problem+json (RFC 9457) or an Open311 error."""

from typing import Any

from fastapi.responses import JSONResponse
from starlette.responses import Response

from connectors.georeport import write_xml


class Refusal(Exception):
    """A request the city understood and refuses. `error` is a stable word, `detail` is for a developer."""

    def __init__(self, status: int, error: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail
        self.more = more


def as_problem(refusal: Refusal) -> Response:
    """`application/problem+json` with our stable word in `error`."""
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
    return JSONResponse(
        {
            "type": "about:blank",
            "title": refusal.error.replace("_", " "),
            "status": refusal.status,
            "error": refusal.error,
            "detail": refusal.detail,
            **refusal.more,
        },
        status_code=refusal.status,
        headers=headers,
        media_type="application/problem+json",
    )


def as_open311(refusal: Refusal, path: str) -> Response:
    """The error list of GeoReport v2, in the format the path asked for."""
    errors = [{"code": refusal.status, "description": refusal.detail}]
    if path.endswith(".xml"):
        return Response(write_xml("errors", errors), refusal.status, media_type="text/xml")
    return JSONResponse(errors, refusal.status)
