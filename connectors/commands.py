"""`lawang connectors …`: for integrators and operators."""

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from connectors import updates
from connectors.capabilities import Capability
from connectors.check import check as check_all
from connectors.client import Client
from connectors.conformance import kit
from connectors.conformance.findings import Finding
from connectors.dialects.base import CityApp
from connectors.environment import NotConfigured
from connectors.errors import ConnectorError
from connectors.manifest import APPS, Manifest
from connectors.operations import SHAPES, arguments, to_json
from connectors.queues import PersonNumbers
from connectors.registry import connect, read_all
from connectors.yaml_files import ManifestError, load_yaml

T = TypeVar("T")
DATA = Path(__file__).parents[1] / "data"
_FOLDER = click.option(
    "--apps",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=APPS,
    help="Apps folder.",
)


@click.group("connectors")
def connectors() -> None:
    """City systems: check manifests, call one, test a system against the contract."""


@connectors.command("check")
@_FOLDER
def check_command(folder: Path) -> None:
    """Check every manifest and play every example; print all problems."""
    problems = check_all(folder, tenants=_known_tenants(), topics=_known_topics())
    for problem in problems:
        click.echo(problem)
    apps = sum(1 for _ in folder.glob("*/manifest.yml"))
    click.echo(f"{apps} apps, {len(problems)} problems", err=bool(problems))
    sys.exit(1 if problems else 0)


@connectors.command("list")
@_FOLDER
def list_command(folder: Path) -> None:
    """Print all apps as a Markdown table."""
    click.echo("| app | title | governments | dialect | maturity | offers | reports |")
    click.echo("|---|---|---|---|---|---|---|")
    for manifest in _manifests(folder):
        poll = f"asked every {manifest.poll_every_seconds} s" if manifest.poll_every_seconds else ""
        reports = ", ".join(filter(None, ("webhook" if manifest.webhook else "", poll))) or "never"
        offers = ", ".join(sorted(manifest.offers))
        cells = (
            manifest.id,
            manifest.title,
            ", ".join(manifest.tenants),
            manifest.dialect,
            manifest.maturity,
        )
        click.echo("| " + " | ".join(cell.replace("|", "\\|") for cell in (*cells, offers, reports)) + " |")


@connectors.command("try")
@click.argument("app")
@click.argument("operation", type=click.Choice([str(capability) for capability in Capability]))
@click.option(
    "--json", "given", default="{}", help='Fields of the operation, like {"reference": "MJK-2611-000123"}.'
)
@_FOLDER
def try_command(app: str, operation: str, given: str, folder: Path) -> None:
    """Call one operation of an app and print its answer as JSON."""
    manifest = _manifest(app, folder)
    capability = Capability(operation)
    try:
        fields = json.loads(given)
        if not isinstance(fields, dict):
            raise click.BadParameter("must be an object", param_hint="--json")
        if SHAPES[capability].writes:
            fields.setdefault("idempotency_key", uuid.uuid4().hex)
        asked = arguments(capability, fields)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--json") from None

    async def call(client: Client) -> Any:
        return await getattr(_connect(manifest, client), SHAPES[capability].method)(*asked)

    try:
        answer = _with_client(call)
    except ConnectorError as error:
        unknown = getattr(error, "outcome_unknown", None)
        said = {"error": type(error).__name__, "app": error.connector, "detail": error.detail}
        click.echo(
            json.dumps(
                said | ({"outcome_unknown": unknown} if unknown is not None else {}), ensure_ascii=False
            )
        )
        sys.exit(1)
    click.echo(json.dumps(to_json(answer), ensure_ascii=False))


@connectors.command("conform")
@click.option(
    "--dialect", type=click.Choice(["open311", "lapor", "rest_json", "mpp_queue", "bpjs_fktp"]), required=True
)
@click.option("--url", required=True, help="Base address of the system.")
@click.option(
    "--api-key", help="Its key; for rest_json and lapor the manifest's development key is the default."
)
@click.option(
    "--app", help="rest_json, lapor: whose manifest to test with; default: the one whose address ends alike."
)
@click.option("--username", default="lawang", help="bpjs_fktp: the user name; --api-key is its password.")
@click.option("--poli", default="001", help="bpjs_fktp: BPJS code of the poli to test with.")
@click.option("--patient", help="bpjs_fktp: CARD:NIK of somebody known there; without, no number is taken.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "xml"]),
    default="json",
    help="open311: xml for a server that speaks nothing else.",
)
@click.option("--jurisdiction", help="open311: jurisdiction_id, for a server of several cities.")
@click.option("--read-only", is_flag=True, help="File and book nothing.")
@_FOLDER
def conform_command(
    dialect: str,
    url: str,
    api_key: str | None,
    app: str | None,
    username: str,
    poli: str,
    patient: str | None,
    form: str,
    jurisdiction: str | None,
    read_only: bool,
    folder: Path,
) -> None:
    """Test a system against the contract; exit code 1 when a rule is broken.

    Unless --read-only is given it files one report marked as a test, or books and cancels one place.
    """
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("must start with http:// or https://", param_hint="--url")

    card, _, nik = (patient or "").partition(":")
    if patient and not (card.isdecimal() and nik.isdecimal()):
        raise click.BadParameter("must be CARD:NIK, both in digits", param_hint="--patient")
    numbers = PersonNumbers(nik, card) if patient else None

    async def inspect(client: Client) -> list[Finding]:
        target: CityApp
        if dialect == "open311":
            target = kit.open311_app(url, api_key, client, form, jurisdiction)
        elif dialect == "mpp_queue":
            target = kit.queue_app(url, api_key, client)
        elif dialect == "bpjs_fktp":
            target = kit.fktp_app(url, username, api_key or "", poli, client)
        elif dialect == "lapor":
            target = kit.lapor_app(_manifest_for(url, app, folder, dialect), url, api_key, client)
        else:
            target = kit.rest_app(_manifest_for(url, app, folder), url, api_key, client)
        return await kit.inspect(target, write=not read_only, patient=numbers)

    findings = _with_client(inspect)
    for finding in findings:
        click.echo(finding)
    outcomes = [finding.outcome for finding in findings]
    failed = outcomes.count("fail")
    click.echo(f"{outcomes.count('pass')} passed, {failed} failed, {outcomes.count('skip')} skipped")
    sys.exit(1 if failed else 0)


@connectors.command("sign")
@click.option("--secret-env", required=True, help="Name of the environment variable that holds the secret.")
@click.option("--timestamp", type=click.IntRange(min=0), help="Unix seconds; default: now.")
@click.argument("file", type=click.File("rb"))
def sign_command(secret_env: str, timestamp: int | None, file: Any) -> None:
    """Print the two headers that sign a webhook body (`-` reads stdin)."""
    secret = os.environ.get(secret_env)
    if not secret:
        raise click.BadParameter(f"{secret_env} is not set", param_hint="--secret-env")
    now = int(time.time()) if timestamp is None else timestamp
    for name, value in updates.signed_headers(secret, now, file.read()).items():
        click.echo(f"{name}: {value}")


def _with_client(work: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        client = Client()
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def _connect(manifest: Manifest, client: Client) -> CityApp:
    try:
        return connect(manifest, client, os.environ)
    except NotConfigured as error:
        raise click.ClickException(f"{manifest.id}: {error}") from None


def _manifests(folder: Path) -> list[Manifest]:
    try:
        return read_all(folder)
    except ManifestError as error:
        raise click.ClickException(str(error)) from None


def _manifest(app: str, folder: Path) -> Manifest:
    manifests = {manifest.id: manifest for manifest in _manifests(folder)}
    if app not in manifests:
        raise click.BadParameter(f"no app {app}; there are {', '.join(manifests)}")
    return manifests[app]


def _manifest_for(url: str, app: str | None, folder: Path, dialect: str = "rest_json") -> Manifest:
    if app:
        return _manifest(app, folder)
    path = urlsplit(url).path.rstrip("/")
    candidates = [manifest for manifest in _manifests(folder) if manifest.dialect == dialect]
    for manifest in candidates:
        if path and manifest.base_url.rstrip("/}").endswith(path):
            return manifest
    raise click.UsageError(
        f"name the manifest with --app: {', '.join(manifest.id for manifest in candidates)}"
    )


def _known_tenants() -> list[str] | None:
    """Return the governments of this checkout, or None outside one."""
    return [path.parent.name for path in (DATA / "tenants").glob("*/tenant.yml")] or None


def _known_topics() -> list[str] | None:
    """Return the topics of this checkout, or None outside one."""
    path = DATA / "topics" / "topics.yml"
    return [topic["id"] for topic in load_yaml(path, "data")] if path.exists() else None
