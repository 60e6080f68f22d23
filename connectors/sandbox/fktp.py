"""The puskesmas of the city as BPJS wants them: *antrean FKTP*, provider side, one address for each
puskesmas.

Faithful in what makes it odd: everything is answered with HTTP 200 and `metadata.code` decides, numbers are
text, a place has no code of its own, and giving one back is a PUT.
"""

import hashlib
import hmac
import re
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from connectors.sandbox import patients
from connectors.sandbox.city import Poli
from connectors.sandbox.hall import CityHall, Hall
from connectors.sandbox.problems import Refusal

USERNAME = "lawang"
TOKEN_LIFE = timedelta(hours=1)
NEW_PATIENT = "Data pasien ini tidak ditemukan, silakan melakukan registrasi pasien baru"
_CARD = re.compile(r"[0-9]{13}")
_NIK = re.compile(r"[0-9]{16}")
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class Wish(_Body):
    """POST antrean. The newer fields (nohp, kodedokter, jampraktek, norm) are taken and not needed."""

    nomorkartu: Text = ""
    nik: Text = ""
    kodepoli: Text = ""
    tanggalperiksa: Text = ""
    keluhan: Text = ""


class Cancelling(_Body):
    """PUT antrean/batal."""

    nomorkartu: Text = ""
    kodepoli: Text = ""
    tanggalperiksa: Text = ""
    keterangan: Text = ""


class NewPatient(_Body):
    """POST peserta. Of the address fields (kodeprop to kodekel, rw, rt) nothing is kept here."""

    nomorkartu: Text = ""
    nik: Text = ""
    nomorkk: Text = ""
    nama: Text = ""
    jeniskelamin: Text = ""
    tanggallahir: Text = ""
    alamat: Text = ""


def signed_in(request: Request, hall: Hall) -> None:
    """Refuse (metadata.code 201) a call without a token of ours that is still good."""
    if request.headers.get("x-username") != USERNAME:
        raise Refusal(201, "unauthorized", "Username atau Password Tidak Sesuai")
    until, _, _ = request.headers.get("x-token", "").partition(".")
    expected = _token(hall, int(until)) if until.isdecimal() and len(until) < 12 else ""
    if not hmac.compare_digest(request.headers.get("x-token", "").encode(), expected.encode()) or not until:
        raise Refusal(201, "unauthorized", "Token Tidak Sesuai")
    if int(until) <= hall.clock().timestamp():
        raise Refusal(201, "unauthorized", "Token Expired")


def puskesmas(facility: str, hall: Hall) -> None:
    """Refuse an address where there is no puskesmas."""
    if not any(poli.path == facility for poli in hall.city.polis.values()):
        raise Refusal(201, "not_found", "Faskes Tidak Ditemukan")


router = APIRouter(prefix="/fktp/{facility}", dependencies=[Depends(puskesmas)])
inside = APIRouter(dependencies=[Depends(signed_in)])


@router.get("/auth")
async def sign_in(request: Request, hall: Hall) -> Response:
    """A token for an hour."""
    password = request.headers.get("x-password", "")
    if request.headers.get("x-username") != USERNAME or not hall.is_key(password):
        raise Refusal(201, "unauthorized", "Username atau Password Tidak Sesuai")
    return _done({"token": _token(hall, int((hall.clock() + TOKEN_LIFE).timestamp()))})


@inside.get("/antrean/status/{kode_poli}/{tanggal}")
async def status(facility: str, kode_poli: str, tanggal: str, hall: Hall) -> Response:
    """The board of a poli."""
    poli, day = _poli(hall, facility, kode_poli), _day(tanggal)
    async with hall.database.reading() as conn:
        if (reason := await patients.closed(conn, hall.city, poli, day, hall.clock())) is not None:
            raise Refusal(201, "closed", reason)
        board = await patients.tally(conn, poli, day)
    return _done(
        {
            "namapoli": poli.desk.title,
            "totalantrean": str(board.total),
            "sisaantrean": str(board.left),
            "antreanpanggil": _number(poli, board.calling),
            "keterangan": "",
        }
    )


@inside.post("/antrean")
async def take(facility: str, body: Wish, hall: Hall) -> Response:
    """Take a number."""
    poli, day = _poli(hall, facility, body.kodepoli), _day(body.tanggalperiksa)
    _person(body.nomorkartu, body.nik)
    async with hall.writing() as conn:
        if not await patients.known(conn, body.nomorkartu):
            raise Refusal(202, "new_patient", NEW_PATIENT)
        row = await patients.take(conn, hall.city, poli, day, body.nomorkartu, body.keluhan, hall.clock())
        answer = await _place(conn, poli, row)
    return _done(answer | {"angkaantrean": str(row.number)})


@inside.get("/antrean/sisapeserta/{nomorkartu}/{kode_poli}/{tanggal}")
async def remaining(facility: str, nomorkartu: str, kode_poli: str, tanggal: str, hall: Hall) -> Response:
    """How many are before a patient."""
    poli, day = _poli(hall, facility, kode_poli), _day(tanggal)
    async with hall.database.reading() as conn:
        row = await patients.find(conn, poli, day, nomorkartu)
        if row is None:
            raise Refusal(201, "none", "Antrean Tidak Ditemukan")
        return _done(await _place(conn, poli, row))


@inside.put("/antrean/batal")
async def cancel(facility: str, body: Cancelling, hall: Hall) -> Response:
    """Give a number back."""
    poli, day = _poli(hall, facility, body.kodepoli), _day(body.tanggalperiksa)
    async with hall.writing() as conn:
        await patients.cancel(conn, poli, day, body.nomorkartu, hall.clock())
    return _done(None)


@inside.post("/peserta")
async def register(facility: str, body: NewPatient, hall: Hall) -> Response:
    """Make a patient known."""
    _person(body.nomorkartu, body.nik)
    for name in ("nomorkk", "nama", "jeniskelamin", "tanggallahir", "alamat"):
        if not getattr(body, name):
            raise Refusal(201, "missing", f"{name} Belum Diisi")
    _day(body.tanggallahir)
    async with hall.writing() as conn:
        return _done({"norm": await patients.register(conn, body.nomorkartu, body.nik)})


router.include_router(inside)


def as_metadata(refusal: Refusal) -> Response:
    """A refusal as this contract writes it: HTTP 200, and a code of 201 unless it is one of its own."""
    code = refusal.status if refusal.status == 202 or refusal.status >= 500 else 201
    said = {"metadata": {"message": refusal.detail, "code": code}}
    return JSONResponse(said, code if code >= 500 else 200)


def _done(response: dict[str, Any] | None) -> Response:
    said: dict[str, Any] = {} if response is None else {"response": response}
    return JSONResponse(said | {"metadata": {"message": "Ok", "code": 200}})


async def _place(conn: Any, poli: Poli, row: Any) -> dict[str, str]:
    board = await patients.tally(conn, poli, row.day)
    return {
        "nomorantrean": _number(poli, row.number),
        "namapoli": poli.desk.title,
        "sisaantrean": str(await patients.ahead(conn, poli, row)),
        "antreanpanggil": _number(poli, board.calling),
        "keterangan": "Mohon datang 30 menit sebelum pelayanan.",
    }


def _number(poli: Poli, value: int | None) -> str:
    return "" if value is None else f"{poli.desk.prefix}{value}"


def _token(hall: CityHall, until: int) -> str:
    signed = hmac.new(hall.settings.api_key.encode(), f"fktp {until}".encode(), hashlib.sha256)
    return f"{until}.{signed.hexdigest()}"


def _poli(hall: CityHall, facility: str, code: str) -> Poli:
    poli = hall.city.poli(facility, code)
    if poli is None:
        raise Refusal(201, "not_found", "Poli Tidak Ditemukan")
    return poli


def _day(raw: str) -> date:
    try:
        if len(raw) == len("2026-11-24"):
            return date.fromisoformat(raw)
    except ValueError:
        pass
    raise Refusal(201, "bad_date", "Format Tanggal Tidak Sesuai, format yang benar adalah yyyy-mm-dd")


def _person(card: str, nik: str) -> None:
    if not card:
        raise Refusal(201, "missing", "Nomor Kartu Belum Diisi")
    if not _CARD.fullmatch(card):
        raise Refusal(201, "malformed", "Format Nomor Kartu Tidak Sesuai")
    if not nik:
        raise Refusal(201, "missing", "NIK Belum Diisi")
    if not _NIK.fullmatch(nik):
        raise Refusal(201, "malformed", "Format NIK Tidak Sesuai")
