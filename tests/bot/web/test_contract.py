"""The page for vendors: valid by somebody else's judgement, true of what the door takes and answers."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode

from bot.web import contract
from connectors import updates
from connectors.manifest import APPS, read
from tests.bot.web.test_backends import ADDRESS, SECRET, report, send

MANIFEST = read(APPS / "curhat_ning_ita" / "manifest.yml")
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))
schemathesis.openapi.format("date-time", MOMENTS.map(datetime.isoformat))
BODY = {"content": {"application/json": {"schema": contract.REPORT}}, "required": True}
PAGE = {
    "openapi": "3.1.0",
    "info": {"title": "Reports", "version": "1"},
    "paths": {"/": {"post": {"requestBody": BODY, "responses": {"200": {"description": "Recorded"}}}}},
}
REPORTS = (
    schemathesis.openapi.from_dict(PAGE)["/"]["POST"]
    .as_strategy(generation_mode=GenerationMode.POSITIVE)
    .map(lambda case: case.body)
)


@pytest.fixture
async def page(client: httpx.AsyncClient) -> dict[str, Any]:
    """The document a vendor fetches."""
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


async def test_the_page_is_valid_openapi_and_shows_vendors_their_call_only(page: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(page).validate()
    assert list(page["paths"]) == ["/connectors/{app_id}/updates"]
    operation = page["paths"]["/connectors/{app_id}/updates"]["post"]
    assert {"200", "401", "404", "413", "422", "500"} == set(operation["responses"])
    assert [item["name"] for item in operation["parameters"]] == [
        "app_id",
        "X-Lawang-Timestamp",
        "X-Lawang-Signature",
    ]


@pytest.mark.parametrize(
    ("body", "secret", "age", "address", "status"),
    [
        (report(), "salah", 0, ADDRESS, 401),
        (report(), SECRET, 400, ADDRESS, 401),
        (report(), SECRET, 0, ADDRESS, 404),
        (report(), SECRET, 0, "/connectors/tidak_ada/updates", 404),
        (b"x" * (updates.MAX_BODY_BYTES + 1), SECRET, 0, ADDRESS, 413),
        (report(occurred_at="kemarin"), SECRET, 0, ADDRESS, 422),
    ],
)
async def test_every_refusal_is_as_the_page_says(
    client: httpx.AsyncClient,
    page: dict[str, Any],
    body: bytes,
    secret: str,
    age: int,
    address: str,
    status: int,
) -> None:
    answer = await send(client, body, secret=secret, age=age, address=address)
    assert answer.status_code == status
    operation = schemathesis.openapi.from_dict(page)["/connectors/{app_id}/updates"]["POST"]
    operation.validate_response(answer)


async def test_the_example_of_the_page_is_taken_when_signed_as_the_page_says(
    client: httpx.AsyncClient, page: dict[str, Any]
) -> None:
    operation = page["paths"]["/connectors/{app_id}/updates"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    body = json.dumps(schema["example"]).encode()
    answer = await send(client, body)
    assert answer.json()["type"] == "urn:lawang:unknown_reference"


@given(REPORTS)
def test_whatever_fits_the_page_is_read(document: dict[str, Any]) -> None:
    read_back = updates.parse(MANIFEST, json.dumps(document).encode())
    assert read_back.event_id == document["event_id"].strip()


@given(REPORTS, st.sampled_from(contract.REPORT["required"]))
def test_a_report_that_lacks_what_the_page_requires_is_refused_by_name(
    document: dict[str, Any], lacking: str
) -> None:
    with pytest.raises(updates.UpdateMalformed, match=lacking):
        updates.parse(MANIFEST, json.dumps({**document, lacking: None}).encode())


def test_two_secrets_are_accepted_while_one_is_changed_and_the_old_one_no_longer_after() -> None:
    body, now = report(), datetime.now(UTC)
    signed = {name: updates.signed_headers(name, int(time.time()), body) for name in ("lama", "baru")}
    for headers in signed.values():
        updates.verify(headers, body, ["baru", "lama"], now)
    with pytest.raises(updates.SignatureInvalid):
        updates.verify(signed["lama"], body, ["baru"], now)
