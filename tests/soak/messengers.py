"""The two channels as their peers are under load: where they are called, and how they call us."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from tests.channels.botapi import TOKEN
from tests.channels.whatsapp import graphapi
from tests.soak.peer import CloudPeer, Peer

SECRET = "rahasia-soak"
EVERY_SECONDS = 0.1
TOLD_AGAIN = 0.1

Letter = tuple[str, bytes, dict[str, str]]
"""A webhook call: path, body, headers."""


class Messenger(Protocol):
    """One channel."""

    name: str

    def settings(self, url: str) -> dict[str, str]:
        """The settings of a door whose channel is at `url`."""
        ...

    def peer(self, faults: float = 0.0, *, limits: bool = False, seed: int = 1) -> Peer:
        """Who takes what we send."""
        ...

    def letter(self, number: int, citizen: int, text: str) -> Letter:
        """What a citizen writes, as the channel brings it."""
        ...

    def key(self, citizen: int) -> int:
        """Under what the peer keeps what the citizen got."""
        ...


class Telegram:
    """The Bot API."""

    name = "Telegram"

    def settings(self, url: str) -> dict[str, str]:
        """A bot with a webhook."""
        return {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_MODE": "webhook",
            "TELEGRAM_WEBHOOK_SECRET": SECRET,
            "TELEGRAM_API_URL": url,
        }

    def peer(self, faults: float = 0.0, *, limits: bool = False, seed: int = 1) -> Peer:
        """Telegram: 30 a second to all."""
        return Peer(faults, limits, seed)

    def letter(self, number: int, citizen: int, text: str) -> Letter:
        """One update."""
        person = {"id": citizen, "is_bot": False, "first_name": "Warga"}
        message = {
            "message_id": number,
            "date": int(time.time()),
            "chat": {"id": citizen, "type": "private", "first_name": "Warga"},
            "from": person,
            "text": text,
        }
        body = json.dumps({"update_id": 700_000_000 + number, "message": message}).encode()
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
        return "/channels/telegram", body, headers

    def key(self, citizen: int) -> int:
        """The chat."""
        return citizen


class WhatsApp:
    """The Cloud API: it also reports what became of every message."""

    name = "WhatsApp"

    def settings(self, url: str) -> dict[str, str]:
        """A business number."""
        return {
            "WHATSAPP_TOKEN": graphapi.TOKEN,
            "WHATSAPP_PHONE_NUMBER_ID": graphapi.NUMBER,
            "WHATSAPP_APP_SECRET": graphapi.SECRET,
            "WHATSAPP_VERIFY_TOKEN": graphapi.VERIFY,
            "WHATSAPP_API_URL": url,
            "TELEGRAM_BOT_TOKEN": "",
        }

    def peer(self, faults: float = 0.0, *, limits: bool = False, seed: int = 1) -> Peer:
        """Meta: 80 a second to all."""
        return CloudPeer(faults, limits, seed)

    def letter(self, number: int, citizen: int, text: str) -> Letter:
        """One body with one message, signed."""
        person = graphapi.Person(user_id=f"ID.{10**17 + citizen}", phone=_phone(citizen), name="Warga")
        said = {
            "from": person.phone,
            "from_user_id": person.user_id,
            "id": f"wamid.in.{number}",
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": text},
        }
        return _signed(graphapi.letter(person, said))

    def key(self, citizen: int) -> int:
        """The phone number."""
        return int(_phone(citizen))


async def report(
    peer: CloudPeer, post: Callable[[Letter], Awaitable[None]], chance: random.Random, stop: asyncio.Event
) -> None:
    """Tell what became of the messages, in no order, one in ten told again, until `stop` and all is told."""
    while not stop.is_set() or peer.reports:
        told, peer.reports = peer.reports, []
        if told:
            told += chance.sample(told, int(len(told) * TOLD_AGAIN))
            chance.shuffle(told)
            await post(_signed(graphapi.report(*told)))
        await asyncio.sleep(EVERY_SECONDS)


def _phone(citizen: int) -> str:
    return f"62812{citizen:08d}"


def _signed(payload: dict[str, object]) -> Letter:
    body = json.dumps(payload).encode()
    headers = {"X-Hub-Signature-256": graphapi.signed(body), "Content-Type": "application/json"}
    return "/channels/whatsapp", body, headers


CHANNELS: dict[str, Messenger] = {"telegram": Telegram(), "whatsapp": WhatsApp()}
