"""Agents in browsers at one stage, and citizens who ask for them."""

import re
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from bot.web.access import development
from tests.e2e.conftest import DESKTOP, Stage, Visit

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

    def heard(self) -> list[str]:
        """What was said to them."""
        found = self.client.get("/chat/history").json()["messages"]
        return [message["text"] or "" for message in found if message["direction"] == "out"]


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
