"""Talking in the browser: text, choices, photos, places, long texts, and what is no text at all."""

import io
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import Stage, Visit

NASTY = (
    "<img src=x onerror=alert(1)><script>alert(2)</script> javascript:alert(3) "
    "https://contoh.go.id/?q=<b>tebal</b> {{7*7}} &lt;i&gt;"
)


def picture(width: int = 2400, height: int = 1600) -> dict[str, Any]:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "JPEG")
    return {"name": "lampu.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def test_a_message_is_answered_and_ticked(visit: Visit) -> None:
    visit.say("tirukan selamat pagi")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: selamat pagi")).to_be_visible()
    expect(visit.page.locator(".own .tick.handled")).to_have_count(1)
    expect(visit.page.locator("#typing")).to_be_hidden()
    expect(visit.page.locator(".day")).to_have_count(1)
    assert visit.own() == ["tirukan selamat pagi"]


def test_typing_is_shown_while_an_answer_is_made(visit: Visit) -> None:
    visit.say("tirukan pelan")
    expect(visit.page.locator("#typing")).to_be_visible()
    expect(visit.page.get_by_text("Bapak/Ibu menulis: pelan")).to_be_visible()
    expect(visit.page.locator("#typing")).to_be_hidden()


def test_a_starter_begins_the_talk(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Lapor lampu jalan mati").click()
    expect(visit.page.get_by_text("Di mana letaknya?")).to_be_visible()
    expect(visit.page.locator("#starters")).to_be_hidden()


def test_a_choice_is_pressed_once_and_stays_pressed(visit: Visit) -> None:
    visit.say("halo")
    choice = visit.page.locator(".choices").get_by_role("button", name="Lapor masalah")
    choice.click()
    expect(choice).to_be_disabled()
    expect(visit.page.locator(".choices").get_by_role("button", name="Cari layanan")).to_be_disabled()
    expect(visit.page.get_by_text("Baik, sudah kami catat.")).to_be_visible()
    assert visit.own() == ["halo", "Lapor masalah"]
    visit.page.reload()
    expect(visit.page.get_by_text("Baik, sudah kami catat.")).to_be_visible()
    expect(visit.page.locator(".choices .chosen")).to_have_count(1)
    expect(visit.page.locator(".choices button:enabled")).to_have_count(0)
    assert visit.own() == ["halo", "Lapor masalah"]


def test_a_photo_is_previewed_shrunk_and_sent_with_its_caption(visit: Visit) -> None:
    visit.page.set_input_files("#photo-file", [picture(), picture(60, 40)])
    expect(visit.page.locator("#previews img")).to_have_count(2)
    visit.page.get_by_role("button", name="Batalkan foto ini").last.click()
    expect(visit.page.locator("#previews img")).to_have_count(1)
    visit.say("tiang nomor 12")
    expect(visit.page.locator("#previews")).to_be_hidden()
    expect(visit.page.get_by_text("Foto diterima.")).to_be_visible()
    image = visit.page.locator(".own .picture img")
    expect(image).to_have_js_property("naturalWidth", 1920)
    assert visit.own() == ["tiang nomor 12"]
    assert image.count() == 1


def test_a_file_that_is_no_photo_is_named_so(visit: Visit) -> None:
    wrong = {"name": "a.png", "mimeType": "image/png", "buffer": b"bukan gambar"}
    visit.page.set_input_files("#photo-file", [wrong])
    expect(visit.page.get_by_role("alert")).to_have_text("Berkas itu bukan foto yang bisa dibuka.")


def test_a_place_is_shared_when_asked_for(visit: Visit) -> None:
    visit.say("lampu mati")
    ask = visit.page.locator(".choices").get_by_role("button", name="Bagikan lokasi saya")
    ask.click()
    expect(visit.page.get_by_text("Lokasi diterima")).to_be_visible()
    expect(visit.page.locator(".own .place")).to_contain_text("-7.47220, 112.43380")
    expect(ask).to_be_disabled()


def test_a_refused_place_is_explained(visitors: Any, stage: Stage, device: dict[str, Any]) -> None:
    visit = visitors(stage.url, permissions=[], **device)
    visit.page.get_by_role("button", name="Lampirkan foto atau lokasi").click()
    visit.page.get_by_role("button", name="Bagikan lokasi saya").click()
    expect(visit.page.get_by_role("alert")).to_contain_text("Izin lokasi ditolak")


def test_markup_is_only_text_and_only_web_addresses_are_links(visit: Visit) -> None:
    visit.say(f"tirukan {NASTY}")
    expect(visit.page.locator(".message:not(.own)")).to_have_count(1)
    assert visit.own() == [f"tirukan {NASTY}"]
    # An asterisk of a citizen makes nothing bold: the front door hands back a look-alike.
    assert visit.city()[0].startswith("Bapak/Ibu menulis: " + NASTY.replace("*", "∗"))
    assert visit.page.locator("#messages").locator("script, img, b, i, strong").count() == 0
    links = visit.page.locator(".message:not(.own) .words a")
    assert [link.get_attribute("href") for link in links.all()] == ["https://contoh.go.id/?q="]
    assert links.first.get_attribute("rel") == "noopener noreferrer nofollow"


def test_the_citys_own_asterisks_are_bold(visit: Visit) -> None:
    visit.page.set_input_files("#photo-file", [picture(60, 40)])
    visit.page.click("#send")
    expect(visit.page.locator(".words strong").first).to_have_text("Jenis")


def test_long_texts_fold_and_unfold(visit: Visit) -> None:
    visit.say("panjang")
    more = visit.page.get_by_role("button", name="Selengkapnya")
    expect(more).to_have_attribute("aria-expanded", "false")
    more.click()
    expect(visit.page.get_by_role("button", name="Ringkas")).to_have_attribute("aria-expanded", "true")


def test_too_long_a_text_stays_in_the_box(visit: Visit) -> None:
    visit.say("a" * 5003)
    expect(visit.page.locator("#left")).to_contain_text("Kelebihan 3 karakter")
    assert visit.page.input_value("#text") == "a" * 5003
    assert visit.own() == []
    visit.say("b" * 5000)
    expect(visit.page.locator(".own .tick.handled")).to_have_count(1)


def test_a_refused_message_says_why_and_can_be_sent_again(visit: Visit) -> None:
    visit.breaks = True
    answer = {
        "status": 422,
        "content_type": "application/problem+json",
        "body": '{"detail": "Foto itu tidak ditemukan."}',
    }
    visit.page.route("**/chat/messages", lambda route: route.fulfill(**answer))
    visit.say("tirukan dua kali")
    expect(visit.page.locator(".trouble")).to_contain_text("Foto itu tidak ditemukan.")
    visit.page.unroute("**/chat/messages")
    visit.page.get_by_role("button", name="Kirim ulang").click()
    expect(visit.page.get_by_text("Bapak/Ibu menulis: dua kali")).to_be_visible()
    assert visit.own() == ["tirukan dua kali"]


def test_news_does_not_move_the_reader(visit: Visit, stage: Stage) -> None:
    for number in range(12):
        visit.say(f"tirukan baris {number}")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: baris 11")).to_be_visible()
    visit.page.evaluate("document.getElementById('log').scrollTop = 0")
    visit.page.wait_for_timeout(200)
    stage.push("Laporan Anda sedang dikerjakan.")
    pill = visit.page.get_by_role("button", name="1 pesan baru")
    expect(pill).to_be_visible()
    assert visit.page.evaluate("document.getElementById('log').scrollTop") == 0
    pill.click()
    expect(pill).to_be_hidden()
    expect(visit.page.get_by_text("Laporan Anda sedang dikerjakan.")).to_be_in_viewport()


def test_two_tabs_show_one_talk(visit: Visit) -> None:
    visit.say("tirukan satu")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: satu")).to_be_visible()
    second = visit.context.new_page()
    visit.watch(second)
    second.goto(visit.url)
    expect(second.get_by_text("Bapak/Ibu menulis: satu")).to_be_visible()
    second.fill("#text", "tirukan dua")
    second.press("#text", "Enter")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: dua")).to_be_visible()
    assert visit.own() == ["tirukan satu", "tirukan dua"]
    expect(second.locator(".own")).to_have_count(2)
