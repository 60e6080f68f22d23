"""Agents in browsers at one stage, and citizens who ask for them."""

import asyncio
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from bot.door import Door, open_door
from bot.settings import ROOT
from bot.storage import desksettings
from bot.web.access import development
from tests.e2e.conftest import DESKTOP, PATIENCE_SECONDS, Stage, Visit
from tests.e2e.stage import settings_of

SETTINGS: Any = SimpleNamespace(secret_key="stage secret key of no importance at all", production=False)
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


def password(name: str) -> str:
    """The development password of somebody at the stage."""
    return development.password(SETTINGS, name)


def enter(page: Page, name: str, to: str | re.Pattern[str] = "**/agent/kotak/baru") -> None:
    """Sign in, by keyboard, on the page that is open."""
    page.locator("[name=nama]").fill(name)
    page.locator("[name=sandi]").fill(password(name))
    page.keyboard.press("Enter")
    page.wait_for_url(to)


def browser_of(stage: Stage, name: str) -> httpx.Client:
    """A program signed in as somebody, with the token its posts carry."""
    client = httpx.Client(base_url=stage.url, trust_env=False, timeout=60)
    page = client.get("/agent/masuk")
    data = {"nama": name, "sandi": password(name), "csrf": _CSRF.findall(page.text)[0]}
    assert client.post("/agent/masuk", data=data).status_code == 303
    shell = client.get("/agent/kotak/baru").text
    client.headers["X-CSRF-Token"] = re.findall(r'data-csrf="([0-9a-f]+)"', shell)[0]
    client.headers["X-Requested-By"] = "lawang"
    return client


class Citizen:
    """Somebody at the web chat, without a browser."""

    def __init__(self, stage: Stage) -> None:
        self.client = httpx.Client(base_url=stage.url, trust_env=False, timeout=30)
        token = self.client.post("/chat/sessions").json()["token"]
        self.client.headers["Authorization"] = f"Bearer {token}"

    def say(self, text: str) -> None:
        """Send a message."""
        letter = {"client_id": str(uuid.uuid4()), "text": text}
        answer = self.client.post("/chat/messages", json=letter)
        assert answer.status_code == 202, answer.text

    def press(self, title: str) -> None:
        """Press a button of the newest bubble that has it."""
        found = self.client.get("/chat/history").json()["messages"]
        buttons = [one for message in reversed(found) for one in message["buttons"] if title in one["title"]]
        letter = {"client_id": str(uuid.uuid4()), "button": buttons[0]["token"]}
        answer = self.client.post("/chat/messages", json=letter)
        assert answer.status_code == 202, answer.text

    def waits_for(self, text: str) -> None:
        """Wait until something was said."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(text in said for said in self.heard()):
            assert time.monotonic() < deadline, self.heard()
            time.sleep(0.1)

    def heard(self) -> list[str]:
        """What was said to them."""
        found = self.client.get("/chat/history").json()["messages"]
        return [message["text"] or "" for message in found if message["direction"] == "out"]


def asked(stage: Stage, words: str = "") -> tuple[Citizen, str]:
    """A citizen who waits for a person, and the words to know them by."""
    mark = f"keperluan {uuid.uuid4().hex[:8]}"
    citizen = Citizen(stage)
    citizen.say(f"petugas, {mark} {words}")
    return citizen, mark


def row(page: Page, mark: str) -> Any:
    """The row of a citizen in the list."""
    return page.locator(".row", has_text=mark)


def take(page: Page, mark: str) -> None:
    """Take a citizen from the list."""
    row(page, mark).locator(".take").click()
    expect(page.locator("#text")).to_be_visible()


def within(stage: Stage, act: Callable[[Door], Awaitable[Any]]) -> Any:
    """Do something at the stage's own database, as another process of the same system would."""

    async def run() -> Any:
        async with open_door(settings_of(stage.port, stage.folder)) as door:
            return await act(door)

    # Playwright keeps a loop running in this thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()


def set_rule(stage: Stage, name: str, value: object) -> None:
    """Set a rule of the desk."""

    async def act(door: Door) -> None:
        async with door.database.transaction() as conn:
            await desksettings.change(conn, door.settings.tenant, name, value, None, datetime.now(UTC))

    within(stage, act)


@pytest.fixture(scope="session")
def city(stage: Stage) -> Iterator[str]:
    """The stand-in city at the stage; its address."""
    url = f"http://127.0.0.1:{stage.city_port}"
    environment = {
        **os.environ,
        "SANDBOX_PORT": str(stage.city_port),
        "SANDBOX_DATABASE": str(stage.folder / "kota.db"),
        "LAWANG_URL": stage.url,
    }
    with stage.folder.joinpath("city.log").open("ab") as log:
        command = [sys.executable, "-m", "connectors.sandbox"]
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/healthz", trust_env=False).raise_for_status()
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    yield url
    running.kill()
    running.wait()


@pytest.fixture
def agents(visitors: Any, stage: Stage) -> Iterator[Any]:
    """Open the console as somebody."""

    def open_console(name: str, **options: Any) -> Visit:
        visit: Visit = visitors(stage.url, "/agent", **{**DESKTOP, **options})
        enter(visit.page, name)
        expect(visit.page.locator("#tabs")).to_be_visible()
        return visit

    return open_console  # type: ignore[return-value]


__all__ = ["Browser"]
