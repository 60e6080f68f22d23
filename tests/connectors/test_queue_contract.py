"""The written contract for queues: valid by somebody else's judgement, and kept by the stand-in."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import schemathesis
import uvicorn
import yaml
from hypothesis import HealthCheck, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import select

from connectors import contracts, queue_news, updates
from connectors.capabilities import Capability
from connectors.dialects import mpp_queue
from connectors.examples import UPDATE, read_examples
from connectors.manifest import APPS, read
from connectors.queues import BookingEvent, Priority
from connectors.sandbox.app import create_app
from connectors.sandbox.settings import SandboxSettings
from connectors.sandbox.tables import outbox
from tests.ports import free_port

CONTRACT = Path(mpp_queue.__file__).with_name("mpp_queue.openapi.yaml")
DOCUMENT: dict[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
KEY = "kunci-untuk-uji"
MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
contract = schemathesis.openapi.from_path(str(CONTRACT))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the stand-in's queue, served to whoever speaks HTTP."""
    store = tmp_path_factory.mktemp("kota") / "kota.db"
    app = create_app(SandboxSettings(database=store, api_key=KEY), None, lambda: MONDAY)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}/mpp/v1"
    server.should_exit = True
    thread.join()


def test_the_contract_is_valid_openapi():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


@contract.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
def test_the_stand_in_keeps_the_contract_whatever_it_is_sent(case: schemathesis.Case, city: str):
    case.call_and_validate(base_url=city, headers={"Authorization": f"Bearer {KEY}"})


def validated(schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


def answered(path: str, method: str, status: int) -> dict[str, Any]:
    """The schema of an answer, its reference followed."""
    found = DOCUMENT["paths"][path][method]["responses"][str(status)]
    if "$ref" in found:
        found = DOCUMENT["components"]["responses"][found["$ref"].rsplit("/", 1)[1]]
    kind = "application/json" if status < 400 else "application/problem+json"
    schema: dict[str, Any] = found["content"][kind]["schema"]
    return schema


def operation_of(method: str, path: str) -> str | None:
    for template, item in DOCUMENT["paths"].items():
        parts, asked = template.split("/"), path.split("/")
        alike = len(parts) == len(asked) and all(
            p[:1] == "{" or p == a for p, a in zip(parts, asked, strict=True)
        )
        if alike and method.lower() in item:
            return str(template)
    return None


SENT = [
    pytest.param(one.sends, id=one.name)
    for one in read_examples(APPS / "mpp_gajah_mada" / "examples.yml")
    if one.operation != UPDATE and one.sends
]


@pytest.mark.parametrize("sent", SENT)
def test_what_our_connector_sends_is_in_the_contract(sent: dict[str, Any]):
    template = operation_of(sent["method"], sent["path"])
    assert template is not None, sent["path"]
    operation = DOCUMENT["paths"][template][sent["method"].lower()]
    if sent.get("json") is not None:
        validated(operation["requestBody"]["content"]["application/json"]["schema"], sent["json"])
    named = {one.get("name") for one in operation.get("parameters", [])}
    assert set(sent.get("query", {})) <= named


def test_every_word_and_operation_of_the_dialect_is_in_the_contract():
    assert set(contracts.BOOKING_WORDS["mpp_queue"]) == set(SCHEMAS["BookingStatus"]["enum"])
    assert set(contracts.WAITING_WORDS) == set(SCHEMAS["WaitingStatus"]["enum"])
    assert set(SCHEMAS["Priority"]["enum"]) == {str(one) for one in Priority}
    assert set(SCHEMAS["Event"]["properties"]["event"]["enum"]) == {str(one) for one in BookingEvent}
    assert set(SCHEMAS["Event"]["properties"]["subject"]["enum"]) == set(queue_news.SUBJECTS) - {"case"}
    operations = [verb for item in DOCUMENT["paths"].values() for verb in item]
    assert len(operations) == len(contracts.OFFERS["mpp_queue"])
    assert contracts.OFFERS["mpp_queue"] == {
        one for one in Capability if one.startswith("booking.") and one is not Capability.BOOKING_REGISTER
    }


REPORT = DOCUMENT["webhooks"]["queueEvent"]["post"]["requestBody"]["content"]["application/json"]


@pytest.mark.parametrize("name", REPORT["examples"])
def test_an_example_of_a_report_is_valid_and_understood(name: str):
    value = REPORT["examples"][name]["value"]
    validated(REPORT["schema"], value)
    update = updates.parse(read(APPS / "mpp_gajah_mada" / "manifest.yml"), json.dumps(value).encode())
    assert update.event == name


async def test_a_whole_visit_is_answered_and_reported_as_the_contract_says(tmp_path: Path):
    app = create_app(SandboxSettings(database=tmp_path / "kota.db", api_key=KEY), None, lambda: MONDAY)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://kota.test", headers=headers) as client,
    ):

        async def ask(status: int, method: str, path: str, **body: Any) -> Any:
            answer = await client.request(method, f"/mpp/v1{path}", json=body or None)
            assert answer.status_code == status, answer.text
            template = operation_of(method, path.partition("?")[0])
            assert template is not None
            validated(answered(template, method.lower(), status), answer.json())
            return answer.json()

        await ask(200, "GET", "/counters")
        await ask(200, "GET", "/slots?service=paspor&date=2026-11-24")
        await ask(200, "GET", "/slots?service=paspor&date=2026-12-25")
        slot = {"slot_id": "imigrasi-20261124-0800", "service": "paspor"}
        hold = await ask(201, "POST", "/holds", **slot, person="siti")
        code = hold["code"]
        await ask(200, "POST", f"/holds/{code}/confirm", name="Siti", priority="elderly")
        await ask(409, "POST", f"/holds/{code}/release")
        other = await ask(201, "POST", "/bookings", **slot, name="Budi", person="budi")
        await ask(409, "POST", "/holds", **slot)
        await ask(200, "GET", f"/bookings/{code}")
        await ask(409, "POST", "/waiting-list", service="paspor", date="2026-11-24", name="Ani")
        early = {"earliest": "08:00", "latest": "08:00"}
        place = await ask(
            201, "POST", "/waiting-list", service="paspor", date="2026-11-24", name="Ani", **early
        )
        await ask(200, "POST", f"/bookings/{other['code']}/cancel", reason="sakit")
        await ask(200, "GET", f"/waiting-list/{place['id']}")
        await ask(200, "POST", f"/waiting-list/{place['id']}/accept")
        await ask(409, "POST", f"/waiting-list/{place['id']}/leave")
        await ask(200, "POST", f"/bookings/{code}/checkin")
        for _ in range(3):
            await client.post("/mpp/v1/counters/imigrasi/call-next")
        await ask(200, "GET", "/counters/imigrasi/live")
        await ask(409, "POST", f"/bookings/{code}/cancel")
        await ask(404, "GET", "/bookings/MPP-0000")
        client.headers["Authorization"] = "Bearer salah"
        await ask(401, "GET", "/counters")
        async with app.state.hall.database.reading() as conn:
            events = [json.loads(body) for body in (await conn.execute(select(outbox.c.body))).scalars()]
    assert {event.get("event") for event in events} >= {"called", "offered", "almost"}
    for event in events:
        validated(SCHEMAS["Event"], event)
