"""BPJS Kesehatan *antrean FKTP*: the web service a puskesmas serves for Mobile JKN, with us as one more
client.

Two things differ from every other system here. `metadata.code` decides, whatever the HTTP status says: 200
done, 201 refused with a reason, 202 the patient has to be registered first; numbers come as text. And there
is no booking code and no idempotency key: a place is (card, poli, date), one a day. So a request whose answer
was lost is never sent again before `sisapeserta` was asked whether that place exists.

Contract: BPJS Kesehatan, *Katalog Web Service Antrean FKTP*, provider side: GET auth, GET antrean/status,
POST antrean, GET antrean/sisapeserta, PUT antrean/batal, POST peserta.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
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
from connectors.client import Client
from connectors.dialects.base import CityApp
from connectors.errors import (
    BackendChanged,
    BackendRejected,
    BackendUnreachable,
    CaseNotFound,
    ConnectorError,
    PersonUnknown,
    SlotTaken,
)
from connectors.exchange import Answer, Endpoint
from connectors.fktp_codes import NoSuchCode, Place
from connectors.manifest import FktpCounter, Manifest
from connectors.queues import Counter, Registration

OK, REFUSED, NEW_PATIENT = 200, 201, 202
WIB = ZoneInfo("Asia/Jakarta")
_FULL = ("penuh", "kuota")
_CANCELLED = "sudah dibatalkan"
_NONE = ("tidak ditemukan", "belum terdaftar")


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer: the code that decides, its message, and what came with it."""

    code: int
    message: str
    response: Any

    def says(self, *words: str) -> bool:
        return any(word in self.message.casefold() for word in words)


class BpjsFktp(CityApp):
    """A puskesmas, or several behind one address: each counter of the manifest is a poli of one of them."""

    def __init__(
        self, manifest: Manifest, endpoint: Endpoint, client: Client, webhook_secrets: tuple[str, ...] = ()
    ) -> None:
        super().__init__(manifest, endpoint, client, webhook_secrets)
        self._tokens: dict[str, str] = {}

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
            said = await self._ask("POST", counter, "antrean", body)
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
        calling = self._text(said, "antreanpanggil")
        called = calling == receipt.number
        return BookingState(
            code=receipt.code,
            number=receipt.number,
            counter=receipt.counter,
            starts_at=receipt.starts_at,
            status=BookingStatus.CALLED if called else BookingStatus.BOOKED,
            ahead=0 if called else self._count(said, "sisaantrean"),
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
            said = await self._ask("PUT", counter, "antrean/batal", body)
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
        said = _Said(said.code, said.message, first)
        return CounterLive(
            counter, self._text(said, "antreanpanggil"), self._count(said, "sisaantrean") or 0, now
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
        said = await self._ask("POST", counter, "peserta", body)
        if said.code != OK:
            raise BackendRejected(self.id, said.message)
        return self._needed(said, "norm")

    async def _found_after(
        self, lost: BackendUnreachable, place: Place, session: Mapping[str, str]
    ) -> BookingReceipt:
        """Look for a place whose confirmation was lost; if it is not there the outcome stays unknown."""
        try:
            return self._receipt(place, session, await self._remaining(place))
        except ConnectorError:
            raise lost from None

    async def _status(self, name: str, day: date) -> _Said:
        counter = self._counter(name)
        path = mapping.fill_path("antrean/status/{poli}/{day}", {"poli": counter.poli, "day": day})
        return await self._ask("GET", counter, path)

    async def _remaining(self, place: Place) -> _Said:
        counter = self._counter(place.counter)
        fields = {"card": place.card, "poli": counter.poli, "day": place.day}
        path = mapping.fill_path("antrean/sisapeserta/{card}/{poli}/{day}", fields)
        said = await self._ask("GET", counter, path)
        if said.code == OK:
            return said
        if said.says(*_NONE) or said.says(_CANCELLED):
            raise CaseNotFound(self.id, said.message)
        raise BackendRejected(self.id, said.message)

    async def _ask(
        self, method: str, counter: FktpCounter, path: str, body: Mapping[str, str] | None = None
    ) -> _Said:
        """Ask with a token; a token the backend no longer takes is renewed once."""
        facility = counter.path
        for attempt in (1, 2):
            token = self._tokens.get(facility) or await self.sign_in(counter)
            headers = {"x-token": token, "x-username": self.endpoint.credential.name}
            said = self._read(
                await self.client.send(
                    self.endpoint, method, f"{facility}/{path}", headers=headers, body=body
                )
            )
            if said.code in (REFUSED, 401) and said.says("token") and attempt == 1:
                self._tokens.pop(facility, None)
                continue
            return said
        raise AssertionError("unreachable")

    async def sign_in(self, counter: FktpCounter) -> str:
        """Get a token of the puskesmas a counter belongs to, and keep it for the calls to come.

        Raises:
            BackendChanged: it does not take our user name and password.
        """
        credential = self.endpoint.credential
        headers = {"x-username": credential.name, "x-password": credential.value}
        answer = await self.client.send(self.endpoint, "GET", f"{counter.path}/auth", headers=headers)
        said = self._read(answer)
        token = mapping.as_text(mapping.read(said.response, "token")) if said.code == OK else None
        if not token:
            secret = credential.secret_name or "auth"
            raise BackendChanged(self.id, f"refuses our user (check {secret}): {said.message}")
        self._tokens[counter.path] = token
        return token

    def _read(self, answer: Answer) -> _Said:
        """Read an answer by its metadata; without one it is no answer of this contract."""
        try:
            document = answer.document()
        except BackendChanged:
            if not answer.ok:
                self.refuse(answer, "changed", about_subject=False)
            raise
        metadata = mapping.read(document, "metadata") or mapping.read(document, "metaData")
        try:
            code = mapping.as_count(mapping.read(metadata, "code"))
        except mapping.MappingError:
            code = None
        if code is None:
            raise BackendChanged(self.id, f"status {answer.status} without a usable metadata.code")
        message = (mapping.as_text(mapping.read(metadata, "message")) or "").strip()[:300]
        return _Said(code, message or f"kode {code}", mapping.read(document, "response"))

    def _receipt(self, place: Place, session: Mapping[str, str], said: _Said) -> BookingReceipt:
        counter = self._counter(place.counter)
        return BookingReceipt(
            code=fktp_codes.seal(place, self.endpoint.credential.value),
            number=self._needed(said, "nomorantrean"),
            counter=place.counter,
            starts_at=self._starts_at(counter, place.day, session.get("jampraktek")),
            counter_title=counter.title,
            note=self._text(said, "keterangan"),
        )

    def _sessions_of(self, said: _Said) -> list[Any]:
        """Return what a status answers: one object in the first version, one per doctor in the newer."""
        found = said.response if isinstance(said.response, list) else [said.response]
        if not found or not all(isinstance(item, Mapping) for item in found):
            raise BackendChanged(self.id, "antrean/status answers no poli")
        return found

    def _sessions(self, name: str, day: date, said: _Said) -> list[BookingSlot]:
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

    def _needed(self, said: _Said, name: str) -> str:
        found = self._text(said, name)
        if not found:
            raise BackendChanged(self.id, f"the answer's {name} is missing")
        return found

    def _text(self, said: _Said, name: str) -> str | None:
        return (mapping.as_text(mapping.read(said.response, name)) or "").strip()[:200] or None

    def _count(self, said: _Said, name: str) -> int | None:
        try:
            return mapping.as_count(mapping.read(said.response, name))
        except mapping.MappingError as error:
            raise BackendChanged(self.id, f"the answer's {name} is {error}") from None
