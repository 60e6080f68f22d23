"""The permit tracker over JSON: where a file is, and following it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Row

from connectors.sandbox import permits
from connectors.sandbox.hall import CityHall, Hall, bearer

router = APIRouter(prefix="/perizinan/v1", dependencies=[Depends(bearer)])


class Following(BaseModel):
    """The follower's own word for the file, kept for the record."""

    callback_reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


@router.get("/berkas/{nomor}")
async def file_state(nomor: str, hall: Hall) -> dict[str, Any]:
    """One file: its step, who holds it, the desk's note."""
    async with hall.writing() as conn:
        return shown(hall, await permits.asked(conn, nomor, hall.clock()))


@router.post("/berkas/{nomor}/langganan", status_code=201)
async def follow(nomor: str, body: Following, hall: Hall) -> dict[str, Any]:
    """Have every move of this file pushed. Following twice is once."""
    async with hall.writing() as conn:
        row = await permits.subscribe(conn, nomor, body.callback_reference, hall.clock())
    return {"nomor": row.nomor, "callback_reference": body.callback_reference}


def shown(hall: CityHall, row: Row[Any]) -> dict[str, Any]:
    """A file as the API shows it."""
    stage = permits.stage_of(hall.city, row)
    return {
        "nomor": row.nomor,
        "jenis": hall.city.ladders[row.jenis].title,
        "tahap": stage.title,
        "pemegang": stage.holder,
        "status": stage.status,
        "catatan": row.note,
        "diperbarui": hall.local(row.updated_at),
    }
