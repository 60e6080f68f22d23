"""Point an app at a URL and hold it to the rules of its dialect."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from connectors.client import Client
from connectors.conformance import bpjs_fktp, lapor, mpp_queue, open311, rest_json
from connectors.conformance.findings import UNKNOWN, Failed, Finding, Rule, Skip
from connectors.dialects.base import CityApp
from connectors.dialects.bpjs_fktp import BpjsFktp
from connectors.dialects.lapor import Lapor
from connectors.dialects.mpp_queue import MppQueue
from connectors.dialects.open311 import Open311
from connectors.dialects.rest_json import RestJson
from connectors.errors import ConnectorError
from connectors.exchange import Credential, Endpoint
from connectors.manifest import Auth, Manifest, Open311Options, build
from connectors.queues import PersonNumbers


async def inspect(
    app: CityApp,
    *,
    write: bool = True,
    today: date | None = None,
    patient: PersonNumbers | None = None,
) -> list[Finding]:
    """Return a line for every rule that applies. With `write` it files one report or books one place.

    `patient` is somebody a puskesmas knows, for those rules that take a number.
    """
    today = today or datetime.now(ZoneInfo("Asia/Jakarta")).date()
    rules = await _rules(app, write, today, patient)
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


async def _rules(app: CityApp, write: bool, today: date, patient: PersonNumbers | None) -> dict[str, Rule]:
    if isinstance(app, BpjsFktp):
        return bpjs_fktp.rules(app, write, today, patient)
    if isinstance(app, Lapor):
        return lapor.rules(app, write)
    if isinstance(app, Open311):
        return open311.rules(app, write)
    if not isinstance(app, MppQueue):
        return rest_json.rules(app, write, today)
    try:
        service = await mpp_queue.some_service(app, today)
    except ConnectorError:
        service = UNKNOWN
    return rest_json.rules(app, write, today, service) | mpp_queue.rules(app, write, today, service)


def queue_app(url: str, api_key: str | None, client: Client) -> MppQueue:
    """Return an `mpp_queue` server at a URL as an app without a manifest of its own."""
    auth = Auth("bearer", "", "API_KEY") if api_key else Auth()
    manifest = build(
        {
            "id": "conformance",
            "title": "Conformance",
            "tenants": [],
            "maturity": "simulated",
            "contact": "",
            "dialect": "mpp_queue",
            "base_url": url,
        }
    )
    credential = Credential(auth.type, auth.name, api_key or "", auth.secret)
    return MppQueue(manifest, Endpoint("conformance", url, credential, rate_per_minute=6000), client)


def fktp_app(url: str, username: str, password: str, poli: str, client: Client) -> BpjsFktp:
    """Return the puskesmas at a URL, with one poli, as an app without a manifest of its own."""
    manifest = build(
        {
            "id": "conformance",
            "title": "Conformance",
            "tenants": [],
            "maturity": "simulated",
            "contact": "",
            "dialect": "bpjs_fktp",
            "base_url": url,
            "fktp_counters": {"poli": {"title": f"Poli {poli}", "poli": poli}},
        }
    )
    credential = Credential("password", username, password, "--api-key")
    return BpjsFktp(manifest, Endpoint("conformance", url, credential, rate_per_minute=6000), client)


def open311_app(
    url: str, api_key: str | None, client: Client, form: str = "json", jurisdiction: str | None = None
) -> Open311:
    """Return a GeoReport v2 server at a URL as an app without a manifest of its own.

    `form` is what it is asked in; `jurisdiction` is for a server of several cities.
    """
    auth = Auth("form", "api_key", "API_KEY") if api_key else Auth()
    options = Open311Options(
        jurisdiction_id=jurisdiction,
        format=form,
        idempotency=True,
        extended_status="extended_status",
        comments="comments",
    )
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
    return RestJson(manifest, _elsewhere(manifest, url, api_key), client)


def lapor_app(manifest: Manifest, url: str, api_key: str | None, client: Client) -> Lapor:
    """Return an account of LAPOR as its manifest describes it, at another URL."""
    return Lapor(manifest, _elsewhere(manifest, url, api_key), client)


def _elsewhere(manifest: Manifest, url: str, api_key: str | None) -> Endpoint:
    auth = manifest.auth
    credential = Credential(auth.type, auth.name, api_key or auth.development or "", auth.secret)
    return Endpoint(manifest.id, url, credential, rate_per_minute=6000)
