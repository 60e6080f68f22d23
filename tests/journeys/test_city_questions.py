"""What a city's system asks about a topic, asked in chat and sent along."""

import httpx
import pytest

from tests.journeys.talking import journey, number
from tests.system.running import System

pytestmark = pytest.mark.system


async def test_a_report_about_wifi_answers_what_the_desk_asks(system: System) -> None:
    async with journey(system) as talk:
        asked = await talk.say("wifi gratis di alun-alun kelurahan Kauman kota mati sejak kemarin")
        assert "Titik wifi yang mana?" in asked
        assert talk.titles[-1] == "Pilihan lain"
        await talk.press("Pilihan lain")
        assert "Sekolah" in talk.titles
        asked = await talk.say("alun-alun")
        assert "Gangguannya apa?" in asked
        asked = await talk.press("Lambat")
        assert "Sejauh ini: Lambat" in asked
        await talk.press("Sering putus")
        card = await talk.press("Cukup")
        assert "*Titik wifi yang mana*: Alun-alun" in card
        assert "*Gangguannya apa*: Lambat, Sering putus" in card
        await talk.press("Ubah")
        await talk.press("Pertanyaan dinas")
        await talk.say("perpustakaan")
        await talk.say("tidak ada sinyal")
        card = await talk.say("cukup")
        assert "Perpustakaan" in card
        filed = await talk.press("Kirim")
        case = httpx.get(f"{system.city}/open311/v2/requests/{number(filed)}.json", trust_env=False).json()[0]
        assert case["service_code"] == "wifi"
