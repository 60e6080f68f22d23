"""The fault switches, and what a careful caller can still make of a lost answer."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.sandbox.settings import SandboxSettings

from .conftest import Citizen


@pytest.fixture
async def breakable(settings: SandboxSettings, open_city: Callable[..., Any]) -> AsyncIterator[Citizen]:
    async with open_city(replace(settings, faults=True)) as citizen:
        yield citizen


async def test_the_switches_do_not_exist_by_default(citizen: Citizen):
    assert (await citizen.post("/_faults", json={})).status_code == 404


@pytest.mark.parametrize(
    "plan",
    [{"open311": {"mode": "naga"}}, {"kota": {"mode": "hang"}}, {"mpp": {"mode": "slow", "seconds": -1}}],
)
async def test_a_plan_that_makes_no_sense_is_refused(breakable: Citizen, plan: dict[str, Any]):
    assert (await breakable.post("/_faults", json=plan)).status_code == 400


async def test_faults_are_used_up_and_touch_their_area_only(breakable: Citizen):
    await breakable.post("/_faults", json={"open311": {"mode": "error500", "times": 2}})
    assert (await breakable.get("/mpp/v1/counters")).status_code == 200
    statuses = [(await breakable.get("/open311/v2/services.json")).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert (await breakable.get("/_faults")).json()["open311"]["times"] == 0


async def test_nonsense_slowness_and_hanging(breakable: Citizen):
    await breakable.post("/_faults", json={"open311": {"mode": "nonsense"}})
    nonsense = await breakable.get("/open311/v2/services.json")
    assert nonsense.status_code == 200
    assert nonsense.headers["content-type"].startswith("text/html")
    await breakable.post("/_faults", json={"open311": {"mode": "slow", "seconds": 0.2}})
    begin = time.monotonic()
    assert (await breakable.get("/open311/v2/services.json")).status_code == 200
    assert time.monotonic() - begin >= 0.2
    await breakable.post("/_faults", json={"mpp": {"mode": "hang", "seconds": 0.1}})
    assert (await breakable.get("/mpp/v1/counters")).status_code == 504


async def test_a_lost_answer_is_recovered_by_its_key(breakable: Citizen):
    await breakable.post("/_faults", json={"open311": {"mode": "error500", "after": True}})
    assert (await breakable.file(key="turn-1")).status_code == 500
    again = await breakable.file(key="turn-1")
    assert again.json()[0]["service_request_id"] == "MJK-2611-000001"
    assert len((await breakable.get("/open311/v2/requests.json")).json()) == 1
