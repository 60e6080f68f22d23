"""A whole shift at the real pages: twenty citizens, three agents, breaks, crashes; nobody is left behind."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from bot.door import Door
from bot.storage import handoffs
from tests.e2e.conftest import PATIENCE_SECONDS, Stage
from tests.e2e.desk import Citizen, browser_of, set_rule, within

CITIZENS, CLOSED_BEFORE_TROUBLE = 20, 6
SILENT_SECONDS = 30
AGENTS = ("rahayu", "bagus", "wulan")
ANSWER = "Baik, saya bantu."


class Shift:
    """One agent at the console, page by page; `crashed` stops them in the middle of whatever they have."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.client = browser_of(stage, name)
        self.crashed = threading.Event()
        self.over = threading.Event()
        self.closed: list[str] = []
        self.rounds = 0

    def work(self) -> None:
        """Beat, take, answer, end, rest, until the shift is over."""
        while not (self.over.is_set() or self.crashed.is_set()):
            try:
                self._round()
            except httpx.TransportError:
                # The front door was killed; the page would say so and try again.
                time.sleep(0.3)

    def _round(self) -> None:
        self.rounds += 1
        self.client.post("/agent/hadir")
        if self.rounds % 5 == 0:
            self.client.post("/agent/keberadaan", data={"keadaan": "away:salat"})
            time.sleep(0.2)
        self.client.post("/agent/keberadaan", data={"keadaan": "available"})
        for handoff in _handoffs(self.client.get("/agent/kotak/baru").text)[:2]:
            self.client.post(f"/agent/tugas/{handoff}/ambil")
        if self.crashed.is_set():
            return
        page = self.client.get("/agent/kotak/milik-saya").text
        for handoff, conversation in zip(_handoffs(page), _conversations(page), strict=True):
            shown = self.client.get(f"/agent/kotak/milik-saya/{conversation}")
            assert shown.status_code == 200
            # The console's own key: sent again after a crash of the door, it is one message.
            letter = {"teks": ANSWER, "kunci": handoff}
            self.client.post(f"/agent/percakapan/{conversation}/balas", data=letter)
            ended = self.client.post(
                f"/agent/tugas/{handoff}/selesai", data={"hasil": "solved", "nilai": "1"}
            )
            if ended.status_code == 204:
                self.closed.append(handoff)
        time.sleep(0.2)


def _handoffs(page: str) -> list[str]:
    return re.findall(r'id="row-([0-9a-f]+)"', page)


def _conversations(page: str) -> list[str]:
    return re.findall(r'class="row [^"]*" id="row-[0-9a-f]+" data-conversation="([0-9a-f]+)"', page)


def until(true: Any, what: str) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def test_after_a_shift_with_breaks_a_crash_and_a_killed_door_nobody_is_orphaned(own_stage: Stage) -> None:
    stage = own_stage
    set_rule(stage, "silent_seconds", SILENT_SECONDS)
    shifts = [Shift(stage, name) for name in AGENTS]
    citizens = [Citizen(stage) for _ in range(CITIZENS)]
    with ThreadPoolExecutor(len(shifts)) as pool:
        working = [pool.submit(shift.work) for shift in shifts]
        try:
            for citizen in citizens[:10]:
                citizen.say("mau bicara dengan petugas")
            until(lambda: sum(len(one.closed) for one in shifts) >= CLOSED_BEFORE_TROUBLE, "nobody is served")
            # Wulan's console dies with whatever she has just taken.
            waiting = browser_of(stage, "wulan")
            shifts[2].crashed.set()
            for citizen in citizens[10:]:
                citizen.say("mau bicara dengan petugas")
            until(lambda: _taken(waiting), "there is nothing to take")
            stage.kill()
            stage.start()
            until(lambda: _closed(stage) == CITIZENS, "somebody was left behind")
        finally:
            for shift in shifts:
                shift.over.set()
        for one in working:
            one.result()
    assert _open(stage) == 0
    for citizen in citizens:
        said = citizen.heard()
        assert said.count(ANSWER) == 1
        assert sum("selesai" in text for text in said) == 1


def _taken(client: httpx.Client) -> bool:
    """Take one who waits, as Wulan did before her console died; True once she has one."""
    for handoff in _handoffs(client.get("/agent/kotak/baru").text)[:1]:
        client.post(f"/agent/tugas/{handoff}/ambil")
    return bool(_handoffs(client.get("/agent/kotak/milik-saya").text))


def _closed(stage: Stage) -> int:
    client = browser_of(stage, "dimas")
    return len(set(_handoffs(client.get("/agent/kotak/riwayat").text)))


def _open(stage: Stage) -> int:
    async def count(door: Door) -> int:
        tenant = door.settings.tenant
        async with door.database.reading() as conn:
            waiting = await handoffs.waiting(conn, tenant)
            return len(waiting) + sum((await handoffs.loads(conn, tenant)).values())

    found: int = within(stage, count)
    return found
