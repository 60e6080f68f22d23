"""Open311 beyond one server: habits, discovery, attributes, and filings whose outcome nobody knows."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors import georeport
from connectors.capabilities import CaseStatus, ComplaintDraft, Place, UpdateQuery
from connectors.dialects import open311_filing, open311_news
from connectors.errors import BackendChanged, BackendRejected, BackendUnreachable, CaseNotFound
from connectors.exchange import Endpoint
from connectors.manifest import build

DRAFT = ComplaintDraft("t-1", "sampah", "Sampah menumpuk", Place("Pasar Tanjung"))
MARK = open311_filing.mark("t-1")
ASKED = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LOST = ComplaintDraft("t-1", "sampah", "Sampah menumpuk", Place("Pasar Tanjung"), asked_at=ASKED)
FILED = [{"service_request_id": 7}]


@pytest.fixture
def server(app_of: Any, small: dict[str, Any]) -> Callable[..., Any]:
    """Build an app that speaks to a server with these options; it notes the requests it sees."""

    def make(backend: Any, options: dict[str, Any] | None = None, **changes: Any) -> Any:
        document = small | {"dialect": "open311", "open311": options or {}} | changes
        document.pop("operations")
        seen: list[httpx.Request] = []

        def answering(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            said = backend(request) if callable(backend) else backend
            return said if isinstance(said, httpx.Response) else httpx.Response(200, json=said)

        app = app_of(build(document), answering)
        app.seen = seen
        return app

    return make


def form_of(request: httpx.Request) -> httpx.QueryParams:
    return httpx.QueryParams(request.content.decode())


# Habits


async def test_an_id_that_is_a_number_is_a_reference(server):
    assert (await server(FILED).submit_complaint(DRAFT)).reference == "7"


async def test_json_under_the_wrong_name_is_json(server):
    said = httpx.Response(200, text=json.dumps([{"service_request_id": "7", "status": "Open"}]))
    assert (await server(said).complaint_status("7")).status is CaseStatus.RECEIVED


async def test_a_server_without_suffixes_is_asked_without(server):
    app = server([{"service_request_id": "7", "status": "open"}], {"suffix": False, "format": "xml"})
    await app.complaint_status("7")
    assert app.seen[0].url.path.endswith("/requests/7")
    assert app.seen[0].headers["accept"] == "application/xml, text/xml"


async def test_a_server_that_wants_json_gets_attributes_in_their_place(server):
    auth = {"type": "form", "name": "api_key", "secret": "KECIL_KEY", "development": "kunci"}
    app = server(FILED, {"body": "json", "jurisdiction_id": "mjk"}, auth=auth)
    draft = ComplaintDraft(
        "t-1",
        "sampah",
        "Sampah",
        Place(latitude=-7.4, longitude=112.4),
        attributes={"A": "1", "B": ("x", "y")},
    )
    await app.submit_complaint(draft)
    assert json.loads(app.seen[0].content) == {
        "jurisdiction_id": "mjk",
        "service_code": "sampah",
        "description": f"Sampah\n[{MARK}]",
        "lat": "-7.4",
        "long": "112.4",
        "attribute": {"A": "1", "B": ["x", "y"]},
        "api_key": "kunci",
    }


@pytest.mark.parametrize(("how", "name"), [("brackets", "attribute[B][]"), ("repeat", "attribute[B]")])
async def test_several_answers_are_sent_as_the_server_wants_them(server, how, name):
    app = server(FILED, {"several_values": how})
    await app.submit_complaint(
        ComplaintDraft("t-1", "sampah", "Sampah", Place("sini"), attributes={"B": ("x", "y")})
    )
    assert form_of(app.seen[0]).get_list(name) == ["x", "y"]


async def test_times_in_a_form_of_their_own_are_read_in_the_zone_of_the_app(server):
    said = [{"service_request_id": "7", "status": "open", "updated_datetime": "24/11/2026 09:30"}]
    app = server(said, {"date_format": "%d/%m/%Y %H:%M"}, timezone="Asia/Jakarta")
    state = await app.complaint_status("7")
    assert state.updated_at.isoformat() == "2026-11-24T09:30:00+07:00"


async def test_a_missing_status_is_what_the_manifest_says_and_else_a_change(server):
    said = [{"service_request_id": "7"}]
    state = await server(said, {"status_when_missing": "in_progress"}).complaint_status("7")
    assert state.status is CaseStatus.IN_PROGRESS
    with pytest.raises(BackendChanged, match="status"):
        await server(said).complaint_status("7")


async def test_a_server_without_single_requests_is_asked_for_its_list(server):
    app = server([{"service_request_id": "7", "status": "closed"}], {"single_request": False})
    assert (await app.complaint_status("7")).status is CaseStatus.DONE
    assert (app.seen[0].url.path.rpartition("/")[2], app.seen[0].url.params["service_request_id"]) == (
        "requests.json",
        "7",
    )
    with pytest.raises(CaseNotFound):
        await server([], {"single_request": False}).complaint_status("8")


async def test_a_blackbox_gets_a_number_of_ours_and_is_never_asked(server):
    app = server([{"service_notice": "Terima kasih"}], {"blackbox": True})
    receipt = await app.submit_complaint(DRAFT)
    assert (receipt.reference, receipt.notice) == (MARK, "Terima kasih")
    assert {str(name) for name in app.offers} == {"complaint.submit", "complaint.attributes"}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ([{"code": 400, "description": "description kosong"}], BackendRejected),
        ([{"code": 403, "description": "api_key"}], BackendChanged),
        ([{"code": 400, "description": "jurisdiction_id was not provided"}], BackendChanged),
        ([{"code": 404, "description": "service_code not found"}], BackendChanged),
        ([{"code": 500, "description": "database"}], BackendUnreachable),
        ({"errors": {"error": {"code": "", "description": "entah"}}}, BackendRejected),
    ],
)
async def test_an_error_that_comes_with_200_is_an_error(server, said, error):
    with pytest.raises(error):
        await server(said).submit_complaint(DRAFT)


# Discovery


def discovery(*endpoints: dict[str, Any]) -> dict[str, Any]:
    return {"changeset": "2026-11-01T00:00:00+07:00", "contact": "Kota", "endpoints": list(endpoints)}


def endpoint(url: str, kind: str = "production", formats: Any = ("application/json",), version: str = "v2"):
    specification = f"http://wiki.open311.org/GeoReport_{version}"
    return {"specification": specification, "url": url, "type": kind, "formats": list(formats)}


def discovered(app: Any) -> Any:
    app.endpoint = Endpoint("kecil", "https://kota.example/open311/discovery.json")
    return app


async def test_the_production_endpoint_is_found_once_and_asked_in_its_format(server):
    document = discovery(
        endpoint("https://kota.example/lama", version="v1"),
        endpoint("https://kota.example/uji", "test"),
        endpoint("https://kota.example/v2", formats=["text/xml"]),
    )

    def backend(request: httpx.Request) -> Any:
        if "discovery" in request.url.path:
            return document
        return httpx.Response(
            200, content=b"<services><service><service_code>1</service_code></service></services>"
        )

    app = discovered(server(backend))
    assert [item["service_code"] for item in [*await app.services(), *await app.services()]] == ["1", "1"]
    assert [str(request.url) for request in app.seen] == [
        "https://kota.example/open311/discovery.json",
        "https://kota.example/v2/services.xml",
        "https://kota.example/v2/services.xml",
    ]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (discovery(), "no endpoint"),
        (discovery(endpoint("https://kota.example/v1", version="v1")), "no endpoint"),
        (discovery(endpoint("https://jahat.example/v2")), "leads elsewhere"),
        (discovery(endpoint("http://kota.example/v2")), "leads elsewhere"),
        ([1, 2], "no endpoint"),
    ],
)
async def test_a_discovery_that_leads_nowhere_or_elsewhere_is_a_change(server, document, said):
    with pytest.raises(BackendChanged, match=said):
        await discovered(server(document)).services()


# Attributes


async def test_definitions_are_asked_for_once_in_ten_minutes(server):
    def backend(request: httpx.Request) -> Any:
        if request.url.path.endswith("services.json"):
            return [{"service_code": "sampah", "metadata": "true"}]
        return {"service_code": "sampah", "attributes": [{"code": "A", "required": True}]}

    app = server(backend)
    first = await app.complaint_attributes("sampah")
    assert first == await app.complaint_attributes("sampah")
    assert ([one.code for one in first], len(app.seen)) == (["A"], 2)


async def test_after_a_refusal_the_definition_is_asked_for_anew(server):
    def backend(request: httpx.Request) -> Any:
        if request.method == "POST":
            return httpx.Response(400, json=[{"code": 400, "description": "attribute[B] is required"}])
        if request.url.path.endswith("services.json"):
            return [{"service_code": "sampah", "metadata": "true"}]
        return {"service_code": "sampah", "attributes": [{"code": "A", "required": True}]}

    app = server(backend)
    await app.complaint_attributes("sampah")
    with pytest.raises(BackendRejected):
        await app.submit_complaint(DRAFT)
    await app.complaint_attributes("sampah")
    assert [request.method for request in app.seen] == ["GET", "GET", "POST", "GET", "GET"]


# News


async def test_the_states_of_many_cases_are_one_request_and_the_same_state_is_one_event(server):
    def backend(request: httpx.Request) -> Any:
        asked = request.url.params["service_request_id"].split(",")
        return [{"service_request_id": name, "status": "open"} for name in asked] + [{"status": "open"}, {}]

    app = server(backend)
    query = UpdateQuery(("1", "2", "token:t", "3"), ASKED, ASKED)
    first, again = await app.complaint_updates(query), await app.complaint_updates(query)
    assert sorted(update.reference for update in first) == ["1", "2", "3"]
    assert {update.event_id for update in first} == {update.event_id for update in again}
    assert len(app.seen) == 2


async def test_a_feed_that_was_cut_off_is_asked_for_in_halves(server, monkeypatch):
    monkeypatch.setattr(georeport, "MOST_ITEMS", 3)
    minutes = [ASKED + timedelta(minutes=30 * n) for n in range(12)]

    def backend(request: httpx.Request) -> Any:
        since, until = (
            datetime.fromisoformat(request.url.params[name]) for name in ("start_date", "end_date")
        )
        said = [
            {"update_id": n, "service_request_id": n, "status": "closed", "updated_datetime": at.isoformat()}
            for n, at in enumerate(minutes)
            if since <= at <= until
        ]
        return said[:3]

    monkeypatch.setattr(open311_news, "OVERLAP", timedelta(0))
    app = server(backend, {"updates": "servicerequestupdates"})
    found = await app.complaint_updates(UpdateQuery(None, ASKED, ASKED + timedelta(hours=6)))
    assert {update.reference for update in found} == {str(n) for n in range(12)}


async def test_one_unreadable_case_does_not_hide_the_others(server):
    said = [
        {"service_request_id": "1", "status": "open", "updated_datetime": "kemarin"},
        {"service_request_id": "2"},
        {"service_request_id": "3", "status": "closed"},
    ]
    found = await server(said).complaint_updates(UpdateQuery(("1", "2", "3"), ASKED, ASKED))
    assert [update.reference for update in found] == ["3"]


# Outcomes nobody knows


def lost_and_listed(listed: Any, sent: list[str]) -> Callable[[httpx.Request], Any]:
    def backend(request: httpx.Request) -> Any:
        sent.append(request.method)
        return listed if request.method == "GET" else FILED

    return backend


@pytest.mark.parametrize(
    ("options", "listed", "reference"),
    [
        ({}, [{"service_request_id": "9", "description": f"Sampah menumpuk\n[{MARK}]"}], "9"),
        (
            {"marker": False},
            [
                {"service_request_id": "8", "description": "Sampah menumpuk", "address": "Alun-alun"},
                {"service_request_id": "9", "description": "sampah  menumpuk ", "address": "Pasar Tanjung"},
            ],
            "9",
        ),
        ({"marker": False}, [{"service_request_id": "9", "description": "Sampah menumpuk"}], "9"),
    ],
)
async def test_a_lost_filing_is_found_again_and_not_filed_twice(server, options, listed, reference):
    sent: list[str] = []
    app = server(lost_and_listed(listed, sent), options)
    assert (await app.submit_complaint(LOST)).reference == reference
    assert sent == ["GET"]
    params = app.seen[0].url.params
    assert (params["service_code"], params["start_date"]) == ("sampah", "2026-11-24T07:50:00Z")


async def test_a_lost_filing_with_a_pin_is_found_by_its_place(server):
    draft = ComplaintDraft(
        "t-1", "sampah", "Sampah", Place(latitude=-7.4722, longitude=112.4381), asked_at=ASKED
    )
    far = {"service_request_id": "8", "description": "Sampah", "lat": "-7.4800", "long": "112.4381"}
    near = {"service_request_id": "9", "description": "Sampah", "lat": -7.47223, "long": 112.43812}
    app = server(lost_and_listed([far, near], []), {"marker": False})
    assert (await app.submit_complaint(draft)).reference == "9"


async def test_what_is_not_in_the_list_is_filed_again_only_when_it_would_be_there_by_now(server):
    sent: list[str] = []
    now = datetime.now(UTC)
    app = server(lost_and_listed([], sent), {"listed_after": "5m"})
    fresh = ComplaintDraft("t-1", "sampah", "x", Place("sini"), asked_at=now - timedelta(minutes=1))
    with pytest.raises(BackendUnreachable) as raised:
        await app.submit_complaint(fresh)
    assert (raised.value.outcome_unknown, sent) == (False, ["GET"])
    old = ComplaintDraft("t-1", "sampah", "x", Place("sini"), asked_at=now - timedelta(minutes=6))
    assert (await app.submit_complaint(old)).reference == "7"
    assert sent == ["GET", "GET", "POST"]


async def test_without_that_promise_a_person_looks(server):
    sent: list[str] = []
    with pytest.raises(BackendUnreachable, match="look at the desk"):
        await server(lost_and_listed([], sent)).submit_complaint(LOST)
    assert sent == ["GET"]


async def test_a_list_that_cannot_be_read_files_nothing(server):
    sent: list[str] = []
    app = server(lost_and_listed(httpx.Response(503), sent), {"listed_after": "5m"})
    with pytest.raises(BackendUnreachable):
        await app.submit_complaint(LOST)
    assert set(sent) == {"GET"}


async def test_a_server_that_honours_a_key_is_simply_asked_again(server):
    sent: list[str] = []
    app = server(lost_and_listed([], sent), {"idempotency": True})
    assert (await app.submit_complaint(LOST)).reference == "7"
    assert sent == ["POST"]


@pytest.mark.parametrize("said", [httpx.Response(200, html="<html>"), [], [{"service_notice": "ok"}]])
async def test_a_report_that_was_taken_without_a_number_has_an_unknown_outcome(server, said):
    with pytest.raises(BackendChanged) as raised:
        await server(said).submit_complaint(DRAFT)
    assert raised.value.outcome_unknown
