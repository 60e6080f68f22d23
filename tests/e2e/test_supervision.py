"""The pages of supervisors and admins in a real browser: everybody can use them, on a phone too."""

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, Stage
from tests.e2e.desk import agents
from tests.e2e.test_access import violations

__all__ = ["agents"]

PAGES = (
    "/agent/pimpinan",
    "/agent/kabar",
    "/agent/pengaturan",
    "/agent/pengaturan/pengguna",
    "/agent/pengaturan/jejak",
)


def added(page: Page, stage: Stage, name: str) -> tuple[str, str]:
    """Add somebody; the account's name and the first password."""
    username = f"uji.{uuid.uuid4().hex[:8]}"
    page.goto(f"{stage.url}/agent/pengaturan/pengguna")
    page.get_by_text("Tambah pengguna").click()
    page.get_by_label("Nama pengguna").fill(username)
    page.get_by_label("Nama lengkap").fill(name)
    page.get_by_role("button", name="Tambah", exact=True).click()
    expect(page.get_by_role("heading", name="bisa masuk")).to_be_visible()
    shown = page.locator(".handed code").all_inner_texts()
    assert shown[0] == username
    return username, shown[1]


@pytest.mark.parametrize(
    ("device", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone in the dark", "laptop"]
)
def test_axe_finds_nothing(stage: Stage, agents: Any, device: dict[str, Any], scheme: str) -> None:
    page = agents("dimas", **device, color_scheme=scheme, reduced_motion="reduce").page
    added(page, stage, "Sari Dewi")
    assert violations(page) == []
    for path in PAGES:
        page.goto(stage.url + path)
        for summary in page.locator("main summary").all():
            summary.click()
        assert violations(page) == [], path
    page.goto(f"{stage.url}/agent/pengaturan/pengguna")
    page.locator("tbody a", has_text="Sari Dewi").first.click()
    expect(page.get_by_role("heading", name="Sari Dewi")).to_be_visible()
    assert violations(page) == []


def test_nothing_is_cut_off_on_the_narrowest_phone(stage: Stage, agents: Any) -> None:
    page = agents("dimas", viewport={"width": 320, "height": 640}).page
    added(page, stage, "Nama Yang Sangat Panjang Sekali Sampai Tidak Muat Dalam Satu Baris Ponsel")
    for path in (*PAGES, "/agent/akun"):
        page.goto(stage.url + path)
        for summary in page.locator("main summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_somebody_new_comes_in_and_is_shown_out(stage: Stage, agents: Any, visitors: Any) -> None:
    admin = agents("dimas").page
    username, first = added(admin, stage, "Tono Baru")
    new = visitors(stage.url, "/agent", **PHONE).page
    new.locator("[name=nama]").fill(username)
    new.locator("[name=sandi]").fill(first)
    new.keyboard.press("Enter")
    new.wait_for_url(re.compile("/agent/sandi-baru"))
    assert violations(new) == []
    new.locator("[name=baru]").fill("sarapan soto di alun-alun")
    new.keyboard.press("Enter")
    new.wait_for_url("**/agent/kotak/baru")
    admin.goto(f"{stage.url}/agent/pengaturan/pengguna")
    admin.locator("tbody tr", has_text=username).locator("a").click()
    admin.get_by_role("button", name="Tutup akun").click()
    expect(admin.get_by_text("ditutup")).to_be_visible()
    new.goto(f"{stage.url}/agent/akun")
    expect(new.get_by_role("heading", name="Masuk")).to_be_visible()
    admin.get_by_role("link", name="Lihat jejaknya").click()
    expect(admin.locator("tbody")).to_contain_text("Mengganti kata sandi")


def test_what_is_typed_runs_nowhere(stage: Stage, agents: Any) -> None:
    # `agents` fails the test when a page logs an error, raises, or opens a dialog.
    page = agents("dimas").page
    added(page, stage, "<img src=x onerror=alert(1)>")
    for path in PAGES:
        page.goto(stage.url + path)
    page.goto(f"{stage.url}/agent/pengaturan/pengguna")
    expect(page.locator("tbody a", has_text="<img src=x onerror=alert(1)>").first).to_be_visible()
