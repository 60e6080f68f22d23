"""The conformance kit: does a system at a URL keep the contract that an app of a dialect relies on?

It asks what any client may ask and files one clearly marked test report or booking only when told to write.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.capabilities import (
    BookingRequest,
    BookingStatus,
    Capability,
    CaseComment,
    CaseStatus,
    ComplaintDraft,
    Place,
    SlotQuery,
)
from connectors.client import Answer, Client, Credential, Endpoint
from connectors.dialects.base import CityApp
from connectors.dialects.open311 import Open311
from connectors.dialects.rest_json import RestJson
from connectors.errors import BackendChanged, BackendRejected, CaseNotFound, ConnectorError, SlotTaken
from connectors.manifest import Auth, Manifest, Open311Options

MARK = "Uji kesesuaian Lawang, abaikan"
UNKNOWN = "LAWANG-TIDAK-ADA-0"
DAYS_AHEAD = 14


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `outcome` is pass, fail or skip."""

    outcome: str
    rule: str
    detail: str = ""

    def __str__(self) -> str:
        line = f"{self.outcome.upper():4}  {self.rule}"
        return f"{line}: {self.detail}" if self.detail else line


class Skip(Exception):
    """A rule does not apply, and why."""


class Failed(Exception):
    """A rule is broken, and how."""


Rule = Callable[[], Awaitable[str | None]]


async def inspect(app: CityApp, *, write: bool = True, today: date | None = None) -> list[Finding]:
    """Return a line for every rule that applies. With `write` it files one report or books one place."""
    today = today or datetime.now(ZoneInfo("Asia/Jakarta")).date()
    rules = _open311_rules(app, write) if isinstance(app, Open311) else _rest_rules(app, write, today)
    findings = []
    for name, rule in rules.items():
        try:
            findings.append(Finding("pass", name, await rule() or ""))
        except Skip as reason:
            findings.append(Finding("skip", name, str(reason)))
        except Failed as reason:
            findings.append(Finding("fail", name, str(reason)))
        except ConnectorError as error:
            findings.append(Finding("fail", name, f"{type(error).__name__}: {error.detail}"))
    return findings


def open311_app(url: str, api_key: str | None, client: Client) -> Open311:
    """Return a GeoReport v2 server at a URL as an app without a manifest of its own."""
    auth = Auth("form", "api_key", "API_KEY") if api_key else Auth()
    options = Open311Options(idempotency=True, extended_status="extended_status", comments="comments")
    manifest = Manifest(
        id="conformance",
        title="Conformance",
        tenants=(),
        maturity="simulated",
        contact="",
        dialect="open311",
        base_url=url,
        auth=auth,
        open311=options,
        timezone="Asia/Jakarta",
    )
    credential = Credential(auth.type, auth.name, api_key or "", auth.secret)
    return Open311(manifest, Endpoint("conformance", url, credential, rate_per_minute=6000), client)


def rest_app(manifest: Manifest, url: str, api_key: str | None, client: Client) -> RestJson:
    """Return a manifest's app at another URL."""
    auth = manifest.auth
    credential = Credential(auth.type, auth.name, api_key or auth.development or "", auth.secret)
    return RestJson(manifest, Endpoint(manifest.id, url, credential, rate_per_minute=6000), client)


def _must(condition: bool, message: str) -> None:
    if not condition:
        raise Failed(message)


def _open311_rules(app: Open311, write: bool) -> dict[str, Rule]:
    known: dict[str, Any] = {}
    key = uuid.uuid4().hex

    def draft(code: str, description: str = MARK) -> ComplaintDraft:
        return ComplaintDraft(
            key, code, description, Place("Alun-alun", -7.4722, 112.4381), reporter="Lawang"
        )

    def need(name: str) -> Any:
        if name not in known:
            raise Skip(f"nothing to go on: {name} failed or was not asked")
        return known[name]

    def writing() -> None:
        if not write:
            raise Skip("writes a report: not asked for")

    async def listed() -> str:
        services = await app.services()
        _must(bool(services), "services.json is empty")
        for service in services:
            lacking = [name for name in ("service_code", "service_name", "type") if not service.get(name)]
            _must(not lacking, f"{service.get('service_code')} lacks {', '.join(lacking)}")
        known["service"] = services[0]
        return f"{len(services)} services"

    async def defined() -> str:
        service = need("service")
        if service.get("metadata") is False:
            raise Skip("the service has no metadata")
        definition = await app.service_definition(str(service["service_code"]))
        _must(
            definition.get("service_code") == service["service_code"], "the definition is of another service"
        )
        return str(service["service_code"])

    async def unknown_service() -> None:
        answer = await app.client.send(
            app.endpoint,
            "POST",
            "requests.json",
            form={"service_code": UNKNOWN, "lat": "-7.47", "long": "112.43"},
        )
        _must(answer.status in {400, 404}, f"an unknown service_code is answered with {answer.status}")
        _error_shape(answer)

    async def placeless() -> None:
        code = str(need("service")["service_code"])
        answer = await app.client.send(
            app.endpoint, "POST", "requests.json", form={"service_code": code, "description": MARK}
        )
        _must(answer.status == 400, f"a report without a place is answered with {answer.status}, not 400")
        _error_shape(answer)

    async def wrong_key() -> None:
        if app.endpoint.credential.type == "none":
            raise Skip("no api_key given")
        code = str(need("service")["service_code"])
        wrong = replace(app.endpoint, credential=replace(app.endpoint.credential, value="salah-" + key))
        form: dict[str, str | list[str]] = {"service_code": code, "lat": "-7.47", "long": "112.43"}
        answer = await app.client.send(wrong, "POST", "requests.json", form=form)
        _must(answer.status in {401, 403}, f"a wrong api_key is answered with {answer.status}")
        _error_shape(answer)

    async def filed() -> str:
        writing()
        receipt = await app.submit_complaint(draft(str(need("service")["service_code"])))
        known["reference"] = receipt.reference
        return receipt.reference

    async def repeated() -> None:
        writing()
        first = need("reference")
        again = await app.submit_complaint(draft(str(need("service")["service_code"])))
        _must(again.reference == first, f"the same Idempotency-Key filed {first} and {again.reference}")

    async def state() -> str:
        writing()
        found = await app.complaint_status(need("reference"))
        _must(found.reference == known["reference"], f"asked {known['reference']}, heard {found.reference}")
        _must(found.updated_at is not None, "neither updated_datetime nor requested_datetime")
        return str(found.backend_status)

    async def commented() -> None:
        writing()
        await app.add_comment(CaseComment(uuid.uuid4().hex, need("reference"), MARK))

    return {
        "GET services.json lists services": listed,
        "GET services/{code}.json defines one": defined,
        "POST requests.json refuses an unknown service": unknown_service,
        "POST requests.json refuses a report without a place": placeless,
        "POST requests.json refuses a wrong key": wrong_key,
        "POST requests.json files a report": filed,
        "POST requests.json with the same Idempotency-Key files nothing twice": repeated,
        "GET requests/{id}.json tells its state": state,
        "GET requests/{id}.json answers 404 for an unknown number": lambda: _unknown(app.complaint_status),
        "POST requests/{id}/comments.json takes a comment": commented,
    }


def _error_shape(answer: Answer) -> None:
    document = answer.document()
    good = isinstance(document, list) and document and isinstance(document[0], dict)
    _must(bool(good and document[0].get("description")), "the error is not [{code, description}]")


async def _unknown(ask: Callable[[str], Awaitable[Any]]) -> None:
    try:
        await ask(UNKNOWN)
    except CaseNotFound:
        return
    raise Failed(f"{UNKNOWN} was found")


def _rest_rules(app: CityApp, write: bool, today: date) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    known: dict[str, Any] = {}
    service = next(iter(app.manifest.values.service), "ktp_hilang")

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
            _must("refuses our key" in error.detail, error.detail)
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
        _must(again.code == first.code, f"the same Idempotency-Key booked {first.code} and {again.code}")

    async def booking() -> str:
        writing()
        state = await app.booking_status(need("receipt").code)
        _must(state.status is not BookingStatus.UNKNOWN, "its state is a word that the manifest does not map")
        return state.status

    async def moved() -> None:
        writing()
        receipt = need("receipt")
        if len(need("slots")) < 2:
            raise Skip("only one slot")
        slot = known["slots"][1]
        again = await app.reschedule(receipt.code, slot.id, uuid.uuid4().hex)
        _must(again.starts_at == slot.starts_at, f"asked for {slot.starts_at}, got {again.starts_at}")

    async def cancelled() -> None:
        writing()
        code = need("receipt").code
        await app.cancel_booking(code, uuid.uuid4().hex)
        if Capability.BOOKING_STATUS in app.offers:
            status = (await app.booking_status(code)).status
            _must(status is BookingStatus.CANCELLED, f"after cancelling it is {status}")

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
        _must(
            again.reference == receipt.reference, f"one key filed {receipt.reference} and {again.reference}"
        )
        known["reference"] = receipt.reference
        return receipt.reference

    async def state() -> str:
        found = await app.complaint_status(need("reference"))
        _must(found.status is not CaseStatus.UNKNOWN, f"{found.backend_status!r} is not mapped")
        return found.status

    offered: Mapping[Capability, dict[str, Rule]] = {
        Capability.BOOKING_SLOTS: {"booking.slots lists free places": slots},
        Capability.BOOKING_LIVE: {
            "booking.live shows the board": board,
            "booking.live knows no other counter": lambda: _unknown(app.live),
        },
        Capability.BOOKING_RESERVE: {
            "booking.reserve takes a place": reserved,
            "booking.reserve with the same Idempotency-Key books nothing twice": repeated,
            "booking.reserve refuses a slot that does not exist": no_slot,
        },
        Capability.BOOKING_STATUS: {
            "booking.status tells the state": booking,
            "booking.status answers 404 for an unknown code": lambda: _unknown(app.booking_status),
        },
        Capability.BOOKING_RESCHEDULE: {"booking.reschedule moves it": moved},
        Capability.BOOKING_CANCEL: {"booking.cancel gives it back": cancelled},
        Capability.COMPLAINT_SUBMIT: {"complaint.submit files once for one key": filed},
        Capability.COMPLAINT_STATUS: {
            "complaint.status tells the state": state,
            "complaint.status answers 404 for an unknown number": lambda: _unknown(app.complaint_status),
        },
        Capability.PERMIT_STATUS: {
            "permit.status answers 404 for an unknown number": lambda: _unknown(app.permit_status)
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
