"""The desk's benchmark measures what it says it does, at a small size."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.storage.database import upgrade
from tests import engines
from tests.benchmarks import console, desk
from tests.e2e.conftest import CHROMIUM


@pytest.mark.parametrize("engine", engines.available())
def test_pages_questions_and_events_are_all_measured(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "ROUNDS", 1)
    monkeypatch.setattr(console, "AGENTS", 3)
    monkeypatch.setattr(console, "EVENTS", 2)
    with engines.fresh_database(engine, tmp_path) as url, ThreadPoolExecutor(1) as pool:
        upgrade(url)
        asked = desk.ask(url, tmp_path, *desk.YOUNG, listen=True)
        found = pool.submit(asyncio.run, asked).result()
    assert set(found.pages) == set(console.addresses(desk.LONG_TALK))
    assert all(found.questions.values())
    assert found.heard is not None
    assert len(found.heard.clients) == 2 * 2
    assert len(found.heard.screen) == (2 if CHROMIUM else 0)
    tables = desk._tables(engine, {"empty": found, "young": found, "full": found})
    assert "1.00" in tables[0].text()
