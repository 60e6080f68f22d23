"""Reports of city systems: signed, fresh, readable."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import updates
from connectors.manifest import APPS, read
from connectors.updates import SignatureExpired, SignatureInvalid, UpdateMalformed

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
STAMP = int(NOW.timestamp())
MPP = read(APPS / "mpp_gajah_mada" / "manifest.yml")
DESK = read(APPS / "curhat_ning_ita" / "manifest.yml")
REPORT = {
    "event_id": "e-1",
    "subject": "case",
    "reference": "MJK-2611-000123",
    "status": "selesai",
    "occurred_at": "2026-11-24T09:00:00+07:00",
}


def body(**changes):
    return json.dumps(
        {name: value for name, value in (REPORT | changes).items() if value is not ...}
    ).encode()


def test_a_signature_is_hmac_sha256_of_timestamp_dot_body():
    # printf '1764000000.{"a":1}' | openssl dgst -sha256 -hmac rahasia
    expected = "66d648b219ed9cc2ff14dc4cbb8f2eb1dd91cc8e6c598c587a14de1b896a83be"
    assert updates.sign("rahasia", 1764000000, b'{"a":1}') == f"sha256={expected}"


@pytest.mark.parametrize("secrets", [["rahasia"], ["baru", "rahasia"], ["rahasia", "lama"]])
def test_any_secret_in_use_is_accepted(secrets):
    updates.verify(updates.signed_headers("rahasia", STAMP, body()), body(), secrets, NOW)


def test_header_names_are_not_case_sensitive():
    headers = {name.lower(): value for name, value in updates.signed_headers("rahasia", STAMP, b"x").items()}
    updates.verify(headers, b"x", ["rahasia"], NOW)


@pytest.mark.parametrize(
    ("label", "headers", "secrets"),
    [
        ("no headers", {}, ["rahasia"]),
        ("no timestamp", {"X-Lawang-Signature": updates.sign("rahasia", STAMP, b"x")}, ["rahasia"]),
        ("no signature", {"X-Lawang-Timestamp": str(STAMP)}, ["rahasia"]),
        ("another secret", updates.signed_headers("lain", STAMP, b"x"), ["rahasia"]),
        ("another body", updates.signed_headers("rahasia", STAMP, b"y"), ["rahasia"]),
        ("no secret known", updates.signed_headers("rahasia", STAMP, b"x"), []),
        ("an empty secret", updates.signed_headers("", STAMP, b"x"), [""]),
        (
            "another time",
            updates.signed_headers("rahasia", STAMP, b"x") | {"X-Lawang-Timestamp": str(STAMP + 1)},
            ["rahasia"],
        ),
        (
            "not a number",
            {"X-Lawang-Timestamp": "١٢", "X-Lawang-Signature": "sha256=" + "0" * 64},
            ["rahasia"],
        ),
        ("bare hex", {"X-Lawang-Timestamp": str(STAMP), "X-Lawang-Signature": "0" * 64}, ["rahasia"]),
        ("not ASCII", {"X-Lawang-Timestamp": str(STAMP), "X-Lawang-Signature": "sha256=é"}, ["rahasia"]),
    ],
)
def test_a_wrong_signature_is_refused(label, headers, secrets):
    with pytest.raises(SignatureInvalid):
        updates.verify(headers, b"x", secrets, NOW)


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_a_report_inside_the_window_is_accepted(seconds):
    updates.verify(updates.signed_headers("r", STAMP + seconds, b"x"), b"x", ["r"], NOW)


@pytest.mark.parametrize("seconds", [-86400, -301, 301, 10**9])
def test_a_report_outside_the_window_has_expired(seconds):
    with pytest.raises(SignatureExpired):
        updates.verify(updates.signed_headers("r", STAMP + seconds, b"x"), b"x", ["r"], NOW)


def test_an_old_report_with_a_wrong_signature_is_invalid_not_expired():
    with pytest.raises(SignatureInvalid):
        updates.verify(updates.signed_headers("lain", STAMP - 9999, b"x"), b"x", ["r"], NOW)


@given(st.binary(max_size=300), st.integers(min_value=0, max_value=2400), st.text(min_size=1, max_size=20))
def test_any_changed_bit_is_noticed(raw, bit, secret):
    secret = secret.encode("utf-8", "replace").decode()
    headers = updates.signed_headers(secret, STAMP, raw)
    updates.verify(headers, raw, [secret], NOW)
    changed = bytearray(raw or b"\0")
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    with pytest.raises(SignatureInvalid):
        updates.verify(headers, bytes(changed), [secret], NOW)


def test_a_report_is_read_in_our_words():
    update = updates.parse(DESK, body(note=" Lampu menyala \x00", now_serving="A012", ahead=3))
    assert (update.connector, update.subject, update.reference) == (
        "curhat_ning_ita",
        "case",
        "MJK-2611-000123",
    )
    assert (update.status, update.backend_status, update.note) == ("done", "selesai", "Lampu menyala")
    assert (update.now_serving, update.ahead) == ("A012", 3)
    assert update.occurred_at == datetime(2026, 11, 24, 9, tzinfo=update.occurred_at.tzinfo)
    assert update.occurred_at.utcoffset() == timedelta(hours=7)


def test_the_same_word_means_another_thing_of_a_booking():
    assert updates.parse(MPP, body(subject="booking", reference="MPP-7K3Q")).status == "served"


def test_a_word_nobody_mapped_is_unknown_and_kept():
    update = updates.parse(DESK, body(status="Dibekukan"))
    assert (update.status, update.backend_status) == ("unknown", "Dibekukan")


def test_a_system_may_call_its_fields_otherwise(manifest_with):
    manifest = manifest_with(
        timezone="Asia/Makassar",
        updates={
            "webhook": {
                "secrets": ["KECIL_SECRET"],
                "subject": "case",
                "map": {
                    "event_id": "id",
                    "reference": "izin.nomor",
                    "status": "izin.tahap",
                    "occurred_at": "waktu",
                },
            }
        },
    )
    sent = {"id": 7, "izin": {"nomor": "K-1", "tahap": "Terbit"}, "waktu": "2026-11-24 09:00:00"}
    update = updates.parse(manifest, json.dumps(sent).encode())
    assert (update.event_id, update.reference, update.status) == ("7", "K-1", "done")
    assert update.occurred_at.isoformat() == "2026-11-24T09:00:00+08:00"


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 50_000, "not JSON"),
        (b"9" * 5000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"x"', "not a JSON object"),
        (b" " * (updates.MAX_BODY_BYTES + 1), "larger than"),
        (body(event_id=...), "event_id: missing"),
        (body(event_id="\x00"), "event_id: missing"),
        (body(event_id="x" * 201), "event_id: longer"),
        (body(event_id={"a": 1}), "event_id: missing"),
        (body(reference=None), "reference: missing"),
        (body(reference="x" * 101), "reference: longer"),
        (body(status=""), "status: missing"),
        (body(subject="warga"), "subject"),
        (body(subject=["case"]), "subject"),
        (body(occurred_at=...), "occurred_at: missing"),
        (body(occurred_at="kemarin"), "occurred_at"),
        (body(occurred_at="2026-11-24T09:00:00"), "occurred_at: a time without an offset"),
        (body(occurred_at=1764000000), "occurred_at"),
        (body(ahead=-1), "ahead"),
        (body(ahead="banyak"), "ahead"),
    ],
)
def test_a_malformed_report_is_refused_by_field(raw, named):
    with pytest.raises(UpdateMalformed, match=named):
        updates.parse(DESK, raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys((*REPORT, "note", "ahead", "now_serving"), json_values))
)
def test_whatever_is_sent_is_read_or_refused(changes):
    try:
        update = updates.parse(DESK, json.dumps(REPORT | changes).encode())
    except UpdateMalformed:
        return
    text = f"{update.event_id}{update.reference}{update.backend_status}{update.note}{update.now_serving}"
    assert "\x00" not in text
    assert text.encode()


def test_a_report_to_an_app_is_checked_with_that_apps_secrets(app_of):
    app = app_of(
        "curhat_ning_ita", None, SANDBOX_WEBHOOK_SECRET="baru", SANDBOX_WEBHOOK_SECRET_PREVIOUS="lama"
    )
    for secret in ("baru", "lama"):
        assert (
            updates.receive(app, updates.signed_headers(secret, STAMP, body()), body(), NOW).status == "done"
        )
    with pytest.raises(SignatureInvalid):
        updates.receive(app, updates.signed_headers("lain", STAMP, body()), body(), NOW)


def test_an_app_without_a_secret_accepts_no_report(app_of):
    app = app_of("curhat_ning_ita", None)
    with pytest.raises(SignatureInvalid):
        updates.receive(app, updates.signed_headers("", STAMP, body()), body(), NOW)
