"""All values of one message, in the order of its words."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from intents.entities import find

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=ZoneInfo("Asia/Jakarta"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("besok jam 9 urus KK", [("date", "2026-11-24"), ("time", "09:00")]),
        ("laporan MJK-2611-000123 sampai mana", [("reference", "MJK-2611-000123")]),
        ("nik [NIK] hp [TELEPON]", [("nik", "[NIK]"), ("phone", "[TELEPON]")]),
        ("lampu mati RT 3 RW 2 Kedundung", [("location", "RT 3 RW 2"), ("location", "Kedundung")]),
        ("minggu depan genap 17 tahun", [("date_range", "2026-11-30/2026-12-06")]),
        ("tgl 30 februari", [("date", None)]),
        ("bayar Rp 50.000 kemarin", [("amount", "50000"), ("date", "2026-11-22")]),
        ("halo", []),
    ],
)
def test_values_are_found(text: str, expected: list[tuple[str, str | None]]) -> None:
    found = find(text, NOW, "kota_mojokerto")
    assert [(item["entity"], item["value"]) for item in found] == expected
    assert all(0 <= item["start"] < item["end"] <= len(text) for item in found)
