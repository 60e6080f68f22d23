"""A supervisor tells those who asked: on a phone, by keyboard, with nothing for axe to find."""

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import DESKTOP, PHONE, Stage
from tests.e2e.desk import Citizen, agents, browser_of
from tests.e2e.test_access import violations

__all__ = ["agents"]


@pytest.mark.parametrize(
    ("device", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone in the dark", "laptop"]
)
def test_a_notice_is_counted_confirmed_and_arrives(
    stage: Stage, agents: Any, device: dict[str, Any], scheme: str
) -> None:
    citizen = Citizen(stage)
    citizen.say("kabari kalau jalan ditutup")
    page = agents("wulan", **device, color_scheme=scheme, reduced_motion="reduce").page
    expect_heard(page, citizen, "penutupan jalan")
    page.goto(f"{stage.url}/agent/kabar")
    assert violations(page) == []
    mark = uuid.uuid4().hex[:8]
    page.get_by_label("Topik").select_option(label="penutupan jalan")
    page.get_by_label("Isi kabar").fill(f"Jalan Majapahit ditutup {mark}.")
    page.get_by_role("button", name="Periksa penerima").click()
    counted = page.get_by_role("heading", name=re.compile("orang akan menerima"))
    expect(counted).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("untuk mengiyakan").fill(counted.inner_text().split()[0])
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Jalan Majapahit ditutup {mark}.")).to_be_visible()
    assert violations(page) == []
    expect_heard(page, citizen, mark)
    for _ in range(50):
        page.reload()
        if "selesai" in page.locator("section", has_text=mark).inner_text():
            return
        page.wait_for_timeout(100)
    raise AssertionError(page.locator("section", has_text=mark).inner_text())


def expect_heard(page: Any, citizen: Citizen, words: str) -> None:
    for _ in range(100):
        if any(words in text for text in citizen.heard()):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{words} not in {citizen.heard()}")


def test_agents_have_no_such_page(stage: Stage) -> None:
    assert browser_of(stage, "rahayu").get("/agent/kabar").status_code == 403
