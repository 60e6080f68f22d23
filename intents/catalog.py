"""What the city offers, read from `data/`: services, complaint topics, tenants and their words.

`load` reads everything once; callers keep the result. A fact that is unknown is None or an empty tuple.
Raises CatalogError with the file's name when a file cannot be understood.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]


class CatalogError(ValueError):
    """A file under `data/` is not what it should be; the message names it."""


@dataclass(frozen=True, slots=True)
class Service:
    """One thing a citizen can get. The six fields after `tenants` are what SIPPN publishes for a service."""

    id: str
    title: str
    owner: str
    verbs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    old_names: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    persyaratan: tuple[str, ...] = ()
    prosedur: tuple[str, ...] = ()
    waktu: str | None = None
    biaya: str | None = None
    produk: str | None = None
    pengaduan: str | None = None
    counter: str | None = None
    hours: str | None = None
    url: str | None = None
    source: str | None = None
    last_verified: date | None = None
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def serves(self, tenant: str | None) -> bool:
        """Say whether `tenant` offers this service; no tenant named or listed means everyone's."""
        return tenant is None or not self.tenants or "all" in self.tenants or tenant in self.tenants


@dataclass(frozen=True, slots=True)
class Topic:
    """What a complaint can be about, and who mends it. `jurisdiction` is None when it is the city's own."""

    id: str
    title: str
    owner: str
    synonyms: tuple[str, ...] = ()
    jurisdiction: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One government. `facts` is the whole tenant file: numbers, hours and brands, each with its source."""

    id: str
    name: str
    short_name: str
    timezone: str
    region: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Catalog:
    """Services, topics and tenants by id."""

    services: Mapping[str, Service]
    topics: Mapping[str, Topic]
    tenants: Mapping[str, Tenant]

    def service(self, service_id: str) -> Service | None:
        return self.services.get(service_id)

    def topic(self, topic_id: str) -> Topic | None:
        return self.topics.get(topic_id)

    def tenant(self, tenant_id: str) -> Tenant | None:
        return self.tenants.get(tenant_id)

    def services_for(self, tenant_id: str | None) -> tuple[Service, ...]:
        """Return the services of one tenant in catalogue order."""
        return tuple(service for service in self.services.values() if service.serves(tenant_id))


def load(root: Path = ROOT) -> Catalog:
    """Read the catalogue under `root`/data. Missing folders give an empty catalogue, broken files an
    error."""
    data = Path(root) / "data"
    services = {
        service.id: service
        for path in sorted((data / "catalogue").glob("*.yml"))
        for service in (_service(entry, path) for entry in _entries(path, "services"))
    }
    topics = {
        topic.id: topic
        for path in sorted((data / "topics").glob("*.yml"))
        for topic in (_topic(entry, path) for entry in _entries(path, "topics"))
    }
    tenants = {
        tenant.id: tenant
        for tenant in (_tenant(path) for path in sorted((data / "tenants").glob("*/tenant.yml")))
    }
    return Catalog(services, topics, tenants)


def _read(path: Path) -> Any:
    try:
        return yaml.load(
            path.read_text(encoding="utf-8"),
            Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogError(f"{path}: {error}") from error


def _entries(path: Path, key: str) -> Iterable[dict[str, Any]]:
    """Yield the entries of a list file: a bare list, `{key: [...]}`, or a mapping of id → entry."""
    document = _read(path)
    if isinstance(document, dict):
        document = document.get(key, document)
    if isinstance(document, dict):
        document = [{"id": key, **entry} for key, entry in document.items() if isinstance(entry, dict)]
    if document is None:
        return []
    if not isinstance(document, list) or not all(isinstance(entry, dict) for entry in document):
        raise CatalogError(f"{path}: expected a list of entries")
    for entry in document:
        if not entry.get("id"):
            raise CatalogError(f"{path}: an entry without id: {str(entry)[:80]}")
    return document


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(_text(item) or "" for item in value)
    return (str(value),)


def _text(value: Any) -> str | None:
    """Return one line of text; a `{text|name|value: ..., source: ...}` fact gives its first word."""
    if isinstance(value, dict):
        for key in ("text", "title", "name", "value", "label"):
            if value.get(key):
                return str(value[key])
        return None
    return None if value is None else str(value)


def _tenants(value: Any) -> tuple[str, ...]:
    return () if value in (None, "all", ["all"]) else _texts(value)


def _service(entry: dict[str, Any], path: Path) -> Service:
    verified = entry.get("last_verified")
    if verified is not None and not isinstance(verified, date):
        raise CatalogError(f"{path}: {entry['id']}: last_verified is not a date: {verified!r}")
    if not entry.get("title"):
        raise CatalogError(f"{path}: {entry['id']}: no title")
    many = ("verbs", "aliases", "old_names", "persyaratan", "prosedur")
    one = ("waktu", "biaya", "produk", "pengaduan", "counter", "hours", "url", "source")
    return Service(
        id=str(entry["id"]),
        title=str(entry["title"]),
        owner=str(entry.get("owner") or ""),
        tenants=_tenants(entry.get("tenants")),
        last_verified=verified,
        details=entry,
        **{name: _texts(entry.get(name)) for name in many},  # type: ignore[arg-type]
        **{name: _text(entry.get(name)) for name in one},  # type: ignore[arg-type]
    )


def _topic(entry: dict[str, Any], path: Path) -> Topic:
    title = entry.get("title") or entry.get("meaning")
    if not title:
        raise CatalogError(f"{path}: {entry['id']}: no title")
    return Topic(
        id=str(entry["id"]),
        title=str(title),
        owner=str(entry.get("owner") or ""),
        synonyms=_texts(entry.get("synonyms") or entry.get("aliases")),
        jurisdiction=_text(entry.get("jurisdiction")),
        details=entry,
    )


def _tenant(path: Path) -> Tenant:
    entry = _read(path)
    if not isinstance(entry, dict):
        raise CatalogError(f"{path}: expected a mapping")
    identity = str(entry.get("id") or path.parent.name)
    name = str(entry.get("name") or identity)
    return Tenant(
        id=identity,
        name=name,
        short_name=str(entry.get("short_name") or name),
        timezone=str(entry.get("timezone") or "Asia/Jakarta"),
        region=str(entry.get("region") or entry.get("region_code") or ""),
        facts=entry,
    )
