"""A stand-in city of one's own: a fresh store, a clock to turn, and a Lawang that notes what it hears."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from connectors.sandbox.app import create_app
from connectors.sandbox.city import City
from connectors.sandbox.settings import SandboxSettings
from tests.ports import free_port

KEY = "kunci-untuk-uji"
SECRET = "rahasia-untuk-uji"
# A Monday, 07.00 WIB.
MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


@dataclass
class TurnableClock:
    """Stands still until turned."""

    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **step: float) -> None:
        self.now += timedelta(**step)


class Citizen(httpx.AsyncClient):
    """Everybody who calls the city, with the words for the common requests."""

    async def file(self, key: str | None = None, **fields: Any) -> httpx.Response:
        form = {
            "service_code": "lampu_jalan",
            "description": "Lampu mati",
            "address_string": "Jl. Majapahit 12",
        }
        form |= {"api_key": KEY} | fields
        headers = {"Idempotency-Key": key} if key else {}
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.post("/open311/v2/requests.json", data=sent, headers=headers)

    async def reference(self, **fields: Any) -> str:
        return str((await self.file(**fields)).json()[0]["service_request_id"])

    async def move(self, reference: str, status: str, note: str = "") -> httpx.Response:
        return await self.post(f"/meja/laporan/{reference}/status", json={"status": status, "note": note})

    async def book(
        self,
        slot_id: str = "dukcapil-20261124-0900",
        service: str = "ktp_hilang",
        name: str = "Sri",
        key: str | None = None,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        body = {"slot_id": slot_id, "service": service, "name": name}
        return await self.post("/mpp/v1/bookings", json=body, headers=headers)

    async def code(self, slot_id: str = "dukcapil-20261124-0900") -> str:
        return str((await self.book(slot_id)).json()["code"])

    async def call(self, counter: str = "dukcapil", **body: Any) -> dict[str, Any]:
        answer = await self.post(f"/mpp/v1/counters/{counter}/call-next", json=body)
        return dict(answer.json())


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture
def settings(tmp_path: Path) -> SandboxSettings:
    """A city that keeps its news to itself."""
    return SandboxSettings(database=tmp_path / "kota.db", api_key=KEY)


@pytest.fixture
def open_city(clock: TurnableClock) -> Callable[..., Any]:
    """Open a city and speak to it in-process."""

    @asynccontextmanager
    async def opened(settings: SandboxSettings, city: City | None = None) -> AsyncIterator[Citizen]:
        app = create_app(settings, city, clock)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            app.router.lifespan_context(app),
            Citizen(transport=transport, base_url="http://kota.test", headers=headers) as citizen,
        ):
            yield citizen

    return opened


@pytest.fixture
async def citizen(settings: SandboxSettings, open_city: Callable[..., Any]) -> AsyncIterator[Citizen]:
    async with open_city(settings) as client:
        yield client


@dataclass
class Listener:
    """A front door that only listens. `answers` are used up first, then everything is taken."""

    port: int
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def wait_for(self, count: int, seconds: float = 15) -> list[tuple[str, dict[str, str], bytes]]:
        async with asyncio.timeout(seconds):
            while len(self.heard) < count:
                await asyncio.sleep(0.02)
        return self.heard


@asynccontextmanager
async def listening(port: int | None = None) -> AsyncIterator[Listener]:
    listener = Listener(port or free_port())
    app = FastAPI()

    @app.post("/connectors/{app_id}/updates")
    async def receive(app_id: str, request: Request) -> Response:
        listener.heard.append((app_id, dict(request.headers), await request.body()))
        return Response(status_code=listener.answers.pop(0) if listener.answers else 200)

    server = uvicorn.Server(uvicorn.Config(app, port=listener.port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(15):
        while not server.started:
            await asyncio.sleep(0.02)
    yield listener
    server.should_exit = True
    await task


@pytest.fixture
async def lawang() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener
