"""Take the pictures of the documentation from a running system: `make screenshots`.

It starts nothing. Citizens on a phone and at a laptop hold real conversations with the real model; a clerk
moves cases on at *Meja Kota*, and the news arrives by itself. Needs Chromium and the test tools.
"""

import argparse
import io
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from bot import settings
from bot.web.access import development

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1.5}
LARGEST_BYTES = 300 * 1024
REFERENCE = re.compile(r"MJK-\d{4}-\d{6}")
LAMP = "Lampu jalan di depan SDN Wates RT 3 RW 1 mati, sudah seminggu gelap"
LAMP_NOTE = "Petugas Dishub berangkat mengganti lampunya."
RUBBISH = "Sampah menumpuk di dekat pasar, sudah tiga hari"
RUBBISH_PLACE = "Kelurahan Kranggan RT 2 RW 4"
RUBBISH_NOTE = "Truk DLH mengangkut siang ini."


class Trouble(Exception):
    """The pictures cannot be taken; the message is one line with what to do."""


class Talk:
    """One citizen's page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def say(self, text: str) -> None:
        """Type a text, send it, wait for the answer."""
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")
        self._answered()

    def press(self, *titles: str) -> None:
        """Press the first of these choices that is offered now; wait for the answer."""
        for title in titles:
            choice = self.page.locator(".choices button:enabled", has_text=re.compile(title)).last
            if choice.count():
                choice.click()
                self._answered()
                return
        raise Trouble(f"none of {titles} is offered after: {self.last()[:200]}")

    def show(self, picture: bytes) -> None:
        """Send a photo."""
        file = {"name": "lampu.jpg", "mimeType": "image/jpeg", "buffer": picture}
        self.page.set_input_files("#photo-file", [file])
        self.page.locator("#previews img").wait_for()
        self.page.click("#send")
        self._answered()

    def last(self) -> str:
        """The city's newest bubble."""
        bubbles = self.page.locator(".message:not(.own) .words").all_inner_texts()
        return bubbles[-1] if bubbles else ""

    def wait_for_news(self, words: str) -> None:
        """Wait for a bubble that nobody asked for."""
        self.page.locator(".message:not(.own)", has_text=words).last.wait_for(timeout=20_000)
        self._settle()

    def _answered(self) -> None:
        self.page.wait_for_function(
            "() => { const own = document.querySelectorAll('.message.own').length;"
            " return own && document.querySelectorAll('.message.own .tick.handled').length === own"
            " && document.getElementById('typing').hidden; }",
            timeout=30_000,
        )
        self._settle()

    def _settle(self) -> None:
        """Let animations end; show the end of the talk and no cursor."""
        self.page.evaluate("document.activeElement?.blur()")
        self.page.evaluate("const log = document.getElementById('log'); log.scrollTop = log.scrollHeight")
        self.page.wait_for_timeout(700)


def street_at_night() -> bytes:
    """A photo as a citizen would take it: a dark street, a lamp that is off. Drawn, so it is nobody's."""
    image = Image.new("RGB", (960, 720), (18, 22, 38))
    draw = ImageDraw.Draw(image)
    for y in range(430):
        draw.line((0, y, 960, y), fill=(16 + y // 22, 20 + y // 20, 40 + y // 12))
    for left, top, width in ((0, 250, 190), (200, 300, 150), (640, 270, 320)):
        draw.rectangle((left, top, left + width, 470), fill=(30, 30, 40))
        draw.polygon(
            [(left - 14, top), (left + width // 2, top - 60), (left + width + 14, top)], fill=(48, 34, 34)
        )
    for left, top in ((40, 340), (700, 350), (860, 350)):
        draw.rectangle((left, top, left + 46, top + 52), fill=(226, 178, 96))
    draw.polygon([(0, 470), (960, 470), (960, 720), (0, 720)], fill=(34, 34, 40))
    draw.polygon([(430, 470), (470, 470), (760, 720), (300, 720)], fill=(46, 46, 54))
    for step in range(5):
        y, x = 484 + step * step * 15, 450 + step * step * 5
        draw.rectangle((x, y, x + 4 + step * 4, y + 8 + step * 7), fill=(150, 150, 140))
    soft = image.filter(ImageFilter.GaussianBlur(2))
    draw = ImageDraw.Draw(soft)
    draw.rectangle((560, 90, 574, 640), fill=(12, 12, 16))
    draw.line((566, 96, 452, 74), fill=(12, 12, 16), width=12)
    draw.ellipse((414, 66, 476, 98), fill=(64, 66, 74))
    out = io.BytesIO()
    soft.save(out, "JPEG", quality=86)
    return out.getvalue()


def keep(page: Page, path: Path) -> None:
    """Save what the page shows, small enough for a repository."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64):
        out = io.BytesIO()
        shot.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            out, "PNG", optimize=True
        )
        if out.tell() < LARGEST_BYTES:
            path.write_bytes(out.getvalue())
            sys.stdout.write(f"{path} {out.tell() // 1024} KiB\n")
            return
    raise Trouble(f"{path.name} does not fit into {LARGEST_BYTES // 1024} KiB")


def move_on(city: str, reference: str, status: str, note: str) -> None:
    """What a clerk does with one press at Meja Kota."""
    answer = httpx.post(
        f"{city}/meja/laporan/{reference}/status", json={"status": status, "note": note}, trust_env=False
    )
    if answer.is_error:
        raise Trouble(f"{city} does not move {reference}: HTTP {answer.status_code}")


def reference_in(text: str) -> str:
    """The case number the bot told."""
    found = REFERENCE.search(text)
    if found is None:
        raise Trouble(f"no case number in: {text[:200]}")
    return found[0]


@contextmanager
def citizen(browser: Browser, url: str, device: dict[str, Any]) -> Iterator[Talk]:
    """A new citizen on the web chat."""
    context = browser.new_context(
        locale="id-ID", timezone_id="Asia/Jakarta", reduced_motion="reduce", **device
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_timeout(500)
    yield Talk(page)
    context.close()


def on_the_phone(browser: Browser, url: str, city: str, into: Path) -> None:
    """First sight, a complaint with its card and its news, requirements, a queue place."""
    with citizen(browser, url, PHONE) as talk:
        keep(talk.page, into / "webchat-phone-welcome.png")
        talk.say(LAMP)
        talk.show(street_at_night())
        keep(talk.page, into / "webchat-phone.png")
        talk.press("^Kirim")
        move_on(city, reference_in(talk.last()), "diproses", LAMP_NOTE)
        talk.wait_for_news(LAMP_NOTE)
        keep(talk.page, into / "webchat-phone-news.png")
    with citizen(browser, url, PHONE) as talk:
        talk.say("KTP saya hilang, syaratnya apa?")
        keep(talk.page, into / "webchat-phone-requirements.png")
        talk.press("antrean")
        if "kapan" in talk.last().lower() or "hari" in talk.last().lower():
            talk.say("besok pagi")
        talk.press(r"^09\.00", r"^\d\d\.\d\d")
        if "nama" in talk.last().lower():
            talk.say("Siti Aminah")
        keep(talk.page, into / "webchat-phone-booking.png")
        talk.press("^Perlu didahulukan")
        talk.press("^Lansia")
        talk.press("^Ya, pesan")
        ticket = talk.page.locator(".message:not(.own)", has=talk.page.locator(".picture img")).last
        ticket.locator("img").wait_for()
        talk.page.wait_for_timeout(700)
        ticket.evaluate(
            "node => { document.getElementById('log').scrollTop += node.getBoundingClientRect().top - 80 }"
        )
        talk.page.wait_for_timeout(300)
        keep(talk.page, into / "webchat-phone-ticket.png")


DESK_WORDS = (
    "KTP saya hilang, syaratnya apa?",
    "Sampah menumpuk di dekat pasar, sudah tiga hari",
    "mau antre di MPP besok pagi",
)
HOLE = "jalan berlubang besar, kemarin ada yang jatuh"
HOLE_PLACE = "Jl Benteng Pancasila dekat masjid, kelurahan Balongsari"
HOLE_MENDED = "bukan, RT 03"


def a_whole_complaint(browser: Browser, url: str, city: str, into: Path) -> None:
    """One report on a telephone from the first word to *sudah beres*, and a neighbour who joins it."""
    with citizen(browser, url, PHONE) as talk, citizen(browser, url, PHONE) as neighbour:
        talk.say(HOLE)
        talk.say(HOLE_PLACE)
        keep(talk.page, into / "complaint-1-which-place.png")
        talk.press("Balongsari, Magersari")
        talk.say(HOLE_MENDED)
        keep(talk.page, into / "complaint-2-card.png")
        talk.press("^Kirim")
        reference = reference_in(talk.last())
        keep(talk.page, into / "complaint-3-promise.png")
        neighbour.say(f"{HOLE} di {HOLE_PLACE} kota mojokerto")
        keep(neighbour.page, into / "complaint-4-saya-juga.png")
        neighbour.press("^Saya juga")
        move_on(city, reference, "diproses", "Tim DPUPR menambal besok pagi.")
        talk.wait_for_news("menambal besok")
        move_on(city, reference, "selesai", "Lubang sudah ditambal.")
        talk.wait_for_news("Sudah beres")
        keep(talk.page, into / "complaint-5-sudah-beres.png")
        talk.press("^Belum beres")
        keep(talk.page, into / "complaint-6-reopened.png")
        move_on(city, reference, "diproses", "Tim kembali ke lokasi.")
        talk.wait_for_news("kembali ke lokasi")
        move_on(city, reference, "selesai", "Lubang di sebelahnya ikut ditambal.")
        talk.wait_for_news("ikut ditambal")
        talk.press("^Sudah beres")
        keep(talk.page, into / "complaint-7-rating.png")


def at_the_laptop(browser: Browser, url: str, city: str, into: Path) -> None:
    """Another complaint with the page's other half beside it, and the clerk's desk."""
    with citizen(browser, url, DESKTOP) as talk:
        talk.say(RUBBISH)
        talk.say(RUBBISH_PLACE)
        talk.press("^Kirim")
        move_on(city, reference_in(talk.last()), "didisposisi", RUBBISH_NOTE)
        talk.wait_for_news(RUBBISH_NOTE)
        keep(talk.page, into / "webchat-desktop.png")
    with citizen(browser, city, DESKTOP) as clerk:
        keep(clerk.page, into / "meja-kota.png")


ANSWER = (
    "Selamat pagi, saya Rahayu. Di mana KTP-nya hilang, Bapak/Ibu? Surat kehilangan bisa dibuat di Polsek."
)


def at_the_desk(browser: Browser, url: str, into: Path) -> None:
    """Three citizens ask for a person; an agent takes one, on the laptop and on the phone."""
    name, password, _role = development.sign_ins(settings.load())[0]
    with ExitStack() as stack:
        talks = [stack.enter_context(citizen(browser, url, PHONE)) for _ in range(3)]
        for talk, words in zip(talks, DESK_WORDS, strict=True):
            talk.say(words)
            talk.say("mau bicara dengan petugas")
        context = stack.enter_context(
            browser.new_context(
                locale="id-ID", timezone_id="Asia/Jakarta", reduced_motion="reduce", **DESKTOP
            )
        )
        page = context.new_page()
        page.goto(f"{url}/agent")
        page.fill("[name=nama]", name)
        page.fill("[name=sandi]", password)
        page.press("[name=sandi]", "Enter")
        page.locator(".row").nth(2).wait_for()
        keep(page, into / "console-list.png")
        page.locator(".row .take").first.click()
        page.fill("#text", ANSWER)
        page.press("#text", "Enter")
        page.locator(".person .words").last.wait_for()
        talks[0].page.wait_for_timeout(1500)
        talks[0].page.fill("#text", "Di pasar tadi pagi. NIK saya 3576014406850001")
        talks[0].page.press("#text", "Enter")
        page.locator(".words", has_text="Di pasar").wait_for()
        page.fill("#note", "Sudah diminta ke Polsek dulu, @Bagus mohon lanjutkan bila saya istirahat.")
        page.locator("#note-form button").click()
        page.locator(".note").wait_for()
        page.fill("#new-label", "ktp hilang")
        page.press("#new-label", "Enter")
        page.wait_for_timeout(4000)
        keep(page, into / "console-talk.png")
        phone = stack.enter_context(
            browser.new_context(
                locale="id-ID",
                timezone_id="Asia/Jakarta",
                reduced_motion="reduce",
                storage_state=context.storage_state(),
                **PHONE,
            )
        ).new_page()
        phone.goto(f"{url}/agent/kotak/milik-saya")
        phone.locator(".row a").first.click()
        phone.locator("#text").wait_for()
        phone.wait_for_timeout(800)
        keep(phone, into / "console-phone.png")


SHIFT = "08:00-12:00, 13:00-15:30"


def _signed_in(browser: Browser, url: str, name: str, password: str, **device: Any) -> Page:
    context = browser.new_context(
        locale="id-ID", timezone_id="Asia/Jakarta", reduced_motion="reduce", **device
    )
    page = context.new_page()
    page.goto(f"{url}/agent")
    page.fill("[name=nama]", name)
    page.fill("[name=sandi]", password)
    page.press("[name=sandi]", "Enter")
    page.wait_for_url("**/agent/kotak/baru")
    return page


def _set_hours(page: Page, url: str) -> None:
    page.goto(f"{url}/agent/pengaturan")
    for day in ("mon", "tue", "wed", "thu"):
        page.fill(f"[name={day}]", SHIFT)
    page.fill("[name=fri]", "08:00-11:30")
    page.fill("[name=special]", "2026-12-24: 08:00-11:00\n2026-12-31:")
    page.get_by_role("button", name="Simpan").first.click()
    page.fill("[name=skills]", "kependudukan, perizinan, pengaduan")
    page.get_by_role("button", name="Simpan").nth(1).click()


def for_supervisors(browser: Browser, url: str, into: Path) -> None:
    """An admin sets the desk up and adds somebody; the pages on the laptop and on the phone."""
    name, password, _role = development.sign_ins(settings.load())[-1]
    page = _signed_in(browser, url, name, password, **DESKTOP)
    _set_hours(page, url)
    keep(page, into / "supervision-settings.png")
    page.goto(f"{url}/agent/pengaturan/pengguna")
    if not page.locator("tbody", has_text="Sari Dewi").count():
        page.get_by_text("Tambah pengguna").click()
        page.get_by_label("Nama pengguna").fill("sari.dewi")
        page.get_by_label("Nama lengkap").fill("Sari Dewi")
        page.get_by_label("kependudukan").check()
        page.get_by_role("button", name="Tambah", exact=True).click()
        page.get_by_role("link", name="Sudah disampaikan").click()
    keep(page, into / "supervision-people.png")
    page.get_by_role("link", name="Sari Dewi").click()
    page.get_by_role("heading", name="Sari Dewi").wait_for()
    keep(page, into / "supervision-person.png")
    page.goto(f"{url}/agent/pengaturan/jejak")
    keep(page, into / "supervision-trail.png")
    page.goto(f"{url}/agent/pimpinan")
    keep(page, into / "supervision-figures.png")
    page.goto(f"{url}/agent/akun")
    page.get_by_role("button", name="Aktifkan").click()
    page.locator(".qr").wait_for()
    keep(page, into / "signin-second-step.png")
    phone = _signed_in(browser, url, name, password, **PHONE)
    for path, picture in (
        ("/agent/pimpinan", "supervision-phone-figures.png"),
        ("/agent/pengaturan/pengguna", "supervision-phone-people.png"),
        ("/agent/akun", "signin-phone-account.png"),
    ):
        phone.goto(url + path)
        keep(phone, into / picture)
    page.context.close()
    phone.context.close()


def main() -> int:
    """Take every picture; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the front door")
    parser.add_argument("--city", default="http://127.0.0.1:8090", help="Meja Kota")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent / "images")
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        for address in (f"{given.url}/readyz", f"{given.city}/healthz"):
            if httpx.get(address, trust_env=False).is_error:
                raise Trouble(f"{address} is not ready: `lawang doctor` says why")
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
            on_the_phone(browser, given.url, given.city, given.into)
            a_whole_complaint(browser, given.url, given.city, given.into)
            at_the_laptop(browser, given.url, given.city, given.into)
            at_the_desk(browser, given.url, given.into)
            for_supervisors(browser, given.url, given.into)
            browser.close()
    except httpx.HTTPError as error:
        sys.stderr.write(f"screenshots: nothing answers ({error}): start it with `make run`\n")
        return 1
    except (Trouble, BrowserError) as error:
        sys.stderr.write(f"screenshots: {str(error).strip()}\n")
        return 1
    sys.stdout.write(f"done in {time.monotonic() - started:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
