"""Rules for a system that a rest_json manifest describes: what it promises, the system must keep."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from connectors.capabilities import (
    BookingRequest,
    BookingStatus,
    Capability,
    CaseStatus,
    ComplaintDraft,
    Place,
    SlotQuery,
)
from connectors.conformance.findings import MARK, UNKNOWN, Failed, Rule, Skip, must, unknown
from connectors.dialects.base import CityApp
from connectors.errors import BackendChanged, BackendRejected, ConnectorError, SlotTaken

DAYS_AHEAD = 14


def rules(app: CityApp, write: bool, today: date, service: str | None = None) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    known: dict[str, Any] = {}
    service = service or next(iter(app.manifest.values.service), "ktp_hilang")

    def need(name: str) -> Any:
        if name not in known:
            raise Skip(f"nothing to go on: no {name}")
        return known[name]

    def writing() -> None:
        if not write:
            raise Skip("writes: not asked for")

    async def wrong_key() -> None:
        if app.endpoint.credential.type == "none":
            raise Skip("the app asks for no key")
        wrong = replace(app.endpoint, credential=replace(app.endpoint.credential, value="salah"))
        stranger = type(app)(app.manifest, wrong, app.client)
        try:
            await _read_something(stranger, service, today)
        except BackendChanged as error:
            must("refuses our key" in error.detail, error.detail)
            return
        except ConnectorError as error:
            raise Failed(
                f"a wrong key is answered like this: {type(error).__name__} {error.detail}"
            ) from None
        raise Failed("a wrong key was let in")

    async def slots() -> str:
        for ahead in range(1, DAYS_AHEAD + 1):
            day = await app.slots(SlotQuery(service, today + timedelta(days=ahead)))
            if day.slots:
                known["slots"] = day.slots
                return f"{len(day.slots)} on {day.day}"
        raise Failed(f"no slot for {service} within {DAYS_AHEAD} days")

    async def reserved() -> str:
        writing()
        known["key"] = uuid.uuid4().hex
        receipt = await app.reserve(BookingRequest(known["key"], need("slots")[0].id, service, MARK))
        known["receipt"] = receipt
        return f"{receipt.code}, number {receipt.number}"

    async def repeated() -> None:
        writing()
        first = need("receipt")
        again = await app.reserve(BookingRequest(known["key"], known["slots"][0].id, service, MARK))
        must(again.code == first.code, f"the same Idempotency-Key booked {first.code} and {again.code}")

    async def booking() -> str:
        writing()
        state = await app.booking_status(need("receipt").code)
        must(state.status is not BookingStatus.UNKNOWN, "its state is a word that the manifest does not map")
        return state.status

    async def moved() -> None:
        writing()
        receipt = need("receipt")
        if len(need("slots")) < 2:
            raise Skip("only one slot")
        slot = known["slots"][1]
        again = await app.reschedule(receipt.code, slot.id, uuid.uuid4().hex)
        must(again.starts_at == slot.starts_at, f"asked for {slot.starts_at}, got {again.starts_at}")

    async def cancelled() -> None:
        writing()
        code = need("receipt").code
        await app.cancel_booking(code, uuid.uuid4().hex)
        if Capability.BOOKING_STATUS in app.offers:
            status = (await app.booking_status(code)).status
            must(status is BookingStatus.CANCELLED, f"after cancelling it is {status}")

    async def no_slot() -> None:
        writing()
        try:
            await app.reserve(BookingRequest(uuid.uuid4().hex, UNKNOWN, service, MARK))
        except (SlotTaken, BackendRejected):
            return
        raise Failed("a slot that does not exist was booked")

    async def board() -> str:
        live = await app.live(need("slots")[0].counter)
        return f"{live.counter}: {live.waiting} waiting"

    async def filed() -> str:
        writing()
        topic = next(iter(app.manifest.values.topic), "sampah")
        draft = ComplaintDraft(uuid.uuid4().hex, topic, MARK, Place("Alun-alun", -7.4722, 112.4381))
        receipt, again = await app.submit_complaint(draft), await app.submit_complaint(draft)
        must(again.reference == receipt.reference, f"one key filed {receipt.reference} and {again.reference}")
        known["reference"] = receipt.reference
        return receipt.reference

    async def state() -> str:
        found = await app.complaint_status(need("reference"))
        must(found.status is not CaseStatus.UNKNOWN, f"{found.backend_status!r} is not mapped")
        return found.status

    offered: Mapping[Capability, dict[str, Rule]] = {
        Capability.BOOKING_SLOTS: {"booking.slots lists free places": slots},
        Capability.BOOKING_LIVE: {
            "booking.live shows the board": board,
            "booking.live knows no other counter": lambda: unknown(app.live),
        },
        Capability.BOOKING_RESERVE: {
            "booking.reserve takes a place": reserved,
            "booking.reserve with the same Idempotency-Key books nothing twice": repeated,
            "booking.reserve refuses a slot that does not exist": no_slot,
        },
        Capability.BOOKING_STATUS: {
            "booking.status tells the state": booking,
            "booking.status answers 404 for an unknown code": lambda: unknown(app.booking_status),
        },
        Capability.BOOKING_RESCHEDULE: {"booking.reschedule moves it": moved},
        Capability.BOOKING_CANCEL: {"booking.cancel gives it back": cancelled},
        Capability.COMPLAINT_SUBMIT: {"complaint.submit files once for one key": filed},
        Capability.COMPLAINT_STATUS: {
            "complaint.status tells the state": state,
            "complaint.status answers 404 for an unknown number": lambda: unknown(app.complaint_status),
        },
        Capability.PERMIT_STATUS: {
            "permit.status answers 404 for an unknown number": lambda: unknown(app.permit_status)
        },
    }
    rules["a wrong key is refused"] = wrong_key
    for capability, of_it in offered.items():
        if capability in app.offers:
            rules |= of_it
    return rules


async def _read_something(app: CityApp, service: str, today: date) -> None:
    if Capability.BOOKING_SLOTS in app.offers:
        await app.slots(SlotQuery(service, today))
    elif Capability.PERMIT_STATUS in app.offers:
        await app.permit_status(UNKNOWN)
    elif Capability.COMPLAINT_STATUS in app.offers:
        await app.complaint_status(UNKNOWN)
    else:
        raise Skip("no operation that only reads")
