"""Settings, city data and the store's own guards."""

import copy
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.sandbox.city import CITY_FILE, city_from, load_city
from connectors.sandbox.settings import SandboxSettings, SandboxSettingsError, load

from .conftest import Citizen

ROOT = Path(__file__).resolve().parents[3]


def test_settings_have_defaults_and_keep_secrets_out_of_sight():
    settings = load({"SANDBOX_WEBHOOK_SECRET": "rahasia-sekali", "LAWANG_URL": "http://127.0.0.1:1/"})
    assert (settings.port, settings.database) == (8090, Path("var/kota.db"))
    assert settings.lawang_url == "http://127.0.0.1:1"
    assert "rahasia" not in repr(settings)
    assert "kunci" not in repr(settings)


@pytest.mark.parametrize("environ", [{"SANDBOX_PORT": "delapan"}, {"SANDBOX_PORT": "0"}, {"LAWANG_URL": "x"}])
def test_a_bad_setting_is_named(environ: dict[str, str]):
    with pytest.raises(SandboxSettingsError, match=next(iter(environ))):
        load(environ)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(lambda raw: raw["topics"][0].__setitem__(3, "naga"), "unknown agency", id="agency"),
        pytest.param(lambda raw: raw["booking_states"].pop("batal"), "booking_states", id="missing state"),
        pytest.param(
            lambda raw: raw["complaint_states"]["selesai"]["moves"].append("naga"), "unknown moves", id="move"
        ),
        pytest.param(lambda raw: raw["mpp"]["counters"][1].update(prefix="A"), "prefix", id="prefix"),
        pytest.param(
            lambda raw: raw["mpp"].update(places_per_slot=500), "more places", id="numbers run over"
        ),
        pytest.param(lambda raw: raw["permits"][0].update(stage=40), "no such ladder", id="stage"),
        pytest.param(
            lambda raw: raw["ladders"]["PBG"]["stages"][0].__setitem__(2, "x"), "status x", id="status"
        ),
    ],
)
def test_a_city_that_contradicts_itself_is_refused(spoil: Callable[[Any], Any], words: str):
    raw = copy.deepcopy(yaml.safe_load(CITY_FILE.read_text(encoding="utf-8")))
    spoil(raw)
    with pytest.raises(ValueError, match=words):
        city_from(raw)


def test_the_shipped_city_is_whole():
    city = load_city()
    assert len(city.topics) == 27
    assert (len(city.holidays), len(city.collective_leave)) == (17, 8)
    assert {state for states in city.complaint_states.values() for state in states.moves} <= set(
        city.complaint_states
    )


async def test_the_store_itself_forbids_two_on_one_place(citizen: Citizen, tmp_path: Path):
    first, second = await citizen.code(), await citizen.code()
    with sqlite3.connect(tmp_path / "kota.db") as store:
        place = store.execute("SELECT slot_id, seat FROM places WHERE code = ?", [first]).fetchone()
        twin = "INSERT INTO places (slot_id, seat, counter, day) VALUES (?, ?, 'dukcapil', '2026-11-24')"
        with pytest.raises(sqlite3.IntegrityError, match=r"places\.slot_id, places\.seat"):
            store.execute(twin, place)
        with pytest.raises(sqlite3.IntegrityError, match=r"places\.code"):
            store.execute("UPDATE places SET code = ? WHERE code IS NULL AND slot_id = ?", [first, place[0]])
        with pytest.raises(sqlite3.IntegrityError, match=r"bookings\.number"):
            store.execute("UPDATE bookings SET number = 13 WHERE code = ?", [second])
    store.close()


async def test_a_store_of_an_earlier_version_is_set_aside_and_kept(settings: SandboxSettings, open_city: Any):
    assert isinstance(settings.database, Path)
    with sqlite3.connect(settings.database) as store:
        store.execute("CREATE TABLE places (slot_id TEXT)")
        store.execute("PRAGMA user_version = 1")
    store.close()
    async with open_city(settings) as citizen:
        assert (await citizen.book()).status_code == 201
    with sqlite3.connect(settings.database.with_name("kota-version-1.db")) as store:
        assert store.execute("SELECT count(*) FROM places").fetchone() == (0,)
    store.close()


@pytest.mark.parametrize("damage", ["text", "version", "folder"])
def test_an_unusable_store_is_explained_in_one_line(tmp_path: Path, damage: str):
    file = tmp_path / "kota.db"
    if damage == "text":
        file.write_text("bukan basis data\n" * 100)
    elif damage == "version":
        store = sqlite3.connect(file)
        store.execute("PRAGMA user_version = 999")
        store.close()
    else:
        file.mkdir()
    run = subprocess.run(
        [sys.executable, "-m", "connectors.sandbox"],
        cwd=ROOT,
        env={"SANDBOX_DATABASE": str(file), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr.startswith("sandbox: ")
    assert len(run.stderr.splitlines()) == 1
