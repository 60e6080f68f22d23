"""Open311 as public servers document it: their published answers, read by our dialect.

Each file in recorded/ names its source, and is written like an app's examples.yml.
"""

from pathlib import Path
from typing import Any

import pytest

from connectors.dialects import open311
from connectors.examples import Example, run
from connectors.manifest import build
from connectors.operations import to_json
from connectors.yaml_files import load_yaml

RECORDED = sorted(Path(__file__).with_name("recorded").glob("*.yml"))
EXCHANGES = [
    pytest.param(document["manifest"], exchange, id=f"{path.stem}: {exchange['name']}")
    for path in RECORDED
    for document in [to_json(load_yaml(path, path.stem))]
    for exchange in document["exchanges"]
]
SERVER = {
    "id": "peladen",
    "title": "Peladen lain",
    "tenants": ["kota_mojokerto"],
    "maturity": "simulated",
    "contact": "peladen@kota.example",
    "dialect": "open311",
    "base_url": "${PELADEN_URL}",
}


@pytest.mark.parametrize(("manifest", "exchange"), EXCHANGES)
async def test_what_a_public_server_documents_is_understood(
    monkeypatch: pytest.MonkeyPatch, manifest: dict[str, Any], exchange: dict[str, Any]
):
    monkeypatch.setattr(open311, "TOKEN_PAUSE_SECONDS", 0)
    assert await run(build(SERVER | manifest), Example(**exchange)) is None


def test_at_least_four_servers_are_recorded_and_each_names_its_source():
    assert len(RECORDED) >= 4
    assert all("https://" in path.read_text(encoding="utf-8").split("manifest:")[0] for path in RECORDED)
