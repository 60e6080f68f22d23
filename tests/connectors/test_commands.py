"""`lawang connectors …` as an integrator meets it."""

import json
import time
from datetime import UTC, datetime

import httpx
import pytest
from click.testing import CliRunner

from connectors import client, commands, updates


@pytest.fixture
def lawang(monkeypatch):
    """Run a command; `backend` answers every request it sends."""

    def run(*arguments, backend=None, **more):
        def answer(request):
            if backend is None:
                raise httpx.ConnectError("no city in this test")
            return backend(request)

        async def no_pause(seconds):
            return None

        monkeypatch.setattr(
            commands, "Client", lambda: client.Client(httpx.MockTransport(answer), sleep=no_pause)
        )
        return CliRunner().invoke(commands.connectors, [str(argument) for argument in arguments], **more)

    return run


def test_check_is_content_with_the_shipped_apps(lawang):
    result = lawang("check")
    assert (result.exit_code, result.output) == (0, "5 apps, 0 problems\n")


def test_check_prints_every_problem_and_fails(lawang, apps_folder, small):
    folder = apps_folder(kecil={"manifest": small | {"dialect": "soap"}}, lain={"manifest": small})
    result = lawang("check", "--apps", folder)
    assert result.exit_code == 1
    assert "[SCHEMA] kecil: manifest.yml: dialect:" in result.output
    assert "[ID] kecil: manifest.yml: id: must equal the folder's name, lain" in result.output


def test_list_is_a_markdown_table(lawang):
    lines = lawang("list").output.splitlines()
    assert lines[1] == "|---|---|---|---|---|---|---|"
    assert {line.split(" | ")[0] for line in lines[2:]} == {
        "| curhat_ning_ita",
        "| damar_mojo",
        "| gayatri",
        "| mpp_gajah_mada",
        "| perizinan",
    }
    assert len({line.count("|") for line in lines}) == 1


def test_try_prints_the_answer_as_json(lawang):
    def city(request):
        return httpx.Response(200, json={"nomor": "P-1", "jenis": "PBG", "status": "terbit"})

    result = lawang("try", "perizinan", "permit.status", "--json", '{"reference": "P-1"}', backend=city)
    assert result.exit_code == 0
    assert json.loads(result.output)["status"] == "done"


def test_try_prints_the_error_as_json_and_fails(lawang):
    result = lawang("try", "perizinan", "permit.status", "--json", '{"reference": "P-1"}')
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "error": "BackendUnreachable",
        "app": "perizinan",
        "detail": "no connection (ConnectError)",
        "outcome_unknown": False,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["entah", "permit.status"], "no app entah; there are curhat_ning_ita"),
        (["perizinan", "izin.lihat"], "is not one of"),
        (["perizinan", "permit.status", "--json", "{"], "--json"),
        (["perizinan", "permit.status", "--json", "[]"], "must be an object"),
        (["perizinan", "permit.status"], "missing fields reference"),
        (["perizinan", "permit.status", "--json", '{"nik": 1}'], "unknown fields nik (known: reference)"),
    ],
)
def test_try_says_what_is_wrong_with_its_arguments(lawang, arguments, said):
    result = lawang("try", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_try_names_the_variable_that_is_missing(lawang, monkeypatch):
    monkeypatch.setenv("LAWANG_ENV", "production")
    result = lawang("try", "perizinan", "permit.status", "--json", '{"reference": "P-1"}')
    assert result.exit_code == 1
    assert "perizinan: set PERIZINAN_URL" in result.output


def test_sign_prints_headers_that_verify(lawang, tmp_path, monkeypatch):
    monkeypatch.setenv("KOTA_SECRET", "rahasia")
    (tmp_path / "body.json").write_bytes(b'{"a": 1}')
    result = lawang("sign", "--secret-env", "KOTA_SECRET", tmp_path / "body.json")
    headers = dict(line.split(": ") for line in result.output.splitlines())
    updates.verify(headers, b'{"a": 1}', ["rahasia"], datetime.now(UTC))
    assert abs(int(headers["X-Lawang-Timestamp"]) - time.time()) < 60


def test_sign_without_its_secret_says_so(lawang, tmp_path, monkeypatch):
    monkeypatch.delenv("KOTA_SECRET", raising=False)
    (tmp_path / "body.json").write_bytes(b"{}")
    result = lawang("sign", "--secret-env", "KOTA_SECRET", tmp_path / "body.json")
    assert result.exit_code == 2
    assert "KOTA_SECRET is not set" in result.output


class Desk:
    """A small GeoReport v2 server that can be told to misbehave."""

    def __init__(self, **faults):
        self.faults = faults
        self.filed = {}

    def __call__(self, request):
        path, form = request.url.path.removeprefix("/v2/"), httpx.QueryParams(request.content.decode())
        if path in self.faults:
            return self.faults[path]
        if path == "services.json":
            service = {
                "service_code": "sampah",
                "service_name": "Sampah",
                "type": "realtime",
                "metadata": True,
            }
            return httpx.Response(200, json=[service])
        if path == "services/sampah.json":
            return httpx.Response(200, json={"service_code": "sampah", "attributes": []})
        if path == "requests.json" and request.method == "GET":
            asked = request.url.params.get("service_request_id")
            at = "2026-11-24T09:00:00+07:00"
            listed = [
                {
                    "service_request_id": number,
                    "status": "open",
                    "requested_datetime": at,
                    "description": self.said,
                }
                for number in self.filed.values()
                if not asked or number in asked.split(",")
            ]
            return httpx.Response(200, json=listed)
        if request.method == "GET":
            number = path.removeprefix("requests/").removesuffix(".json")
            if number not in self.filed.values():
                return self.error(404)
            at = "2026-11-24T09:00:00"
            return httpx.Response(
                200, json=[{"service_request_id": number, "status": "open", "requested_datetime": at}]
            )
        if form.get("api_key") != "kunci":
            return self.error(403)
        if path.endswith("/comments.json"):
            return httpx.Response(201, json=[])
        if form.get("service_code") != "sampah" or "lat" not in form:
            return self.error(400)
        key = "sama" if "forgets" not in self.faults else str(len(self.filed))
        self.said = form["description"]
        number = self.filed.setdefault(key, f"M-{len(self.filed) + 1}")
        return httpx.Response(201, json=[{"service_request_id": number}])

    def error(self, status):
        return httpx.Response(status, json=[{"code": status, "description": "tidak"}])


ASKS = {"service_code": "sampah", "attributes": [{"code": "A", "datatype": "string", "required": True}]}
ASKS_NOTHING_TO_CHOOSE = {
    "service_code": "sampah",
    "attributes": [{"code": "A", "datatype": "singlevaluelist", "required": True}],
}
CONFORM = ("conform", "--dialect", "open311", "--url", "http://kota.example/v2", "--api-key", "kunci")


def test_a_conforming_server_passes_every_rule(lawang):
    result = lawang(*CONFORM, backend=Desk())
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "12 passed, 0 failed, 8 skipped"


def test_a_read_only_inspection_files_nothing(lawang):
    desk = Desk()
    result = lawang(*CONFORM, "--read-only", backend=desk)
    assert result.exit_code == 0
    assert desk.filed == {}
    assert result.output.splitlines()[-1] == "6 passed, 0 failed, 14 skipped"


@pytest.mark.parametrize(
    ("faults", "broken"),
    [
        ({"forgets": True}, "with the same Idempotency-Key files nothing twice"),
        (
            {"services.json": httpx.Response(200, json=[])},
            "services.json lists services: services.json is empty",
        ),
        ({"services.json": httpx.Response(200, html="<html>")}, "a web page"),
        ({"requests/M-1.json": httpx.Response(200, json=[{}])}, "tells its state"),
        ({"requests/LAWANG-TIDAK-ADA-0.json": httpx.Response(200, json=[{"status": "open"}])}, "was found"),
        ({"requests/M-1/comments.json": httpx.Response(500)}, "takes a comment"),
        ({"requests.json": httpx.Response(200, json=[])}, "files a report"),
        ({"discovery.json": httpx.Response(200, json={"endpoints": []})}, "names no endpoint"),
        ({"discovery.json": httpx.Response(200, html="<html>")}, "a web page"),
        ({"services.xml": httpx.Response(200, content=b"<services/>")}, "differ"),
        (
            {"services/sampah.json": httpx.Response(200, json=ASKS_NOTHING_TO_CHOOSE)},
            "A is a list without values",
        ),
        (
            {"services/sampah.json": httpx.Response(200, json=ASKS)},
            "without its required attributes was taken",
        ),
        (
            {"servicerequestupdates.json": httpx.Response(200, json=[{"update_id": 1}])},
            "an update lacks service_request_id, status, updated_datetime",
        ),
    ],
)
def test_a_server_that_breaks_a_rule_fails_by_name(lawang, faults, broken):
    result = lawang(*CONFORM, backend=Desk(**faults))
    assert result.exit_code == 1
    assert any(line.startswith("FAIL") and broken in line for line in result.output.splitlines())


def test_a_server_that_is_not_there_fails_every_rule_it_is_asked(lawang):
    result = lawang(*CONFORM)
    assert result.exit_code == 1
    assert "BackendUnreachable: no connection" in result.output
    assert "PASS" not in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dialect", "rest_json", "--url", "http://kota.example/lain"], "--app: perizinan"),
        (["--dialect", "rest_json", "--url", "http://x/mpp/v1", "--app", "entah"], "no app entah"),
        (["--dialect", "soap", "--url", "http://x"], "is not one of"),
        (["--dialect", "open311", "--url", "ftp://x"], "must start with http://"),
    ],
)
def test_conform_says_what_is_wrong_with_its_arguments(lawang, arguments, said):
    result = lawang("conform", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
