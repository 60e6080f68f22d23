"""All apps of all governments, ready to be called: manifests joined with addresses and keys."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from connectors.capabilities import Capability
from connectors.client import Client
from connectors.dialects.base import CityApp, Connector
from connectors.dialects.bpjs_fktp import BpjsFktp
from connectors.dialects.lapor import Lapor
from connectors.dialects.mail import Mail
from connectors.dialects.mpp_queue import MppQueue
from connectors.dialects.open311 import Open311
from connectors.dialects.rest_json import RestJson
from connectors.environment import NotConfigured, expand
from connectors.errors import NotOffered
from connectors.exchange import Credential, Endpoint
from connectors.manifest import APPS, Manifest, read
from connectors.yaml_files import ManifestError, Problem

logger = logging.getLogger(__name__)

DIALECTS: dict[str, type[CityApp]] = {
    "open311": Open311,
    "lapor": Lapor,
    "email": Mail,
    "rest_json": RestJson,
    "mpp_queue": MppQueue,
    "bpjs_fktp": BpjsFktp,
}
_MATURITY = ("described", "simulated", "tested", "live")


class Registry:
    """The apps of this installation. `unconfigured` says which are left out, and what each one lacks."""

    def __init__(
        self,
        connectors: Iterable[Connector],
        client: Client | None = None,
        unconfigured: Mapping[str, str] | None = None,
    ) -> None:
        self._connectors = {connector.id: connector for connector in connectors}
        self._offers: dict[tuple[str, Capability], list[Connector]] = {}
        for connector in self._connectors.values():
            for tenant in connector.manifest.tenants:
                for capability in connector.offers:
                    self._offers.setdefault((tenant, capability), []).append(connector)
        self._client = client
        self.unconfigured = dict(unconfigured or {})

    @classmethod
    def load(
        cls, folder: Path = APPS, environment: Mapping[str, str] | None = None, client: Client | None = None
    ) -> Self:
        """Read every manifest of a folder. Apps whose variables are not set are left out and logged.

        Raises:
            ManifestError: with the problems of all manifests, not only the first.
        """
        environment = os.environ if environment is None else environment
        client = client or Client()
        connectors: list[Connector] = []
        unconfigured: dict[str, str] = {}
        for manifest in read_all(folder):
            if manifest.maturity == "described":
                continue
            try:
                connectors.append(connect(manifest, client, environment))
            except NotConfigured as error:
                unconfigured[manifest.id] = str(error)
                logger.error("app %s is left out: %s", manifest.id, error)
        return cls(connectors, client, unconfigured)

    def __iter__(self) -> Iterator[Connector]:
        return iter(self._connectors.values())

    def find(self, tenant: str, capability: Capability, topic: str | None = None) -> Connector:
        """Return the app of a government that does something, for a topic or service if one is named.

        An app that names the topic goes before one that takes every topic, then the more mature one.

        Raises:
            NotOffered: no app of this government does it.
        """
        offering = self._offers.get((tenant, capability), ())
        fits = ((_fit(connector.manifest, capability, topic), connector) for connector in offering)
        found = [(fit, connector) for fit, connector in fits if fit]
        if not found:
            raise NotOffered(tenant, f"no app offers {capability}" + (f" for {topic}" if topic else ""))
        found.sort(key=lambda item: (-item[0], -_MATURITY.index(item[1].manifest.maturity), item[1].id))
        return found[0][1]

    def by_id(self, app_id: str) -> Connector:
        """Return an app by its id.

        Raises:
            NotOffered: there is no such app, or the environment lacks its address or key.
        """
        if app_id not in self._connectors:
            raise NotOffered(app_id, self.unconfigured.get(app_id, "there is no such app"))
        return self._connectors[app_id]

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.close()


def read_all(folder: Path = APPS) -> list[Manifest]:
    """Read every `<folder>/*/manifest.yml`, by id.

    Raises:
        ManifestError: with the problems of all manifests.
    """
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*/manifest.yml")):
        try:
            manifests.append(read(path))
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(problems)
    return manifests


def connect(manifest: Manifest, client: Client, environment: Mapping[str, str]) -> CityApp:
    """Return one app, ready to be called.

    Raises:
        NotConfigured: its address or key is not set, or cannot be used.
    """
    production = environment.get("LAWANG_ENV") == "production"
    base_url = expand(manifest.base_url, environment, production=production)
    schemes = ("smtp://", "smtps://") if manifest.dialect == "email" else ("http://", "https://")
    if not base_url.startswith(schemes):
        raise NotConfigured(f"base_url must start with {' or '.join(schemes)}, not {base_url[:40]!r}")
    auth = manifest.auth
    value = ""
    if auth.type != "none":
        value = (environment.get(auth.secret) or ("" if production else auth.development) or "").strip()
        if not value:
            raise NotConfigured(f"set {auth.secret}")
        if not value.isascii() or not value.isprintable():
            raise NotConfigured(f"{auth.secret} holds characters that cannot be part of a key")
    secrets = manifest.webhook.secrets if manifest.webhook else ()
    endpoint = Endpoint(
        app=manifest.id,
        base_url=base_url,
        credential=Credential(auth.type, auth.name, value, auth.secret),
        timeout_seconds=manifest.timeout_seconds,
        rate_per_minute=manifest.rate_per_minute,
    )
    return DIALECTS[manifest.dialect](
        manifest, endpoint, client, tuple(environment[name] for name in secrets if environment.get(name))
    )


def _fit(manifest: Manifest, capability: Capability, topic: str | None) -> int:
    """Return 2 when the app names the topic, 1 when it takes any, 0 when it names others."""
    if topic is None:
        return 1
    codes = manifest.values.topic if capability.value.startswith("complaint.") else manifest.values.service
    if not codes:
        return 1
    return 2 if topic in codes else 0
