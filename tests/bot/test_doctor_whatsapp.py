"""What the doctor sees of WhatsApp, asked of a stand-in Cloud API and of a real front door."""

import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from bot.app import create_app
from bot.channels.whatsapp import WhatsAppChannel, envelopes
from bot.door import Door
from bot.settings import Settings, WhatsAppSettings
from bot.storage import spending
from bot.symptoms.finding import Finding, Level
from bot.symptoms.whatsapp import whatsapp
from bot.vocabulary.messages import ChannelName
from tests.channels.botapi import serving
from tests.channels.whatsapp import graphapi
from tests.channels.whatsapp.graphapi import GraphApi
from tests.ports import free_port

OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL


@pytest.fixture
async def api() -> AsyncIterator[GraphApi]:
    server = GraphApi()
    async with serving(server.app()) as server.url:
        yield server


@pytest.fixture
async def here(
    api: GraphApi, settings: Settings, open_doors: Callable[..., Door], tmp_path: Path
) -> AsyncIterator[Settings]:
    """Settings of an installation with a number, whose front door answers at its address."""
    for part in ("data/templates", "data/flows", "data/texts"):
        shutil.copytree(settings.root / part, tmp_path / "root" / part)
    given = WhatsAppSettings(
        graphapi.TOKEN, graphapi.NUMBER, graphapi.SECRET, graphapi.VERIFY, f"{api.url}/v23.0"
    )
    settings = replace(settings, whatsapp=given)
    door = open_doors()
    channel = WhatsAppChannel.from_settings(settings, door.media)
    door = replace(door, settings=settings, channels={ChannelName.WHATSAPP: channel})
    async with serving(create_app(settings, door), "on") as url:
        yield replace(
            settings, root=tmp_path / "root", public_url=url, database_url=door.settings.database_url
        )
    await channel.close()


def said(findings: list[Finding], words: str) -> Level:
    """The level of the one finding that says these words."""
    [found] = [one for one in findings if words in one.detail]
    assert found.level is OK or found.remedy
    assert graphapi.TOKEN not in str(findings)
    return found.level


def approved(here: Settings, **own: object) -> None:
    path = here.root / "data" / "templates" / "whatsapp.yml"
    data = yaml.safe_load(path.read_text("utf-8"))
    data["tenants"] = {here.tenant: own}
    path.write_text(yaml.safe_dump(data), "utf-8")


def published(here: Settings, name: str) -> None:
    path = here.root / "data" / "flows" / "whatsapp.yml"
    data = yaml.safe_load(path.read_text("utf-8"))
    data["tenants"] = {here.tenant: {name: {"id": "222", "published": True}}}
    path.write_text(yaml.safe_dump(data), "utf-8")


async def test_without_a_token_it_is_off(settings: Settings) -> None:
    assert said(await whatsapp(replace(settings, whatsapp=None)), "off") is OK


async def test_a_number_that_works_is_called_by_its_name(here: Settings) -> None:
    found = await whatsapp(here)
    assert said(found, "Layanan Kota") is OK
    # Everything is on this machine, where Meta could not call.
    assert said(found, "not https") is WARN
    assert said(found, "no template is approved") is WARN


async def test_a_token_that_is_over_is_said(here: Settings, api: GraphApi) -> None:
    api.token = "EAAanother"
    assert said(await whatsapp(here), "token is not valid") is FAIL


async def test_a_number_that_meta_does_not_know_is_said(here: Settings) -> None:
    assert here.whatsapp is not None
    other = replace(here, whatsapp=replace(here.whatsapp, number_id="1"))
    assert said(await whatsapp(other), "does not know this number") is FAIL


async def test_meta_and_a_front_door_that_are_away_are_said(here: Settings) -> None:
    assert here.whatsapp is not None
    nowhere = f"http://127.0.0.1:{free_port()}"
    away = replace(here, public_url=nowhere, whatsapp=replace(here.whatsapp, api_url=nowhere))
    found = await whatsapp(away)
    assert said(found, "cannot be reached") is FAIL
    assert said(found, "does not answer") is WARN


async def test_a_front_door_with_another_word_is_said(here: Settings) -> None:
    assert here.whatsapp is not None
    other = replace(here, whatsapp=replace(here.whatsapp, verify_token="kata lain"))
    assert said(await whatsapp(other), "does not know the verify token") is FAIL


@pytest.mark.parametrize(("used", "level"), [(1, OK), (8, WARN), (10, FAIL)])
async def test_templates_that_run_out_are_said(here: Settings, door: Door, used: int, level: Level) -> None:
    approved(here, approved=["kabar_urusan"], monthly=10, warn_percent=80)
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        for _ in range(used):
            await spending.take(conn, here.tenant, ChannelName.WHATSAPP, spending.TEMPLATE, now, 10)
    here = replace(here, database_url=door.settings.database_url)
    assert said(await whatsapp(here), f"{used} of 10 templates") is level


async def test_forms_and_their_key_are_looked_at(here: Settings) -> None:
    assert here.whatsapp is not None
    published(here, "booking")
    assert said(await whatsapp(here), "need WHATSAPP_FLOW_KEY") is WARN
    good = replace(here, whatsapp=replace(here.whatsapp, private_key=envelopes.new_key()))
    assert said(await whatsapp(good), "forms: booking") is OK
    bad = replace(here, whatsapp=replace(here.whatsapp, private_key="bukan kunci"))
    assert said(await whatsapp(bad), "no private key") is FAIL
