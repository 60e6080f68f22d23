"""A front door with a scripted engine in place of Rasa, for driving the web chat in a browser.

Run as `python -m tests.e2e.stage PORT FOLDER`. Everything but the engine is the real thing: API, inbox,
worker, outbox, SQLite. `POST /stage/push` makes the city speak first; typed words choose the replies.
"""

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request

from bot import settings as configuration
from bot import texts, worker
from bot.conversations import outbound
from bot.door import Door, open_door
from bot.storage import conversations, database, desksettings, messages
from bot.storage.tables import conversations as table
from bot.vocabulary.conversations import Reply, Say, Turn
from bot.vocabulary.messages import ChannelName, OutgoingMessage
from bot.web import agent, webchat
from bot.web.access import account, citypages, development, enrolment
from bot.web.access import pages as access_pages
from bot.web.supervision import broadcasts as broadcast_pages
from bot.web.supervision import figures, people, trail
from bot.web.supervision import settings as desk_settings
from tests.postman import Postman

REPLIES: dict[str, str] = {
    "stage.echo": "Bapak/Ibu menulis: {text}",
    "stage.plain": "Baik, sudah kami catat.",
    "stage.greeting": "Selamat datang di layanan percakapan {tenant_short_name}. Apa yang bisa kami bantu?",
    "stage.lamp": "Baik, laporan lampu jalan mati. Di mana letaknya? Bagikan lokasi atau tulis alamatnya.",
    "stage.located": "Lokasi diterima, di sekitar Jl. Majapahit, Kel. Mentikan. Ada fotonya?",
    "stage.pictured": (
        "Foto diterima. Kirim laporan ini?\n\n"
        "*Jenis*: Lampu jalan mati\n*Tempat*: Jl. Majapahit, Mentikan\n*Foto*: 1"
    ),
    "stage.filed": (
        "Laporan terkirim dengan nomor *CNI-2026-0412*.\n"
        "Target ditangani paling lambat *Selasa, 24 November 2026*.\n"
        "Kabar perkembangannya kami kirim di sini."
    ),
    "stage.card": (
        "KTP hilang, syarat penggantian KTP-el:\n"
        "• Surat keterangan hilang dari kepolisian\n"
        "• Fotokopi Kartu Keluarga\n"
        "Keterangan: https://dispendukcapil.mojokertokota.go.id"
    ),
    "stage.long": "\n".join(f"Baris keterangan nomor {number}." for number in range(1, 60)),
}
CHOICES = {
    "stage.greeting": [("Cari layanan", "/find_service"), ("Lapor masalah", "/report_complaint")],
    "stage.pictured": [("Kirim laporan", "/affirm"), ("Ubah", "/change"), ("Batal", "/cancel")],
    "stage.card": [("Lokasi Disdukcapil", "/ask_place"), ("Ambil antrean MPP", "/book_queue")],
}
WORDS = {
    "lampu": "stage.lamp",
    "ktp": "stage.card",
    "panjang": "stage.long",
    "halo": "stage.greeting",
    "/affirm": "stage.filed",
}
# What the engine says that it understood, whatever was written: sure of nothing.
UNDERSTOOD = {
    "intent": {"name": "ask_requirements", "confidence": 0.55},
    "alternatives": [{"name": "book_queue", "confidence": 0.3}, {"name": "check_status", "confidence": 0.1}],
    "service": {"id": "ktp_hilang", "confidence": 0.6},
}


class ScriptedEngine:
    """Answers by the first word that fits."""

    async def respond(self, turn: Turn) -> Reply:
        await asyncio.sleep(0.35 if "pelan" not in turn.text else 3)
        if "petugas" in turn.text.lower():
            summary = {"last_text": turn.text, "service": "ktp_hilang"}
            effect = {"type": "handoff_requested", "reason": "asked", "summary": summary}
            return Reply((), (effect,), {}, UNDERSTOOD)
        return Reply((self._say(turn),), (), {}, UNDERSTOOD)

    def _say(self, turn: Turn) -> Say:
        text = turn.text.lower()
        if turn.photos:
            return self._speak("stage.pictured")
        if turn.location:
            return self._speak("stage.located")
        if text.startswith("tirukan "):
            return Say("stage.echo", {"text": turn.text[8:]})
        for word, key in WORDS.items():
            if word in text:
                return self._speak(key)
        return self._speak("stage.plain")

    def _speak(self, key: str) -> Say:
        buttons = tuple({"title": title, "payload": payload} for title, payload in CHOICES.get(key, ()))
        return Say(key, buttons=buttons, ask_location=key == "stage.lamp")

    async def ready(self) -> bool:
        return True


def build(settings: configuration.Settings) -> FastAPI:
    """Return the app; its door and worker live as long as the server."""

    @asynccontextmanager
    async def live(app: FastAPI):  # type: ignore[no-untyped-def]
        await database.upgrade_async(settings.database_url)
        async with open_door(settings) as door:
            channels = {ChannelName.TELEGRAM: Postman()}
            app.state.door = replace(door, engine=ScriptedEngine(), texts=_texts(door), channels=channels)
            await development.prepare(door)
            async with door.database.transaction() as conn:
                await desksettings.change(conn, settings.tenant, "automatic", False, None, datetime.now(UTC))
            stop = asyncio.Event()
            working = asyncio.create_task(worker.work(app.state.door, stop))
            yield
            stop.set()
            working.cancel()

    app = FastAPI(lifespan=live)
    desk = (agent, figures, people, trail, broadcast_pages, desk_settings)
    for face in (webchat, access_pages, account, enrolment, citypages, *desk):
        app.include_router(face.router)

    @app.post("/stage/push")
    async def push(request: Request) -> dict[str, int]:
        """Say a text to every conversation."""
        door: Door = request.app.state.door
        text = (await request.json())["text"]
        now = datetime.now(UTC)
        async with door.database.transaction() as conn:
            ids = list((await conn.execute(table.select().with_only_columns(table.c.id))).scalars())
            for found in ids:
                await conversations.lock(conn, found, now)
                conversation = await conversations.get(conn, found)
                key = f"push:{messages.new_uid()}"
                await outbound.queue(conn, door, conversation, [OutgoingMessage(text)], key, now)
        for found in ids:
            await door.wakeups.wake(f"conversation:{found}")
        return {"told": len(ids)}

    return app


def _texts(door: Door) -> texts.Texts:
    """The project's sentences and the stage's own."""
    return texts.Texts({**door.texts._common, **REPLIES}, door.texts._tenants)


def settings_of(port: int, folder: Path) -> configuration.Settings:
    """What a stage runs with, and whoever opens its database beside it."""
    return replace(
        configuration.load(),
        var=folder,
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        database_url=f"sqlite+aiosqlite:///{folder / 'stage.db'}",
        redis_url=None,
        telegram_token=None,
        telegram_mode="webhook",
        secret_key="stage secret key of no importance at all",
    )


def main() -> None:
    """Serve the stage."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    uvicorn.run(
        build(settings_of(port, folder)),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
