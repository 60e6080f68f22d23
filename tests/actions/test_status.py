"""Status by number, the list of one's own, and what strangers are told."""

from datetime import timedelta

from connectors.capabilities import Capability, CaseState, CaseStatus
from connectors.errors import BackendUnreachable
from tests.actions.table import NOW, FakeCity, Table


def case(reference: str = "MJK-2611-000007", kind: str = "complaint", days: int = 5) -> dict[str, object]:
    return {
        "reference": reference,
        "kind": kind,
        "connector": "kota",
        "topic": "pohon",
        "status": "received",
        "promised_at": (NOW + timedelta(days=days)).isoformat(),
    }


async def test_own_number_tells_everything(table: Table, city: FakeCity) -> None:
    table.cases = [case()]
    city.states["MJK-2611-000007"] = CaseState(
        "MJK-2611-000007", CaseStatus.IN_PROGRESS, NOW, "dikerjakan", holder="DLH"
    )
    said = await table.say("MJK-2611-000007", "check_status")
    assert said.keys == ["status.full"]
    assert "dikerjakan" in str(said.messages)


async def test_a_department_that_cannot_be_asked_is_answered_for_from_what_is_known(
    table: Table, city: FakeCity
) -> None:
    table.cases = [case()]
    city.offers = city.offers - {Capability.COMPLAINT_STATUS}
    said = await table.say("MJK-2611-000007", "check_status")
    assert said.keys == ["status.full"]


async def test_a_strangers_number_tells_state_and_date_only(table: Table, city: FakeCity) -> None:
    city.states["MJK-2611-000008"] = CaseState(
        "MJK-2611-000008", CaseStatus.DONE, NOW, "rumah Pak X", holder="DLH"
    )
    said = await table.say("cek MJK-2611-000008", "check_status")
    assert said.keys == ["status.others"]
    assert "Pak X" not in str(said.messages)


async def test_my_reports_are_listed(table: Table) -> None:
    table.cases = [case(), case("MJK-2611-000001")]
    said = await table.say("laporan saya", "check_status")
    assert said.keys == ["status.list"]
    assert len(said.buttons()) == 2


async def test_without_a_number_and_without_cases_the_number_is_asked_for(table: Table) -> None:
    assert (await table.say("cek status", "check_status")).keys == ["status.ask_number"]


async def test_an_unknown_number_is_said_to_be_unknown(table: Table) -> None:
    assert (await table.say("MJK-2611-999999", "check_status")).keys == ["error.case_not_found"]


async def test_a_bare_number_needs_no_intent(table: Table, city: FakeCity) -> None:
    city.states["MJK-2611-000008"] = CaseState("MJK-2611-000008", CaseStatus.DONE, NOW)
    assert (await table.say("MJK-2611-000008", "unclear", 0.2)).keys == ["status.others"]


async def test_a_late_promise_is_admitted_and_a_person_offered(table: Table, city: FakeCity) -> None:
    table.cases = [case(days=-1)]
    city.states["MJK-2611-000007"] = CaseState("MJK-2611-000007", CaseStatus.IN_PROGRESS, NOW)
    said = await table.say("MJK-2611-000007", "check_status")
    assert "status.promised_late" in str(said.messages)
    assert any("talk_to_agent" in button["payload"] for button in said.buttons())


async def test_a_permit_is_followed_from_then_on(table: Table, city: FakeCity) -> None:
    city.states["PBG-2611-000004"] = CaseState("PBG-2611-000004", CaseStatus.VERIFIED, NOW)
    said = await table.say("PBG-2611-000004", "check_status")
    assert said.effect("case_followed")["reference"] == "PBG-2611-000004"


async def test_an_unreachable_city_leaves_the_last_known_state(table: Table, city: FakeCity) -> None:
    table.cases = [case()]
    city.fail = BackendUnreachable("kota")
    said = await table.say("MJK-2611-000007", "check_status")
    assert said.keys == ["error.backend_unreachable", "status.last_known"]


async def test_whoever_has_no_number_is_shown_a_way(table: Table) -> None:
    assert (await table.say("cek laporan saya", "check_status")).keys == ["status.ask_number"]
    said = await table.say("tidak punya nomornya", "skip")
    assert said.keys == ["status.no_number"]
    assert "/talk_to_agent" in str(said.messages)
    assert (await table.say("lewati saja", "skip")).keys == ["general.nothing_open"]
