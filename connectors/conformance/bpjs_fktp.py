"""Rules for a puskesmas that serves BPJS *antrean FKTP*. The patient they come as has to be known there."""

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from connectors import mapping
from connectors.conformance.findings import MARK, Failed, Rule, Skip, must
from connectors.dialects.bpjs_fktp import BpjsFktp
from connectors.errors import BackendChanged, BackendRejected, CaseNotFound, PersonUnknown
from connectors.exchange import Answer
from connectors.queues import BookingRequest, BookingSlot, PersonNumbers, SlotQuery

DAYS_AHEAD = 7
NOBODY = PersonNumbers(nik="3500000000000000", card="0000000000000")


def rules(app: BpjsFktp, write: bool, today: date, patient: PersonNumbers | None) -> dict[str, Rule]:
    known: dict[str, Any] = {}
    name, counter = next(iter(app.manifest.fktp_counters.items()))
    service = next(iter(app.manifest.values.service), "antrean_puskesmas")

    def writing() -> PersonNumbers:
        if not write:
            raise Skip("takes a number: not asked for")
        if patient is None:
            raise Skip("name a patient that is known there: --patient CARD:NIK")
        return patient

    async def raw(method: str, path: str, token: str | None = None, **more: Any) -> Answer:
        credential = app.endpoint.credential
        headers = {"x-token": token or await app.sign_in(counter), "x-username": credential.name}
        return await app.client.send(app.endpoint, method, f"{counter.path}/{path}", headers=headers, **more)

    async def signed_in() -> None:
        must(bool(await app.sign_in(counter)), "GET auth gives no token")

    async def wrong_password() -> None:
        credential = replace(app.endpoint.credential, value="salah")
        stranger = BpjsFktp(app.manifest, replace(app.endpoint, credential=credential), app.client)
        try:
            await stranger.sign_in(counter)
        except BackendChanged as error:
            must("refuses our user" in error.detail, error.detail)
            return
        raise Failed("a wrong password was let in")

    async def wrong_token() -> None:
        answer = await raw("GET", f"antrean/status/{counter.poli}/{today}", token="salah")  # noqa: S106
        _refusal(answer, "a wrong token")

    async def opened() -> str:
        for ahead in range(1, DAYS_AHEAD + 1):
            day = await app.slots(SlotQuery(service, today + timedelta(days=ahead), name))
            if day.slots:
                known["slot"] = day.slots[0]
                return f"{day.day}"
        raise Failed(f"the poli is not open within {DAYS_AHEAD} days")

    async def no_poli() -> None:
        _refusal(await raw("GET", f"antrean/status/ZZZ/{today}"), "an unknown poli")

    async def no_date() -> None:
        _refusal(await raw("GET", f"antrean/status/{counter.poli}/24-11-2026"), "a date not yyyy-mm-dd")

    def slot() -> BookingSlot:
        if "slot" not in known:
            raise Skip("nothing to go on: no open day")
        found: BookingSlot = known["slot"]
        return found

    def wish(numbers: PersonNumbers) -> BookingRequest:
        return BookingRequest("uji", slot().id, service, MARK, numbers=numbers, complaint=MARK)

    async def taken() -> str:
        numbers = writing()
        receipt = await app.reserve(wish(numbers))
        known["receipt"] = receipt
        return f"number {receipt.number}"

    async def once_a_day() -> None:
        numbers = writing()
        if "receipt" not in known:
            raise Skip("no number was taken")
        day = slot().id.split("/")[1]
        body = {"nomorkartu": numbers.card, "nik": numbers.nik, "kodepoli": counter.poli}
        answer = await raw("POST", "antrean", body=body | {"tanggalperiksa": day, "keluhan": MARK})
        _refusal(answer, "a second number on one day")
        again = await app.reserve(wish(numbers))
        must(again.number == known["receipt"].number, f"sisapeserta tells {again.number} instead")

    async def remaining() -> str:
        writing()
        if "receipt" not in known:
            raise Skip("no number was taken")
        state = await app.booking_status(known["receipt"].code)
        must(state.number == known["receipt"].number, f"sisapeserta tells of {state.number}")
        must(state.ahead is not None, "sisapeserta has no sisaantrean")
        return f"{state.ahead} before it"

    async def stranger() -> None:
        writing()
        try:
            receipt = await app.reserve(wish(NOBODY))
        except PersonUnknown:
            return
        except BackendRejected as error:
            raise Failed(f"an unknown patient is refused with 201, not 202: {error.detail}") from None
        await app.cancel_booking(receipt.code, "uji")
        raise Failed("an unknown patient got a number")

    async def given_back() -> None:
        writing()
        if "receipt" not in known:
            raise Skip("no number was taken")
        code = known["receipt"].code
        await app.cancel_booking(code, "uji")
        await app.cancel_booking(code, "uji")
        try:
            await app.booking_status(code)
        except CaseNotFound:
            return
        raise Failed("a number that was given back is still there")

    return {
        "GET auth gives a token": signed_in,
        "GET auth refuses a wrong password": wrong_password,
        "every call refuses a wrong token": wrong_token,
        "GET antrean/status tells that a poli is open": opened,
        "GET antrean/status refuses an unknown poli": no_poli,
        "GET antrean/status refuses a date that is not yyyy-mm-dd": no_date,
        "POST antrean gives a number": taken,
        "POST antrean gives one number a day": once_a_day,
        "POST antrean answers 202 for an unknown patient": stranger,
        "GET antrean/sisapeserta finds it again": remaining,
        "PUT antrean/batal gives it back, and twice is said to be once": given_back,
    }


def _refusal(answer: Answer, what: str) -> None:
    """A refusal is metadata with a code other than 200 and a message for people."""
    document = answer.document()
    metadata = mapping.read(document, "metadata") or mapping.read(document, "metaData")
    must(isinstance(metadata, dict), f"{what} is answered without metadata")
    code, message = str(mapping.read(metadata, "code")), str(mapping.read(metadata, "message") or "")
    must(bool(re.fullmatch(r"[2-5][0-9]{2}", code)), f"{what}: metadata.code {code!r}")
    must(code != "200", f"{what} is accepted")
    must(bool(message), f"{what}: metadata.message is empty")
