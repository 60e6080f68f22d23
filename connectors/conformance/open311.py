"""Rules for a GeoReport v2 server, with our extensions for idempotency and comments."""

import uuid
from dataclasses import replace
from typing import Any

from connectors import georeport
from connectors.capabilities import CaseComment, ComplaintDraft, Place
from connectors.conformance import open311_extras
from connectors.conformance.findings import MARK, UNKNOWN, Rule, Skip, must, unknown
from connectors.dialects.open311 import Open311
from connectors.exchange import Answer


def rules(app: Open311, write: bool) -> dict[str, Rule]:
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
        must(bool(services), "services.json is empty")
        for service in services:
            lacking = [name for name in ("service_code", "service_name", "type") if not service.get(name)]
            must(not lacking, f"{service.get('service_code')} lacks {', '.join(lacking)}")
        plain = [one for one in services if not georeport.truth(one.get("metadata"))]
        known["service"] = (plain or services)[0]
        return f"{len(services)} services"

    async def defined() -> str:
        service = need("service")
        definition = await app.service_definition(str(service["service_code"]))
        must(
            definition.get("service_code") == service["service_code"], "the definition is of another service"
        )
        return str(service["service_code"])

    async def unknown_service() -> None:
        form = {"service_code": UNKNOWN, "lat": "-7.47", "long": "112.43"}
        answer = await app.wire.post("requests", form, {})
        must(answer.status in {400, 404}, f"an unknown service_code is answered with {answer.status}")
        _error_shape(answer)

    async def placeless() -> None:
        code = str(need("service")["service_code"])
        answer = await app.wire.post("requests", {"service_code": code, "description": MARK}, {})
        must(answer.status == 400, f"a report without a place is answered with {answer.status}, not 400")
        _error_shape(answer)

    async def wrong_key() -> None:
        if app.endpoint.credential.type == "none":
            raise Skip("no api_key given")
        code = str(need("service")["service_code"])
        wrong = replace(app.endpoint, credential=replace(app.endpoint.credential, value="salah-" + key))
        form = {"service_code": code, "lat": "-7.47", "long": "112.43"}
        answer = await Open311(app.manifest, wrong, app.client).wire.post("requests", form, {})
        must(answer.status in {401, 403}, f"a wrong api_key is answered with {answer.status}")
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
        must(again.reference == first, f"the same Idempotency-Key filed {first} and {again.reference}")

    async def state() -> str:
        writing()
        found = await app.complaint_status(need("reference"))
        must(found.reference == known["reference"], f"asked {known['reference']}, heard {found.reference}")
        must(found.updated_at is not None, "neither updated_datetime nor requested_datetime")
        return str(found.backend_status)

    async def commented() -> None:
        writing()
        await app.add_comment(CaseComment(uuid.uuid4().hex, need("reference"), MARK))

    base: dict[str, Rule] = {
        "GET services.json lists services": listed,
        "GET services/{code}.json defines one": defined,
        "POST requests.json refuses an unknown service": unknown_service,
        "POST requests.json refuses a report without a place": placeless,
        "POST requests.json refuses a wrong key": wrong_key,
        "POST requests.json files a report": filed,
        "POST requests.json with the same Idempotency-Key files nothing twice": repeated,
        "GET requests/{id}.json tells its state": state,
        "GET requests/{id}.json answers 404 for an unknown number": lambda: unknown(app.complaint_status),
        "POST requests/{id}/comments.json takes a comment": commented,
    }
    return base | open311_extras.rules(app, write, known)


def _error_shape(answer: Answer) -> None:
    try:
        said = georeport.errors(georeport.read(answer.body))
    except georeport.Unreadable as error:
        said = []
        must(False, f"the error is {error}")
    must(bool(said and said[0][1]), "the error is not [{code, description}]")
