"""What agents do all day, in a real browser: drafts, the city's systems, failures, notes, the end."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from bot.conversations import outbound
from bot.door import Door
from bot.storage import access_tables, conversations, tables
from bot.vocabulary.messages import ChannelAddress, ChannelName, OutgoingMessage
from tests.e2e.conftest import Stage
from tests.e2e.desk import Citizen, agents, asked, browser_of, city, row, set_rule, take, within
from tests.e2e.test_access import violations

__all__ = ["agents", "city"]
expect.set_options(timeout=20_000)
DAY_AFTER_TOMORROW = date.today() + timedelta(days=2)


@pytest.fixture
def approving(stage: Stage) -> Iterator[None]:
    """A person looks first at whatever the bot says."""
    set_rule(stage, "approve", ["*"])
    yield
    set_rule(stage, "approve", [])


def drafted(stage: Stage) -> tuple[Citizen, str]:
    """A citizen whose answer waits for a look, and the words to know the draft by."""
    citizen, mark = Citizen(stage), f"jawaban {uuid.uuid4().hex[:8]}"
    citizen.say(f"tirukan {mark}")
    citizen.waits_for("sedang diperiksa petugas")
    return citizen, mark


def open_draft(page: Page, mark: str) -> None:
    """Find a draft in its list and open it."""
    page.locator("#tabs a", has_text="Persetujuan").click()
    row(page, mark).locator("a").click()
    expect(page.locator(".draft")).to_be_visible()


def test_a_draft_is_sent_as_it_is_edited_or_thrown_away(stage: Stage, agents: Any, approving: None) -> None:
    page = agents("rahayu").page
    citizen, mark = drafted(stage)
    expect(page.locator("#tabs a", has_text="Persetujuan").locator(".count")).to_be_visible()
    open_draft(page, mark)
    assert not any(mark in said for said in citizen.heard())
    bubble = page.locator(".draft").bounding_box()
    log = page.locator("#log").bounding_box()
    assert bubble is not None
    assert log is not None
    assert bubble["x"] + bubble["width"] <= log["x"] + log["width"]
    assert violations(page) == []
    page.locator("#log").focus()
    page.keyboard.press("y")
    citizen.waits_for(f"Bapak/Ibu menulis: {mark}")
    expect(page.locator(".draft")).to_have_count(0)

    citizen, mark = drafted(stage)
    open_draft(page, mark)
    page.locator("#log").focus()
    page.keyboard.press("w")
    page.locator(".draft textarea").fill(f"Lebih sopan, {mark}.")
    page.get_by_role("button", name="Setujui dan kirim").click()
    citizen.waits_for(f"Lebih sopan, {mark}.")
    assert not any("menulis" in said for said in citizen.heard())

    citizen, mark = drafted(stage)
    open_draft(page, mark)
    page.get_by_role("button", name="Buang").click()
    page.locator("#sure").get_by_role("button", name="Tidak").click()
    expect(page.locator(".draft")).to_be_visible()
    page.locator("#log").focus()
    page.keyboard.press("d")
    page.locator("#sure").get_by_role("button", name="Ya").click()
    expect(page.locator(".draft")).to_have_count(0)
    assert not any(mark in said for said in citizen.heard())


def test_what_is_being_edited_stays_while_the_citizen_goes_on(
    stage: Stage, agents: Any, approving: None
) -> None:
    page = agents("rahayu").page
    citizen, mark = drafted(stage)
    open_draft(page, mark)
    page.locator(".draft textarea").fill("setengah jadi")
    citizen.say("tirukan yang kedua")
    expect(page.locator(".draft")).to_have_count(2)
    expect(page.locator(".draft textarea").first).to_have_value("setengah jadi")
    expect(page.locator(".draft textarea").first).to_be_focused()


def test_a_held_draft_is_shown_to_who_takes_over_and_ends_with_the_talk(
    stage: Stage, agents: Any, approving: None
) -> None:
    page = agents("rahayu").page
    citizen, mark = drafted(stage)
    open_draft(page, mark)
    draft = page.locator(".draft form").get_attribute("action") or ""
    page.get_by_role("button", name="Ambil alih dari bot").click()
    expect(page.locator("#text")).to_be_focused()
    expect(page.locator(".draft textarea")).to_be_visible()
    bagus = browser_of(stage, "bagus")
    refused = bagus.post(draft, data={"percakapan": "", "teks": "dari orang lain"})
    assert (refused.status_code, "bukan milik Anda" in refused.text) == (409, True)
    page.fill("#text", "Saya sendiri yang menjawab.")
    page.press("#text", "Enter")
    citizen.waits_for("Saya sendiri yang menjawab.")
    page.locator("#m-close summary").click()
    page.locator("#m-close button.primary").click()
    citizen.waits_for("selesai")
    expect(page.locator(".draft")).to_have_count(0)
    assert mark not in bagus.get("/agent/kotak/persetujuan").text
    assert not any(mark in said for said in citizen.heard())


def served(stage: Stage, agents: Any, name: str = "rahayu") -> tuple[Page, Citizen]:
    """An agent's page with a citizen whom they have."""
    page: Page = agents(name).page
    citizen, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    take(page, mark)
    return page, citizen


def press(page: Page, key: str) -> None:
    """Press a key of the page, not of a field."""
    page.locator("#log").focus()
    page.keyboard.press(key)


def test_a_report_is_filed_added_to_looked_up_and_followed(stage: Stage, city: str, agents: Any) -> None:
    page, citizen = served(stage, agents)
    press(page, "i")
    form = page.locator("#file-case")
    form.locator("select").select_option("lampu_jalan")
    form.locator("#file-what").fill("Lampu mati di depan sekolah")
    form.locator("#file-where").fill("Jl. Majapahit, Kelurahan Mentikan")
    form.get_by_role("button", name="Kirim laporan").click()
    fact = page.locator(".fact", has_text="Mentikan")
    expect(fact).to_be_visible()
    citizen.waits_for("LWG-")
    number = (fact.locator("b").first.inner_text()).strip()
    fact.locator("summary").click()
    fact.locator("textarea").fill("Warga menambah: tiang nomor 7")
    fact.get_by_role("button", name="Kirim ke dinas").click()
    expect(page.locator("#toasts")).to_contain_text("Keterangan diteruskan")
    press(page, "s")
    expect(page.locator("#look-number")).not_to_be_focused()
    page.fill("#look-number", number)
    page.press("#look-number", "Enter")
    expect(page.locator("#looked-up")).to_contain_text("Diterima")
    page.locator("#looked-up").get_by_role("button", name="Kabari warga").click()
    expect(page.locator("#toasts")).to_contain_text("Warga dikabari")


def test_a_place_is_booked_moved_looked_up_and_given_back(stage: Stage, city: str, agents: Any) -> None:
    page, citizen = served(stage, agents)
    day = DAY_AFTER_TOMORROW
    while day.weekday() > 3:
        day += timedelta(days=1)
    press(page, "q")
    book = page.locator("#book")
    book.locator("select").select_option(index=1)
    book.locator("[type=date]").fill(day.isoformat())
    book.get_by_role("button", name="Lihat waktu").click()
    expect(page.locator("#places [name=nama]")).to_be_visible()
    page.locator("#places [name=nama]").fill("Siti Aminah")
    page.locator("#places").get_by_role("button", name="Pesan").click()
    fact = page.locator(".fact", has_text="terpesan")
    expect(fact).to_be_visible()
    before = fact.locator("p.small").first.inner_text()
    fact.locator("summary").click()
    fact.locator("[type=date]").fill(day.isoformat())
    fact.get_by_role("button", name="Lihat waktu").click()
    fact.locator("select").select_option(index=3)
    fact.get_by_role("button", name="Pindahkan").click()
    expect(fact.locator("p.small").first).not_to_have_text(before)
    number = fact.locator("b").first.inner_text().strip()
    press(page, "s")
    page.locator("#look-up select").select_option("antrean")
    page.fill("#look-number", number)
    page.press("#look-number", "Enter")
    expect(page.locator("#looked-up")).to_contain_text(f"{number} jadwal diubah")
    fact.get_by_role("button", name="Batalkan antrean").click()
    page.locator("#sure").get_by_role("button", name="Ya").click()
    expect(page.locator(".fact", has_text="dibatalkan").first).to_be_visible()
    assert len(citizen.heard()) >= 4


def failed_on_telegram(stage: Stage) -> tuple[str, Citizen]:
    """The conversation of a citizen who has the web chat too, with an answer that Telegram refused."""
    citizen = Citizen(stage)
    citizen.say("halo")
    citizen.waits_for("Selamat datang")

    async def act(door: Door) -> str:
        now = datetime.now(UTC)
        async with door.database.transaction() as conn:
            web = (
                await conn.execute(
                    sa.select(tables.conversations).order_by(tables.conversations.c.created_at)
                )
            ).all()[-1]
            address = ChannelAddress(ChannelName.TELEGRAM, uuid.uuid4().hex[:8], "Siti di Telegram")
            found = await conversations.find_or_create(conn, door.settings.tenant, address, now)
            await conn.execute(
                sa.update(tables.conversations)
                .where(tables.conversations.c.id == found.id)
                .values(citizen_id=web.citizen_id)
            )
            [message] = await outbound.queue(
                conn, door, found, [OutgoingMessage("Kabar yang tidak sampai")], uuid.uuid4().hex, now
            )
            await conn.execute(
                sa.update(tables.messages)
                .where(tables.messages.c.id == message)
                .values(status="failed", reason="FAILED_REFUSED", attempts=1)
            )
        return found.id

    return within(stage, act), citizen


def test_what_failed_goes_again_on_the_channel_the_agent_chooses(stage: Stage, agents: Any) -> None:
    page = agents("rahayu").page
    conversation, citizen = failed_on_telegram(stage)
    page.goto(f"{stage.url}/agent/kotak/aktif/{conversation}")
    expect(page.locator(".reason")).to_have_text("Ditolak oleh kanal.")
    press(page, "z")
    ways = page.locator(".ways button")
    expect(ways).to_have_text(["Kirim lewat Telegram", "Kirim lewat Web"])
    ways.last.click()
    citizen.waits_for("Kabar yang tidak sampai")
    expect(page.locator(".reason")).to_have_text("Dikirim lewat Web.")
    assert citizen.heard().count("Kabar yang tidak sampai") == 1

    conversation, citizen = failed_on_telegram(stage)
    page.goto(f"{stage.url}/agent/kotak/aktif/{conversation}")
    press(page, "z")
    page.locator(".ways button").first.click()
    expect(page.locator(".message").last.locator(".tick")).to_have_text("✓ terkirim")
    assert "Kabar yang tidak sampai" not in citizen.heard()


def test_a_colleague_called_in_a_note_hears_it_at_once(stage: Stage, agents: Any) -> None:
    bagus = agents("bagus").page
    page, _ = served(stage, agents)
    page.fill("#note", "@Bagus mohon dilanjutkan bila saya istirahat")
    page.locator("#note-form button").click()
    expect(bagus.locator("#toasts")).to_contain_text("Rahayu Lestari menyebut Anda dalam catatan")


def test_labels_languages_and_channels_narrow_a_list(stage: Stage, agents: Any) -> None:
    page = agents("rahayu").page
    (_, first), (_, second) = asked(stage), asked(stage)
    expect(row(page, second)).to_be_visible()
    row(page, first).locator("a").click()
    label = f"label {uuid.uuid4().hex[:6]}"
    page.locator("#log").focus()
    page.keyboard.press("l")
    page.keyboard.type(label)
    page.keyboard.press("Enter")
    expect(row(page, first)).to_contain_text(label)
    page.locator("#log").focus()
    page.keyboard.press("f")
    page.locator("#filters [name=label]").fill(label)
    page.locator("#filters").get_by_role("button", name="Terapkan").click()
    expect(row(page, first)).to_be_visible()
    expect(row(page, second)).to_have_count(0)
    # New events keep the filter.
    _, third = asked(stage)
    page.wait_for_timeout(1500)
    expect(row(page, third)).to_have_count(0)
    page.goto(f"{stage.url}/agent/kotak/baru?saluran=whatsapp")
    expect(page.locator("#rows")).to_contain_text("Tidak ada yang menunggu")
    page.goto(f"{stage.url}/agent/kotak/baru?bahasa=en&urgensi=crisis")
    expect(page.locator("#rows")).to_contain_text("Tidak ada yang menunggu")
    assert page.locator(".filters .count").inner_text() == "2"


def test_a_search_goes_on_to_what_is_older(stage: Stage, agents: Any) -> None:
    word = f"kata{uuid.uuid4().hex[:8]}"

    async def act(door: Door) -> None:
        now = datetime.now(UTC)
        address = ChannelAddress(ChannelName.WEBCHAT, uuid.uuid4().hex, "Warga Lama")
        async with door.database.transaction() as conn:
            found = await conversations.find_or_create(conn, door.settings.tenant, address, now)
            bubbles = [OutgoingMessage(f"{'panjang ' * 40}{word} nomor {number}") for number in range(45)]
            await outbound.queue(conn, door, found, bubbles, uuid.uuid4().hex, now)

    within(stage, act)
    page = agents("rahayu").page
    page.keyboard.press("/")
    page.keyboard.type(word)
    expect(page.locator("#rows .row")).to_have_count(40)
    # What was sought is in sight, however late in a message it stands.
    expect(page.locator("#rows .last").first).to_contain_text(f"{word} nomor 44")
    page.get_by_role("button", name="Tampilkan yang lebih lama").click()
    expect(page.locator("#rows .row")).to_have_count(45)
    expect(page.get_by_role("button", name="Tampilkan yang lebih lama")).to_have_count(0)
    page.locator("#rows .row a").last.click()
    expect(page.locator("#head")).to_contain_text("Warga Lama")


LISTEN = """() => {
  window.rung = 0;
  window.told = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) { window.rung += 1; return start.apply(this, when); };
  window.Notification = class { static permission = 'granted';
    constructor(text, options) { window.told.push([text, options.requireInteraction]); }
    addEventListener() {} };
}"""


def test_an_emergency_stands_on_top_rings_and_stays_until_it_is_opened(stage: Stage, agents: Any) -> None:
    visit = agents("rahayu", permissions=["notifications"])
    page = visit.page
    _, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    page.evaluate(LISTEN)
    page.locator(".brand small").click(trial=True)
    page.mouse.click(640, 500)
    citizen = Citizen(stage)
    citizen.say("tolong ada kebakaran rumah di jalan majapahit")
    expect(page.locator("#rows .row").first).to_contain_text("Darurat")
    expect(page.locator("#rows .row").first).to_contain_text("kebakaran rumah")
    expect(page.locator("#alarms a")).to_contain_text("DARURAT")
    expect(page).to_have_title(re.compile("Meja petugas"))
    assert page.evaluate("window.rung") >= 5
    assert any(stays for _, stays in page.evaluate("window.told"))
    assert "112" in " ".join(citizen.heard())
    page.keyboard.press("!")
    expect(page.locator("#head .alarm")).to_have_text("Darurat")
    page.wait_for_load_state("load")
    page.keyboard.press("c")
    expect(page.locator("#text")).to_be_focused()
    page.locator("#m-close summary").click()
    page.locator("#m-close button.primary").click()
    expect(page.locator("#head")).to_contain_text("dilayani bot")


def test_every_deed_has_a_key_and_the_help_names_it(stage: Stage, agents: Any) -> None:
    page, citizen = served(stage, agents)
    citizen.say("NIK saya 3576011234567890")
    expect(page.locator(".words", has_text="NIK saya")).to_be_visible()
    for key, opened in (("t", "#m-forward"), ("b", "#m-bot"), ("e", "#m-close"), ("f", ".filters")):
        press(page, key)
        expect(page.locator(opened)).to_have_attribute("open", "")
        page.keyboard.press("Escape")
    for key, opened in (("i", "#file-case"), ("s", "#look-up"), ("q", "#book")):
        press(page, key)
        expect(page.locator(opened)).to_have_attribute("open", "")
    for key, focused in (("n", "#note"), ("l", "#new-label"), ("r", "#text"), ("/", "#q"), ("p", "#state")):
        press(page, key)
        expect(page.locator(focused)).to_be_focused()
    press(page, "m")
    expect(page.locator(".teach[open]")).to_have_count(1)
    press(page, "h")
    expect(page.locator(".revealed")).to_contain_text("3576011234567890")
    pressed = page.locator("#bell").get_attribute("aria-pressed")
    press(page, "v")
    expect(page.locator("#bell")).not_to_have_attribute("aria-pressed", str(pressed))
    press(page, "x")
    expect(page.locator("#head")).to_contain_text("menunggu petugas")
    press(page, "c")
    expect(page.locator("#text")).to_be_focused()
    press(page, "g")
    page.keyboard.press("3")
    page.wait_for_url("**/kotak/aktif")
    page.keyboard.press("?")
    named = {key for line in page.locator("#help dt").all_inner_texts() for key in line.lower().split()}
    used = {
        key.split()[0]
        for key in page.locator("[data-key]").evaluate_all("all => all.map(o => o.dataset.key)")
    }
    assert used <= named


def test_presence_with_its_reason_is_seen_by_colleagues(stage: Stage, agents: Any) -> None:
    bagus = agents("bagus").page
    bagus.select_option("#state", "away:salat")
    page, _ = served(stage, agents)
    page.locator("#m-forward summary").click()
    expect(page.locator("#m-forward option", has_text="Bagus Prakoso (jeda)")).to_have_count(1)
    bagus.reload()
    expect(bagus.locator("#state")).to_have_value("away:salat")
    expect(bagus.locator("#lamp")).to_have_class("lamp away")
    bagus.select_option("#state", "available")
    expect(bagus.locator("#lamp")).to_have_class("lamp available")


def test_who_looks_behind_the_mask_is_written_down(stage: Stage, agents: Any) -> None:
    page, citizen = served(stage, agents)
    citizen.say("NIK saya 3576011234567890")
    expect(page.locator(".words", has_text="NIK saya")).to_be_visible()
    conversation = page.locator("#case").get_attribute("data-conversation")

    async def trail(door: Door) -> list[str]:
        query = sa.select(access_tables.audit.c.act).where(
            access_tables.audit.c.conversation_id == conversation
        )
        async with door.database.reading() as conn:
            return [str(one) for one in (await conn.execute(query)).scalars()]

    assert "text_revealed" not in within(stage, trail)
    page.get_by_role("button", name="Lihat yang disamarkan").click()
    expect(page.locator(".revealed")).to_be_visible()
    assert within(stage, trail).count("text_revealed") == 1


def test_saying_what_it_meant_is_one_click(stage: Stage, agents: Any) -> None:
    page, _ = served(stage, agents)
    page.get_by_role("button", name="Ini maksudnya Ambil antrean").first.click()
    expect(page.locator(".taught")).to_have_text("Usulan: Ambil antrean")


def test_a_talk_ends_with_its_outcome_a_last_word_and_a_rating(stage: Stage, agents: Any) -> None:
    page, citizen = served(stage, agents)
    page.fill("#text", "Sudah kami bantu.")
    page.press("#text", "Enter")
    citizen.waits_for("Sudah kami bantu.")
    press(page, "e")
    page.locator("#m-close").get_by_label("Diarahkan ke instansi lain").check()
    page.locator("#m-close textarea").fill("Silakan ke Polsek Magersari.")
    page.locator("#m-close button.primary").click()
    citizen.waits_for("Silakan ke Polsek Magersari.")
    citizen.press("5 ")
    expect(page.locator("#card")).to_contain_text("Diarahkan ke instansi lain · ★★★★★")


def test_what_is_chosen_in_a_dialog_stays_while_the_citizen_goes_on(stage: Stage, agents: Any) -> None:
    page, citizen = served(stage, agents)
    press(page, "e")
    dialog = page.locator("#m-close")
    dialog.locator("[name=hasil]").nth(1).check()
    dialog.locator("[name=nilai]").uncheck()
    dialog.locator("textarea").fill("Semoga lekas beres.")
    dialog.locator("button.primary").focus()
    page.evaluate("document.querySelector('#head .actions').dataset.old = 'yes'")
    citizen.say("tirukan satu lagi")
    expect(page.locator("#log")).to_contain_text("tirukan satu lagi")
    expect(page.locator("#head .actions[data-old]")).to_have_count(0)
    expect(dialog.locator("textarea")).to_have_value("Semoga lekas beres.")
    expect(dialog.locator("[name=hasil]").nth(1)).to_be_checked()
    expect(dialog.locator("[name=nilai]")).not_to_be_checked()


def test_a_talk_is_forwarded_and_given_back_to_the_bot_with_a_word(stage: Stage, agents: Any) -> None:
    set_rule(stage, "skills", ["adminduk"])
    bagus = agents("bagus").page
    bagus.select_option("#state", "available")
    page, citizen = served(stage, agents)
    conversation = page.locator("#case").get_attribute("data-conversation")
    press(page, "t")
    page.locator("#m-forward select").select_option(label="Bagus Prakoso (siap)")
    page.locator("#m-forward textarea").fill("Tinggal menunggu jawaban dinas")
    page.locator("#m-forward button.primary").click()
    expect(page.locator("#head")).to_contain_text("ditangani Bagus Prakoso")
    bagus.goto(f"{stage.url}/agent/kotak/milik-saya/{conversation}")
    expect(bagus.locator(".note")).to_contain_text("Tinggal menunggu jawaban dinas")
    press(bagus, "t")
    bagus.locator("#m-forward select").select_option("skill:adminduk")
    bagus.locator("#m-forward button.primary").click()
    expect(bagus.locator("#head")).to_contain_text("menunggu petugas")
    press(bagus, "c")
    expect(bagus.locator("#text")).to_be_focused()
    press(bagus, "b")
    bagus.locator("#m-bot textarea").fill("Silakan lanjutkan dengan bot kami.")
    bagus.locator("#m-bot button.primary").click()
    citizen.waits_for("Silakan lanjutkan dengan bot kami.")
    citizen.say("tirukan bot lagi")
    citizen.waits_for("Bapak/Ibu menulis: bot lagi")
