"""Places as citizens write them, read as their own government would."""

import pytest

from intents.places import find, gazetteer

CASES = [
    (
        "lampu mati di RT 3 RW 2 Kedundung",
        "kota_mojokerto",
        [("rt_rw", "RT 3 RW 2"), ("village", "Kedundung")],
    ),
    ("rt03/rw02 blooto", "kota_mojokerto", [("rt_rw", "RT 3 RW 2"), ("village", "Blooto")]),
    ("RT.003/RW.002 kel. Magersari", "kota_mojokerto", [("rt_rw", "RT 3 RW 2"), ("village", "Magersari")]),
    ("kecamatan magersari", "kota_mojokerto", [("district", "Magersari")]),
    ("di gege", "kota_mojokerto", [("village", "Gununggedangan")]),
    ("Gunung Gedangan RW 1", "kota_mojokerto", [("village", "Gununggedangan"), ("rt_rw", "RW 1")]),
    ("prajurit kulon", "kota_mojokerto", [("village", "Prajuritkulon")]),
    (
        "jl gajah mada no 100 depan alfamart",
        "kota_mojokerto",
        [("street", "jl gajah mada no 100"), ("landmark", "depan alfamart")],
    ),
    ("aer su maso rumah di Naikoten Dua", "kota_kupang", [("village", "Naikoten Dua")]),
    ("naikoten 1", "kota_kupang", [("village", "Naikoten Satu")]),
    ("TDM", "kota_kupang", [("village", "Tuak Daun Merah")]),
    ("manulai 2", "kota_kupang", [("village", "Manulai II")]),
    ("dekat kapela", "kota_kupang", [("landmark", "dekat kapela")]),
    ("nang ngarep masjid", "kota_mojokerto", [("landmark", "ngarep masjid")]),
    ("kampung beta di oesapa", "kota_kupang", [("village", "Oesapa")]),
    ("depan sdn2 banjir", "kota_mojokerto", [("landmark", "depan sdn2")]),
    ("lampu mati sdh seminggu, orangnya pura-pura tdk tahu", "kota_mojokerto", []),
    ("jalan rusak parah", "kota_mojokerto", []),
    ("saya mau urus ktp", "kota_mojokerto", []),
]


@pytest.mark.parametrize(("text", "tenant", "expected"), CASES)
def test_a_place_is_found(text: str, tenant: str, expected: list[tuple[str, str]]) -> None:
    found = [(place.kind, place.value) for place in find(text, tenant)]
    for wanted in expected:
        assert wanted in found
    if not expected:
        assert found == []


def test_already_is_no_school() -> None:
    found = find("lampu mati di depan pasar Tanjung Anyar, sdh ada yg jatuh", "kota_mojokerto")
    assert [place.value for place in found] == ["di depan pasar Tanjung Anyar"]


def test_a_name_on_both_sides_of_the_border_is_the_tenants_own_and_doubtful() -> None:
    (city,) = find("balongsari", "kota_mojokerto")
    (regency,) = find("balongsari", "kab_mojokerto")
    assert (city.tenant, regency.tenant) == ("kota_mojokerto", "kab_mojokerto")
    assert city.ambiguous
    assert regency.ambiguous
    assert {area.tenant for area in city.candidates} == {"kota_mojokerto", "kab_mojokerto"}


def test_naming_the_side_settles_it() -> None:
    places = [
        place for place in find("pulorejo kabupaten mojokerto", "kota_mojokerto") if place.kind == "village"
    ]
    assert [(place.tenant, place.ambiguous) for place in places] == [("kab_mojokerto", False)]


def test_a_street_named_like_a_village_is_a_street() -> None:
    assert [place.kind for place in find("jl kauman", "kota_mojokerto")] == ["street"]


@pytest.mark.parametrize("tenant", ["kota_mojokerto", "kota_kupang"])
def test_every_official_name_is_found_alone(tenant: str) -> None:
    for area in gazetteer().areas.values():
        if area.tenant == tenant and area.kind == "kelurahan":
            assert area.code in {place.code for place in find(f"kelurahan {area.name}", tenant)}, area.name
