# ruff: noqa: E501 (patterns and tables read better unbroken)
"""The catalogue as it lies in data/, and finding things in it without training."""

from pathlib import Path

import pytest

from intents import catalog as catalogue
from intents.search import Search

CATALOG = catalogue.load()
SEARCH = Search(CATALOG)


def test_the_whole_catalogue_can_be_read() -> None:
    assert len(CATALOG.services) >= 40
    assert CATALOG.tenant("kota_mojokerto") is not None
    assert CATALOG.topic("lampu_jalan") is not None
    assert all(service.title and service.owner for service in CATALOG.services.values())


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("ktp saya hilang", "ktp_hilang"), ("urus imb rumah", "pbg"), ("ppdb smp", "spmb"), ("kartu kuning", "ak1"),
        ("bikin nib", "nib"), ("surat keterangan tidak mampu", "sktm"), ("perpanjang sim", "sim"), ("akta kelahiran anak", "akta_kelahiran"),
        ("sertifikat halal", "sertifikat_halal"), ("pajak motor", "pajak_kendaraan"), ("bayar pbb", "pbb_bayar"), ("akte kematan bapak", "akta_kematian"),
    ],
)  # fmt: skip
def test_search_finds_a_service_by_its_names(text: str, service: str) -> None:
    assert service in [found for found, _ in SEARCH.find(text, "kota_mojokerto")]


@pytest.mark.parametrize("text", ["", "halo", "!!!", "terima kasih"])
def test_search_finds_nothing_in_small_talk(text: str) -> None:
    assert SEARCH.find(text) == []


def test_a_service_added_today_is_found_today(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "catalogue"
    folder.mkdir(parents=True)
    (folder / "baru.yml").write_text(
        "- {id: izin_balon, title: Izin balon udara, owner: dishub, aliases: [balon udara, terbang balon], tenants: [kota_mojokerto]}\n"
        "- {id: lain, title: Layanan lain, owner: dishub}\n",
        encoding="utf-8",
    )
    search = Search(catalogue.load(tmp_path))
    assert search.find("mau nerbangin balon udara izinnya gimana", "kota_mojokerto")[0][0] == "izin_balon"
    assert search.find("balon udara", "kota_kupang") == []


@pytest.mark.parametrize(
    "content",
    [
        "- title: tanpa id\n",
        "42\n",
        "- {id: a\n",
        "- {id: a, title: A, last_verified: kemarin}\n",
        "- {id: a}\n",
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "data" / "catalogue"
    folder.mkdir(parents=True)
    (folder / "rusak.yml").write_text(content, encoding="utf-8")
    with pytest.raises(catalogue.CatalogError, match=r"rusak\.yml"):
        catalogue.load(tmp_path)
