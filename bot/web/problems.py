"""Refusals of the web chat as problem+json (RFC 9457), worded in the tenant's language."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from bot import metrics

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
}


class Problem(Exception):
    """Ends a request with `status`; `text_key` and `values` are the sentence for the citizen."""

    def __init__(
        self,
        status: int,
        text_key: str,
        values: dict[str, Any] | None = None,
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{status} {text_key}")
        self.status = status
        self.text_key = text_key
        self.values = values or {}
        self.retry_after = retry_after


class ProblemRoute(APIRoute):
    """A route whose `Problem`s become problem+json."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                return _answer(request, problem)

        return handle


def _answer(request: Request, problem: Problem) -> JSONResponse:
    door = request.app.state.door
    tenant = getattr(request.state, "tenant", door.settings.tenant)
    metrics.BAD_INPUT.labels("webchat", problem.text_key.rpartition(".")[2]).inc()
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content = {
        "type": "about:blank",
        "title": TITLES[problem.status],
        "status": problem.status,
        "detail": door.texts.render(problem.text_key, tenant, problem.values),
        "code": problem.text_key,
    }
    return JSONResponse(content, problem.status, headers, media_type="application/problem+json")
