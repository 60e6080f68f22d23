"""An app's examples: what is asked, what we send, what the backend answers, what we make of it.

They are the app's tests and its documentation. They run without a network.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx

from connectors import updates
from connectors.capabilities import Capability
from connectors.client import Client
from connectors.errors import ConnectorError
from connectors.manifest import Manifest
from connectors.operations import SHAPES, arguments, to_json
from connectors.registry import connect
from connectors.yaml_files import ManifestError, Problem, load_yaml

UPDATE = "update"
HOST = "http://kota.example/api"
_KEYS = {"name", "operation", "given", "sends", "backend_answers", "then"}


@dataclass(frozen=True, slots=True)
class Example:
    """One exchange. `operation` is a capability, or `update` for a report the backend sends us.

    An operation that takes several requests has lists in `sends` and `backend_answers`, in order.
    """

    name: str
    operation: str
    given: Mapping[str, Any]
    then: Any
    sends: Mapping[str, Any] | Sequence[Mapping[str, Any]] = field(default_factory=dict)
    backend_answers: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None

    @property
    def fails(self) -> bool:
        """Whether the example ends in an error."""
        return isinstance(self.then, Mapping) and "error" in self.then


def read_examples(path: Path) -> list[Example]:
    """Read an examples.yml.

    Raises:
        ManifestError: the file is missing or not a list of examples.
    """
    app = path.parent.name
    # YAML reads a bare date as a date; examples are about JSON, where it is text.
    document = to_json(load_yaml(path, app))
    if not isinstance(document, list):
        raise ManifestError([Problem("EXAMPLES", app, path.name, "", "must be a list of examples")])
    problems, examples = [], []
    for number, item in enumerate(document, 1):
        if not isinstance(item, dict) or not {"name", "operation", "given", "then"} <= set(item) <= _KEYS:
            message = (
                f"needs name, operation, given, then; may have sends, backend_answers; has {sorted(item)}"
            )
            problems.append(Problem("EXAMPLES", app, path.name, str(number), message))
            continue
        if item["operation"] not in {UPDATE, *Capability}:
            problems.append(
                Problem("EXAMPLES", app, path.name, item["name"], f"no operation {item['operation']}")
            )
            continue
        item["given"] = json.loads(json.dumps(item["given"], default=str))
        examples.append(Example(**item))
    if problems:
        raise ManifestError(problems)
    return examples


async def run(manifest: Manifest, example: Example) -> str | None:
    """Play one example; return what went differently, or None.

    Addresses are made up, keys are the manifest's development ones: nothing of the environment is used.
    """
    if example.operation == UPDATE:
        return _run_update(manifest, example)
    seen: list[httpx.Request] = []

    def backend(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if example.backend_answers is None:
            raise AssertionError("a request was sent, but the example has no backend_answers")
        given = example.backend_answers
        if not isinstance(given, Mapping):
            if len(seen) > len(given):
                raise AssertionError(f"{len(seen)} requests were sent, backend_answers has {len(given)}")
            given = given[len(seen) - 1]
        answer = dict(given)
        return httpx.Response(answer.pop("status", 200), **answer)

    async def no_pause(_: float) -> None:
        return None

    client = Client(httpx.MockTransport(backend), sleep=no_pause)
    app = connect(manifest, client, environment_for(manifest))
    try:
        capability = Capability(example.operation)
        outcome = to_json(
            await getattr(app, SHAPES[capability].method)(*arguments(capability, example.given))
        )
    except ConnectorError as error:
        outcome = {"error": type(error).__name__, "detail": error.detail}
    except (ValueError, AssertionError) as error:
        return str(error)
    finally:
        await client.close()
    sent = [_sent(request, app.endpoint.base_url) for request in seen]
    wanted = [example.sends] if isinstance(example.sends, Mapping) else list(example.sends)
    for number, one in enumerate(wanted):
        where = "sends" if len(wanted) == 1 else f"sends.{number}"
        if said := _difference(where, one, sent[number] if number < len(sent) else {}):
            return said
    return _difference("then", example.then, outcome)


def environment_for(manifest: Manifest) -> dict[str, str]:
    """Return an environment with a made-up address of an app, and its development key."""
    environment = dict.fromkeys(re.findall(r"\$\{([A-Z0-9_]+)", manifest.base_url)[:1], HOST)
    if manifest.auth.secret:
        environment[manifest.auth.secret] = manifest.auth.development or "kunci"
    return environment


def _run_update(manifest: Manifest, example: Example) -> str | None:
    body = json.dumps(example.given, ensure_ascii=False).encode()
    now = datetime.now(UTC)
    try:
        headers = updates.signed_headers("rahasia", int(now.timestamp()), body)
        updates.verify(headers, body, ["rahasia"], now)
        outcome = to_json(updates.parse(manifest, body))
    except updates.UpdateRefused as error:
        outcome = {"error": type(error).__name__, "detail": str(error)}
    return _difference("then", example.then, outcome)


def _sent(request: httpx.Request, base_url: str) -> dict[str, Any]:
    """Return a request in the terms of `sends`."""
    content = request.content
    kind = request.headers.get("content-type", "")
    return {
        "method": request.method,
        "path": str(request.url.copy_with(query=None)).removeprefix(base_url),
        "query": _single(parse_qs(request.url.query.decode())),
        "headers": {name.title(): value for name, value in request.headers.items()},
        "json": json.loads(content) if content and "json" in kind else None,
        "content": content.decode() if "xml" in kind else None,
        "form": _single(parse_qs(content.decode(), keep_blank_values=True)) if "form" in kind else None,
    }


def _single(values: Mapping[str, list[str]]) -> dict[str, Any]:
    repeated = {"media_url"}
    return {name: v if len(v) > 1 or name in repeated else v[0] for name, v in values.items()}


def _difference(what: str, wanted: Any, found: Any) -> str | None:
    """Compare. A mapping must contain what is wanted; `json`, `form` and `query` must be equal."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        exact = what.rpartition(".")[2] in {"json", "form", "query"}
        if exact and (extra := sorted(set(found) - set(wanted))):
            return f"{what}: also has {', '.join(extra)}"
        for name, value in wanted.items():
            if name not in found:
                return f"{what}.{name}: wanted {value!r}, found nothing"
            if said := _difference(f"{what}.{name}", value, found[name]):
                return said
        return None
    if what.startswith("then") and isinstance(wanted, list) and isinstance(found, list):
        if len(wanted) != len(found):
            return f"{what}: wanted {len(wanted)} items, found {len(found)}: {found!r}"
        pairs = enumerate(zip(wanted, found, strict=True))
        return next((said for n, pair in pairs if (said := _difference(f"{what}.{n}", *pair))), None)
    return None if wanted == found else f"{what}: wanted {wanted!r}, found {found!r}"
