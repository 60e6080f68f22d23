"""Everybody can use it: keyboard, screen reader, zoom, dark, calm, and inside another site."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, Stage, Visit
from tests.ports import free_port

AXE = Path(__file__).with_name("vendor").joinpath("axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """What axe finds on the page, one line each."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{item['id']}: {node['target']} {node['failureSummary']}"
        for item in found["violations"]
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visitors: Any, stage: Stage, device: dict[str, Any], scheme: str) -> None:
    visit = visitors(stage.url, color_scheme=scheme, reduced_motion="reduce", **device)
    assert violations(visit.page) == []
    visit.say("halo")
    expect(visit.page.locator(".choices")).to_be_visible()
    visit.page.get_by_role("button", name="Cari layanan").last.click()
    visit.say("ktp hilang https://contoh.go.id")
    expect(visit.page.locator(".choices")).to_have_count(2)
    expect(visit.page.locator(".own .tick.handled")).to_have_count(3)
    visit.page.get_by_role("button", name="Lampirkan foto atau lokasi").click()
    assert violations(visit.page) == []


def test_a_keyboard_is_enough(visitors: Any, stage: Stage) -> None:
    visit = visitors(stage.url, **DESKTOP)
    page = visit.page
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("tirukan satu")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("baris dua")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Bapak/Ibu menulis: satu baris dua")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#attach")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#pick-photo")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#attach")).to_be_focused()
    expect(page.locator("#attach-menu")).to_be_hidden()
    page.keyboard.press("Tab")
    page.keyboard.type("halo")
    page.keyboard.press("Enter")
    expect(page.locator(".choices")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    choice = page.locator(".choices button").last
    expect(choice).to_be_focused()
    width = choice.evaluate("node => getComputedStyle(node).outlineWidth")
    assert width == "3px"
    page.keyboard.press("Enter")
    expect(page.get_by_text("Baik, sudah kami catat.")).to_be_visible()


def test_the_skip_link_comes_first(visitors: Any, stage: Stage) -> None:
    visit = visitors(stage.url, **PHONE)
    visit.page.keyboard.press("Tab")
    skip = visit.page.get_by_role("link", name="Langsung ke kotak pesan")
    expect(skip).to_be_focused()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#text")).to_be_focused()


@pytest.mark.parametrize("size", [(640, 400), (320, 568)], ids=["200% of a laptop", "narrowest phone"])
def test_nothing_is_cut_off_when_enlarged(visitors: Any, stage: Stage, size: tuple[int, int]) -> None:
    visit = visitors(stage.url, viewport={"width": size[0], "height": size[1]})
    visit.say("ktp hilang")
    expect(visit.page.locator(".choices")).to_be_visible()
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.page.evaluate(
        "[...document.querySelectorAll('.bubble, .choices button, .composer button')]"
        ".every(node => node.offsetParent === null || node.getBoundingClientRect().right <= innerWidth)"
    )
    expect(visit.page.locator("#send")).to_be_in_viewport()


def test_motion_can_be_switched_off(visitors: Any, stage: Stage) -> None:
    visit = visitors(stage.url, reduced_motion="reduce")
    names = visit.page.evaluate(
        "[...document.querySelectorAll('.dots i')].map(node => getComputedStyle(node).animationName)"
    )
    assert set(names) == {"none"}


def test_the_history_is_not_read_out_again(visit: Visit) -> None:
    log = visit.page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    visit.say("tirukan satu")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: satu")).to_be_visible()
    visit.page.reload(wait_until="commit")
    visit.page.wait_for_selector("#log")
    assert log.get_attribute("aria-live") == "off"
    expect(visit.page.locator(".own")).to_have_count(1)
    expect(log).to_have_attribute("aria-live", "polite")


def test_the_widget_opens_talks_and_closes(visitors: Any, stage: Stage, device: dict[str, Any]) -> None:
    visit = visitors(stage.url, "/contoh-sematan", **device)
    launcher = visit.page.get_by_role("button", name="Tanya Kota Mojokerto")
    launcher.click()
    frame = visit.page.frame_locator("iframe[title='Percakapan resmi Kota Mojokerto']")
    expect(frame.get_by_role("log")).to_have_attribute("aria-live", "polite")
    frame.locator("#text").fill("tirukan dari sematan")
    frame.locator("#text").press("Enter")
    expect(frame.get_by_text("Bapak/Ibu menulis: dari sematan")).to_be_visible()
    frame.get_by_role("button", name="Tutup percakapan").click()
    expect(launcher).to_be_visible()
    launcher.click()
    expect(frame.get_by_text("Bapak/Ibu menulis: dari sematan")).to_be_visible()


@pytest.fixture
def office(stage: Stage) -> Iterator[Callable[[int], str]]:
    """Serve another site with the widget on a port of its own."""
    servers: list[ThreadingHTTPServer] = []

    class Office(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<!doctype html><title>Dinas</title><body><script src='{stage.url}/widget.js'></script>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    def serve(port: int) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", port), Office)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("welcome", [True, False], ids=["named", "foreign"])
def test_only_named_sites_may_embed_it(
    browser: Browser, stage: Stage, office: Callable[[int], str], welcome: bool
) -> None:
    context = browser.new_context(locale="id-ID")
    page = context.new_page()
    page.goto(office(stage.friend_port if welcome else free_port()))
    page.get_by_role("button", name="Tanya Kota Mojokerto").click()
    frame = page.frame_locator("iframe")
    if welcome:
        expect(frame.get_by_role("log")).to_have_attribute("aria-live", "polite")
        frame.locator("#text").fill("tirukan dari dinas")
        frame.locator("#text").press("Enter")
        expect(frame.get_by_text("Bapak/Ibu menulis: dari dinas")).to_be_visible()
    else:
        page.wait_for_timeout(1500)
        assert frame.locator("#text").count() == 0
    context.close()
