"""*Meja Kota*: what the page shows, and whom it obeys."""

from typing import Any

import pytest

from .conftest import Citizen

OWN = {"Origin": "http://kota.test"}


async def test_the_page_shows_complaints_counters_permits_and_news(citizen: Citizen):
    await citizen.file(
        description="Lampu <b>mati</b>", media_url=["http://lawang.test/1.jpg"], confidential="true"
    )
    await citizen.book(name="<script>alert(1)</script>")
    page = (await citizen.get("/")).text
    for words in (
        "MJK-2611-000001",
        "Lampu &lt;b&gt;mati&lt;/b&gt;",
        "1 foto",
        "Rahasia",
        "Jl. Majapahit 12",
        "A013",
        "Panggil berikutnya",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "PBG-357601-2611-0042",
        "Kunci webhook belum diatur",
    ):
        assert words in page
    assert "<script>alert" not in page


async def test_the_page_lets_in_nothing_from_outside(citizen: Citizen):
    answer = await citizen.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "style=" not in answer.text
    assert "onclick" not in answer.text
    for file in ("meja.css", "meja.js", "lambang.svg"):
        assert (await citizen.get(f"/static/{file}")).status_code == 200
    assert (await citizen.get("/static/../city.yml")).status_code == 404


@pytest.mark.parametrize(
    "query", ["?hal=99", "?hal=-1", "?hal=x", "?tampil=naga", "?kabar=x&galat=y", "?hal=" + "9" * 99]
)
async def test_odd_addresses_still_show_the_page(citizen: Citizen, query: str):
    assert (await citizen.get(f"/{query}")).status_code == 200


async def test_a_long_list_is_paged_and_filtered(citizen: Citizen):
    references = [await citizen.reference() for _ in range(14)]
    await citizen.move(references[0], "selesai")
    first = (await citizen.get("/")).text
    assert references[13] in first
    assert references[1] not in first
    assert references[1] in (await citizen.get("/?tampil=terbuka&hal=2")).text
    closed = (await citizen.get("/?tampil=selesai")).text
    assert references[0] in closed
    assert references[13] not in closed


async def test_forms_work_without_scripts(citizen: Citizen):
    reference = await citizen.reference()
    code = await citizen.code()

    async def press(path: str, form: dict[str, Any]) -> str:
        answer = await citizen.post(path, data=form, headers=OWN)
        assert answer.status_code == 303
        assert (await citizen.get(answer.headers["location"].partition("#")[0])).status_code == 200
        return answer.headers["location"]

    path = f"/meja/laporan/{reference}/status?tampil=semua&hal=1"
    moved = await press(path, {"status": "diproses", "note": ""})
    assert moved == f"/?kabar=laporan&tampil=semua&hal=1#laporan-{reference}"
    refused = await press(path, {"status": "diterima"})
    assert "galat=move_not_allowed" in refused
    assert "kabar=dipanggil" in await press("/meja/loket/dukcapil/panggil", {})
    assert "kabar=kosong" in await press("/meja/loket/dukcapil/panggil", {})
    assert "kabar=langsung" in await press("/meja/loket/samsat/langsung", {})
    assert "galat=" in await press("/meja/loket/naga/langsung", {})
    assert "galat=" in await press(f"/meja/antrean/{code}/status", {"status": "batal"})
    assert "galat=" in await press("/meja/loket/samsat/tutup", {"date": "2026-11-24"})
    assert "kabar=tutup" in await press("/meja/loket/samsat/tutup", {"date": "2026-11-24", "reason": "rapat"})
    assert "kabar=berkas" in await press("/meja/berkas/PBG-357601-2611-0042/tahap", {"stage": "4"})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(OWN, 303, id="our own page"),
        pytest.param({"Origin": "https://jahat.test"}, 403, id="another site"),
        pytest.param({"Origin": "null"}, 403, id="a page without an origin"),
        pytest.param({}, 403, id="a form from nowhere"),
        pytest.param({"Origin": "http://kota.test.jahat.test"}, 403, id="a site that looks like ours"),
    ],
)
async def test_only_our_own_page_presses_buttons(citizen: Citizen, headers: dict[str, str], status: int):
    reference = await citizen.reference()
    path = f"/meja/laporan/{reference}/status"
    assert (await citizen.post(path, data={"status": "selesai"}, headers=headers)).status_code == status
    (case,) = (await citizen.get(f"/open311/v2/requests/{reference}.json")).json()
    assert (case["extended_status"] == "selesai") == (status == 303)


async def test_json_of_another_site_is_refused_too(citizen: Citizen):
    reference = await citizen.reference()
    path = f"/meja/laporan/{reference}/status"
    foreign = await citizen.post(path, json={"status": "selesai"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert (await citizen.move(reference, "selesai")).status_code == 200


async def test_the_pulse_beats_when_the_page_changes(citizen: Citizen):
    async def pulse() -> str:
        return str((await citizen.get("/meja/denyut")).json()["denyut"])

    quiet = await pulse()
    assert await pulse() == quiet
    await citizen.file()
    assert await pulse() != quiet
