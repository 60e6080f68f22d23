"""Read an app's manifest: YAML to frozen dataclasses, with every problem named by file, field and remedy.

Reading never looks at the environment: the registry does that.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from connectors import contracts
from connectors.capabilities import Capability
from connectors.mapping import normal_word
from connectors.yaml_files import ManifestError, Problem, load_yaml

APPS = Path(__file__).parent / "apps"
SCHEMA = Path(__file__).with_name("manifest.schema.json")
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Auth:
    """How the app recognises us. `secret` is the name of an environment variable."""

    type: str = "none"
    name: str = ""
    secret: str = ""
    development: str | None = None


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """A request with placeholders."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class OperationTemplate:
    """One operation of a rest_json app: what to send, where the answer has our fields, what its 4xx mean."""

    request: RequestTemplate
    reply: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Open311Options:
    """What an Open311 server does beyond, or differently from, GeoReport v2; the schema says what each means.

    `listed_after_seconds` is how soon a report that was filed shows in `requests`; None when nobody knows.
    """

    jurisdiction_id: str | None = None
    format: str = "json"
    suffix: bool = True
    body: str = "form"
    extensions: bool = False
    idempotency: bool = False
    marker: bool | None = None
    listed_after_seconds: int | None = None
    blackbox: bool = False
    single_request: bool = True
    extended_status: str | None = None
    status_when_missing: str | None = None
    date_format: str | None = None
    definitions: bool = True
    several_values: str = "brackets"
    photos: str = "all"
    updates: str = "requests"
    comments: str = "none"
    confidential_field: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def marks(self) -> bool:
        """Whether a report carries a mark by which it is found again: not needed where a key is honoured."""
        return not self.idempotency if self.marker is None else self.marker


@dataclass(frozen=True, slots=True)
class LaporOptions:
    """How an account of SP4N-LAPOR! is called. Addresses are below base_url; None is not offered.

    `email`, `phone` and `name` are the account's own, for whoever files without a name. `classes` maps our
    topics to LAPOR's classes; `fields` are elements of `laporan` beyond `isi`, as templates.
    """

    email: str = ""
    phone: str = ""
    name: str = ""
    submit: str = "api/stream/addstream"
    status: str | None = None
    follow_up: str | None = None
    search: str | None = None
    listed_after_seconds: int | None = None
    idempotency: bool = False
    classes: Mapping[str, str] = field(default_factory=dict)
    class_otherwise: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EmailOptions:
    """Who writes to whom, and the letter as templates of a report's fields, `number` and `point`.

    `nameless` stands where a citizen gives no name, `confidential` where they want the report kept.
    """

    to: str = ""
    sender: str = ""
    sender_name: str = "Lawang"
    reply_to: str | None = None
    subject: str = "{number}"
    body: str = "{description}"
    nameless: str = "-"
    confidential: str = ""


@dataclass(frozen=True, slots=True)
class FktpCounter:
    """A poli of a puskesmas: `path` leads to that puskesmas below base_url, `poli` is its code there.

    `opens` (HH:MM) stands for a time of arrival where the puskesmas names none.
    """

    title: str
    poli: str
    path: str = ""
    opens: str = "08:00"
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """Our codes to theirs (topic, service), their words to ours (status, booking_status)."""

    topic: Mapping[str, str | int] = field(default_factory=dict)
    service: Mapping[str, str | int] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)
    booking_status: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Webhook:
    """How the app reports changes: names of signing secrets, and paths that differ from our own names."""

    secrets: tuple[str, ...]
    subject: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One app of one or more governments."""

    id: str
    title: str
    tenants: tuple[str, ...]
    maturity: str
    contact: str
    dialect: str
    base_url: str
    auth: Auth = Auth()
    timeout_seconds: float = 8.0
    rate_per_minute: int = 60
    timezone: str | None = None
    operations: Mapping[Capability, OperationTemplate] = field(default_factory=dict)
    open311: Open311Options = Open311Options()
    lapor: LaporOptions = LaporOptions()
    email: EmailOptions = EmailOptions()
    values: Values = Values()
    fktp_counters: Mapping[str, FktpCounter] = field(default_factory=dict)
    webhook: Webhook | None = None
    poll_every_seconds: int | None = None

    @property
    def offers(self) -> frozenset[Capability]:
        """The capabilities this app has."""
        if self.dialect == "rest_json":
            return frozenset(self.operations)
        if self.dialect in contracts.OFFERS:
            return contracts.OFFERS[self.dialect]
        if self.dialect == "email":
            return frozenset({Capability.COMPLAINT_SUBMIT, Capability.COMPLAINT_COMMENT})
        return _lapor_offers(self.lapor) if self.dialect == "lapor" else _open311_offers(self.open311)


def _lapor_offers(options: LaporOptions) -> frozenset[Capability]:
    offered = {
        Capability.COMPLAINT_SUBMIT: True,
        Capability.COMPLAINT_STATUS: options.status is not None,
        Capability.COMPLAINT_COMMENT: options.follow_up is not None,
    }
    return frozenset(name for name, offers in offered.items() if offers)


def _open311_offers(options: Open311Options) -> frozenset[Capability]:
    offered = {
        Capability.COMPLAINT_SUBMIT: True,
        Capability.COMPLAINT_ATTRIBUTES: options.definitions,
        Capability.COMPLAINT_COMMENT: options.comments != "none",
        Capability.COMPLAINT_STATUS: not options.blackbox,
        Capability.COMPLAINT_UPDATES: not options.blackbox and options.updates != "none",
    }
    return frozenset(name for name, offers in offered.items() if offers)


def read(path: Path) -> Manifest:
    """Read one manifest.yml.

    Raises:
        ManifestError: the file is missing, is not YAML, or does not fit the schema.
    """
    app = path.parent.name
    document = load_yaml(path, app)
    problems = []
    for error in _validator().iter_errors(document):
        deepest = jsonschema.exceptions.best_match([error]) or error
        field_name = ".".join(map(str, deepest.absolute_path))
        problems.append(Problem("SCHEMA", app, path.name, field_name, _say(deepest)))
    problems.sort(key=str)
    if problems:
        raise ManifestError(problems)
    return build(document)


def build(document: Mapping[str, Any]) -> Manifest:
    """Return the manifest of a document that fits the schema."""
    values = document.get("values", {})
    updates = document.get("updates", {})
    webhook = updates.get("webhook")
    poll = updates.get("poll_every")
    return Manifest(
        id=document["id"],
        title=document["title"],
        tenants=tuple(document["tenants"]),
        maturity=document["maturity"],
        contact=document["contact"],
        dialect=document["dialect"],
        base_url=document["base_url"],
        auth=Auth(**document.get("auth", {})),
        timeout_seconds=float(document.get("timeout_seconds", 8)),
        rate_per_minute=document.get("rate_per_minute", 60),
        timezone=document.get("timezone"),
        operations={
            Capability(name): OperationTemplate(
                request=RequestTemplate(**operation["request"]),
                reply=operation.get("reply", {}),
                errors={int(status): rule for status, rule in operation.get("errors", {}).items()},
            )
            for name, operation in document.get("operations", {}).items()
        },
        open311=Open311Options(**_listed_after(document.get("open311", {}))),
        email=EmailOptions(**document.get("email", {})),
        lapor=LaporOptions(**_listed_after(document.get("lapor", {}))),
        values=Values(
            topic=values.get("topic", {}),
            service=values.get("service", {}),
            status={normal_word(word): ours for word, ours in values.get("status", {}).items()},
            booking_status={
                **contracts.BOOKING_WORDS.get(document["dialect"], {}),
                **{normal_word(word): ours for word, ours in values.get("booking_status", {}).items()},
            },
        ),
        fktp_counters={
            name: FktpCounter(**counter) for name, counter in document.get("fktp_counters", {}).items()
        },
        webhook=Webhook(tuple(webhook["secrets"]), webhook.get("subject"), webhook.get("map", {}))
        if webhook
        else None,
        poll_every_seconds=_seconds(poll) if poll else None,
    )


def _listed_after(given: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(given)
    if soon := options.pop("listed_after", None):
        options["listed_after_seconds"] = _seconds(soon)
    return options


def _seconds(span: str) -> int:
    return int(span[:-1]) * _UNITS[span[-1]]


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _say(error: jsonschema.ValidationError) -> str:
    """Return one line: what is wrong, and what the schema says the field is for."""
    schema: Any = error.schema
    hint = schema.get("description") if isinstance(schema, Mapping) else None
    if error.validator == "not":
        return str(hint)
    if error.validator == "required":
        return f"{error.message}: add it"
    if error.validator == "additionalProperties":
        return f"{error.message}: remove or rename"
    choices: list[Any] = []
    for part in error.context or ():
        if part.validator == "enum":
            choices += part.schema["enum"]  # type: ignore[index]
    if choices:
        return f"{error.instance!r} is not one of {', '.join(map(str, choices))}"
    message = error.message if len(error.message) <= 200 else error.message[:197] + "..."
    return f"{message}. {hint}" if hint else message
