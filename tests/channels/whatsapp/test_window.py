"""After 24 hours: an approved template or patience, counted, and nothing lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot import settings as settings_module
from bot.channels.whatsapp import templates
from bot.channels.whatsapp.templates import Allowance, TemplatesBroken
from bot.conversations import outbound
from bot.storage import conversations, spending
from bot.storage.contact_tables import contacts
from bot.vocabulary.messages import Button, ChannelName, OutgoingMessage
from tests.channels.running import working
from tests.channels.whatsapp import graphapi
from tests.channels.whatsapp.graphapi import Fault, choices, letter, report
from tests.channels.whatsapp.stage import BUDI, HIDDEN, hurry, stored, talks, until


@pytest.fixture
def approve(city):
    """Let Meta approve templates for the city."""

    def do(*names, monthly=100):
        channel = city.channels[ChannelName.WHATSAPP]
        allowance = {"kota_mojokerto": Allowance(frozenset(names), monthly)}
        channel.templates = replace(channel.templates, allowances=allowance)

    return do


async def a_day_passes(door, api):
    api.later += 2 * graphapi.DAY
    async with door.database.transaction() as conn:
        gone = datetime.now(UTC) - timedelta(days=1)
        await conn.execute(sa.update(contacts).values(window_until=gone))


async def news(door, text="Laporan LWG-1 dikerjakan.\nDinas PUPR.", key="update:open311:7:1", **more):
    now = datetime.now(UTC)
    [talk] = await talks(door)
    async with door.database.transaction() as conn:
        conversation = await conversations.get(conn, talk.id)
        await conversations.lock(conn, talk.id, now)
        await outbound.queue(conn, door, conversation, [OutgoingMessage(text, **more)], key, now)
    await outbound.announce(door, conversation)


async def hello(api, meta, person=BUDI):
    before = len(api.calls)
    await api.post(letter(person, api.text(person, "halo")), meta)
    await until(lambda: len(api.calls) == before + 1)


async def test_news_after_the_window_waits_until_the_citizen_writes(city, meta, api):
    async with working(city):
        await hello(api, meta)
        await a_day_passes(city, api)
        await news(city)
        await until_reason(city, "WAIT_WINDOW")
        assert len(api.calls) == 1
        await api.post(letter(BUDI, api.text(BUDI, "sudah sampai mana?")), meta)
        await until(lambda: len(api.calls) == 3)
    assert "LWG-1" in api.texts()[1], "what waited comes before the answer"
    assert api.problems == []


async def test_an_approved_template_carries_the_news_and_its_button_the_rest(city, meta, api, approve):
    approve("kabar_urusan")
    async with working(city):
        await hello(api, meta)
        await a_day_passes(city, api)
        await news(
            city, buttons=(Button("Sudah beres", "/affirm", "tok-1"), Button("Belum", "/deny", "tok-2"))
        )
        await until(lambda: len(api.calls) == 2)
        template = api.calls[1]
        assert template["type"] == "template"
        text = api.texts()[1]
        assert "Laporan LWG-1 dikerjakan. · Dinas PUPR." in text
        assert "\n" not in text
        token = template["template"]["components"][1]["parameters"][0]["payload"]
        press = api.says(
            BUDI,
            "button",
            button={"payload": token, "text": "Baca dan tanggapi"},
            context={"from": graphapi.NUMBER, "id": template["id"]},
        )
        await api.post(letter(BUDI, press), meta)
        await until(lambda: len(api.calls) == 3)
    assert list(choices(api.calls[2])) == ["Sudah beres", "Belum"]
    rows = await stored(city)
    assert [row.reason for row in rows] == ["SENT", "SENT_TEMPLATE", "SENT"]
    await api.post(report(*api.statuses), meta)
    async with asyncio.timeout(20):
        while {row.status for row in await stored(city)} != {"read"}:
            await asyncio.sleep(0.02)
    rows = await stored(city)
    assert [row.reason for row in rows] == ["SENT", "SENT_TEMPLATE", "SENT"], "what was read still says why"


async def test_failed_131047_takes_the_template_path(city, meta, api, approve):
    """We thought the window open; the channel knew better, and said so later."""
    approve("kabar_urusan")
    async with working(city):
        await hello(api, meta)
        api.later += 2 * graphapi.DAY
        await news(city)
        await until(lambda: len(api.calls) == 2)
        [failed] = [status for status in api.statuses if status["status"] == "failed"]
        await _until_row(city, lambda rows: [row.status for row in rows] == ["sent", "sent"])
        for _ in range(2):  # duplicates are normal
            await api.post(report(failed, person=BUDI), meta)
        await until(lambda: len(api.calls) == 3)
    assert [call["type"] for call in api.calls] == ["text", "text", "template"]


async def test_131047_at_once_takes_the_template_path(city, meta, api, approve):
    approve("kabar_urusan")
    async with working(city):
        await hello(api, meta)
        api.faults.append(Fault(code=131047))
        await news(city)
        await until(lambda: len(api.calls) == 2)
    assert api.calls[1]["type"] == "template"


async def test_the_budget_stops_templates_and_never_answers(city, meta, api, approve):
    approve("kabar_urusan", monthly=1)
    async with working(city):
        await hello(api, meta, HIDDEN)
        await a_day_passes(city, api)
        await news(city, key="update:a:1:1")
        await until(lambda: len(api.calls) == 2)
        await news(city, "kedua", key="update:a:2:1")
        await until_reason(city, "WAIT_BUDGET")
        await hello_again(api, meta)
    assert [call["type"] for call in api.calls] == ["text", "template", "text", "text"]
    async with city.database.reading() as conn:
        spent = await spending.spent(conn, "kota_mojokerto", "whatsapp", datetime.now(UTC))
    assert spent == {"answer": 3, "template": 1}


async def test_a_failure_that_lasts_stops_after_a_few_tries(city, meta, api):
    async with working(city):
        await hello(api, meta)
        for _ in range(6):
            status = graphapi.status(api.calls[-1]["id"], BUDI.phone, "failed", 130429)
            await until_status(city, "sent")
            await api.post(report(status, person=BUDI), meta)
            await hurry(city)
            rows = await stored(city)
            if rows[0].status == "failed":
                break
            await until(lambda: len(api.calls) > 1)
    assert len(api.calls) <= 5


async def test_who_left_is_not_written_to_again(city, meta, api):
    async with working(city):
        await hello(api, meta)
        status = graphapi.status(api.calls[0]["id"], BUDI.phone, "failed", 131026)
        await until_status(city, "sent")
        await api.post(report(status, person=BUDI), meta)
        await news(city)
        await until_reason(city, "SKIPPED_BLOCKED")
    assert len(api.calls) == 1


async def hello_again(api, meta):
    before = len(api.calls)
    await api.post(letter(HIDDEN, api.text(HIDDEN, "halo lagi")), meta)
    await until(lambda: len(api.calls) == before + 2)


async def until_reason(door, reason):
    await _until_row(door, lambda rows: any(row.reason == reason for row in rows))


async def until_status(door, status):
    await _until_row(door, lambda rows: any(row.status == status for row in rows))


async def _until_row(door, right):
    import asyncio

    async with asyncio.timeout(20):
        while not right(await stored(door)):
            await asyncio.sleep(0.05)


def test_the_registry_is_what_meta_would_take():
    registry = templates.load(settings_module.ROOT)
    assert set(registry.allowances) == {"kota_mojokerto", "kab_mojokerto", "kota_kupang"}
    for template in registry.all.values():
        definition = template.definition()
        assert definition["components"][0]["example"]["body_text"] == [list(template.example)]
        assert all(
            "\n" not in value
            for value in template.fill(dict.fromkeys(template.variables, "a\n\nb"), "t").values
        )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"body": "{{1}} kabar {{2}} ya"}, "neither begins nor ends"),
        ({"body": "kabar {{2}} dan {{1}} ya"}, "in order"),
        ({"category": "IKLAN"}, "category"),
        ({"button": "x" * 26}, "button"),
        ({"example": ["a"]}, "example"),
    ],
)
def test_a_template_meta_would_refuse_is_refused_here(change, fault):
    given = {
        "language": "id",
        "category": "UTILITY",
        "purposes": ["update"],
        "variables": ["tenant", "news"],
        "body": "Kabar {{1}}: {{2}} ya",
        "button": "Baca",
        "news_units": 100,
        "example": ["a", "b"],
    }
    templates._template("kabar", given)
    with pytest.raises(TemplatesBroken, match=fault):
        templates._template("kabar", {**given, **change})


def test_approving_what_is_not_there_is_refused(tmp_path):
    (tmp_path / "data" / "templates").mkdir(parents=True)
    (tmp_path / "data" / "templates" / "whatsapp.yml").write_text(
        "tenants: {kota: {approved: [x], monthly: 1}}"
    )
    with pytest.raises(TemplatesBroken, match="no template"):
        templates.load(tmp_path)
