"""The content under data/ is whole: every reference resolves, every fact says where it is from."""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from intents import evaluation
from intents.check import domain_intents

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
SIPPN = ("persyaratan", "prosedur", "waktu", "biaya", "produk", "pengaduan")
BUTTON_WIDTH = 20
TOPIC_WIDTH = 24


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


TENANTS = {path.parent.name: read(path) for path in sorted(DATA.glob("tenants/*/tenant.yml"))}
SERVICES = [service for path in sorted(DATA.glob("catalogue/*.yml")) for service in read(path)]
TOPICS = read(DATA / "topics" / "topics.yml")
REGIONS = {path.stem: read(path) for path in sorted(DATA.glob("regions/*.yml"))}


def tenants_of(service: dict[str, Any]) -> list[str]:
    return list(TENANTS) if service["tenants"] == "all" else service["tenants"]


def lines(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every phone line below an emergency table."""
    for value in entry.values():
        if isinstance(value, dict) and "number" in value:
            yield value
            yield from value.get("fallback") or ()
        elif isinstance(value, dict):
            yield from lines(value)


def test_ids_are_unique() -> None:
    for entries in (SERVICES, TOPICS):
        ids = [entry["id"] for entry in entries]
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service["id"])
def test_service_is_whole(service: dict[str, Any]) -> None:
    known = {entry["id"] for entry in SERVICES}
    assert set(service["related"]) <= known
    assert len(service["short"]) <= BUTTON_WIDTH
    assert all(field in service for field in SIPPN)
    assert all(isinstance(word, str) for word in [*service["aliases"], *service["old_names"]])
    assert service["last_verified"] is None or (
        isinstance(service["last_verified"], date) and service["source"]
    )
    for tenant in tenants_of(service):
        assert service["owner"] in TENANTS[tenant]["agencies"]


def test_counters_and_hours_exist_somewhere() -> None:
    counters = {counter for tenant in TENANTS.values() for counter in tenant["mpp"]["counters"]}
    hours = {key for tenant in TENANTS.values() for key in tenant["hours"]}
    assert {service["counter"] for service in SERVICES} - {None} <= counters
    assert {service["hours"] for service in SERVICES} - {None} <= hours


def test_internal_systems_say_nothing() -> None:
    internal = [service for service in SERVICES if "internal" in service["verbs"]]
    assert internal
    assert all(service["internal"] and not any(service[field] for field in SIPPN) for service in internal)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic["id"])
def test_topic_is_whole(topic: dict[str, Any]) -> None:
    assert len(topic["title"]) <= TOPIC_WIDTH
    assert topic["working_days"] in (5, 14, 60)
    assert (topic["reach"] is not None) == topic["jurisdiction"].startswith("outside:")
    assert topic["agency"] == {name: tenant["agencies"][topic["owner"]] for name, tenant in TENANTS.items()}


@pytest.mark.parametrize("tenant", TENANTS)
def test_phone_lines_are_text_with_a_source(tenant: str) -> None:
    found = list(lines(TENANTS[tenant]["emergency"]))
    assert {"general", "fire", "accident", "disaster", "crime", "medical", "crisis"} <= set(
        TENANTS[tenant]["emergency"]
    )
    assert all(line["label"] and line["source"] and "verified" in line for line in found)
    assert all(line["number"] is None or line["number"].isdigit() for line in found)
    for kind in ("self_harm", "violence", "child"):
        crisis = TENANTS[tenant]["emergency"]["crisis"][kind]
        assert any(line["verified"] and line["number"] for line in (crisis, *crisis["fallback"]))


@pytest.mark.parametrize("tenant", TENANTS)
def test_hours_are_clock_times_in_order(tenant: str) -> None:
    for entry in TENANTS[tenant]["hours"].values():
        for spans in (entry["days"] or {}).values():
            assert all(len(span[0]) == len(span[1]) == len("08:00") and span[0] < span[1] for span in spans)


@pytest.mark.parametrize("tenant", TENANTS)
def test_regions_nest_and_ambiguity_is_mutual(tenant: str) -> None:
    region = REGIONS[TENANTS[tenant]["region_file"]]
    assert region["code"] == TENANTS[tenant]["region_code"]
    places = {
        village["code"]: village
        for file in REGIONS.values()
        for district in file.get("districts", ())
        for village in district["villages"]
    }
    for district in region["districts"]:
        assert district["code"].startswith(region["code"] + ".")
        for village in district["villages"]:
            assert village["code"].startswith(district["code"] + ".")
            for other in village.get("ambiguous_with", ()):
                assert other not in places or village["code"] in places[other]["ambiguous_with"]


@pytest.mark.parametrize("path", sorted(DATA.glob("calendar/*.yml")), ids=lambda path: path.stem)
def test_calendar_lists_days_of_its_own_year_once(path: Path) -> None:
    calendar = read(path)
    days = [entry["date"] for entry in calendar["days"]]
    assert calendar["year"] == int(path.stem)
    assert days == sorted(set(days))
    assert all(day.year == calendar["year"] for day in days)


def test_holdout_labels_exist() -> None:
    rows = []
    for path in evaluation.files():
        with path.open(encoding="utf-8", newline="") as file:
            own = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        assert len({row["text"].casefold() for row in own}) == len(own)
        rows += own
    services = {service["id"] for service in SERVICES}
    topics = {topic["id"] for topic in TOPICS}
    assert all(set(row["service"].split("|")) <= services | {""} for row in rows)
    assert all(set(row["topic"].split("|")) <= topics | {""} for row in rows)
    intents = domain_intents()
    assert all(set(row["intent"].split("|")) <= intents for row in rows)
    assert {row["language"] for row in rows} == {"id", "jv", "kupang", "en"}
