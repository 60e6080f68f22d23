"""BPJS Kesehatan *antrean FKTP*: what a puskesmas serves for Mobile JKN, with us as one more client.

Two things differ from every other system here. `metadata.code` decides, whatever the HTTP status says: 200
done, 201 refused with a reason, 202 the patient has to be registered first; numbers come as text. And there
is no booking code and no idempotency key: a place is (card, poli, date), one a day. So a request whose answer
was lost is never sent again before `sisapeserta` was asked whether that place exists.

Contract: BPJS Kesehatan, *Katalog Web Service Antrean FKTP*, provider side: GET auth, GET antrean/status,
POST antrean, GET antrean/sisapeserta, PUT antrean/batal, POST peserta.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from connectors import fktp_codes, mapping
from connectors.capabilities import (
    BookingReceipt,
    BookingRequest,
    BookingSlot,
    BookingState,
    BookingStatus,
    CounterLive,
    DaySlots,
    SlotQuery,
)
from connectors.dialects.fktp_wire import NEW_PATIENT, OK, FktpWire, Said
from connectors.errors import (
    BackendChanged,
    BackendRejected,
    BackendUnreachable,
    CaseNotFound,
    ConnectorError,
    PersonUnknown,
    SlotTaken,
)
from connectors.fktp_codes import NoSuchCode, Place
from connectors.manifest import FktpCounter
from connectors.queues import Counter, Registration

WIB = ZoneInfo("Asia/Jakarta")
_FULL = ("penuh", "kuota")
_CANCELLED = "sudah dibatalkan"
_NONE = ("tidak ditemukan", "belum terdaftar")


class BpjsFktp(FktpWire):
    """A puskesmas, or several behind one address: each counter of the manifest is a poli of one of them."""

    async def counters(self) -> tuple[Counter, ...]:
        """Return the poli of the manifest: the contract has no call for them."""
        services = tuple(self.manifest.values.service)
        return tuple(
            Counter(name, counter.title, services, counter.address)
            for name, counter in self.manifest.fktp_counters.items()
        )

    async def slots(self, query: SlotQuery) -> DaySlots:
        """Return the poli that are open on a day; one that refuses says why. Places are not counted."""
        self._service(query.service)
        names = [query.counter] if query.counter else list(self.manifest.fktp_counters)
        asked = [self._status(name, query.day) for name in names]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        slots: list[BookingSlot] = []
        reason, trouble = None, None
        for name, said in zip(names, answers, strict=True):
            if isinstance(said, ConnectorError):
                trouble = said
            elif isinstance(said, BaseException):
                raise said
            elif said.code == OK:
                slots += self._sessions(name, query.day, said)
            else:
                reason = said.message
        if trouble is not None and not slots:
            raise trouble
        slots.sort(key=lambda slot: (slot.starts_at, slot.id))
        return DaySlots(query.day, tuple(slots), None if slots else reason)

    async def reserve(self, request: BookingRequest) -> BookingReceipt:
        """Take a number. Asking again, or after an answer that was lost, finds the same number."""
        name, day, session = self._slot(request.slot_id)
        counter = self._counter(name)
        card, nik = request.numbers.card, request.numbers.nik
        if not card or not nik:
            raise BackendRejected(self.id, "nomor kartu JKN dan NIK diperlukan")
        place = Place(name, day, card)
        body = {
            "nomorkartu": card,
            "nik": nik,
            "kodepoli": counter.poli,
            "tanggalperiksa": day.isoformat(),
            "keluhan": mapping.clean(request.complaint or "-")[:200],
            **session,
        }
        if request.contact:
            body["nohp"] = request.contact
        try:
            said = await self.ask("POST", counter, "antrean", body)
        except BackendUnreachable as error:
            if not error.outcome_unknown:
                raise
            return await self._found_after(error, place, session)
        if said.code == OK:
            return self._receipt(place, session, said)
        if said.code == NEW_PATIENT:
            raise PersonUnknown(self.id, said.message)
        try:
            # A refusal may only mean that this very place was given to us before.
            return self._receipt(place, session, await self._remaining(place))
        except CaseNotFound:
            error_type = SlotTaken if said.says(*_FULL) else BackendRejected
            raise error_type(self.id, said.message) from None

    async def booking_status(self, code: str) -> BookingState:
        """Return a place in line. The contract tells no more than how many are left and who is called."""
        place = self._place(code)
        receipt = self._receipt(place, {}, said := await self._remaining(place))
        calling = self.text(said, "antreanpanggil")
        called = calling == receipt.number
        return BookingState(
            code=receipt.code,
            number=receipt.number,
            counter=receipt.counter,
            starts_at=receipt.starts_at,
            status=BookingStatus.CALLED if called else BookingStatus.BOOKED,
            ahead=0 if called else self.count(said, "sisaantrean"),
            now_serving=calling,
        )

    async def cancel_booking(self, code: str, idempotency_key: str) -> None:
        """Give a number back; one that is given back already is."""
        place = self._place(code)
        counter = self._counter(place.counter)
        body = {
            "nomorkartu": place.card,
            "kodepoli": counter.poli,
            "tanggalperiksa": place.day.isoformat(),
            "keterangan": "Dibatalkan pasien",
        }
        try:
            said = await self.ask("PUT", counter, "antrean/batal", body)
        except BackendUnreachable as error:
            if not error.outcome_unknown:
                raise
            try:
                await self._remaining(place)
            except CaseNotFound:
                return
            raise
        if said.code == OK or said.says(_CANCELLED):
            return
        raise (CaseNotFound if said.says(*_NONE) else BackendRejected)(self.id, said.message)

    async def live(self, counter: str) -> CounterLive:
        """Return the board of a poli today."""
        now = datetime.now(UTC)
        said = await self._status(counter, now.astimezone(self._zone).date())
        if said.code != OK:
            raise BackendRejected(self.id, said.message)
        first = self._sessions_of(said)[0]
        said = Said(said.code, said.message, first)
        return CounterLive(
            counter, self.text(said, "antreanpanggil"), self.count(said, "sisaantrean") or 0, now
        )

    async def register_person(self, registration: Registration) -> str:
        """Make a patient known; returns the medical record number."""
        counter = self._counter(registration.counter)
        body = {
            "nomorkartu": registration.numbers.card or "",
            "nik": registration.numbers.nik or "",
            "nomorkk": registration.family_card,
            "nama": mapping.clean(registration.name),
            "jeniskelamin": registration.sex,
            "tanggallahir": registration.birth_date.isoformat(),
            **registration.address,
        }
        said = await self.ask("POST", counter, "peserta", body)
        if said.code != OK:
            raise BackendRejected(self.id, said.message)
        return self.needed(said, "norm")

    async def _found_after(
        self, lost: BackendUnreachable, place: Place, session: Mapping[str, str]
    ) -> BookingReceipt:
        """Look for a place whose confirmation was lost; if it is not there the outcome stays unknown."""
        try:
            return self._receipt(place, session, await self._remaining(place))
        except ConnectorError:
            raise lost from None

    async def _status(self, name: str, day: date) -> Said:
        counter = self._counter(name)
        path = mapping.fill_path("antrean/status/{poli}/{day}", {"poli": counter.poli, "day": day})
        return await self.ask("GET", counter, path)

    async def _remaining(self, place: Place) -> Said:
        counter = self._counter(place.counter)
        fields = {"card": place.card, "poli": counter.poli, "day": place.day}
        path = mapping.fill_path("antrean/sisapeserta/{card}/{poli}/{day}", fields)
        said = await self.ask("GET", counter, path)
        if said.code == OK:
            return said
        if said.says(*_NONE) or said.says(_CANCELLED):
            raise CaseNotFound(self.id, said.message)
        raise BackendRejected(self.id, said.message)

    def _receipt(self, place: Place, session: Mapping[str, str], said: Said) -> BookingReceipt:
        counter = self._counter(place.counter)
        return BookingReceipt(
            code=fktp_codes.seal(place, self.endpoint.credential.value),
            number=self.needed(said, "nomorantrean"),
            counter=place.counter,
            starts_at=self._starts_at(counter, place.day, session.get("jampraktek")),
            counter_title=counter.title,
            note=self.text(said, "keterangan"),
        )

    def _sessions_of(self, said: Said) -> list[Any]:
        """Return what a status answers: one object in the first version, one per doctor in the newer."""
        found = said.response if isinstance(said.response, list) else [said.response]
        if not found or not all(isinstance(item, Mapping) for item in found):
            raise BackendChanged(self.id, "antrean/status answers no poli")
        return found

    def _sessions(self, name: str, day: date, said: Said) -> list[BookingSlot]:
        slots = []
        for item in self._sessions_of(said):
            hours = mapping.as_text(item.get("jampraktek"))
            doctor = mapping.as_text(item.get("kodedokter"))
            tail = f"/{doctor}/{hours}" if doctor and hours else ""
            starts_at = self._starts_at(self._counter(name), day, hours)
            slots.append(BookingSlot(f"{name}/{day.isoformat()}{tail}", name, starts_at, 1))
        return slots

    def _slot(self, slot_id: str) -> tuple[str, date, dict[str, str]]:
        name, _, rest = slot_id.partition("/")
        raw, _, session = rest.partition("/")
        doctor, _, hours = session.partition("/")
        try:
            day = date.fromisoformat(raw)
        except ValueError:
            raise SlotTaken(self.id, f"no slot {slot_id[:60]}") from None
        return name, day, {"kodedokter": doctor, "jampraktek": hours} if doctor and hours else {}

    @property
    def _zone(self) -> ZoneInfo:
        return self.zone or WIB

    def _starts_at(self, counter: FktpCounter, day: date, hours: str | None) -> datetime:
        try:
            opens = time.fromisoformat((hours or counter.opens).partition("-")[0].strip())
        except ValueError:
            raise BackendChanged(self.id, f"jampraktek {hours!r} is not like 08:00-11:30") from None
        return datetime.combine(day, opens, self._zone)

    def _counter(self, name: str) -> FktpCounter:
        counter = self.manifest.fktp_counters.get(name)
        if counter is None:
            raise CaseNotFound(self.id, f"no counter {name[:60]}")
        return counter

    def _place(self, code: str) -> Place:
        try:
            return fktp_codes.unseal(code, self.endpoint.credential.value)
        except NoSuchCode as error:
            raise CaseNotFound(self.id, str(error)) from None

    def _service(self, ours: str) -> None:
        if self.manifest.values.service and ours not in self.manifest.values.service:
            raise BackendRejected(self.id, f"does not take {ours}")
