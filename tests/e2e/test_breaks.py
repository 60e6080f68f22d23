"""Broken networks and servers: nothing a citizen wrote is lost, nothing is said twice."""

from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Stage


def test_a_killed_server_loses_and_doubles_nothing(
    visitors: Any, own_stage: Stage, device: dict[str, Any]
) -> None:
    visit = visitors(own_stage.url, **device)
    visit.breaks = True
    visit.say("tirukan sebelum")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: sebelum")).to_be_visible()
    visit.say("tirukan pelan")
    visit.page.wait_for_timeout(300)
    own_stage.kill()
    for word in ("satu", "dua", "tiga"):
        visit.say(f"tirukan {word}")
    expect(visit.page.locator("#link")).to_be_visible()
    expect(visit.page.locator(".own .tick.waiting")).to_have_count(3)
    own_stage.start()
    expect(visit.page.get_by_text("Bapak/Ibu menulis: tiga")).to_be_visible(timeout=60_000)
    expect(visit.page.locator("#link")).to_be_hidden()
    words = ["sebelum", "pelan", "satu", "dua", "tiga"]
    assert visit.own() == [f"tirukan {word}" for word in words]
    assert [line.split("\n")[0].removeprefix("Bapak/Ibu menulis: ") for line in visit.city()] == words
    visit.page.reload()
    expect(visit.page.locator(".own")).to_have_count(5)
    expect(visit.page.locator(".message:not(.own)")).to_have_count(5)


def test_what_was_said_meanwhile_arrives_after_a_gap(
    visitors: Any, stage: Stage, device: dict[str, Any]
) -> None:
    visit = visitors(stage.url, **device)
    visit.breaks = True
    visit.say("tirukan ada")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: ada")).to_be_visible()
    visit.context.set_offline(True)
    expect(visit.page.locator("#link")).to_contain_text("Tidak ada sambungan internet")
    visit.say("tirukan luring")
    stage.push("Kabar selama terputus.")
    visit.context.set_offline(False)
    expect(visit.page.get_by_text("Kabar selama terputus.")).to_have_count(1)
    expect(visit.page.get_by_text("Bapak/Ibu menulis: luring")).to_have_count(1)
    expect(visit.page.locator("#link")).to_be_hidden()


def test_an_unsent_message_and_photo_survive_a_reload(
    visitors: Any, stage: Stage, device: dict[str, Any]
) -> None:
    from tests.e2e.test_talking import picture

    visit = visitors(stage.url, **device)
    visit.breaks = True
    visit.page.route("**/chat/photos", lambda route: route.abort())
    visit.page.set_input_files("#photo-file", [picture(300, 200)])
    expect(visit.page.locator("#previews img")).to_have_count(1)
    visit.say("dengan foto")
    visit.say("tirukan sesudahnya")
    expect(visit.page.locator(".own .tick.waiting")).to_have_count(2)
    visit.page.fill("#text", "belum selesai")
    visit.page.unroute("**/chat/photos")
    visit.page.reload()
    expect(visit.page.get_by_text("Foto diterima.")).to_be_visible()
    expect(visit.page.get_by_text("Bapak/Ibu menulis: sesudahnya")).to_be_visible()
    assert visit.own() == ["dengan foto", "tirukan sesudahnya"]
    assert visit.page.input_value("#text") == "belum selesai"


def test_an_answer_lost_on_the_way_back_is_no_second_message(
    visitors: Any, stage: Stage, device: dict[str, Any]
) -> None:
    visit = visitors(stage.url, **device)
    visit.breaks = True
    lost = []

    def lose_first(route: Any) -> None:
        if not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    visit.page.route("**/chat/messages", lose_first)
    visit.say("tirukan sekali saja")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: sekali saja")).to_have_count(1)
    visit.page.wait_for_timeout(1500)
    assert lost == [202]
    assert visit.own() == ["tirukan sekali saja"]
    assert len(visit.city()) == 1


def test_a_session_the_city_forgot_begins_anew(visitors: Any, stage: Stage, device: dict[str, Any]) -> None:
    visit = visitors(stage.url, **device)
    visit.breaks = True
    visit.page.evaluate("localStorage.setItem('lawang.kota_mojokerto.pass', '\"a.kota_mojokerto.b\"')")
    visit.page.reload()
    visit.say("tirukan lagi")
    expect(visit.page.get_by_text("Bapak/Ibu menulis: lagi")).to_be_visible()
