"""Signing in as people do it: through the city's own sign-in, and with a telephone for the second step."""

import re
import time
from collections.abc import Iterator

import pyotp
import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect

from bot.users import users
from bot.web.access import secondstep
from tests.bot.web.access import city
from tests.e2e.conftest import PHONE, Stage
from tests.e2e.desk import enter
from tests.e2e.test_access import violations


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider of its own process."""
    with city.running() as address:
        yield address


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, issuer: str) -> Iterator[Stage]:
    """A stage whose city has a sign-in, and whose admins need a second step."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OIDC_ISSUER", issuer)
        environment.setenv("OIDC_CLIENT_ID", "lawang-uji")
        environment.setenv("OIDC_CLIENT_SECRET", "rahasia-uji")
        environment.setenv("LAWANG_SECOND_STEP", "admin")
        made = Stage(tmp_path_factory.mktemp("town"))
        made.start()
        environment.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{made.folder / 'stage.db'}")
        words = ["add", "sari", "--name", "Sari Dewi", "--oidc", "sari@kota"]
        answer = CliRunner().invoke(users, words)
        assert answer.exit_code == 0, answer.output
        yield made
        made.kill()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone that may go to the city and back."""
    context = browser.new_context(locale="id-ID", reduced_motion="reduce", **PHONE)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def test_the_city_sends_people_back_signed_in(town: Stage, page: Page, issuer: str) -> None:
    page.goto(f"{town.url}/agent/pengaturan")
    page.get_by_role("link", name="Masuk dengan akun kota").click()
    page.wait_for_url(f"{issuer}/**")
    page.locator("input[name=sub]").fill("sari@kota")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{town.url}/agent/**")
    page.goto(f"{town.url}/agent/akun")
    expect(page.get_by_text("Sari Dewi")).to_be_visible()


def test_whom_the_city_knows_and_we_do_not_is_told_what_to_do(town: Stage, page: Page, issuer: str) -> None:
    page.goto(f"{town.url}/agent/masuk")
    page.get_by_role("link", name="Masuk dengan akun kota").click()
    page.wait_for_url(f"{issuer}/**")
    page.locator("input[name=sub]").fill("siapa@kota")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Minta admin menambahkannya")
    assert violations(page) == []


def test_an_admin_sets_the_second_step_up_on_the_way_in(town: Stage, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{town.url}/agent")
    enter(page, "dimas", to=re.compile("/agent/dua-langkah"))
    expect(page.get_by_role("img", name="Kode QR")).to_be_visible()
    assert violations(page) == []
    secret = page.locator("code").inner_text()
    # The code of the step before, so that the one of now is still to be used.
    page.locator("[name=kode]").fill(pyotp.TOTP(secret).at(int(time.time()) - secondstep.STEP_SECONDS))
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(secondstep.RECOVERY_CODES)
    recovery = page.locator(".codes li").first.inner_text()
    assert violations(page) == []
    page.get_by_role("link", name="Sudah saya simpan").click()
    page.wait_for_url("**/agent/kotak/baru")
    page.goto(f"{town.url}/agent/akun")
    page.get_by_role("button", name="Keluar", exact=True).click()
    enter(page, "dimas", to=re.compile("/agent/kode"))
    assert violations(page) == []
    page.locator("[name=kode]").fill(recovery)
    page.keyboard.press("Enter")
    page.wait_for_url("**/agent/kotak/baru")
    assert [at for at in asked if not at.startswith((town.url, "data:", "blob:"))] == []
