"""What actions share: the connectors, the catalogue and the calendar, built once per process on first use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from actions.words import Words
from intents import catalog as catalogue
from intents.calendar_days import Calendar
from intents.catalog import Catalog, Tenant
from intents.search import Search

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Runtime:
    """Everything a handler may ask. `registry` is a connectors.registry.Registry, or a fake in tests."""

    registry: Any
    catalog: Catalog
    search: Search
    calendar: Calendar
    words: Words
    thresholds: dict[str, float]

    def tenant(self, tenant_id: str) -> Tenant:
        """Return a tenant.

        Raises:
            KeyError: the tenant is not configured.
        """
        return self.catalog.tenants[tenant_id]

    def fact(self, tenant_id: str, *path: str) -> Any:
        """Look up one fact of a tenant's file; None when it is unknown."""
        value: Any = self.tenant(tenant_id).facts
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return value


_current: Runtime | None = None


def runtime() -> Runtime:
    """Return the process's runtime, built on first use."""
    global _current
    if _current is None:
        _current = build(ROOT)
    return _current


def use(replacement: Runtime | None) -> None:
    """Put another runtime in place; tests do."""
    global _current
    _current = replacement


def build(root: Path) -> Runtime:
    """Read the data and the connectors' manifests under a root."""
    from connectors.registry import Registry

    catalog = catalogue.load(root)
    thresholds = yaml.safe_load((root / "data" / "thresholds.yml").read_text(encoding="utf-8"))
    return Runtime(
        registry=Registry.load(),
        catalog=catalog,
        search=Search(catalog),
        calendar=Calendar.load(root),
        words=Words.load(root),
        thresholds={name: float(value) for name, value in thresholds.items()},
    )
