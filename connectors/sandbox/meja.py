"""*Meja Kota*: where a clerk moves cases on and calls numbers, by plain forms or by JSON."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from connectors.sandbox import (
    bookings,
    closing,
    complaints,
    desk,
    line,
    patients,
    perizinan,
    permits,
    queue_face,
    waiting,
)
from connectors.sandbox.hall import Hall
from connectors.sandbox.problems import Refusal

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# `same-origin`, not `no-referrer`: with the latter browsers send `Origin: null` with our own forms.
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
pages = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=StrictUndefined
)


def same_origin(request: Request) -> None:
    """Refuse (403) what another site made a browser send.

    A form must carry an Origin of our own; JSON is not sent across sites without our permission, so
    scripts may leave the header out.
    """
    origin = request.headers.get("origin")
    if origin is None:
        fine = _is_json(request) and request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    else:
        fine = origin == f"{request.url.scheme}://{request.headers.get('host', '')}"
    if not fine:
        raise Refusal(403, "other_origin", "forms of Meja Kota are only taken from its own page")


router = APIRouter()
actions = APIRouter(prefix="/meja", dependencies=[Depends(same_origin)])


@router.get("/", response_class=HTMLResponse)
async def page(
    hall: Hall, tampil: str = "", hal: str = "1", kabar: str = "", galat: str = ""
) -> HTMLResponse:
    """The whole desk."""
    number = int(hal) if hal.isdecimal() and len(hal) < 9 else 1
    words = hall.city.desk_words
    flash = words["done"].get(kabar)
    trouble = words["refused"].get(galat, words["refused_otherwise"]) if galat else None
    async with hall.database.reading() as conn:
        view = await desk.look(hall, conn, tampil, number)
        beat = await desk.pulse(conn)
    html = pages.get_template("meja.html").render(desk=view, pulse=beat, flash=flash, trouble=trouble)
    return HTMLResponse(html, headers=HEADERS)


@router.get("/meja/denyut")
async def denyut(hall: Hall) -> JSONResponse:
    """Changes whenever the page would."""
    async with hall.database.reading() as conn:
        return JSONResponse({"denyut": await desk.pulse(conn)}, headers={"Cache-Control": "no-store"})


@actions.post("/laporan/{reference}/status")
async def move_complaint(reference: str, request: Request, hall: Hall) -> Response:
    """Move a case on: `{"status", "note"}`."""
    try:
        fields = await _fields(request)
        async with hall.writing() as conn:
            row = await complaints.move(
                conn, hall.city, reference, fields.get("status", ""), fields.get("note", ""), hall.clock()
            )
    except Refusal as refusal:
        return _refused(request, refusal, f"laporan-{reference}")
    shown = {"reference": row.reference, "status": row.status, "note": row.note}
    return _done(request, shown, "laporan", f"laporan-{row.reference}")


@actions.post("/loket/{counter_id}/panggil")
async def call_next(counter_id: str, request: Request, hall: Hall) -> Response:
    """Call the next number: `{"clerk"?, "date"?}`."""
    try:
        fields = await _fields(request)
        counter = queue_face.find_counter(hall, counter_id)
        day = _day(fields["date"]) if fields.get("date") else None
        async with hall.writing() as conn:
            clerk = fields.get("clerk", "1")[:20]
            row = await line.call_next(conn, hall.city, counter, clerk, day, hall.clock())
    except Refusal as refusal:
        return _refused(request, refusal, f"loket-{counter_id}")
    called = None if row is None else queue_face.ticket(hall, row)
    return _done(request, {"called": called}, "dipanggil" if row else "kosong", f"loket-{counter.id}")


@actions.post("/loket/{counter_id}/langsung")
async def walk_in(counter_id: str, request: Request, hall: Hall) -> Response:
    """Print a number for someone who came without a booking."""
    try:
        counter = queue_face.find_counter(hall, counter_id)
        async with hall.writing() as conn:
            row = await line.walk_in(conn, hall.city, counter, None, hall.clock())
    except Refusal as refusal:
        return _refused(request, refusal, f"loket-{counter_id}")
    return _done(request, queue_face.ticket(hall, row), "langsung", f"loket-{counter.id}")


@actions.post("/loket/{counter_id}/tutup")
async def close_day(counter_id: str, request: Request, hall: Hall) -> Response:
    """Close a counter for one day and move who is booked: `{"date", "reason"}`. `semua` closes all of
    them."""
    try:
        fields = await _fields(request)
        every = counter_id == "semua"
        counters = hall.city.counters.values() if every else [queue_face.find_counter(hall, counter_id)]
        reason = fields.get("reason", "").strip()[:200]
        if not reason:
            raise Refusal(400, "reason_missing", "reason is required")
        day = _day(fields.get("date", ""))
        moved = cancelled = 0
        for counter in counters:
            async with hall.writing() as conn:
                closed = await closing.close_day(conn, hall.city, counter, day, reason, hall.clock())
            moved, cancelled = moved + closed.moved, cancelled + closed.cancelled
    except Refusal as refusal:
        return _refused(request, refusal, f"loket-{counter_id}")
    shown = {"moved": moved, "cancelled": cancelled}
    return _done(request, shown, "tutup", "loket" if every else f"loket-{counter_id}")


@actions.post("/antrean/{code}/status")
async def move_booking(code: str, request: Request, hall: Hall) -> Response:
    """Move a ticket on: `{"status"}`."""
    try:
        fields = await _fields(request)
        async with hall.writing() as conn:
            row = await bookings.move(conn, hall.city, code, fields.get("status", ""), hall.clock())
            await waiting.offer(conn, hall.city, hall.city.counters[row.counter], row.day, hall.clock())
    except Refusal as refusal:
        return _refused(request, refusal, "loket")
    return _done(request, queue_face.ticket(hall, row), "antrean", f"loket-{row.counter}")


@actions.post("/poli/{poli_id}/panggil")
async def call_patient(poli_id: str, request: Request, hall: Hall) -> Response:
    """Call the next patient of a poli."""
    try:
        poli = hall.city.polis.get(poli_id)
        if poli is None:
            raise Refusal(404, "counter_not_found", "no such poli")
        async with hall.writing() as conn:
            row = await patients.call_next(conn, hall.city, poli, hall.clock())
    except Refusal as refusal:
        return _refused(request, refusal, "puskesmas")
    called = None if row is None else f"{poli.desk.prefix}{row.number}"
    return _done(request, {"called": called}, "dipanggil" if row else "kosong", f"poli-{poli_id}")


@actions.post("/berkas/{nomor}/tahap")
async def move_permit(nomor: str, request: Request, hall: Hall) -> Response:
    """Put a file on a step of its ladder: `{"stage": index, "note"?}`."""
    try:
        fields = await _fields(request)
        stage = fields.get("stage", "")
        if not stage.isdecimal() or len(stage) > 3:
            raise Refusal(400, "unknown_stage", "stage is the index of a step, from 0")
        async with hall.writing() as conn:
            row = await permits.move(conn, hall.city, nomor, int(stage), fields.get("note", ""), hall.clock())
    except Refusal as refusal:
        return _refused(request, refusal, f"berkas-{nomor}")
    return _done(request, perizinan.shown(hall, row), "berkas", f"berkas-{row.nomor}")


router.include_router(actions)


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json"


async def _fields(request: Request) -> dict[str, str]:
    if not _is_json(request):
        return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        body = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise Refusal(400, "malformed", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "malformed", "the body must be an object")
    # A lone surrogate is legal JSON but no text that could be stored.
    fields = {name: str(value) for name, value in body.items() if value is not None}
    return {name: value.encode(errors="replace").decode() for name, value in fields.items()}


def _day(raw: str) -> date:
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise Refusal(400, "bad_date", "date must be a day, as in 2026-11-24") from None


def _done(request: Request, shown: dict[str, Any], kabar: str, anchor: str) -> Response:
    if _is_json(request):
        return JSONResponse(shown)
    return RedirectResponse(f"/?kabar={kabar}{_keep(request)}#{anchor}", 303)


def _refused(request: Request, refusal: Refusal, anchor: str) -> Response:
    if _is_json(request):
        raise refusal
    safe = "".join(letter for letter in anchor if letter.isalnum() or letter in "-_")[:60]
    return RedirectResponse(f"/?galat={refusal.error}{_keep(request)}#{safe}", 303)


def _keep(request: Request) -> str:
    """The filter and page of the list the clerk was looking at."""
    chosen, number = request.query_params.get("tampil", ""), request.query_params.get("hal", "")
    kept = f"&tampil={chosen}" if chosen in desk.FILTERS else ""
    return kept + (f"&hal={number}" if number.isdecimal() and len(number) < 9 else "")
