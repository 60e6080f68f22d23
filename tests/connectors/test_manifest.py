"""A manifest that cannot be used says where, what, and what to do."""

import copy

import pytest

from connectors import check as checks
from connectors.capabilities import Capability
from connectors.check import check
from connectors.manifest import APPS, build, read
from connectors.operations import SHAPES, arguments
from connectors.yaml_files import ManifestError


def changed(document, path, value):
    """Return a copy with one dotted path set, or removed with `...`."""
    document = copy.deepcopy(document)
    *parents, last = path.split("/")
    target = document
    for name in parents:
        target = target.setdefault(name, {})
    if value is ...:
        target.pop(last, None)
    else:
        target[last] = value
    return document


SCHEMA_FAULTS = [
    ("id", "Kecil Sekali", "id"),
    ("title", ..., "'title' is a required property: add it"),
    ("tenants", [], "tenants"),
    ("maturity", "siap", "maturity"),
    ("dialect", "soap", "dialect"),
    ("base_url", "ftp://kecil", "base_url"),
    ("timeout_seconds", 0, "timeout_seconds"),
    ("timeout_seconds", 600, "timeout_seconds"),
    ("rate_per_minute", 0, "rate_per_minute"),
    ("timezone", "Eropa", "timezone"),
    ("warna", "biru", "warna"),
    ("auth", {"type": "bearer"}, "'secret' is a required property"),
    ("auth", {"type": "header", "secret": "K_1"}, "'name' is a required property"),
    (
        "auth",
        {"type": "bearer", "secret": "kunci-asli-123"},
        "The name of an environment variable, never the secret",
    ),
    ("operations", {}, "operations"),
    ("operations", {"izin.lihat": {}}, "izin.lihat"),
    ("operations", ..., "'operations' is a required property"),
    ("open311", {}, "open311 belongs to dialect open311: remove it"),
    ("operations/permit.status/request/path", "izin", "operations.permit.status.request.path"),
    ("operations/permit.status/request/method", "FETCH", "operations.permit.status.request.method"),
    ("operations/permit.status/errors", {"500": "rejected"}, "500"),
    (
        "operations/permit.status/errors",
        {"404": "hilang"},
        "errors.404: 'hilang' is not one of case_not_found",
    ),
    ("values/status", {"terbit": "selesai"}, "values.status.terbit"),
    ("values/status", {"terbit": "unknown"}, "values.status.terbit"),
    ("updates", {"webhook": {}}, "updates.webhook"),
    ("updates", {"poll_every": "sering"}, "updates.poll_every"),
]


@pytest.mark.parametrize(("path", "value", "said"), SCHEMA_FAULTS)
def test_the_schema_names_file_and_field(apps_folder, small, path, value, said):
    folder = apps_folder(kecil={"manifest": changed(small, path, value)})
    with pytest.raises(ManifestError) as raised:
        read(folder / "kecil" / "manifest.yml")
    assert "[SCHEMA] kecil: manifest.yml" in str(raised.value)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: [", "[YAML] kecil: manifest.yml: line"),
        ("a: 1\nb: 2\na: 3\n", "key a is written twice"),
        ("values: {status: {yes: done}}", "key yes is a truth value in YAML: quote it"),
        ("- id: kecil", "is not of type 'object'"),
        ("", "is not of type 'object'"),
        ("id: !!python/object:os.system x", "[YAML]"),
    ],
)
def test_a_file_that_is_no_manifest_says_why(apps_folder, text, said):
    folder = apps_folder(kecil={"manifest": text})
    with pytest.raises(ManifestError) as raised:
        read(folder / "kecil" / "manifest.yml")
    assert said in str(raised.value)


def test_a_missing_or_unreadable_file_says_so(tmp_path):
    (tmp_path / "kecil").mkdir()
    with pytest.raises(ManifestError, match="is missing: create it"):
        read(tmp_path / "kecil" / "manifest.yml")
    (tmp_path / "kecil" / "manifest.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="cannot be read"):
        read(tmp_path / "kecil" / "manifest.yml")


def test_all_problems_come_at_once(apps_folder, small):
    broken = small | {"dialect": "soap", "maturity": "siap", "tenants": []}
    folder = apps_folder(kecil={"manifest": broken}, lain={"manifest": small | {"id": "beda"}})
    problems = [str(problem) for problem in check(folder)]
    assert len([line for line in problems if line.startswith("[SCHEMA] kecil")]) == 3
    assert any(
        line.startswith("[ID] beda: manifest.yml: id: must equal the folder's name, lain")
        for line in problems
    )
    assert any(line.startswith("[FILE] lain: examples.yml: is missing") for line in problems)


WRITE = {"method": "POST", "path": "/l", "headers": {"Idempotency-Key": "{idempotency_key}"}}
CHECK_FAULTS = [
    ("values", ..., "[MAPPING] kecil: manifest.yml: values.status: is missing"),
    ("operations/permit.status/request/path", "/izin", "nowhere says {reference}"),
    (
        "operations/permit.status/request/query",
        {"q": "{nik}"},
        "request.query: unknown field {nik}; permit.status has reference",
    ),
    ("operations/permit.status/reply", {}, "reply: lacks status"),
    ("operations/permit.status/reply/warna", "x", "reply.warna: permit.status has no such field"),
    ("operations/permit.status/request/json", {"a": 1}, "GET neither writes nor has a body"),
    (
        "operations/complaint.submit",
        {
            "request": {"method": "POST", "path": "/l", "json": {"isi": "{description}"}},
            "reply": {"reference": "n"},
        },
        "[IDEMPOTENCY] kecil: manifest.yml: operations.complaint.submit.request.headers: add Idempotency-Key",
    ),
    ("operations/booking.cancel", {"request": WRITE}, "nowhere says {code}"),
    (
        "operations/booking.slots",
        {"request": {"method": "GET", "path": "/s"}, "reply": {"slots": "s"}},
        "reply.slots: ",
    ),
    (
        "operations/booking.status",
        {
            "request": {"method": "GET", "path": "/b/{code}"},
            "reply": {"status": "s", "number": "n", "counter": "c", "starts_at": "t"},
        },
        "values.booking_status: is missing",
    ),
    ("maturity", "live", "[MATURITY] kecil: manifest.yml: updates"),
]


@pytest.mark.parametrize(("path", "value", "said"), CHECK_FAULTS)
def test_the_check_sees_what_the_schema_cannot(apps_folder, small, path, value, said):
    folder = apps_folder(kecil={"manifest": changed(small, path, value)})
    assert said in "\n".join(str(problem) for problem in check(folder))


def test_a_key_in_the_manifest_of_a_real_app_is_refused(small):
    manifest = build(
        small | {"maturity": "tested", "auth": {"type": "bearer", "secret": "K_1", "development": "kunci"}}
    )
    assert "auth.development" in {problem.field for problem in checks.check_manifest(manifest, "kecil")}


def test_governments_and_topics_must_exist(apps_folder, small):
    folder = apps_folder(kecil={"manifest": changed(small, "values/topic", {"percintaan": 1})})
    problems = [str(problem) for problem in check(folder, tenants=["kota_kupang"], topics=["sampah"])]
    assert any("no government kota_mojokerto" in line for line in problems)
    assert any("no topic percintaan" in line for line in problems)


GOOD = {
    "name": "terbit",
    "operation": "permit.status",
    "given": {"reference": "K-1"},
    "backend_answers": {"status": 200, "json": {"data": {"status": "terbit"}}},
    "then": {"status": "done"},
}
BAD = {
    "name": "tidak ada",
    "operation": "permit.status",
    "given": {"reference": "K-2"},
    "backend_answers": {"status": 404},
    "then": {"error": "CaseNotFound"},
}


def test_a_complete_app_has_no_problems(apps_folder, small):
    folder = apps_folder(kecil={"manifest": small, "examples": [GOOD, BAD]})
    assert [str(problem) for problem in check(folder)] == []


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ([GOOD], "lacks an example that fails"),
        ([BAD], "lacks an example that succeeds"),
        ([GOOD, BAD, GOOD], "is written twice"),
        (
            [GOOD | {"then": {"status": "rejected"}}, BAD],
            "terbit: then.status: wanted 'rejected', found 'done'",
        ),
        ([GOOD | {"operation": "booking.live"}, BAD], "booking.live is not offered"),
        ([GOOD | {"operation": "izin.lihat"}], "no operation izin.lihat"),
        ([GOOD | {"warna": 1}], "needs name, operation, given, then"),
        (["terbit"], "needs name, operation, given, then"),
        ({"terbit": 1}, "must be a list of examples"),
    ],
)
def test_examples_are_complete_and_true(apps_folder, small, examples, said):
    folder = apps_folder(kecil={"manifest": small, "examples": examples})
    assert said in "\n".join(str(problem) for problem in check(folder))


def test_every_capability_has_a_shape():
    assert set(SHAPES) == set(Capability)


@pytest.mark.parametrize(
    ("capability", "given", "said"),
    [
        (Capability.PERMIT_STATUS, {}, "missing fields reference"),
        (Capability.PERMIT_STATUS, {"nik": 1}, "unknown fields nik"),
        (Capability.BOOKING_SLOTS, {"service": "x", "day": "besok"}, "day must be a date"),
        (Capability.COMPLAINT_SUBMIT, {"topic": "x", "description": "y", "location": {"rt": 1}}, "location"),
        (Capability.COMPLAINT_SUBMIT, {"topic": "x", "description": "y", "location": "sana"}, "location"),
    ],
)
def test_arguments_that_do_not_fit_name_the_field(capability, given, said):
    with pytest.raises(ValueError, match=said):
        arguments(capability, given)


def test_the_manifest_of_the_guide_is_a_good_one(apps_folder):
    guide = (APPS.parent / "README.md").read_text(encoding="utf-8")
    manifest = guide.split("```yaml\n")[1].split("```")[0]
    folder = apps_folder(my_app={"manifest": manifest})
    assert list(checks.check_manifest(read(folder / "my_app" / "manifest.yml"), "my_app")) == []
