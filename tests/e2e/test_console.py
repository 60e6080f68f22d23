"""The console in a real browser: nobody is answered twice, nothing is missed, everybody can use it."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import expect

from bot.conversations import outbound
from bot.door import Door
from bot.storage import botdrafts, cannedreplies, cases, conversations, handoffs, tables
from bot.vocabulary.agents import CannedReply
from bot.vocabulary.messages import Attachment, OutgoingMessage
from tests.e2e.conftest import DESKTOP, PHONE, Stage
from tests.e2e.desk import agents, asked, browser_of, enter, row, set_rule, take, within
from tests.e2e.test_access import violations
from tests.e2e.wire import Wire

__all__ = ["agents"]


def test_two_agents_see_one_chat_and_one_has_it(stage: Stage, agents: Any) -> None:
    rahayu, bagus = agents("rahayu").page, agents("bagus").page
    citizen, mark = asked(stage)
    expect(row(rahayu, mark)).to_be_visible()
    expect(row(bagus, mark)).to_be_visible()
    row(bagus, mark).locator("a").click()
    expect(bagus.locator("#head")).to_contain_text("menunggu petugas")
    take(rahayu, mark)
    expect(bagus.locator("#head")).to_contain_text("ditangani Rahayu Lestari")
    expect(row(bagus, mark)).to_have_count(0)
    rahayu.fill("#text", "Selamat pagi, ada yang bisa saya bantu?")
    rahayu.press("#text", "Enter")
    expect(rahayu.locator(".person .words").last).to_have_text("Selamat pagi, ada yang bisa saya bantu?")
    expect(bagus.locator(".person .words").last).to_have_text("Selamat pagi, ada yang bisa saya bantu?")
    citizen.say("Ya, KTP saya hilang")
    expect(rahayu.locator(".message:not(.own) .words").last).to_have_text("Ya, KTP saya hilang")


def test_of_fifty_who_reach_at_once_one_has_it(stage: Stage, agents: Any) -> None:
    page = agents("wulan").page
    _, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    handoff = row(page, mark).get_attribute("id").removeprefix("row-")
    colleagues = [browser_of(stage, name) for name in ("rahayu", "bagus", "wulan", "dimas")]
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(
                lambda number: colleagues[number % 4].post(f"/agent/tugas/{handoff}/ambil").status_code,
                range(50),
            )
        )
    winners = {number % 4 for number, status in enumerate(answers) if status == 200}
    assert len(winners) == 1
    assert set(answers) == {200, 409}


def test_nothing_is_missed_while_the_network_is_cut_for_half_a_minute(stage: Stage, visitors: Any) -> None:
    wire = Wire(stage.port)
    visit = visitors(wire.url, "/agent", **DESKTOP)
    page = visit.page
    enter(page, "rahayu")
    citizen, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    take(page, mark)
    # What the page still asks for after taking somebody is not what this test breaks.
    page.wait_for_timeout(1500)
    visit.breaks = True
    wire.cut()
    expect(page.locator("#lost")).to_be_visible()
    page.fill("#text", "ditulis saat terputus")
    page.press("#text", "Enter")
    expect(page.locator("#toasts")).to_contain_text("belum terkirim")
    others = []
    for number in range(3):
        citizen.say(f"pesan {number} saat petugas terputus")
        others.append(asked(stage)[1])
        page.wait_for_timeout(10_000)
    assert page.get_by_text("saat petugas terputus").count() == 0
    wire.mend()
    for number in range(3):
        words = f"pesan {number} saat petugas terputus"
        expect(page.locator(".message .words", has_text=words)).to_have_count(1)
        expect(row(page, others[number])).to_have_count(1)
    expect(page.locator("#lost")).to_be_hidden()
    # What was written meanwhile is still there, and goes once.
    expect(page.locator("#text")).to_have_value("ditulis saat terputus")
    page.press("#text", "Enter")
    citizen.waits_for("ditulis saat terputus")
    assert citizen.heard().count("ditulis saat terputus") == 1
    wire.cut()


def test_the_first_connect_is_tried_again(stage: Stage, visitors: Any, agents: Any) -> None:
    visit = agents("rahayu")
    visit.breaks = True
    visit.page.route("**/agent/peristiwa*", lambda route: route.abort(), times=2)
    visit.page.reload()
    _, mark = asked(stage)
    expect(row(visit.page, mark)).to_be_visible()


def test_a_tab_in_the_background_still_alerts(stage: Stage, agents: Any) -> None:
    visit = agents("rahayu", permissions=["notifications"])
    page = visit.page
    page.evaluate(
        """() => {
          window.told = [];
          window.Notification = class { static permission = 'granted';
            constructor(text) { window.told.push(text); } addEventListener() {} };
          Object.defineProperty(document, 'hidden', { get: () => true });
        }"""
    )
    _, mark = asked(stage)
    expect(row(page, mark)).to_have_count(1)
    page.wait_for_function("window.told.length > 0")
    assert "menunggu petugas" in page.evaluate("window.told[0]")
    assert re.match(r"\(\d+\) .*menunggu petugas", page.title())


# A machine that runs every other suite as well is slow at times.
expect.set_options(timeout=20_000)
XSS = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'>{{7*7}}"


def test_whatever_is_written_anywhere_is_only_text(stage: Stage, agents: Any) -> None:
    set_rule(stage, "skills", [XSS])
    set_rule(stage, "labels", [XSS])
    set_rule(stage, "away_reasons", [XSS[:64]])
    page = agents("rahayu").page
    _citizen, mark = asked(stage, XSS)
    expect(row(page, mark)).to_contain_text("<img src=x onerror=alert(1)>")
    take(page, mark)
    expect(page.locator(".message:not(.own) .words", has_text="<script>alert(2)")).to_be_visible()
    page.fill("#text", XSS)
    page.press("#text", "Enter")
    expect(page.locator(".person .words").last).to_contain_text("onerror=alert(1)")
    page.fill("#note", XSS)
    page.locator("#note-form button").click()
    expect(page.locator(".note")).to_contain_text("<script>")
    page.fill("#new-label", "<b onclick=alert(3)>x")
    page.press("#new-label", "Enter")
    expect(page.locator(".labels .label")).to_contain_text("<b onclick")
    page.set_input_files("#file", {"name": f"{XSS}.txt", "mimeType": "text/plain", "buffer": b"isi"})
    expect(page.locator("#files li")).to_contain_text("<img src=x")
    conversation = page.locator("#case").get_attribute("data-conversation")
    within(stage, partial(_write_everywhere, conversation))
    page.reload()
    expect(page.locator("#head h1")).to_have_text(XSS)
    expect(page.locator("#card")).to_contain_text(f"{XSS} tempat")
    expect(page.locator(".draft textarea")).to_have_value(XSS)
    expect(page.locator(".draft .from")).to_contain_text("<img")
    page.fill("#text", "/jebakan")
    expect(page.locator("#canned")).to_contain_text("<img src=x")
    page.press("#text", "Enter")
    expect(page.locator("#text")).to_have_value(XSS.replace("{{7*7}}", ""))
    page.locator("#m-forward summary").click()
    expect(page.locator("#m-forward select")).to_contain_text("<img src=x")
    page.locator("#m-close summary").click()
    page.locator("#m-close textarea").fill(XSS)
    page.locator("#m-close button.primary").click()
    expect(page.locator("#log")).to_contain_text(f"{XSS}")
    page.fill("#q", f"{mark} <img")
    expect(page.locator("#rows .last").first).to_contain_text(mark)
    page.goto(f"{stage.url}/agent/cari?q={XSS}")
    expect(page.locator("#q")).to_have_value(XSS)
    page.goto(f"{stage.url}/agent/kotak/riwayat?label={XSS}&bidang={XSS}")
    expect(page.locator("#filters [name=label]")).to_have_value(XSS[:64])
    assert page.locator("img[src=x], .bubble script, .note script, .label b").count() == 0
    for name, value in (("skills", []), ("labels", []), ("away_reasons", ["istirahat", "salat"])):
        set_rule(stage, name, value)


async def _write_everywhere(conversation: str, door: Door) -> None:
    """Put markup where no page of the console writes it: names, cases, places, drafts, kept replies."""
    now = datetime.now(UTC)
    tenant = door.settings.tenant
    kept = CannedReply(uuid.uuid4().hex, tenant, "jebakan", XSS, XSS.replace("{{7*7}}", ""))
    bubbles = [{"text": XSS, "buttons": [{"title": XSS}]}]
    draft = OutgoingMessage(f"{XSS} berkas", attachments=(Attachment("document", XSS, title=XSS),))
    async with door.database.transaction() as conn:
        named = tables.conversations.update().where(tables.conversations.c.id == conversation)
        await conn.execute(named.values(display_name=XSS))
        found = await conversations.get(conn, conversation)
        await cases.follow(
            conn,
            {
                "tenant": tenant,
                "conversation_id": conversation,
                "connector": "curhat_ning_ita",
                "reference": f"<b>{uuid.uuid4().hex[:8]}",
                "kind": "complaint",
                "topic": XSS[:64],
                "status": "received",
                "description": XSS,
                "place": f"{XSS} tempat",
            },
            now,
        )
        await botdrafts.hold(conn, uuid.uuid4().hex, tenant, conversation, XSS[:64], bubbles, now)
        taken = await handoffs.open_of(conn, conversation)
        assert taken is not None
        await cannedreplies.save(conn, kept, taken.agent_id or "", now)
        await outbound.queue(conn, door, found, [draft], uuid.uuid4().hex, now)


def test_a_masked_number_is_shown_only_on_request(stage: Stage, agents: Any) -> None:
    page = agents("rahayu").page
    citizen, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    take(page, mark)
    citizen.say("NIK saya 3576011234567890")
    expect(page.locator(".words", has_text="NIK saya")).to_be_visible()
    assert "3576011234567890" not in page.content()
    page.get_by_role("button", name="Lihat yang disamarkan").click()
    expect(page.locator(".revealed")).to_contain_text("3576011234567890")


def test_a_keyboard_alone_serves_a_citizen(stage: Stage, agents: Any) -> None:
    page = agents("rahayu").page
    citizen, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    rows = page.locator("#rows .row > a")
    for _ in range(rows.count()):
        page.keyboard.press("j")
        if mark in page.evaluate("document.activeElement.textContent"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#head")).to_contain_text("menunggu petugas")
    page.keyboard.press("c")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("Baik, kami bantu.")
    page.keyboard.press("Enter")
    expect(page.locator(".person .words").last).to_have_text("Baik, kami bantu.")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator("#note")).to_be_focused()
    page.keyboard.type("sudah dibantu")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".note")).to_contain_text("sudah dibantu")
    page.locator("#log").focus()
    page.keyboard.press("e")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#head")).to_contain_text("dilayani bot")
    assert any("selesai" in text for text in citizen.heard())


def test_what_it_meant_is_one_click(stage: Stage, agents: Any) -> None:
    page = agents("rahayu").page
    _, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    take(page, mark)
    page.locator(".teach summary").last.click()
    page.locator(".teach select").last.select_option("ask_requirements")
    expect(page.locator(".taught")).to_have_text("Usulan: Tanya syarat")


def test_the_same_reply_pressed_twice_is_sent_once(stage: Stage, agents: Any) -> None:
    page = agents("rahayu").page
    citizen, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    take(page, mark)
    page.fill("#text", "sekali saja")
    page.evaluate("() => { const b = document.getElementById('send'); b.click(); b.click(); }")
    expect(page.locator(".person .words")).to_have_text(["sekali saja"])
    assert citizen.heard().count("sekali saja") <= 1


@pytest.mark.parametrize(
    ("device", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone in the dark", "laptop"]
)
def test_axe_finds_nothing(stage: Stage, agents: Any, device: dict[str, Any], scheme: str) -> None:
    page = agents("rahayu", **device, color_scheme=scheme, reduced_motion="reduce").page
    _citizen, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    assert violations(page) == []
    take(page, mark)
    page.fill("#text", "Baik")
    page.press("#text", "Enter")
    expect(page.locator(".person .words")).to_have_text(["Baik"])
    page.wait_for_timeout(3300)
    assert violations(page) == []
    for path in ("/agent/akun", "/agent/kotak/riwayat", "/agent/kotak/persetujuan", f"/agent/cari?q={mark}"):
        page.goto(stage.url + path)
        assert violations(page) == []


def test_nothing_is_cut_off_on_the_narrowest_phone(stage: Stage, agents: Any) -> None:
    page = agents("bagus", viewport={"width": 320, "height": 640}).page
    _citizen, mark = asked(stage)
    expect(row(page, mark)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    take(page, mark)
    expect(page.locator("#send")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
