"""A stand-in of SP4N-LAPOR!'s stream: XML in and out, a token in the document, plain numbers as tracking ids.

Only `addstream` has a public example. The other three addresses are this stand-in's own; the real ones are
told to accounts with the role of a developer.
"""

from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from fastapi import APIRouter, Request, Response
from sqlalchemy import Row, select

from connectors.sandbox import complaints, idempotency
from connectors.sandbox.complaints import NewComplaint
from connectors.sandbox.geoform import moment
from connectors.sandbox.hall import CityHall, Hall
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import complaints as table

router = APIRouter(prefix="/lapor")
SERIES = "lapor"
FIRST_NUMBER = 8_000_000
LONGEST_PERIOD_ROWS = 200
NO_PLACE = "tercantum dalam isi laporan"
OTHER_TOPIC = "pelayanan_petugas"
# What LAPOR calls the states of this city's desk.
WORDS = {
    "diterima": "Belum Diverifikasi",
    "terverifikasi": "Terverifikasi",
    "didisposisi": "Belum Ditindaklanjuti",
    "diproses": "Proses",
    "butuh_info": "Menunggu Pelapor",
    "selesai": "Selesai",
    "ditolak": "Diarsipkan",
    "digabung": "Digabung",
    "bukan_kewenangan": "Bukan Kewenangan",
}


def is_lapor(reference: str) -> bool:
    """Whether a case of the desk came through LAPOR."""
    return reference.isdecimal()


@router.post("/api/stream/addstream")
async def add_stream(request: Request, hall: Hall) -> Response:
    """File a report; with the same Idempotency-Key, where one is sent, never twice."""
    root = await _document(request, hall)
    body = root.find("laporan")
    if body is None or not (body.findtext("isi") or "").strip():
        raise Refusal(400, "isi_missing", "laporan/isi must not be empty")
    flags = {name: body.get(name, "0") for name in ("rahasia", "anonim")}
    if set(flags.values()) - {"0", "1"}:
        raise Refusal(400, "bad_flag", "rahasia and anonim are 0 or 1")
    if not (root.findtext("pelapor/email") or "").strip():
        raise Refusal(400, "email_missing", "pelapor/email is required")
    name = " ".join(
        filter(None, (root.findtext(f"pelapor/{part}") for part in ("namadepan", "namabelakang")))
    )
    topic = (body.findtext("topik") or "").strip()
    complaint = NewComplaint(
        service_code=topic or OTHER_TOPIC,
        description=(body.findtext("isi") or "").strip(),
        address=(body.findtext("lokasi") or "").strip() or NO_PLACE,
        latitude=_degrees("lat", body.findtext("lat") or ""),
        longitude=_degrees("lng", body.findtext("lng") or ""),
        photos=tuple(item.text.strip() for item in body.findall("lampiran") if item.text),
        reporter=None if flags["anonim"] == "1" else name[:120] or None,
        confidential=flags["rahasia"] == "1",
    )
    complaints.check(hall.city, complaint)
    key = idempotency.checked(request.headers.get("idempotency-key"))
    async with hall.writing() as conn:
        known = await idempotency.recall(conn, "lapor.addstream", key)
        if known is not None:
            return _written("stream", known[1])
        now = hall.clock()
        reference = await complaints.file(conn, hall.city, complaint, now, series=(SERIES, FIRST_NUMBER))
        answer = {"status": "sukses", "trackingid": reference, "transaksiid": f"T{reference}"}
        await idempotency.remember(conn, "lapor.addstream", key, 200, answer, now)
    return _written("stream", answer)


@router.get("/api/stream/getstream/{tracking_id}")
async def get_stream(tracking_id: str, request: Request, hall: Hall) -> Response:
    """One report of this account."""
    _known(hall, request.headers.get("keytoken", ""))
    async with hall.database.reading() as conn:
        row = await complaints.find(conn, tracking_id if is_lapor(tracking_id) else "-")
    return _written("stream", _shown(hall, row))


@router.get("/api/stream/liststream")
async def list_streams(request: Request, hall: Hall, dari: str = "", sampai: str = "") -> Response:
    """The reports of this account in a period, newest first."""
    _known(hall, request.headers.get("keytoken", ""))
    query = select(table).where(table.c.reference.not_like("%-%"))
    if dari:
        query = query.where(table.c.requested_at >= moment("dari", dari))
    if sampai:
        query = query.where(table.c.requested_at <= moment("sampai", sampai))
    async with hall.database.reading() as conn:
        rows = await complaints.listed(conn, query, LONGEST_PERIOD_ROWS)
    root = Element("streams")
    for row in rows:
        _fill(SubElement(root, "stream"), _shown(hall, row))
    return _answer(root)


@router.post("/api/stream/addfollowup")
async def add_follow_up(request: Request, hall: Hall) -> Response:
    """Words of the reporter; the same transaction id is the same words."""
    root = await _document(request, hall)
    body = root.find("tindaklanjut")
    if body is None:
        raise Refusal(400, "tindaklanjut_missing", "tindaklanjut is required")
    reference = body.get("trackingid", "")
    key = idempotency.checked((body.findtext("transaksiid") or "").strip())
    async with hall.writing() as conn:
        known = await idempotency.recall(conn, "lapor.addfollowup", key)
        if known is None:
            now = hall.clock()
            row = await complaints.find(conn, reference if is_lapor(reference) else "-")
            await complaints.comment(conn, hall.city, row.reference, body.findtext("isi") or "", (), now)
            answer = {"status": "sukses", "trackingid": row.reference}
            await idempotency.remember(conn, "lapor.addfollowup", key, 200, answer, now)
            known = (200, answer)
    return _written("stream", known[1])


async def _document(request: Request, hall: CityHall) -> Any:
    try:
        root = ElementTree.fromstring(await request.body(), forbid_dtd=True)
    except (ElementTree.ParseError, ValueError, LookupError, DefusedXmlException):
        raise Refusal(400, "not_xml", "the body is not the XML this address takes") from None
    _known(hall, root.get("token", ""))
    return root


def _known(hall: CityHall, token: str) -> None:
    if not hall.is_key(token):
        raise Refusal(401, "bad_token", "the token is missing or not valid")


def _shown(hall: CityHall, row: Row[Any]) -> dict[str, Any]:
    return {
        "trackingid": row.reference,
        "isi": row.description,
        "topik": row.service_code,
        "status": WORDS[row.status],
        "keterangan": row.note,
        "instansi": hall.city.agency_of(row.service_code),
        "tanggal": hall.local(row.requested_at),
        "diperbarui": hall.local(row.updated_at),
        "rahasia": row.confidential,
    }


def _written(tag: str, fields: dict[str, Any]) -> Response:
    root = Element(tag)
    _fill(root, fields)
    return _answer(root)


def _fill(element: Element, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        SubElement(element, name).text = "" if value is None else str(value)


def _answer(root: Element) -> Response:
    return Response(tostring(root, encoding="utf-8", xml_declaration=True), media_type="application/xml")


def _degrees(name: str, raw: str) -> float | None:
    if not raw.strip():
        return None
    try:
        return float(raw)
    except ValueError:
        raise Refusal(400, "bad_coordinates", f"{name} must be decimal degrees") from None
