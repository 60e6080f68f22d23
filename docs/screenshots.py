"""Take the pictures of the README and the documentation from a running front door into docs/images.

    .venv/bin/python docs/screenshots.py [--url http://127.0.0.1:8080]

Needs Debian's chromium. The talk is a real one: it files a complaint with the stand-in city.
"""

import argparse
import io
import math
import shutil
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, Page, expect, sync_playwright

IMAGES = Path(__file__).with_name("images")
PLACE = {"latitude": -7.4722, "longitude": 112.4338}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
LAPTOP = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 2}
OFTEN = 8


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    url = parser.parse_args().url
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium: apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, device in (("phone", PHONE), ("laptop", LAPTOP)):
            for scheme in ("light", "dark"):
                suffix = name if scheme == "light" else f"{name}-dark"
                page = _open(browser, url, device, scheme)
                _save(page, f"welcome-{suffix}")
                _complain(page, suffix)
                page.context.close()
        page = _open(browser, f"{url}/contoh-sematan", LAPTOP, "light")
        page.get_by_role("button", name="Tanya").click()
        page.wait_for_timeout(1000)
        _save(page, "widget")
        browser.close()


def _open(browser: Browser, url: str, device: dict[str, object], scheme: str) -> Page:
    context = browser.new_context(
        locale="id-ID",
        geolocation=PLACE,
        permissions=["geolocation"],
        color_scheme=scheme,
        **device,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(url)
    return page


def _complain(page: Page, suffix: str) -> None:
    """Report a dead street light with place and photo, as far as the bot asks for them."""
    _say(page, "lampu jalan di depan rumah mati sejak Senin, gelap sekali")
    _save(page, f"complaint-{suffix}")
    sent_photo = False
    for _ in range(OFTEN):
        page.wait_for_timeout(400)
        share = page.locator(".choices button[data-place]:enabled")
        send = page.locator(".choices button:enabled").get_by_text("Kirim")
        if send.count() and sent_photo:
            _save(page, f"review-{suffix}")
            send.last.click()
            _answered(page)
            break
        if share.count():
            share.last.click()
        elif not sent_photo:
            photo = {"name": "lampu.jpg", "mimeType": "image/jpeg", "buffer": _street_at_night()}
            page.set_input_files("#photo-file", [photo])
            page.wait_for_selector("#previews img")
            page.click("#send")
            sent_photo = True
        else:
            _say(page, "Jalan Majapahit depan SDN Mentikan, RT 3 RW 1")
        _answered(page)
    page.wait_for_timeout(600)
    _save(page, f"filed-{suffix}")


def _say(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")
    _answered(page)


def _answered(page: Page) -> None:
    """Wait until every message of ours was handled and the typing dots are gone."""
    try:
        expect(page.locator(".own .tick:not(.handled)")).to_have_count(0, timeout=30_000)
        expect(page.locator("#typing")).to_be_hidden(timeout=30_000)
    except AssertionError:
        sys.exit("the front door did not answer; does its /readyz say 200?")
    page.wait_for_timeout(400)


def _save(page: Page, name: str) -> None:
    page.evaluate("document.activeElement?.blur()")
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    # A palette keeps the repository small; the pictures have few colours.
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path}\n")


def _street_at_night() -> bytes:
    """Draw a street with one lamp out: no photo of anybody's street is needed."""
    width, height = 1200, 900
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for y in range(height):
        shade = y / height
        draw.line(
            [(0, y), (width, y)], fill=(int(14 + 30 * shade), int(20 + 34 * shade), int(44 + 40 * shade))
        )
    draw.polygon([(0, 900), (1200, 900), (720, 520), (640, 520)], fill=(30, 32, 38))
    for step in range(5):
        near = 900 - step * 85
        draw.polygon([(590, near), (640, near), (655, near - 40), (625, near - 40)], fill=(92, 92, 84))
    for x, base, lit in ((1010, 760, True), (280, 820, False), (850, 620, True)):
        tall = base - 560 + int(120 * math.sin(x))
        draw.rectangle([x - 6, tall, x + 6, base], fill=(14, 15, 18))
        draw.rectangle([x - 90, tall, x + 6, tall + 9], fill=(14, 15, 18))
        draw.ellipse([x - 130, tall - 8, x - 70, tall + 22], fill=(255, 226, 160) if lit else (46, 48, 54))
    glow = Image.new("RGB", (width, height))
    light = ImageDraw.Draw(glow)
    for x, base in ((910, 760), (750, 620)):
        light.polygon([(x, base - 540), (x - 170, base + 60), (x + 170, base + 60)], fill=(120, 96, 50))
    picture = Image.blend(picture, glow.filter(ImageFilter.GaussianBlur(60)), 0.3)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


if __name__ == "__main__":
    main()
