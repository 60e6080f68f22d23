"""A link on a poster opens a service, a counter or a case, and nobody can make one up."""

import re

import pytest

from bot.conversations import startlinks
from bot.conversations.startlinks import Subject, Unlinkable
from bot.door import Door
from bot.sealing import Sealer
from bot.vocabulary.conversations import Say
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

KOTA = "kota_mojokerto"
WISHES = [
    (Subject.SERVICE, "ktp_baru", '/ask_requirements{"service": "ktp_baru"}'),
    (Subject.CASE, "MJK-2611-000123", '/check_status{"reference": "MJK-2611-000123"}'),
]


@pytest.mark.parametrize(("subject", "name", "wish"), WISHES)
@pytest.mark.parametrize("command", ["/start", "/mulai", "/start@kota_bot"])
async def test_a_link_opens_what_it_was_made_for(
    door: Door, engine: ScriptedEngine, subject: Subject, name: str, wish: str, command: str
) -> None:
    payload = startlinks.make(door, KOTA, subject, name)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload)
    assert name not in payload
    await Citizen(door).say(f"{command} {payload}")
    await answer_all(door)
    assert [turn.text for turn in engine.turns] == [wish]


def test_every_service_and_counter_fits_into_a_link_and_comes_back(door: Door) -> None:
    for tenant, known in door.tenants.items():
        for service in door.catalog.services_for(tenant):
            payload = startlinks.make(door, tenant, Subject.SERVICE, service.id)
            assert service.id in str(startlinks.read(door, tenant, f"/start {payload}"))
        for counter in (known.facts.get("mpp") or {}).get("counters") or {}:
            payload = startlinks.make(door, tenant, Subject.COUNTER, counter)
            assert isinstance(startlinks.read(door, tenant, f"/start {payload}"), Say)


async def test_a_counters_code_offers_what_the_counter_is_for(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await citizen.say(f"/start {startlinks.make(door, KOTA, Subject.COUNTER, 'dukcapil')}")
    await answer_all(door)
    [reply] = await citizen.replies()
    assert "Loket *Dukcapil*" in (reply.text or "")
    assert reply.buttons[-1]["payload"] == "/book_queue"
    assert len(reply.buttons) > 1
    assert engine.turns == []


@pytest.mark.parametrize("payload", ["k-", "k-AAAA", "k-" + "A" * 62, "k-é", "kartu"])
async def test_a_made_up_link_is_a_greeting(door: Door, engine: ScriptedEngine, payload: str) -> None:
    await Citizen(door).say(f"/start {payload}")
    await answer_all(door)
    assert [turn.text for turn in engine.turns] == ["/greet"]


def test_another_installations_link_means_nothing_here(door: Door) -> None:
    foreign = Sealer("another secret key of 32 letters!").opaque("sktp_baru")
    assert startlinks.read(door, KOTA, f"/start {startlinks.PREFIX}{foreign}") is None


@pytest.mark.parametrize(
    ("subject", "name", "why"),
    [
        (Subject.SERVICE, "jual_pulsa", "no service"),
        (Subject.COUNTER, "kantin", "known: dukcapil"),
        (Subject.CASE, "X" * 40, "does not fit"),
        (Subject.CASE, "", "does not fit"),
    ],
)
def test_what_cannot_be_linked_is_refused_with_a_reason(
    door: Door, subject: Subject, name: str, why: str
) -> None:
    with pytest.raises(Unlinkable, match=why):
        startlinks.make(door, KOTA, subject, name)
