"""A whole complaint over WhatsApp: real Rasa, real processes, a stand-in Cloud API that others judge."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.channels.botapi import serving
from tests.channels.whatsapp import graphapi
from tests.channels.whatsapp.graphapi import GraphApi, Person, choices, letter
from tests.system.running import System

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

BUDI = Person()
PIN = {"latitude": -7.4655, "longitude": 112.4402}


class Phone:
    """Budi's telephone."""

    def __init__(self, api: GraphApi, system: System, client: httpx.AsyncClient) -> None:
        self.api, self.system, self.client = api, system, client

    async def send(self, message: dict[str, Any]) -> str:
        """Send something; what came back, as one text."""
        before = len(self.api.calls)
        assert await self.api.post(letter(BUDI, message), self.client) == 200
        return await self.heard(before)

    async def say(self, text: str) -> str:
        return await self.send(self.api.text(BUDI, text))

    async def press(self, title: str) -> str:
        offered = choices(self.api.calls[-1])
        return await self.send(self.api.press(BUDI, offered[title], title))

    async def heard(self, before: int, pattern: str = "") -> str:
        """Wait for messages after the first `before`; for one like `pattern`, if given."""
        async with asyncio.timeout(30):
            while True:
                said = "\n".join(self.api.texts(BUDI)[before:])
                if said and re.search(pattern, said):
                    return said
                await asyncio.sleep(0.05)

    async def told(self, reference: str, status: str, pattern: str) -> str:
        """A clerk moves the case; the news that comes by itself."""
        before = len(self.api.calls)
        answer = await self.client.post(
            f"{self.system.city}/meja/laporan/{reference}/status", json={"status": status}
        )
        answer.raise_for_status()
        return await self.heard(before, pattern)


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Phone]:
    api = GraphApi()
    async with serving(api.app()) as api.url:
        system = System(
            tmp_path,
            WHATSAPP_TOKEN=graphapi.TOKEN,
            WHATSAPP_PHONE_NUMBER_ID=graphapi.NUMBER,
            WHATSAPP_APP_SECRET=graphapi.SECRET,
            WHATSAPP_VERIFY_TOKEN=graphapi.VERIFY,
            WHATSAPP_API_URL=f"{api.url}/v23.0",
        )
        await asyncio.to_thread(system.start)
        try:
            async with httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=30) as client:
                yield Phone(api, system, client)
        finally:
            await asyncio.to_thread(system.stop)
    assert api.problems == []
    for payload in api.sent_webhooks:
        graphapi.judge_webhook(payload)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "gray").save(out, "JPEG")
    return out.getvalue()


async def test_a_complaint_from_the_first_word_to_sudah_beres(phone: Phone) -> None:
    api = phone.api
    asked = await phone.say("lampu jalan mati sudah seminggu, gelap sekali")
    assert "lokasi" in asked.lower()
    assert api.calls[-1]["interactive"]["type"] == "location_request_message"
    await phone.send(api.says(BUDI, "location", location=PIN))
    media = {"id": api.put(picture(), "image/jpeg"), "mime_type": "image/jpeg", "sha256": "x"}
    card = await phone.send(api.says(BUDI, "image", image=media))
    assert "1 foto" in card
    filed = await phone.press("Kirim")
    found = re.search(r"MJK-\d{4}-\d{6}", filed)
    assert found, filed
    assert re.search(r"paling lambat \*?\w+, \d+ \w+ 20\d\d", filed)
    await phone.told(found[0], "diproses", "sedang dikerjakan")
    await phone.told(found[0], "selesai", "Sudah beres")
    assert "Seberapa puas" in await phone.press("Sudah beres")
    case = await phone.client.get(f"{phone.system.city}/open311/v2/requests/{found[0]}.json")
    assert case.json()[0]["media_url"]
    # Each message costs: one for each thing said, and one for each piece of news.
    assert len(api.calls) == len(api.sent_webhooks) + 2
