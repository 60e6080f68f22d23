"""What agents do in the systems of the city for a citizen: reports and queue places."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from bot.conversations.desk import casework
from bot.conversations.desk.errors import Unusable
from bot.web import screens
from bot.web.access import identity
from bot.web.agent import frame
from bot.web.agent.frame import Poster
from bot.web.agent.words import Words

router = APIRouter(
    prefix="/agent/percakapan/{conversation_id}", route_class=screens.ScreenRoute, include_in_schema=False
)


@router.post("/lapor")
async def file(request: Request, signed: Poster, conversation_id: str) -> Response:
    """File a complaint for the citizen."""
    number = await casework.file(
        identity.door_of(request),
        signed.agent,
        conversation_id,
        topic=await frame.field(request, "jenis", 64),
        description=await frame.field(request, "uraian"),
        place=await frame.field(request, "tempat", 500),
        key=await frame.field(request, "kunci", 64),
        confidential=await frame.field(request, "rahasia", 4) == "1",
        anonymous=await frame.field(request, "anonim", 4) == "1",
    )
    return frame.done(request, conversation_id, said="filed", number=number)


@router.post("/lacak")
async def look_up(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Where a number stands: the field `jenis` says of what, `laporan`, `izin` or `antrean`."""
    door = identity.door_of(request)
    number, kind = await frame.field(request, "nomor", 64), await frame.field(request, "jenis", 16)
    known: dict[str, Any] = {"words": Words.of(request, signed), "conversation_id": conversation_id}
    if kind == "antrean":
        known["booking"] = await casework.look_up_booking(door, signed.agent, conversation_id, number)
        return screens.render(request, "agent/found_booking.html", signed, **known)
    permit = kind == "izin"
    known["state"] = await casework.look_up(door, signed.agent, conversation_id, number, permit=permit)
    return screens.render(request, "agent/found.html", signed, permit=permit, **known)


@router.post("/ikuti")
async def follow(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Let the citizen follow a case by its number."""
    number = await frame.field(request, "nomor", 64)
    await casework.follow(identity.door_of(request), signed.agent, conversation_id, number)
    return frame.done(request, conversation_id, said="followed")


@router.post("/tambah")
async def follow_up(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Tell the department more about a case."""
    await casework.follow_up(
        identity.door_of(request),
        signed.agent,
        conversation_id,
        await frame.field(request, "laporan", 32),
        await frame.field(request, "teks"),
        key=await frame.field(request, "kunci", 64),
    )
    return frame.done(request, conversation_id, said="added")


@router.post("/jadwal")
async def places(request: Request, signed: Poster, conversation_id: str) -> Response:
    """The free places of a day; `jam` and `nama` are what the citizen wished for by a form, if they did."""
    service = await frame.field(request, "layanan", 64)
    try:
        day = date.fromisoformat(await frame.field(request, "hari", 10))
    except ValueError:
        raise Unusable("other") from None
    found = await casework.places(identity.door_of(request), signed.agent, conversation_id, service, day)
    return screens.render(
        request,
        "agent/places.html",
        signed,
        found=found,
        service=service,
        booking=await frame.field(request, "antrean", 32),
        time=await frame.field(request, "jam", 5),
        name=await frame.field(request, "nama", 200),
        conversation_id=conversation_id,
    )


@router.post("/antre")
async def book(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Take a place: the field `tempat` is `SLOT ID|ISO time`."""
    slot, _, moment = (await frame.field(request, "tempat", 200)).rpartition("|")
    try:
        starts_at = datetime.fromisoformat(moment)
    except ValueError:
        raise Unusable("other") from None
    code = await casework.book(
        identity.door_of(request),
        signed.agent,
        conversation_id,
        service=await frame.field(request, "layanan", 64),
        slot_id=slot,
        starts_at=starts_at,
        name=await frame.field(request, "nama", 200),
        key=await frame.field(request, "kunci", 64),
    )
    return frame.done(request, conversation_id, said="booked", number=code or "-")


@router.post("/antre/pindah")
async def move(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Give a place another time: the field `tempat` is as for taking one."""
    slot, _, _ = (await frame.field(request, "tempat", 200)).rpartition("|")
    if not slot:
        raise Unusable("other")
    await casework.move(
        identity.door_of(request),
        signed.agent,
        conversation_id,
        await frame.field(request, "antrean", 32),
        slot,
        key=await frame.field(request, "kunci", 64),
    )
    return frame.done(request, conversation_id, said="moved")


@router.post("/antre/batal")
async def cancel(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Give a place back."""
    await casework.cancel(
        identity.door_of(request),
        signed.agent,
        conversation_id,
        await frame.field(request, "antrean", 32),
        key=await frame.field(request, "kunci", 64),
    )
    return frame.done(request, conversation_id, said="cancelled")
