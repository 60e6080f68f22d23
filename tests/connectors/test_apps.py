"""Every example of every shipped app comes out as written."""

import pytest

from connectors.check import check
from connectors.commands import DATA
from connectors.examples import Example, read_examples, run
from connectors.manifest import APPS, Manifest
from connectors.registry import read_all
from connectors.yaml_files import load_yaml

EXCHANGES = [
    pytest.param(manifest, example, id=f"{manifest.id}: {example.name}")
    for manifest in read_all()
    for example in read_examples(APPS / manifest.id / "examples.yml")
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("manifest", "example"), EXCHANGES)
async def test_an_example_comes_out_as_written(manifest: Manifest, example: Example):
    assert await run(manifest, example) is None


def test_the_shipped_apps_have_no_problems():
    assert [str(problem) for problem in check()] == []


def test_every_topic_of_the_city_can_be_filed():
    topics = {topic["id"] for topic in load_yaml(DATA / "topics" / "topics.yml", "data")}
    filed = {topic for manifest in read_all() for topic in manifest.values.topic}
    assert filed == topics


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"then": {"reference": "LAIN"}}, "then.reference: wanted 'LAIN', found 'MJK-2611-000123'"),
        ({"sends": {"path": "/lain.json"}}, "sends.path: wanted '/lain.json', found '/requests.json'"),
        ({"sends": {"form": {"service_code": "lampu_jalan"}}}, "sends.form: also has"),
        ({"sends": {"headers": {"X-Lain": "1"}}}, "sends.headers.X-Lain: wanted '1', found nothing"),
        ({"backend_answers": None}, "has no backend_answers"),
        ({"given": {"topic": "sampah"}}, "missing fields description, location"),
        ({"then": {"error": "CaseNotFound"}}, "then.error: wanted 'CaseNotFound', found nothing"),
    ],
)
async def test_an_example_that_differs_says_where(change, said):
    manifest = next(manifest for manifest in read_all() if manifest.id == "curhat_ning_ita")
    first = read_examples(APPS / manifest.id / "examples.yml")[0]
    fields = {name: getattr(first, name) for name in Example.__dataclass_fields__}
    assert said in str(await run(manifest, Example(**(fields | change))))
