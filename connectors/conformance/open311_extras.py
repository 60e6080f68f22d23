"""Rules for what a GeoReport v2 server may offer: discovery, XML, attributes, lists, FixMyStreet's updates.

What a server does not offer is a skipped line, which says what Lawang does without it.
"""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import georeport
from connectors.capabilities import (
    AttributeKind,
    CaseComment,
    ComplaintAttribute,
    ComplaintDraft,
    Place,
)
from connectors.conformance.findings import MARK, Failed, Rule, Skip, must
from connectors.dialects.open311 import Open311
from connectors.errors import BackendRejected, ConnectorError
from connectors.exchange import Answer
from connectors.mapping import as_text


def rules(app: Open311, write: bool, known: dict[str, Any]) -> dict[str, Rule]:
    """Return the rules; `known` is what the rules before them found out."""
    asked: dict[str, Any] = {}
    xml = variant(app, format="xml")

    def writing() -> None:
        if not write:
            raise Skip("writes: not asked for")

    def need(name: str) -> Any:
        if name not in known:
            raise Skip(f"nothing to go on: {name} failed or was not asked")
        return known[name]

    async def discovered() -> str:
        base = app.endpoint.base_url.rstrip("/")
        for folder in (base, base.rpartition("/")[0]):
            for name in ("discovery.json", "discovery.xml"):
                answer = await _asked(app, folder, name)
                if answer is None:
                    continue
                found = [
                    one.url
                    for one in georeport.endpoints(_read(answer))
                    if "georeport" in one.specification.lower()
                ]
                must(bool(found), f"{folder}/{name} names no endpoint of GeoReport_v2")
                return f"{folder}/{name}: {', '.join(found)}"
        raise Skip("no discovery.json or discovery.xml here or one folder up: name the endpoint as base_url")

    async def in_xml() -> str:
        answer = await xml.wire.get("services")
        if answer.status in {404, 406}:
            raise Skip("no XML: JSON is enough for Lawang")
        listed = {as_text(item.get("service_code")) for item in xml.wire.items(answer)}
        plain = {as_text(item.get("service_code")) for item in await app.services()}
        asked["xml"] = True
        must(
            listed == plain, f"services.xml and services.json differ: {sorted(map(str, listed ^ plain))[:5]}"
        )
        return f"{len(listed)} services"

    async def asks() -> str:
        for service in await app.services():
            if not georeport.truth(service.get("metadata")):
                continue
            code = str(service["service_code"])
            wants = await app.complaint_attributes(code)
            names = [one.code for one in wants]
            must(len(set(names)) == len(names), f"{code}: an attribute code is named twice")
            for one in wants:
                if one.kind in (AttributeKind.ONE, AttributeKind.SEVERAL):
                    must(bool(one.choices), f"{code}: {one.code} is a list without values")
            if any(one.required for one in wants):
                asked.update(code=code, wants=wants)
                return f"{code} requires {', '.join(one.code for one in wants if one.required)}"
        raise Skip("no service requires an attribute")

    async def required() -> None:
        writing()
        if "code" not in asked:
            raise Skip("no service requires an attribute")
        try:
            await app.submit_complaint(_draft(asked["code"], ()))
        except BackendRejected:
            return
        raise Failed(f"a report to {asked['code']} without its required attributes was taken")

    async def answered() -> str:
        writing()
        if "code" not in asked:
            raise Skip("no service requires an attribute")
        receipt = await app.submit_complaint(_draft(asked["code"], asked["wants"]))
        known["second"] = receipt.reference
        return receipt.reference

    async def listed() -> str:
        writing()
        wanted = [need("reference"), *([known["second"]] if "second" in known else [])]
        answer = await app.wire.get("requests", {"service_request_id": ",".join(wanted)})
        found = [as_text(item.get("service_request_id")) for item in app.wire.items(answer)]
        must(set(wanted) <= set(found), f"asked for {', '.join(wanted)}, listed {', '.join(map(str, found))}")
        return f"{len(found)} at once"

    async def found_again() -> str:
        writing()
        reference = need("reference")
        # By the server's own clock, which need not be ours.
        now = (await app.complaint_status(reference)).updated_at or datetime.now(UTC)
        query: dict[str, str | list[str]] = {
            "service_code": known["service"]["service_code"],
            "start_date": _w3c(now - timedelta(hours=1)),
            "end_date": _w3c(now + timedelta(hours=1)),
        }
        mine = [
            item
            for item in app.wire.items(await app.wire.get("requests", query))
            if as_text(item.get("service_request_id")) == reference
        ]
        if not mine:
            raise Skip("a new report is not listed at once: set listed_after to how long it takes")
        must(MARK in (as_text(mine[0].get("description")) or ""), "the list does not say the description")
        return "listed at once: listed_after: 1m"

    async def feed() -> str:
        now = datetime.now(UTC)
        answer = await app.wire.get(
            "servicerequestupdates", {"start_date": _w3c(now - timedelta(days=1)), "end_date": _w3c(now)}
        )
        if answer.status in {404, 405, 501}:
            raise Skip("not offered: the states of open cases are asked instead (updates: requests)")
        for item in app.wire.items(answer):
            lacking = [
                name
                for name in ("update_id", "service_request_id", "status", "updated_datetime")
                if not as_text(item.get(name))
            ]
            must(not lacking, f"an update lacks {', '.join(lacking)}")
            at = datetime.fromisoformat(str(item["updated_datetime"]))
            must(at.tzinfo is not None, "updated_datetime has no offset")
        asked["feed"] = True
        return "offered: updates: servicerequestupdates"

    async def said() -> str:
        writing()
        if "feed" not in asked:
            raise Skip("not offered")
        comment = CaseComment(uuid.uuid4().hex, need("reference"), MARK)
        await variant(app, comments="servicerequestupdates").add_comment(comment)
        return "offered: comments: servicerequestupdates"

    async def in_xml_filed() -> str:
        writing()
        if "xml" not in asked:
            raise Skip("no XML")
        state = await xml.complaint_status(need("reference"))
        must(state.reference == known["reference"], "requests/{id}.xml tells of another request")
        return str(state.backend_status)

    return {
        "GET discovery names the endpoint": discovered,
        "GET services.xml says what services.json says": in_xml,
        "GET services/{code}.json asks in a way that can be answered": asks,
        "POST requests.json refuses a report without a required attribute": required,
        "POST requests.json takes attribute[code]": answered,
        "GET requests.json?service_request_id= tells several states at once": listed,
        "GET requests.json lists a new report with its description": found_again,
        "GET requests/{id}.xml tells the same state": in_xml_filed,
        "GET servicerequestupdates.json tells news": feed,
        "POST servicerequestupdates.json takes a comment": said,
    }


def variant(app: Open311, **options: Any) -> Open311:
    """Return the same server, spoken to with other options."""
    manifest = replace(app.manifest, open311=replace(app.manifest.open311, **options))
    return Open311(manifest, app.endpoint, app.client)


def _draft(code: str, wants: tuple[ComplaintAttribute, ...]) -> ComplaintDraft:
    return ComplaintDraft(
        uuid.uuid4().hex,
        code,
        MARK,
        Place("Alun-alun", -7.4722, 112.4381),
        reporter="Lawang",
        attributes={one.code: _answer(one) for one in wants if one.required},
    )


def _answer(ask: ComplaintAttribute) -> str | tuple[str, ...]:
    match ask.kind:
        case AttributeKind.ONE:
            return ask.choices[0].key
        case AttributeKind.SEVERAL:
            return tuple(one.key for one in ask.choices[:2])
        case AttributeKind.NUMBER:
            return "1"
        case AttributeKind.DATETIME:
            return _w3c(datetime.now(UTC))
        case _:
            return MARK


async def _asked(app: Open311, folder: str, name: str) -> Answer | None:
    """Ask for a document anywhere on the server; None when there is none."""
    try:
        answer = await app.client.send(replace(app.endpoint, base_url=folder), "GET", name)
    except ConnectorError:
        return None
    return answer if answer.ok else None


def _read(answer: Answer) -> Any:
    try:
        return georeport.read(answer.body)
    except georeport.Unreadable as error:
        raise Failed(f"the discovery document is {error}") from None


def _w3c(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
