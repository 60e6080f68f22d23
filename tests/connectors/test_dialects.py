"""What a misbehaving city becomes, in both dialects."""

from datetime import UTC, date, datetime

import httpx
import pytest

from connectors.capabilities import (
    BookingRequest,
    CaseComment,
    CaseStatus,
    ComplaintDraft,
    Photo,
    Place,
    SlotQuery,
)
from connectors.dialects import open311
from connectors.errors import (
    BackendChanged,
    BackendRejected,
    BackendUnreachable,
    CaseNotFound,
    NotOffered,
)
from connectors.manifest import build

DRAFT = ComplaintDraft("t-1", "sampah", "Sampah menumpuk", Place("Pasar Tanjung"))
SPOT = Place(latitude=-7.47, longitude=112.43)
BOOKING = BookingRequest("t-1", "s-1", "ktp_hilang", "Siti")
RECEIPT = {"code": "M-1", "number": "A1", "counter": "dukcapil", "starts_at": "2026-11-24T08:00:00+07:00"}


def answer(status=200, **more):
    return httpx.Response(status, **more)


FAULTS = [
    ("500", answer(500), BackendUnreachable),
    ("503", answer(503, text="<html>"), BackendUnreachable),
    ("429", answer(429), BackendUnreachable),
    ("HTML with 200", answer(200, html="<h1>Sedang pemeliharaan</h1>"), BackendChanged),
    ("HTML with 404", answer(404, html="<h1>Not found</h1>"), BackendChanged),
    ("nothing", answer(200), BackendChanged),
    ("nonsense", answer(200, content=b"{{{"), BackendChanged),
    ("a number", answer(200, json=42), BackendChanged),
    ("null", answer(200, json=None), BackendChanged),
    ("a list of text", answer(200, json=["maaf"]), BackendChanged),
    ("201 without a reference", answer(201, json=[{"service_notice": "ok"}]), BackendChanged),
    ("an empty reference", answer(201, json=[{"service_request_id": " ", "code": ""}]), BackendChanged),
    ("a reference that is a list", answer(201, json=[{"service_request_id": [1]}]), BackendChanged),
    ("an endless reference", answer(201, json=[{"service_request_id": "9" * 101}]), BackendChanged),
    ("another host", answer(302, headers={"Location": "http://jahat.example"}), BackendChanged),
    ("not modified", answer(304), BackendChanged),
    ("too large", answer(200, content=b" " * 1_000_001), BackendChanged),
    ("our key refused", answer(401), BackendChanged),
    ("bad request", answer(400, json=[{"code": 400, "description": "kurang"}]), BackendRejected),
    ("conflict", answer(422), BackendRejected),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("label", "said", "error"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_a_broken_complaint_desk_is_one_of_our_errors(app_of, label, said, error):
    with pytest.raises(error) as raised:
        await app_of("curhat_ning_ita", said).submit_complaint(DRAFT)
    assert raised.value.connector == "curhat_ning_ita"


@pytest.mark.asyncio
@pytest.mark.parametrize(("label", "said", "error"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_a_broken_queue_is_one_of_our_errors(app_of, label, said, error):
    with pytest.raises(error):
        await app_of("mpp_gajah_mada", said).reserve(BOOKING)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"code": None}, "code"),
        ({"number": ""}, "number"),
        ({"starts_at": "besok"}, "starts_at"),
        ({"starts_at": "2026-11-24T08:00:00"}, "starts_at"),
        ({"counter": {}}, "counter"),
    ],
)
async def test_a_receipt_that_does_not_fit_names_the_field(app_of, changes, named):
    with pytest.raises(BackendChanged, match=named):
        await app_of("mpp_gajah_mada", answer(201, json=RECEIPT | changes)).reserve(BOOKING)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "slots",
    [
        {"slots": {"id": 1}},
        {"slots": ["s-1"]},
        {"slots": [{"id": "s-1"}]},
        {"slots": [{"id": "s-1", "starts_at": "2026-11-24T08:00:00+07:00", "left": -1}]},
        {"slots": [{"id": "s", "starts_at": "2026-11-24T08:00:00+07:00"}] * 501},
        {"slots": [], "next_open": "lusa"},
    ],
)
async def test_a_slot_list_that_does_not_fit_is_a_change(app_of, slots):
    with pytest.raises(BackendChanged):
        await app_of("mpp_gajah_mada", answer(json=slots)).slots(SlotQuery("ktp_hilang", date(2026, 11, 24)))


@pytest.mark.asyncio
async def test_a_filing_that_hangs_has_an_unknown_outcome(app_of):
    def hang(request):
        raise httpx.ReadTimeout("slow", request=request)

    with pytest.raises(BackendUnreachable) as raised:
        await app_of("curhat_ning_ita", hang).submit_complaint(DRAFT)
    assert raised.value.outcome_unknown


@pytest.mark.asyncio
async def test_a_filing_is_repeated_with_the_same_key_and_files_once(app_of):
    cases, keys = {}, []

    def desk(request):
        key = request.headers["Idempotency-Key"]
        keys.append(key)
        cases.setdefault(key, f"MJK-{len(cases) + 1}")
        if len(keys) == 1:
            raise httpx.ReadTimeout("the answer was lost", request=request)
        return answer(201, json=[{"service_request_id": cases[key]}])

    receipt = await app_of("curhat_ning_ita", desk).submit_complaint(DRAFT)
    assert (receipt.reference, keys, len(cases)) == ("MJK-1", ["t-1", "t-1"], 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("reference", ["", ".", "..", "x" * 500])
async def test_a_number_that_cannot_be_one_is_not_asked_for(app_of, reference):
    def never(request):
        raise AssertionError("asked")

    for app, ask in (
        ("curhat_ning_ita", "complaint_status"),
        ("perizinan", "permit_status"),
        ("mpp_gajah_mada", "live"),
    ):
        with pytest.raises(CaseNotFound):
            await getattr(app_of(app, never), ask)(reference)


@pytest.mark.asyncio
async def test_a_number_with_slashes_stays_in_its_place(app_of):
    seen = []

    def backend(request):
        seen.append(request.url.raw_path)
        return answer(404)

    with pytest.raises(CaseNotFound):
        await app_of("perizinan", backend).permit_status("../../admin?x=1")
    assert seen == [b"/api/berkas/..%2F..%2Fadmin%3Fx%3D1"]


@pytest.mark.asyncio
async def test_what_an_app_does_not_offer_is_said(app_of):
    desk, queue = app_of("curhat_ning_ita", answer()), app_of("mpp_gajah_mada", answer())
    for call in (
        queue.submit_complaint(DRAFT),
        queue.complaint_status("x"),
        queue.add_comment(CaseComment("k", "r", "t")),
        queue.permit_status("x"),
        desk.slots(SlotQuery("ktp_hilang", date(2026, 11, 24))),
        desk.reserve(BOOKING),
        desk.booking_status("x"),
        desk.reschedule("x", "s", "k"),
        desk.cancel_booking("x", "k"),
        desk.live("x"),
    ):
        with pytest.raises(NotOffered):
            await call


@pytest.mark.asyncio
async def test_a_reason_is_short_and_clean(app_of):
    said = answer(400, json=[{"description": "a\x00b" + "x" * 1000}])
    with pytest.raises(BackendRejected) as raised:
        await app_of("curhat_ning_ita", said).submit_complaint(DRAFT)
    assert raised.value.detail.startswith("abx")
    assert len(raised.value.detail) == 300


# Open311


def desk_with(app_of, small, options, backend, **changes):
    document = small | {"dialect": "open311", "open311": options} | changes
    document.pop("operations")
    return app_of(build(document), backend)


@pytest.mark.asyncio
async def test_a_token_is_exchanged_for_the_number(app_of, monkeypatch):
    monkeypatch.setattr(open311, "TOKEN_PAUSE_SECONDS", 0)
    answers = [
        answer(201, json=[{"token": "tok/1", "service_notice": "antre"}]),
        answer(404, json=[{"code": 404, "description": "belum"}]),
        answer(200, json=[{"token": "tok/1", "service_request_id": "MJK-9"}]),
    ]
    asked = []

    def backend(request):
        asked.append(request.url.raw_path.decode())
        return answers.pop(0)

    receipt = await app_of("curhat_ning_ita", backend).submit_complaint(DRAFT)
    assert (receipt.reference, receipt.notice) == ("MJK-9", "antre")
    assert asked[1:] == ["/api/tokens/tok%2F1.json"] * 2


@pytest.mark.asyncio
async def test_a_token_without_a_number_yet_is_a_receipt_all_the_same(app_of, monkeypatch):
    monkeypatch.setattr(open311, "TOKEN_PAUSE_SECONDS", 0)

    def backend(request):
        return answer(201, json=[{"token": "t1"}]) if request.method == "POST" else answer(500)

    receipt = await app_of("curhat_ning_ita", backend).submit_complaint(DRAFT)
    assert (receipt.reference, receipt.status) == ("token:t1", CaseStatus.RECEIVED)


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [None, "MJK-9"])
async def test_the_state_of_a_token_is_the_state_of_its_number(app_of, number):
    def backend(request):
        if "tokens" in request.url.path:
            return answer(json=[{"token": "t1", "service_request_id": number}])
        return answer(json=[{"service_request_id": "MJK-9", "status": "open", "extended_status": "diproses"}])

    state = await app_of("curhat_ning_ita", backend).complaint_status("token:t1")
    expected = ("MJK-9", CaseStatus.IN_PROGRESS) if number else ("token:t1", CaseStatus.RECEIVED)
    assert (state.reference, state.status) == expected


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("request_body", "status", "word"),
    [
        ({"status": "open", "extended_status": "selesai"}, CaseStatus.DONE, "selesai"),
        ({"status": "closed", "extended_status": "ditolak"}, CaseStatus.REJECTED, "ditolak"),
        ({"status": "open"}, CaseStatus.RECEIVED, "open"),
        ({"status": "CLOSED"}, CaseStatus.DONE, "closed"),
        ({"status": "paused"}, CaseStatus.UNKNOWN, "paused"),
        ({"status": "closed", "extended_status": "dibekukan"}, CaseStatus.UNKNOWN, "dibekukan"),
    ],
)
async def test_the_finer_state_counts_and_the_plain_one_is_the_fallback(app_of, request_body, status, word):
    app = app_of("curhat_ning_ita", answer(json=[{"service_request_id": "M", **request_body}]))
    state = await app.complaint_status("M")
    assert (state.status, state.backend_status) == (status, word)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "wrapped",
    [
        [{"service_request_id": "M", "status": "open"}],
        {"service_request_id": "M", "status": "open"},
        {"service_requests": [{"service_request_id": "M", "status": "open"}]},
        {"request": {"service_request_id": "M", "status": "open"}},
    ],
)
async def test_a_request_is_found_however_it_is_wrapped(app_of, wrapped):
    assert (await app_of("curhat_ning_ita", answer(json=wrapped)).complaint_status("M")).reference == "M"


@pytest.mark.asyncio
async def test_an_empty_list_means_no_such_number(app_of):
    with pytest.raises(CaseNotFound):
        await app_of("curhat_ning_ita", answer(json=[])).complaint_status("M")


def form_of(request):
    return httpx.QueryParams(request.content.decode())


@pytest.mark.asyncio
async def test_a_plain_server_gets_no_key_and_no_second_attempt(app_of, small):
    seen = []

    def backend(request):
        seen.append(request)
        return answer(502)

    app = desk_with(
        app_of, small, {"jurisdiction_id": "mjk", "attributes": {"RT": "{location.text}"}}, backend
    )
    with pytest.raises(BackendUnreachable) as raised:
        await app.submit_complaint(DRAFT)
    assert raised.value.outcome_unknown
    assert len(seen) == 1
    assert "idempotency-key" not in seen[0].headers
    assert form_of(seen[0])["jurisdiction_id"] == "mjk"
    assert form_of(seen[0])["attribute[RT]"] == "Pasar Tanjung"


@pytest.mark.asyncio
async def test_a_report_has_a_place_of_some_kind(app_of, small):
    seen = []

    def backend(request):
        seen.append(form_of(request))
        return answer(201, json=[{"service_request_id": "M"}])

    app = desk_with(app_of, small, {}, backend)
    for place in (SPOT, Place(region_code="35.76.01"), Place("Alun-alun")):
        await app.submit_complaint(ComplaintDraft("k", "sampah", "x", place))
    assert (seen[0]["lat"], seen[0]["long"], "address_string" in seen[0]) == ("-7.47", "112.43", False)
    assert [form["address_string"] for form in seen[1:]] == ["35.76.01", "Alun-alun"]
    with pytest.raises(BackendRejected, match="place"):
        await app.submit_complaint(ComplaintDraft("k", "sampah", "x", Place(latitude=-7.4)))


@pytest.mark.asyncio
async def test_a_confidential_report_is_not_filed_where_it_would_be_published(app_of, small):
    draft = ComplaintDraft("k", "pungli", "x", SPOT, confidential=True)
    with pytest.raises(BackendRejected, match="confidential"):
        await desk_with(app_of, small, {}, answer(201)).submit_complaint(draft)
    seen = []

    def backend(request):
        seen.append(form_of(request))
        return answer(201, json=[{"service_request_id": "M"}])

    await app_of("curhat_ning_ita", backend).submit_complaint(draft)
    assert seen[0]["confidential"] == "true"


@pytest.mark.asyncio
async def test_comments_may_follow_fixmystreet(app_of, small):
    seen = []

    def backend(request):
        seen.append(request)
        return answer(200, json=[{"update_id": 1}])

    app = desk_with(app_of, small, {"comments": "servicerequestupdates"}, backend)
    await app.add_comment(CaseComment("k-1", "M-1", "Masih mati", (Photo("http://foto.example/1"),)))
    assert seen[0].url.path.endswith("/servicerequestupdates.json")
    form = dict(form_of(seen[0]))
    assert datetime.fromisoformat(form.pop("updated_datetime")).tzinfo is not None
    assert form == {
        "service_request_id": "M-1",
        "status": "OPEN",
        "update_id": "k-1",
        "description": "Masih mati",
        "media_url": "http://foto.example/1",
    }


@pytest.mark.asyncio
async def test_a_board_that_does_not_say_when_is_of_now(app_of):
    live = await app_of("mpp_gajah_mada", answer(json={"waiting": 0})).live("dukcapil")
    assert abs((datetime.now(UTC) - live.as_of).total_seconds()) < 60
    assert (live.counter, live.now_serving, live.waiting) == ("dukcapil", None, 0)


@pytest.mark.asyncio
async def test_local_times_get_the_zone_of_the_app(app_of, manifest_with):
    said = answer(json={"data": {"status": "Terbit", "waktu": "2026-11-24 09:00:00"}})
    state = await app_of(manifest_with(timezone="Asia/Makassar"), said).permit_status("K-1")
    assert state.updated_at is not None
    assert state.updated_at.isoformat() == "2026-11-24T09:00:00+08:00"
    with pytest.raises(BackendChanged, match="offset"):
        await app_of(manifest_with(), said).permit_status("K-1")
