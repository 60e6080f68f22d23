"""A city on strings: an app of the shipped manifests whose backend is a function."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.client import Client
from connectors.examples import environment_for
from connectors.manifest import APPS, Manifest, build, read
from connectors.registry import connect


@pytest.fixture
def pauses() -> list[float]:
    """What the client waited for, in seconds; no test really waits."""
    return []


@pytest.fixture
def client_of(pauses: list[float]) -> Callable[..., Client]:
    """Build a client whose backend is a function of the request."""

    def make(backend: Any, **more: Any) -> Client:
        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        return Client(httpx.MockTransport(backend), sleep=sleep, **more)

    return make


@pytest.fixture
def app_of(client_of: Callable[..., Client]) -> Callable[..., Any]:
    """Build an app by id (or from a manifest) whose backend is a function, or one answer for everything."""

    def make(app: str | Manifest, backend: Any, **environment: str) -> Any:
        manifest = read(APPS / app / "manifest.yml") if isinstance(app, str) else app
        answer = backend if callable(backend) else lambda request: backend
        return connect(manifest, client_of(answer), environment_for(manifest) | environment)

    return make


@pytest.fixture
def manifest_with() -> Callable[..., Manifest]:
    """Build a small rest_json manifest; keywords replace top-level keys."""

    def make(**changes: Any) -> Manifest:
        return build(small_manifest() | changes)

    return make


@pytest.fixture
def apps_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write manifests (and examples) into a folder of apps."""

    def write(**apps: Any) -> Path:
        for name, files in apps.items():
            (tmp_path / name).mkdir(exist_ok=True)
            for file, content in files.items():
                text = content if isinstance(content, str) else json.dumps(content)
                (tmp_path / name / f"{file}.yml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def small_manifest() -> dict[str, Any]:
    """Return the plain data of a valid manifest with one operation."""
    return {
        "id": "kecil",
        "title": "Aplikasi kecil",
        "tenants": ["kota_mojokerto"],
        "maturity": "simulated",
        "contact": "dinas@kecil.example",
        "dialect": "rest_json",
        "base_url": "${KECIL_URL:-http://kecil.example}",
        "operations": {
            "permit.status": {
                "request": {"method": "GET", "path": "/izin/{reference}"},
                "reply": {"status": "data.status", "updated_at": "data.waktu"},
            }
        },
        "values": {"status": {"terbit": "done"}},
    }


@pytest.fixture
def small() -> dict[str, Any]:
    """The plain data of a valid manifest with one operation."""
    return small_manifest()
