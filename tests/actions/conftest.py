from collections.abc import Iterator
from pathlib import Path

import pytest

from actions import runtime as shared
from bot import texts
from bot.texts import Texts
from tests.actions.table import FakeCity, Said, Table

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real() -> shared.Runtime:
    """The project's own data with its real connectors, which no test here calls."""
    return shared.build(ROOT)


@pytest.fixture
def city(real: shared.Runtime) -> Iterator[FakeCity]:
    """A city in memory behind every handler."""
    city = FakeCity()
    shared.use(shared.Runtime(city, real.catalog, real.search, real.calendar, real.words, real.thresholds))
    yield city
    shared.use(None)


@pytest.fixture(scope="session")
def sentences() -> Texts:
    return texts.load(ROOT)


class Checked(Table):
    """A table whose every bubble and button must be a sentence the front door can render."""

    sentences: Texts

    async def say(self, *args: object, **kwargs: object) -> Said:
        said = await super().say(*args, **kwargs)  # type: ignore[arg-type]
        for message in said.messages:
            assert self.sentences.render(message["text_key"], self.tenant, message["values"])
            buttons = message.get("buttons", [])
            assert len(buttons) <= 10
            for button in buttons:
                assert button.get("title") or self.sentences.render(button["title_key"], self.tenant)
        return said


@pytest.fixture
def table(city: FakeCity, sentences: Texts) -> Table:
    table = Checked()
    table.sentences = sentences
    return table
