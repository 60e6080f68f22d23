"""Check all apps, and say everything that is wrong at once: `[RULE] app: file: field: what to do`."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from connectors import contracts, examples, mapping
from connectors.capabilities import Capability
from connectors.client import IDEMPOTENCY_KEY
from connectors.manifest import APPS, Manifest, OperationTemplate, read
from connectors.operations import SHAPES, SLOT_MAY_HAVE, SLOT_NEEDS
from connectors.yaml_files import ManifestError, Problem

MANIFEST, EXAMPLES = "manifest.yml", "examples.yml"
# Paths that stand for no idempotency key are repeated only by a person. An app is excused here until its
# vendor honours a key; the list may only shrink.
EXCUSED_FROM_IDEMPOTENCY: frozenset[str] = frozenset()


def check(
    folder: Path = APPS, *, tenants: Iterable[str] | None = None, topics: Iterable[str] | None = None
) -> list[Problem]:
    """Return every problem of every app. `tenants` and `topics` are the known ones, if there is a list."""
    problems: list[Problem] = []
    known_tenants = None if tenants is None else frozenset(tenants)
    known_topics = None if topics is None else frozenset(topics)
    folders = sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))
    )
    for path in folders:
        try:
            manifest = read(path / MANIFEST)
        except ManifestError as error:
            problems += error.problems
            continue
        problems += check_manifest(manifest, path.name)
        problems += _known(manifest, known_tenants, known_topics)
        problems += check_examples(manifest, path / EXAMPLES)
    return problems


def check_manifest(manifest: Manifest, folder: str) -> Iterator[Problem]:
    """Yield what the schema cannot see."""
    app = manifest.id

    def problem(rule: str, field: str, message: str) -> Problem:
        return Problem(rule, app, MANIFEST, field, message)

    if app != folder:
        yield problem("ID", "id", f"must equal the folder's name, {folder}")
    offers = manifest.offers
    cases = {
        name for name in offers if name.value.endswith(".status") and name is not Capability.BOOKING_STATUS
    }
    bookings = {
        name for name in offers if name.value.startswith("booking.") and "status" in SHAPES[name].needs
    }
    if cases and not manifest.values.status and manifest.dialect != "open311":
        yield problem(
            "MAPPING", "values.status", f"is missing: {', '.join(sorted(cases))} would only answer unknown"
        )
    if bookings and not manifest.values.booking_status and manifest.dialect not in contracts.OFFERS:
        yield problem(
            "MAPPING", "values.booking_status", "is missing: booking.status would only answer unknown"
        )
    if manifest.open311.extended_status and not manifest.values.status:
        yield problem("MAPPING", "values.status", "is missing: it maps the words of extended_status")
    for name, template in manifest.open311.attributes.items():
        for field in set(mapping.placeholders(template)) - SHAPES[Capability.COMPLAINT_SUBMIT].takes:
            yield problem("MAPPING", f"open311.attributes.{name}", f"unknown field {{{field}}}")
    takes = SHAPES[Capability.COMPLAINT_SUBMIT].takes | {"class"}
    for name, template in manifest.lapor.fields.items():
        for field in set(mapping.placeholders(template)) - takes:
            yield problem("MAPPING", f"lapor.fields.{name}", f"unknown field {{{field}}}")
    takes = SHAPES[Capability.COMPLAINT_SUBMIT].takes | {"number", "point"}
    for name in ("subject", "body"):
        for field in set(mapping.placeholders(getattr(manifest.email, name))) - takes:
            yield problem("MAPPING", f"email.{name}", f"unknown field {{{field}}}")
    for capability, operation in manifest.operations.items():
        yield from _check_operation(manifest, capability, operation)
    if manifest.maturity == "live" and manifest.webhook is None and manifest.poll_every_seconds is None:
        yield problem("MATURITY", "updates", "a live app must report (webhook) or be asked (poll_every)")
    if manifest.maturity in {"tested", "live"} and manifest.auth.development is not None:
        yield problem(
            "SECRET", "auth.development", f"a {manifest.maturity} app has no key in its manifest: remove it"
        )


def _check_operation(
    manifest: Manifest, capability: Capability, operation: OperationTemplate
) -> Iterator[Problem]:
    shape = SHAPES[capability]
    where = f"operations.{capability}"

    def problem(rule: str, field: str, message: str) -> Problem:
        return Problem(rule, manifest.id, MANIFEST, f"{where}.{field}", message)

    request = operation.request
    parts: dict[str, Any] = {
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
        "json": request.json,
        "form": request.form,
    }
    used: set[str] = set()
    for name, template in parts.items():
        found = set(mapping.placeholders(template))
        used |= found
        for field in sorted(found - shape.takes):
            known = ", ".join(sorted(shape.takes))
            yield problem(
                "MAPPING", f"request.{name}", f"unknown field {{{field}}}; {capability} has {known}"
            )
    if shape.subject and shape.subject not in used:
        yield problem("MAPPING", "request", f"nowhere says {{{shape.subject}}}: which one is asked for?")
    keyed = any(name.lower() == IDEMPOTENCY_KEY.lower() for name in request.headers)
    if shape.writes and not keyed and manifest.id not in EXCUSED_FROM_IDEMPOTENCY:
        message = f'add {IDEMPOTENCY_KEY}: "{{idempotency_key}}", or an outage may file twice'
        yield problem("IDEMPOTENCY", "request.headers", message)
    if request.method == "GET" and (shape.writes or request.json is not None or request.form is not None):
        yield problem("REQUEST", "request.method", "GET neither writes nor has a body")
    yield from _check_reply(operation, capability, problem)


def _check_reply(operation: OperationTemplate, capability: Capability, problem: Any) -> Iterator[Problem]:
    shape = SHAPES[capability]
    for name in sorted(shape.needs - set(operation.reply)):
        yield problem("MAPPING", "reply", f"lacks {name}: say where their answer has it")
    for name in sorted(set(operation.reply) - shape.needs - shape.may_have):
        yield problem("MAPPING", f"reply.{name}", f"{capability} has no such field")
    slots = operation.reply.get("slots")
    if slots is not None and not isinstance(slots, dict):
        yield problem("MAPPING", "reply.slots", "must be a mapping: each, id, starts_at, counter, left")
    for name, source in operation.reply.items():
        if name != "slots" and isinstance(source, dict):
            yield problem("MAPPING", f"reply.{name}", "must be a path")
    if isinstance(slots, dict) and (missing := SLOT_NEEDS - set(slots)):
        yield problem("MAPPING", "reply.slots", f"lacks {', '.join(sorted(missing))}")
    if isinstance(slots, dict) and (extra := set(slots) - SLOT_NEEDS - SLOT_MAY_HAVE - {"each"}):
        yield problem("MAPPING", "reply.slots", f"has no field {', '.join(sorted(extra))}")


def _known(
    manifest: Manifest, tenants: frozenset[str] | None, topics: frozenset[str] | None
) -> Iterator[Problem]:
    if tenants is not None:
        for tenant in sorted(set(manifest.tenants) - tenants):
            yield Problem(
                "TENANT", manifest.id, MANIFEST, "tenants", f"no government {tenant} in data/tenants"
            )
    if topics is not None:
        for topic in sorted(set(manifest.values.topic) - topics):
            yield Problem("TOPIC", manifest.id, MANIFEST, "values.topic", f"no topic {topic} in data/topics")


def check_examples(manifest: Manifest, path: Path) -> Iterator[Problem]:
    """Yield what the examples lack, and every one that does not come out as written."""
    if manifest.maturity == "described" and not path.exists():
        return
    if manifest.dialect == "email":
        # Letters are no exchange of HTTP; tests/connectors/test_mail.py sends them to a real server.
        return
    try:
        found = examples.read_examples(path)
    except ManifestError as error:
        yield from error.problems
        return
    names = [example.name for example in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem("EXAMPLES", manifest.id, path.name, name, "is written twice: rename one")
    for capability in sorted(manifest.offers):
        of_it = [example for example in found if example.operation == capability]
        if not any(not example.fails for example in of_it):
            yield Problem("EXAMPLES", manifest.id, path.name, capability, "lacks an example that succeeds")
        if not any(example.fails for example in of_it) and (
            (manifest.dialect, capability) not in contracts.CANNOT_FAIL
        ):
            yield Problem("EXAMPLES", manifest.id, path.name, capability, "lacks an example that fails")
    if manifest.webhook and not any(example.operation == examples.UPDATE for example in found):
        yield Problem("EXAMPLES", manifest.id, path.name, examples.UPDATE, "lacks an example of a report")
    for example in found:
        if example.operation != examples.UPDATE and example.operation not in manifest.offers:
            yield Problem(
                "EXAMPLES", manifest.id, path.name, example.name, f"{example.operation} is not offered"
            )
        elif said := asyncio.run(examples.run(manifest, example)):
            yield Problem("EXAMPLES", manifest.id, path.name, example.name, said)
