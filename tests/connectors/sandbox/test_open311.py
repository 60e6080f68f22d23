"""The complaint desk over Open311."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from connectors import georeport

from .conftest import KEY, Citizen


async def test_the_endpoint_describes_itself(citizen: Citizen):
    discovery = (await citizen.get("/open311/v2/discovery.json")).json()
    assert discovery["endpoints"][0]["url"] == "http://kota.test/open311/v2"
    services = (await citizen.get("/open311/v2/services.json")).json()
    assert len(services) == 27
    assert {"service_code", "service_name", "description", "metadata", "type", "group"} <= set(services[0])
    assert (await citizen.get("/open311/v2/services/sampah.json")).json()["service_code"] == "sampah"
    missing = await citizen.get("/open311/v2/services/naga.json")
    assert missing.status_code == 404
    assert missing.json()[0]["code"] == 404


async def test_a_complaint_gets_a_number_of_its_month_and_can_be_read(citizen: Citizen):
    photos = ["http://lawang.test/1.jpg", "http://lawang.test/2.jpg"]
    answer = await citizen.file(lat="-7.4664", long="112.4338", media_url=photos, first_name="Sri")
    assert answer.status_code == 201
    assert answer.json() == [
        {
            "service_request_id": "MJK-2611-000001",
            "service_notice": "Laporan diterima dan akan diperiksa oleh Dinas Perhubungan.",
            "account_id": None,
        }
    ]
    (case,) = (await citizen.get("/open311/v2/requests/mjk-2611-000001.json")).json()
    assert case == {
        "service_request_id": "MJK-2611-000001",
        "status": "open",
        "extended_status": "diterima",
        "status_notes": "Laporan diterima dan menunggu pemeriksaan.",
        "service_code": "lampu_jalan",
        "service_name": "Lampu jalan",
        "description": "Lampu mati",
        "agency_responsible": "Dinas Perhubungan",
        "requested_datetime": "2026-11-23T07:00:00+07:00",
        "updated_datetime": "2026-11-23T07:00:00+07:00",
        "address": "Jl. Majapahit 12",
        "lat": -7.4664,
        "long": 112.4338,
        "media_url": "http://lawang.test/1.jpg",
    }


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"service_code": "naga"}, 400, id="unknown service"),
        pytest.param({"service_code": None}, 400, id="no service"),
        pytest.param({"description": "  "}, 400, id="nothing described"),
        pytest.param({"description": "a" * 4001}, 400, id="description too long"),
        pytest.param({"address_string": None}, 400, id="nowhere"),
        pytest.param({"lat": "-7.46"}, 400, id="half a point"),
        pytest.param({"lat": "51.5", "long": "-0.1"}, 400, id="London"),
        pytest.param({"lat": "112.43", "long": "-7.46"}, 400, id="swapped"),
        pytest.param({"lat": "nan", "long": "112.43"}, 400, id="not a number"),
        pytest.param({"lat": "tujuh", "long": "112.43"}, 400, id="words for degrees"),
        pytest.param({"media_url": ["http://x/1.jpg"] * 11}, 400, id="too many photos"),
        pytest.param({"media_url": "javascript:alert(1)"}, 400, id="a photo that is none"),
        pytest.param({"api_key": None}, 403, id="no key"),
        pytest.param({"api_key": "salah"}, 403, id="wrong key"),
    ],
)
async def test_what_the_desk_cannot_use_is_refused_as_open311_says(
    citizen: Citizen, fields: dict[str, object], status: int
):
    answer = await citizen.file(**fields)
    assert answer.status_code == status
    assert answer.json()[0]["code"] == status
    assert answer.json()[0]["description"]
    assert (await citizen.get("/open311/v2/requests.json")).json() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/open311/v2/requests/MJK-2611-999999.json", 404),
        ("GET", "/open311/v2/requests.json?status=setengah", 400),
        ("GET", "/open311/v2/requests.json?start_date=kemarin", 400),
        ("GET", "/open311/v2/requests.json?start_date=2026-11-22T00:00:00", 400),
        ("GET", "/open311/v2/requests.json?page=0", 400),
        ("GET", "/open311/v2/requests.json?page=satu", 400),
        ("GET", "/open311/v2/naga.json", 404),
        ("DELETE", "/open311/v2/requests.json", 405),
    ],
)
async def test_errors_are_open311_lists(citizen: Citizen, method: str, path: str, status: int):
    answer = await citizen.request(method, path)
    assert answer.status_code == status
    assert answer.json()[0]["code"] == status


async def test_a_body_that_is_too_large_is_refused(citizen: Citizen):
    answer = await citizen.file(description="a" * 1_100_000)
    assert answer.status_code == 413


async def test_the_same_key_never_opens_a_second_case(citizen: Citizen):
    answers = await asyncio.gather(*(citizen.file(key="turn-1") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (await citizen.file(key="turn-2")).json()[0]["service_request_id"] == "MJK-2611-000002"
    assert len((await citizen.get("/open311/v2/requests.json")).json()) == 2
    assert (await citizen.file(key="k" * 201)).status_code == 400


async def test_numbers_run_without_a_gap_under_load(citizen: Citizen):
    references = await asyncio.gather(*(citizen.reference() for _ in range(40)))
    assert sorted(references) == [f"MJK-2611-{number:06d}" for number in range(1, 41)]


async def test_cases_are_filtered(citizen: Citizen, clock):
    lamp = await citizen.reference()
    clock.turn(hours=1)
    rubbish = await citizen.reference(service_code="sampah")
    await citizen.reference(service_code="pungli", confidential="true")
    await citizen.move(lamp, "selesai")

    async def found(**query: str) -> list[str]:
        rows = (await citizen.get("/open311/v2/requests.json", params=query)).json()
        return [row["service_request_id"] for row in rows]

    assert await found() == [rubbish, lamp]
    assert await found(status="open") == [rubbish]
    assert await found(status="closed") == [lamp]
    assert await found(status="open,closed", service_code="lampu_jalan,sampah") == [rubbish, lamp]
    assert await found(service_request_id=f"{lamp},x") == [lamp]
    assert await found(start_date="2026-11-23T07:30:00+07:00") == [rubbish]
    assert await found(end_date="2026-11-23T00:30:00Z") == [lamp]
    assert await found(page_size="1", page="2") == [lamp]


async def test_a_comment_is_kept_once_and_answers_the_desk(citizen: Citizen):
    reference = await citizen.reference()
    await citizen.move(reference, "terverifikasi")
    await citizen.move(reference, "butuh_info", "Di sisi mana?")
    path = f"/open311/v2/requests/{reference}/comments.json"
    form = {"text": "Sisi timur", "media_url": ["http://lawang.test/3.jpg"], "api_key": KEY}
    first = await citizen.post(path, data=form, headers={"Idempotency-Key": "c-1"})
    again = await citizen.post(path, data=form, headers={"Idempotency-Key": "c-1"})
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    (case,) = (await citizen.get(f"/open311/v2/requests/{reference}.json")).json()
    assert case["extended_status"] == "terverifikasi"
    assert (await citizen.post(path, data={"api_key": KEY})).status_code == 400
    assert (await citizen.post(path, data={"text": "Halo"})).status_code == 403
    nowhere = "/open311/v2/requests/MJK-1/comments.json"
    assert (await citizen.post(nowhere, data=form)).status_code == 404


async def test_a_case_goes_only_where_this_city_sends_it(citizen: Citizen):
    reference = await citizen.reference()
    assert (await citizen.move(reference, "didisposisi")).json()["note"] == (
        "Laporan diteruskan ke Dinas Perhubungan."
    )
    assert (await citizen.move(reference, "diproses", "Petugas di lokasi")).json()[
        "note"
    ] == "Petugas di lokasi"
    back = await citizen.move(reference, "terverifikasi")
    assert back.status_code == 409
    assert "selesai" in back.json()["allowed"]
    assert (await citizen.move(reference, "selesai")).status_code == 200
    assert (await citizen.move(reference, "selesai")).status_code == 200
    (case,) = (await citizen.get(f"/open311/v2/requests/{reference}.json")).json()
    assert (case["status"], case["extended_status"]) == ("closed", "selesai")
    assert (await citizen.move(reference, "diproses")).status_code == 200
    assert (await citizen.move(reference, "terbang")).status_code == 400
    assert (await citizen.move("MJK-0", "selesai")).status_code == 404
    bad = await citizen.post(
        f"/meja/laporan/{reference}/status", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert bad.status_code == 400
    surrogate = json.dumps({"status": "selesai", "note": "\ud800"})
    odd = await citizen.post(
        f"/meja/laporan/{reference}/status", content=surrogate, headers={"Content-Type": "application/json"}
    )
    assert odd.json()["note"] == "?"


# XML


def read(answer: httpx.Response) -> Any:
    assert answer.headers["content-type"].startswith("text/xml")
    return georeport.read(answer.content)


async def test_every_answer_comes_in_xml_as_well_and_says_the_same(citizen: Citizen):
    await citizen.file()
    for path in ("services", "services/hewan", "requests", "requests/MJK-2611-000001", "discovery"):
        plain = (await citizen.get(f"/open311/v2/{path}.json")).json()
        spelt = read(await citizen.get(f"/open311/v2/{path}.xml"))
        assert _words(spelt) == _words(plain)
    refused = await citizen.get("/open311/v2/requests/MJK-2611-999999.xml")
    assert (refused.status_code, georeport.errors(read(refused))) == (
        404,
        [(404, "no service request with this id")],
    )


def _words(document: Any) -> Any:
    """A document with every scalar as XML has it: text, and nothing for nothing."""
    if isinstance(document, dict):
        return {name: _words(value) for name, value in document.items()}
    if isinstance(document, list):
        return [_words(value) for value in document]
    if isinstance(document, bool):
        return str(document).lower()
    return None if document in (None, "") else str(document)


# Service definitions


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({}, "attribute[JENIS] is required"),
        ({"attribute[JENIS]": "naga"}, "attribute[JENIS] is one of anjing"),
        ({"attribute[JENIS]": ["ular", "kucing"]}, "takes one value"),
        ({"attribute[JENIS]": "ular", "attribute[WARNA]": "hijau"}, "no attribute[WARNA]"),
    ],
)
async def test_what_a_service_requires_is_required(citizen: Citizen, attributes, said):
    answer = await citizen.file(service_code="hewan", **attributes)
    assert answer.status_code == 400
    assert said in answer.json()[0]["description"]


async def test_answers_are_taken_in_both_spellings(citizen: Citizen):
    wifi = {"service_code": "wifi", "attribute[TITIK]": "alun_alun"}
    for name in ("attribute[GANGGUAN][]", "attribute[GANGGUAN]"):
        assert (await citizen.file(**wifi, **{name: ["lambat", "putus"]})).status_code == 201


# What FixMyStreet adds


async def test_the_feed_tells_what_the_desk_did_and_nothing_of_confidential_cases(citizen: Citizen):
    await citizen.file()
    await citizen.file(confidential="true")
    for reference in ("MJK-2611-000001", "MJK-2611-000002"):
        await citizen.post(
            f"/meja/laporan/{reference}/status", json={"status": "diproses", "note": "Petugas berangkat"}
        )
    (news,) = (await citizen.get("/open311/v2/servicerequestupdates.json")).json()
    assert (news["service_request_id"], news["status"], news["external_status_code"]) == (
        "MJK-2611-000001",
        "in_progress",
        "diproses",
    )
    dates = {"start_date": "2026-11-24T00:00:00Z", "end_date": "2026-11-25T00:00:00Z"}
    assert (await citizen.get("/open311/v2/servicerequestupdates.json", params=dates)).json() == []
    (spelt,) = georeport.items(read(await citizen.get("/open311/v2/servicerequestupdates.xml")))
    assert _words(news) == spelt


async def test_words_added_in_fixmystreets_way_are_added_once(citizen: Citizen):
    await citizen.file()
    words = {
        "api_key": KEY,
        "service_request_id": "MJK-2611-000001",
        "update_id": "n-1",
        "description": "Masih mati",
    }
    first = await citizen.post("/open311/v2/servicerequestupdates.json", data=words)
    again = await citizen.post("/open311/v2/servicerequestupdates.json", data=words)
    assert first.json() == again.json()
    assert (
        await citizen.post("/open311/v2/servicerequestupdates.json", data=words | {"update_id": ""})
    ).status_code == 400
