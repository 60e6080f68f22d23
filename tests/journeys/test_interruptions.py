"""A form survives what people do in the middle of it."""

import asyncio
import uuid

import httpx
import pytest

from tests.journeys.talking import journey, number
from tests.system.running import System

pytestmark = pytest.mark.system

REPORT = "lampu jalan mati di depan SDN Wates RT 3 RW 1"


async def test_a_greeting_and_a_question_are_answered_aside_and_the_form_goes_on(system: System) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        for aside in ("selamat siang min", "makasih ya", "syarat bikin akta kelahiran apa?"):
            await talk.say(aside)
            assert "Kirim" in talk.titles, aside
        number(await talk.press("Kirim"))


async def test_a_field_is_mended_in_free_words(system: System) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        assert "RT 5" in await talk.say("bukan, RT 5 RW 1")
        number(await talk.press("Kirim"))


async def test_batal_ends_it_and_nothing_is_filed(system: System) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        await talk.say("batal")
        assert "Belum punya" in await talk.say("laporan saya")


async def test_a_change_of_mind_leads_to_the_other_wish(system: System) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        answer = await talk.say("eh gak jadi lapor, mau ambil antrean urus KTP hilang aja")
        assert "antre" in answer.lower()


async def test_a_photo_may_come_before_any_word(system: System, tmp_path) -> None:
    from PIL import Image

    path = tmp_path / "lampu.jpg"
    Image.new("RGB", (640, 480), "navy").save(path)
    async with journey(system) as talk:
        await talk.send({"photo": str(path)})
        assert talk.replies
        await talk.say(REPORT)
        card = "\n".join(reply["text"] for reply in talk.replies)
        assert "Kirim" in talk.titles, card
        reference = number(await talk.press("Kirim"))
    case = httpx.get(f"{system.city}/open311/v2/requests/{reference}.json", trust_env=False).json()[0]
    photo = httpx.get(case["media_url"].split(",")[0], trust_env=False)
    assert photo.status_code == 200
    assert photo.headers["content-type"] == "image/jpeg"


async def test_a_pin_in_another_country_is_not_filed(system: System) -> None:
    async with journey(system) as talk:
        await talk.say("mau lapor jalan berlubang")
        answer = await talk.send({"location": {"lat": 48.85, "lon": 2.35}})
        assert "Kirim" not in talk.titles, answer


async def test_buttons_typed_by_hand_count_as_pressed(system: System) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        await talk.say("lewati")
        number(await talk.say("kirim"))


async def test_the_send_button_pressed_twice_files_once(system: System) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        token = talk.talk.token_of("Kirim")
        answers = await asyncio.gather(
            *(
                talk.talk._post("/chat/messages", json={"client_id": str(uuid.uuid4()), "button": token})
                for _ in range(5)
            )
        )
        assert len({answer["id"] for answer in answers}) == 5
        await talk.settled(max(answer["id"] for answer in answers))
        listing = await talk.say("laporan saya")
        assert listing.count("MJK-") == 1


@pytest.mark.parametrize("fault", ["error500", "nonsense", "hang"])
async def test_a_city_that_fails_loses_no_report_and_files_it_once_it_is_back(
    system: System, fault: str
) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        plan = {"open311": {"mode": fault, "times": 3, "seconds": 20, "after": fault == "hang"}}
        assert httpx.post(f"{system.city}/_faults", json=plan, trust_env=False).status_code == 200
        answer = await talk.press("Kirim")
        httpx.post(f"{system.city}/_faults", json={}, trust_env=False)
        if "MJK-" not in answer:
            await talk.pushed("MJK-", 40)
        listing = await talk.say("laporan saya")
        assert listing.count("MJK-") == 1


async def test_the_second_of_two_wishes_is_offered_when_the_first_is_done(system: System) -> None:
    async with journey(system) as talk:
        answer = await talk.say(f"syarat KTP hilang apa aja, sekalian mau lapor {REPORT}")
        assert "KTP" in answer
        assert "Ya, yang tadi" in talk.titles
        await talk.press("Ya, yang tadi")
        assert "Kirim" in talk.titles
        number(await talk.press("Kirim"))


async def test_a_second_wish_waits_until_the_form_is_over(system: System) -> None:
    async with journey(system) as talk:
        await talk.say(f"lapor {REPORT}, sekalian tanya syarat KTP hilang")
        assert "Ya, yang tadi" not in talk.titles
        number(await talk.press("Kirim"))
        assert "Ya, yang tadi" in talk.titles
        assert "KTP" in await talk.press("Ya, yang tadi")
