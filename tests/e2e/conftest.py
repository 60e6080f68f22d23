"""A stage (front door with scripted replies) and a real Chromium before it, as a phone and as a laptop."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bot.settings import ROOT
from tests.ports import free_port

CHROMIUM = shutil.which("chromium")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PATIENCE_SECONDS = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the browser tests out, and say so, where there is no Chromium."""
    if CHROMIUM is None:
        for item in items:
            if "browser" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason="no chromium: apt-get install chromium"))


class Stage:
    """One front door as a process of its own, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.friend_port = free_port()
        self.city_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until the page is there."""
        log = self.folder.joinpath("stage.log").open("ab")
        command = [sys.executable, "-m", "tests.e2e.stage", str(self.port), str(self.folder)]
        friend = f"http://127.0.0.1:{self.friend_port}"
        city = f"http://127.0.0.1:{self.city_port}"
        environment = {**os.environ, "LAWANG_EMBED_ORIGINS": friend, "SANDBOX_URL": city}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/favicon.ico", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
            if self.process.poll() is not None:
                break
        raise RuntimeError(self.folder.joinpath("stage.log").read_text())

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def push(self, text: str) -> None:
        """Let the city speak first, in every conversation."""
        httpx.post(f"{self.url}/stage/push", json={"text": text}, trust_env=False).raise_for_status()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage that most tests share; each has a browser profile, so a conversation, of its own."""
    made = Stage(tmp_path_factory.mktemp("stage"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def own_stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage to be killed."""
    made = Stage(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright; nothing is downloaded."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@dataclass
class Visit:
    """One citizen's browser on the page, and everything that went wrong in it."""

    page: Page
    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    breaks: bool = False

    def watch(self, page: Page) -> None:
        """Note console errors, exceptions and addresses asked for."""
        page.on("console", lambda entry: self._hear(entry.type, entry.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.addresses.append(request.url))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))

    def _hear(self, kind: str, text: str) -> None:
        # Chromium itself reports every request that a test breaks on purpose.
        if kind in {"error", "warning"} and not (self.breaks and text.startswith("Failed to load resource")):
            self.complaints.append(text)

    def say(self, text: str) -> None:
        """Type a text and press Enter."""
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def own(self) -> list[str]:
        """The citizen's bubbles, top to bottom."""
        return self.page.locator(".message.own .words").all_inner_texts()

    def city(self) -> list[str]:
        """The city's bubbles, top to bottom."""
        return self.page.locator(".message:not(.own) .words").all_inner_texts()


@pytest.fixture(params=[pytest.param(PHONE, id="phone"), pytest.param(DESKTOP, id="desktop")])
def device(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A phone or a laptop."""
    made: dict[str, Any] = request.param
    return made


@pytest.fixture
def visitors(browser: Browser) -> Iterator[Any]:
    """Open any page as a new citizen; at the end nothing may have gone wrong."""
    visits: list[Visit] = []

    def visit(url: str, path: str = "/", **options: Any) -> Visit:
        context = browser.new_context(locale="id-ID", **options)
        context.set_default_timeout(15_000)
        page = context.new_page()
        made = Visit(page, context, url)
        made.watch(page)
        visits.append(made)
        page.goto(url + path)
        return made

    yield visit
    for made in visits:
        made.context.close()
    for made in visits:
        assert made.complaints == []
        foreign = [at for at in made.addresses if not at.startswith((made.url, "blob:", "data:"))]
        assert foreign == []


@pytest.fixture
def visit(visitors: Any, stage: Stage, device: dict[str, Any]) -> Visit:
    """A new citizen on the page, on each device."""
    place = {"latitude": -7.4722, "longitude": 112.4338}
    made: Visit = visitors(stage.url, geolocation=place, permissions=["geolocation"], **device)
    return made
