"""Fault switches: answer 500, hang, talk nonsense, be slow: so that others can show they bear it."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.sandbox.problems import Refusal

router = APIRouter()
AREAS = {"open311": "/open311/", "mpp": "/mpp/", "perizinan": "/perizinan/", "fktp": "/fktp/"}


class Fault(BaseModel):
    """What goes wrong. With `after` the request is carried out first and only its answer is lost.

    `times` counts requests down; `seconds` is how long `hang` and `slow` take.
    """

    model_config = ConfigDict(extra="forbid")
    mode: Literal["error500", "hang", "nonsense", "slow"]
    times: Annotated[int, Field(ge=0, le=100_000)] = 1
    seconds: Annotated[float, Field(ge=0, le=600)] = 30.0
    after: bool = False


class FaultPlan(BaseModel):
    """One fault for each area; an area that is not named, or null, works again."""

    model_config = ConfigDict(extra="forbid")
    open311: Fault | None = None
    mpp: Fault | None = None
    perizinan: Fault | None = None
    fktp: Fault | None = None


@dataclass(slots=True)
class FaultSwitch:
    """The plan in force; one for each app."""

    plan: FaultPlan

    def next_for(self, path: str) -> Fault | None:
        """Use up one fault for a request to `path`."""
        for area, prefix in AREAS.items():
            fault: Fault | None = getattr(self.plan, area)
            if path.startswith(prefix) and fault is not None and fault.times > 0:
                fault.times -= 1
                return fault
        return None


@router.post("/_faults")
async def switch(plan: FaultPlan, request: Request) -> FaultPlan:
    """Replace the plan; `{}` mends everything. Only with SANDBOX_FAULTS=1."""
    return _switch(request, plan)


@router.get("/_faults")
async def current(request: Request) -> FaultPlan:
    """The plan with what is left of it."""
    return _switch(request, None)


def _switch(request: Request, plan: FaultPlan | None) -> FaultPlan:
    switch: FaultSwitch | None = request.app.state.faults
    if switch is None:
        raise Refusal(404, "not_found", "fault switches are off (SANDBOX_FAULTS=1 turns them on)")
    if plan is not None:
        switch.plan = plan
    return switch.plan


class FaultLayer:
    """ASGI layer that lets the switched-on faults happen."""

    def __init__(self, app: ASGIApp, switch: FaultSwitch) -> None:
        self._app = app
        self._switch = switch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._switch.next_for(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.after:
            await self._app(scope, receive, _swallow)
        if fault.mode in ("hang", "slow"):
            await asyncio.sleep(fault.seconds)
        if fault.mode == "slow" and not fault.after:
            await self._app(scope, receive, send)
            return
        await _broken(fault)(scope, receive, send)


async def _swallow(_message: Message) -> None:
    """An answer nobody hears."""


def _broken(fault: Fault) -> Response:
    match fault.mode:
        case "nonsense":
            return HTMLResponse("<!doctype html><title>Selamat datang</title><p>{]", 200)
        case "hang":
            return PlainTextResponse("gateway timeout", 504)
        case _:
            return PlainTextResponse("Internal Server Error", 500)
