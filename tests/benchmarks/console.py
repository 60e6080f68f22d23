"""The console's real pages over HTTP, and how long an event takes to fifty consoles and to a screen."""

import asyncio
import json
import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace

import aiohttp
from fastapi import Request, Response
from playwright.async_api import Page, async_playwright

from bot import settings as configuration
from bot.door import Door, open_door
from bot.settings import ROOT
from bot.storage import users
from bot.storage.sessions import Step
from bot.web.access import identity
from tests import engines
from tests.benchmarks.citizens import client
from tests.benchmarks.servers import Server
from tests.ports import free_port

AGENTS = int(os.environ.get("BENCH_DESK_AGENTS", "50"))
EVENTS = int(os.environ.get("BENCH_DESK_EVENTS", "40"))
BY_SCRIPT = {"X-Requested-By": "lawang"}
# What a console waits before it fetches its list again, ms: static/agent/parts.js.
DEBOUNCE_SECONDS = 0.06
PATIENCE_SECONDS = 30.0

# When the row of a request is drawn, or gone again, by the clock of this machine.
WATCH = """(id) => {
  window.there = null;
  const look = () => {
    const there = Boolean(document.getElementById(id));
    if (there === window.there) return;
    window.there = there;
    requestAnimationFrame(() => { window.at = Date.now(); });
  };
  new MutationObserver(look).observe(document.getElementById('shell'), { childList: true, subtree: true });
  look();
}"""


@dataclass
class Heard:
    """Milliseconds from the press of a colleague's button until the event is there, or drawn."""

    clients: list[float] = field(default_factory=list)
    screen: list[float] = field(default_factory=list)


@dataclass
class Console:
    """A real front door over one database, and the cookies of its agents."""

    url: str
    cookies: list[str]

    def headers(self, agent: int) -> dict[str, str]:
        """What the browser of one agent sends."""
        return {"Cookie": f"lawang_petugas={self.cookies[agent]}"}


@asynccontextmanager
async def console(url: str, folder: Path) -> AsyncIterator[Console]:
    """Start `lawang serve` on a database whose agents are a0, a1, ...; everybody is signed in."""
    port = free_port()
    postgres = not url.startswith("sqlite")
    redis = f"{engines.REDIS.rpartition('/')[0]}/14" if postgres and engines.redis_answers() else ""
    settings = replace(
        configuration.load(),
        var=folder,
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        database_url=url,
        redis_url=redis or None,
    )
    async with open_door(settings) as door:
        cookies = [await _signed_in(door, number) for number in range(AGENTS)]
    given = {"DATABASE_URL": url, "REDIS_URL": redis, "LAWANG_VAR": str(folder), "PORT": str(port)}
    command = [sys.executable, "-m", "bot", "serve"]
    environment = {**os.environ, **given, "LAWANG_SECRET_KEY": settings.secret_key}
    server = Server("door", command, ROOT, environment, folder / "door.log")
    try:
        async with client(settings.public_url) as asking:

            async def ask() -> bool:
                async with asking.get("/favicon.ico") as answer:
                    return answer.status == 200

            await server.answered(ask)
        yield Console(settings.public_url, cookies)
    finally:
        server.stop()


async def _signed_in(door: Door, number: int) -> str:
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await users.add(conn, f"a{number}", f"petugas{number}", None, now)
        user = await users.named(conn, f"petugas{number}")
    assert user is not None
    app = SimpleNamespace(state=SimpleNamespace(door=door))
    request = Request({"type": "http", "app": app, "headers": [], "client": ("127.0.0.1", 0)})
    response = Response()
    await identity.open_session(request, response, user, Step.FULL)
    return SimpleCookie(response.headers["set-cookie"])[identity.cookie_name(door)].value


def addresses(conversation: str) -> dict[str, tuple[str, dict[str, str]]]:
    """The pages and parts that are asked for, by what they are called in the table."""
    found = {
        f"page *{slug}*": (f"/agent/kotak/{slug}", {})
        for slug in ("baru", "milik-saya", "aktif", "belum-dijawab", "riwayat")
    }
    return found | {
        "rows of *baru*, as an open page fetches them": ("/agent/kotak/baru", BY_SCRIPT),
        "a talk with its list, card and newest 50": (f"/agent/kotak/riwayat/{conversation}", {}),
        "the talk alone": (f"/agent/kotak/riwayat/{conversation}", BY_SCRIPT),
        "search page, two words": ("/agent/cari?q=tumbang+wates", BY_SCRIPT),
    }


async def pages(desk: Console, conversation: str, rounds: int) -> dict[str, float]:
    """The median milliseconds of every page, after one that warms up; an empty desk has no talk to show."""
    figures: dict[str, float] = {}
    async with client(desk.url) as asking:
        for name, (path, headers) in addresses(conversation).items():
            spent = []
            for _ in range(rounds + 1):
                started = time.perf_counter()
                async with asking.get(path, headers={**desk.headers(1), **headers}) as answer:
                    body = await answer.read()
                    status = answer.status
                spent.append((time.perf_counter() - started) * 1000)
            if status == 200 and body:
                figures[name] = statistics.median(spent[1:])
    return figures


async def events(desk: Console, handoff: str) -> Heard:
    """One agent takes a request and gives it back; all other consoles hear of it, fetch and show."""
    heard = Heard()
    async with AsyncExitStack() as stack:
        asking = await stack.enter_async_context(client(desk.url))
        shell = await _text(asking, "/agent/kotak/baru", desk.headers(0))
        token = re.findall(r'data-csrf="([0-9a-f]+)"', shell)[0]
        after = int(re.findall(r'data-after="(\d+)"', shell)[0])
        told: list[asyncio.Queue[float]] = [asyncio.Queue() for _ in range(1, AGENTS)]
        following = [
            asyncio.create_task(_follow(asking, desk, number, after, queue))
            for number, queue in enumerate(told, start=1)
        ]
        screen = await _screen(stack, desk, f"row-{handoff}")
        try:
            await asyncio.sleep(2)
            for number in range(EVENTS):
                act = "ambil" if number % 2 == 0 else "lepas"
                started = time.time()
                headers = {**desk.headers(0), **BY_SCRIPT, "X-CSRF-Token": token}
                async with asking.post(f"/agent/tugas/{handoff}/{act}", headers=headers) as answer:
                    assert answer.status in (200, 204), await answer.text()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    heard.clients += [(await queue.get() - started) * 1000 for queue in told]
                if screen is not None:
                    heard.screen.append(await _drawn(screen, there=act == "lepas") - started * 1000)
                # Until every console has fetched its list: the next event is measured alone.
                await asyncio.sleep(1.5)
                if screen is not None:
                    await screen.evaluate("window.at = 0")
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
    return heard


async def _follow(
    asking: aiohttp.ClientSession, desk: Console, number: int, after: int, told: asyncio.Queue[float]
) -> None:
    """One console: it hears of an act, and fetches its list as the page does, so long after it."""
    headers = desk.headers(number)
    async with asking.get(f"/agent/peristiwa?sesudah={after}", headers=headers) as stream:
        async for line in stream.content:
            if not line.startswith(b"data: {"):
                continue
            kind = json.loads(line[6:])["kind"]
            if kind in ("handoff_assigned", "handoff_released"):
                told.put_nowait(time.time())
                await asyncio.sleep(DEBOUNCE_SECONDS)
                await _text(asking, "/agent/kotak/baru?", {**headers, **BY_SCRIPT})


async def _text(asking: aiohttp.ClientSession, path: str, headers: dict[str, str]) -> str:
    async with asking.get(path, headers=headers) as answer:
        return await answer.text()


async def _screen(stack: AsyncExitStack, desk: Console, row: str) -> Page | None:
    """A real Chromium with the list of who waits; None where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    playwright = await stack.enter_async_context(async_playwright())
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
    stack.push_async_callback(browser.close)
    context = await browser.new_context(locale="id-ID")
    cookie = {"name": "lawang_petugas", "value": desk.cookies[1], "url": desk.url}
    await context.add_cookies([cookie])  # type: ignore[list-item]
    page = await context.new_page()
    await page.goto(f"{desk.url}/agent/kotak/baru")
    with suppress(TimeoutError):
        await page.wait_for_selector(f"#{row}")
    await page.evaluate(WATCH, row)
    return page


async def _drawn(screen: Page, *, there: bool) -> float:
    """When the row was drawn, or gone, ms. The page's policy forbids Playwright's own waiting."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            now_there, at = await screen.evaluate("[window.there, window.at || 0]")
            if now_there is there and at:
                return float(at)
            await asyncio.sleep(0.02)
