"""Finding a service and asking about it."""

import pytest

from tests.actions.table import Table

SURE = [("ktp_hilang", 0.92), ("kia", 0.15)]
UNSURE = [("kk_baru", 0.54), ("kk_ubah", 0.43), ("kk_hilang", 0.4)]


async def test_a_clear_winner_is_one_bubble_with_its_requirements(table: Table) -> None:
    said = await table.say("ktp saya hilang", "find_service", services=SURE)
    assert said.keys == ["service.card"]
    assert said.effect("service_shown") == {"type": "service_shown", "service": "ktp_hilang"}


async def test_close_candidates_are_offered_and_can_be_refused(table: Table) -> None:
    said = await table.say("mau bikin kartu keluarga", "find_service", services=UNSURE)
    assert said.keys == ["service.which"]
    assert len(said.buttons()) == 4
    said = await table.say("", "find_service", none="yes")
    assert said.keys == ["service.none_of_these"]


@pytest.mark.parametrize("text", ["ktp", "urus KTP", "syarat ktp dong"])
async def test_a_bare_name_of_many_services_is_asked_back(table: Table, text: str) -> None:
    said = await table.say(text, "find_service", services=[("ktp_baru", 0.83)])
    assert said.keys == ["service.which"]


@pytest.mark.parametrize(
    ("text", "intent", "key"),
    [
        ("jam bukanya?", "ask_hours_location", "service.place"),
        ("syaratnya apa?", "ask_requirements", "service.requirements"),
        ("bayar berapa?", "ask_cost_duration", "service.cost"),
    ],
)
async def test_follow_ups_are_about_the_service_just_shown(
    table: Table, text: str, intent: str, key: str
) -> None:
    await table.say("ktp saya hilang", "find_service", services=SURE)
    said = await table.say(text, intent)
    assert said.keys == [key]
    assert "KTP-el hilang" in str(said.messages)


async def test_an_old_name_is_answered_with_the_new_one(table: Table) -> None:
    said = await table.say("mau urus IMB rumah", "find_service", services=[("pbg", 0.91)])
    assert "service.old_name" in str(said.messages[0]["values"]["title"])


async def test_the_hours_of_the_mpp_need_no_service(table: Table) -> None:
    assert (await table.say("jam buka mpp?", "ask_hours_location")).keys == ["service.mpp"]
    assert (await table.say("dukcapil buka jam berapa", "ask_hours_location")).keys == [
        "service.counter_hours"
    ]


async def test_a_system_of_civil_servants_is_declined(table: Table) -> None:
    said = await table.say("buka e-office", "find_service", services=[("e_office", 0.9)])
    assert said.keys == ["service.ask"] or said.keys == ["internal.declined"]


async def test_every_service_of_every_tenant_can_be_shown(table: Table, real: object) -> None:
    for tenant in real.catalog.tenants:  # type: ignore[attr-defined]
        table.tenant = tenant
        for service in real.catalog.services_for(tenant):  # type: ignore[attr-defined]
            for intent in ("find_service", "ask_requirements", "ask_hours_location", "ask_cost_duration"):
                said = await table.say("", intent, service=service.id)
                assert len(said.messages) == 1
