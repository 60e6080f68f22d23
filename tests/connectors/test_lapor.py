"""SP4N-LAPOR!'s stream: what is sent, what is never sent twice, and the stand-in that answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from connectors.capabilities import CaseComment, CaseStatus, ComplaintDraft, Photo, Place
from connectors.client import Client
from connectors.conformance import kit
from connectors.dialects import lapor_wire
from connectors.dialects.lapor import Lapor
from connectors.errors import BackendRejected, BackendUnreachable, CaseNotFound
from connectors.manifest import APPS, LaporOptions, read
from connectors.sandbox.app import create_app
from connectors.sandbox.settings import SandboxSettings

MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
KEY = "kunci-untuk-uji"
MANIFEST = read(APPS / "damar_mojo" / "manifest.yml")
PLAIN = LaporOptions(email="akun@kab.example", name="Warga")
DRAFT = ComplaintDraft(
    "t-1",
    "jalan_rusak",
    "Jalan berlubang",
    Place("Desa Claket", -7.65, 112.55),
    (Photo("https://foto.example/1.jpg"),),
    "Siti Aminah",
)


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Any]:
    """The stand-in city on a Monday at 07.00 WIB, in-process."""
    app = create_app(SandboxSettings(database=tmp_path / "kota.db", api_key=KEY), None, lambda: MONDAY)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def account(city: Any) -> AsyncIterator[Lapor]:
    """The Kabupaten's account at the stand-in."""
    client = Client(httpx.ASGITransport(app=city))
    yield kit.lapor_app(MANIFEST, "http://kota/lapor", KEY, client)
    await client.close()


def with_options(account: Lapor, **changes: Any) -> Lapor:
    manifest = replace(account.manifest, lapor=replace(account.manifest.lapor, **changes))
    return Lapor(manifest, account.endpoint, account.client)


async def test_the_stand_in_passes_the_conformance_kit(tmp_path: Path):
    app = create_app(SandboxSettings(database=tmp_path / "kota.db", api_key=KEY), None)
    client = Client(httpx.ASGITransport(app=app))
    async with app.router.lifespan_context(app):
        account = kit.lapor_app(MANIFEST, "http://kota/lapor", KEY, client)
        findings = await kit.inspect(account)
    await client.close()
    assert [str(f) for f in findings if f.outcome != "pass"] == []
    assert len(findings) == 7


async def test_a_report_is_filed_and_its_state_is_told_in_our_words(account: Lapor):
    receipt = await account.submit_complaint(DRAFT)
    state = await account.complaint_status(receipt.reference)
    assert receipt.reference.isdecimal()
    assert (state.status, state.backend_status) == (CaseStatus.RECEIVED, "Belum Diverifikasi")
    assert state.holder == "Dinas Pekerjaan Umum dan Penataan Ruang"


async def test_a_report_whose_answer_was_lost_is_found_by_its_mark(account: Lapor):
    first = await account.submit_complaint(DRAFT)
    await account.submit_complaint(replace(DRAFT, idempotency_key="t-2"))
    again = await account.submit_complaint(replace(DRAFT, asked_at=MONDAY))
    assert again.reference == first.reference


async def test_a_report_that_never_arrived_is_filed_when_the_account_lists_none(account: Lapor):
    receipt = await account.submit_complaint(replace(DRAFT, asked_at=MONDAY))
    assert (await account.complaint_status(receipt.reference)).status == CaseStatus.RECEIVED


@pytest.mark.parametrize(
    ("changes", "asked_at"),
    [({"search": None}, MONDAY), ({"listed_after_seconds": None}, MONDAY), ({}, None)],
)
async def test_a_lost_report_waits_while_nobody_can_say_that_there_is_none(
    account: Lapor, changes: dict[str, Any], asked_at: datetime | None
):
    careful = with_options(account, **{"listed_after_seconds": 600} | changes)
    asked = replace(DRAFT, asked_at=asked_at or datetime.now(UTC))
    with pytest.raises(BackendUnreachable, match="look at the account"):
        await careful.submit_complaint(asked)


async def test_where_a_key_is_honoured_the_same_report_is_one(account: Lapor):
    keyed = with_options(account, idempotency=True)
    first = await keyed.submit_complaint(DRAFT)
    assert (await keyed.submit_complaint(replace(DRAFT, asked_at=MONDAY))).reference == first.reference


async def test_the_same_words_of_a_reporter_are_added_once(account: Lapor, city: Any):
    reference = (await account.submit_complaint(DRAFT)).reference
    for _ in range(2):
        await account.add_comment(CaseComment("k-1", reference, "Makin dalam"))
    async with city.state.hall.database.reading() as conn:
        rows = await conn.exec_driver_sql("SELECT text FROM complaint_comments")
        assert [row[0] for row in rows] == ["Makin dalam"]


async def test_unknown_numbers_and_empty_reports_are_said_to_be_so(account: Lapor):
    with pytest.raises(CaseNotFound):
        await account.complaint_status("7")
    with pytest.raises(CaseNotFound):
        await account.complaint_status("..")
    for poor in (replace(DRAFT, topic="percintaan"), replace(DRAFT, description=" ")):
        with pytest.raises(BackendRejected):
            await account.submit_complaint(poor)


async def test_the_stand_in_refuses_a_document_type_of_its_own(city: Any):
    bomb = f'<!DOCTYPE a [<!ENTITY b "c">]><stream token="{KEY}"><laporan><isi>&b;</isi></laporan></stream>'
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=city), base_url="http://kota") as http:
        answer = await http.post("/lapor/api/stream/addstream", content=bomb)
    assert answer.status_code == 400


def test_without_fields_of_its_own_everything_stands_in_the_words():
    root = ElementTree.fromstring(lapor_wire.report(PLAIN, DRAFT, None, "t"))
    words = root.findtext("laporan/isi") or ""
    assert words.splitlines() == [
        "Jalan berlubang",
        "Lokasi: Desa Claket",
        "Titik: -7.650000,112.550000",
        "Foto: https://foto.example/1.jpg",
        f"[{lapor_wire.mark('t-1')}]",
    ]
    assert [child.tag for child in root.find("laporan") or ()] == ["isi"]


@pytest.mark.parametrize(
    ("anonymous", "confidential", "first", "flags"),
    [
        (False, False, "Siti", {"rahasia": "0", "anonim": "0"}),
        (True, False, "Warga", {"rahasia": "0", "anonim": "1"}),
        (False, True, "Siti", {"rahasia": "1", "anonim": "0"}),
        (True, True, "Warga", {"rahasia": "1", "anonim": "1"}),
    ],
)
def test_anonymous_and_confidential_are_two_flags(
    anonymous: bool, confidential: bool, first: str, flags: dict[str, str]
):
    draft = replace(DRAFT, anonymous=anonymous, confidential=confidential)
    written = lapor_wire.report(PLAIN, draft, None, "t")
    root = ElementTree.fromstring(written)
    assert root.findtext("pelapor/namadepan") == first
    assert (root.find("laporan") or {}).attrib == flags  # type: ignore[union-attr]
    assert (b"Aminah" in written) is not anonymous


@given(st.text(), st.text(), st.text(alphabet=st.characters(codec="ascii")))
def test_whatever_is_written_is_xml_and_keeps_its_words(words: str, place: str, token: str):
    draft = ComplaintDraft("k", "sampah", words, Place(place), reporter=place)
    root = ElementTree.fromstring(lapor_wire.report(PLAIN, draft, None, lapor_wire.text(token)))
    said = (root.findtext("laporan/isi") or "").split()
    assert [word for word in lapor_wire.text(words).split() if word not in said] == []
