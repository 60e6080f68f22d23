"""Everything a face of the stand-in city needs, built once in `app` and handed on."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox.city import City
from connectors.sandbox.clock import Clock
from connectors.sandbox.courier import Courier
from connectors.sandbox.database import Database
from connectors.sandbox.problems import Refusal
from connectors.sandbox.settings import SandboxSettings


@dataclass(frozen=True, slots=True)
class CityHall:
    """The open house. `courier` is None while no webhook secret is set."""

    settings: SandboxSettings
    city: City
    database: Database
    clock: Clock
    courier: Courier | None

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One writing transaction; the courier looks for news once it is committed."""
        async with self.database.writing() as conn:
            yield conn
        if self.courier is not None:
            self.courier.nudge()

    def local(self, moment: datetime) -> str:
        """A time as the city writes it: ISO with its own offset."""
        return moment.astimezone(self.city.timezone).isoformat(timespec="seconds")

    def is_key(self, given: str) -> bool:
        """Whether this is the API key, compared in constant time."""
        return hmac.compare_digest(given.encode(), self.settings.api_key.encode())


def _hall(request: Request) -> CityHall:
    hall: CityHall = request.app.state.hall
    return hall


Hall = Annotated[CityHall, Depends(_hall)]


def bearer(request: Request, hall: Hall) -> None:
    """Refuse a request without the API key (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hall.is_key(token.strip()):
        raise Refusal(401, "unauthorized", "Authorization: Bearer <api key> is required")
