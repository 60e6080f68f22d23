"""The permit tracker."""

from .conftest import Citizen

NOMOR = "PBG-357601-2611-0042"


async def test_a_file_says_where_it_is(citizen: Citizen):
    answer = await citizen.get(f"/perizinan/v1/berkas/{NOMOR.lower()}")
    assert answer.json() == {
        "nomor": NOMOR,
        "jenis": "Persetujuan Bangunan Gedung",
        "tahap": "Konsultasi tim penilai teknis",
        "pemegang": "DPUPR",
        "status": "diproses",
        "catatan": "Menunggu jadwal konsultasi dengan tim penilai teknis.",
        "diperbarui": "2026-11-23T07:00:00+07:00",
    }


async def test_an_unknown_file_is_a_problem(citizen: Citizen):
    for answer in (
        await citizen.get("/perizinan/v1/berkas/PBG-0"),
        await citizen.post("/perizinan/v1/berkas/PBG-0/langganan", json={"callback_reference": "x"}),
        await citizen.post("/meja/berkas/PBG-0/tahap", json={"stage": 1}),
    ):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_tracker_wants_its_key(citizen: Citizen):
    answer = await citizen.get(f"/perizinan/v1/berkas/{NOMOR}", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401


async def test_following_twice_is_once(citizen: Citizen):
    for _ in range(2):
        path = f"/perizinan/v1/berkas/{NOMOR}/langganan"
        answer = await citizen.post(path, json={"callback_reference": "kasus-1"})
        assert answer.status_code == 201
    assert (await citizen.post(f"/perizinan/v1/berkas/{NOMOR}/langganan", json={})).status_code == 400


async def test_the_desk_moves_a_file_along_its_ladder(citizen: Citizen):
    moved = await citizen.post(f"/meja/berkas/{NOMOR}/tahap", json={"stage": 5, "note": "SKRD terbit"})
    assert (moved.json()["status"], moved.json()["catatan"]) == ("menunggu_bayar", "SKRD terbit")
    for stage in (99, -1, "x", None):
        refused = await citizen.post(f"/meja/berkas/{NOMOR}/tahap", json={"stage": stage})
        assert refused.status_code == 400
