"""The registry of flows: forms that WhatsApp itself shows, once Meta published them for a government."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path("data") / "flows"
REGISTRY = "whatsapp.yml"


class FlowsBroken(ValueError):
    """The registry cannot be used; the message says which flow and why."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One form. `starts` is the wish that the same form in the chat begins with; `exchange` says that its
    screens ask our endpoint for what is free now."""

    name: str
    starts: str
    screen: str
    exchange: bool
    document: Mapping[str, Any]

    @property
    def fields(self) -> frozenset[str]:
        """What the finished form brings back."""
        found: set[str] = set()
        for screen in self.document["screens"]:
            for action in _actions(screen["layout"]):
                if action.get("name") == "complete":
                    found |= set(action.get("payload", ()))
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Flows:
    """All flows, and under which id Meta published them, by government and name."""

    all: Mapping[str, Flow] = field(default_factory=dict)
    ids: Mapping[tuple[str, str], str] = field(default_factory=dict)
    published: frozenset[tuple[str, str]] = frozenset()

    def id_of(self, tenant: str, name: str) -> str | None:
        """Meta's id of a government's flow; None until it is published."""
        return self.ids.get((tenant, name)) if (tenant, name) in self.published else None

    def starting(self, payload: str) -> Flow | None:
        """The flow that stands for a payload such as /report_complaint."""
        return next((flow for flow in self.all.values() if payload == f"/{flow.starts}"), None)


def load(root: Path) -> Flows:
    """Read data/flows.

    Raises:
        FlowsBroken: a file is missing or no flow, or a government publishes what is not there.
    """
    path = root / FOLDER / REGISTRY
    raw = yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}
    found = {name: _flow(root, name, given) for name, given in raw.get("flows", {}).items()}
    ids: dict[tuple[str, str], str] = {}
    published: set[tuple[str, str]] = set()
    for tenant, given in raw.get("tenants", {}).items():
        for name, own in given.items():
            if name not in found:
                raise FlowsBroken(f"{tenant} has an id for {name}, which is no flow")
            if own.get("id") is None:
                if own.get("published"):
                    raise FlowsBroken(f"{tenant}: {name} is published, but Meta's id is missing")
                continue
            if not str(own["id"]).isdigit():
                raise FlowsBroken(f"{tenant}: the id of {name} has digits only")
            ids[tenant, name] = str(own["id"])
            if own.get("published"):
                published.add((tenant, name))
    return Flows(found, ids, frozenset(published))


def _flow(root: Path, name: str, given: Mapping[str, Any]) -> Flow:
    path = root / FOLDER / f"{name}.json"
    try:
        document = json.loads(path.read_text("utf-8"))
        screens = [screen["id"] for screen in document["screens"]]
        flow = Flow(name, given["starts"], given["screen"], bool(given.get("exchange")), document)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise FlowsBroken(f"{path.name}: {type(error).__name__}: {error}") from None
    if flow.screen not in screens:
        raise FlowsBroken(f"{name}: no screen is called {flow.screen}")
    if flow.exchange != ("data_api_version" in document):
        raise FlowsBroken(f"{name}: only a flow that asks our endpoint has a data_api_version")
    return flow


def _actions(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [action for item in node for action in _actions(item)]
    if not isinstance(node, dict):
        return []
    own = [node["on-click-action"]] if isinstance(node.get("on-click-action"), dict) else []
    return own + [action for item in node.values() for action in _actions(item)]
