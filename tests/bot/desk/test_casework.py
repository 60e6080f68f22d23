"""What agents do for a citizen in the city's systems: the rows, keys and sentences of the bot's own work."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.conversations.desk import card, casework, claims, errors
from bot.door import Door
from bot.storage import bookings, cases, reservations
from bot.vocabulary.agents import Agent, Handoff
from connectors.capabilities import (
    BookingReceipt,
    BookingRequest,
    Capability,
    CaseReceipt,
    CaseState,
    CaseStatus,
    ComplaintDraft,
)
from connectors.errors import BackendRejected, BackendUnreachable, CaseNotFound, NotOffered
from tests.bot.desk.staff import ask, hand_off_on_request, hire
from tests.scripted import ScriptedEngine
from tests.talk import Citizen

APP = "kota"
WHEN = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


class City:
    """A city that knows idempotency keys, and fails as the test says."""

    id = APP
    offers = frozenset({Capability.COMPLAINT_SUBMIT, Capability.BOOKING_RESERVE})

    def __init__(self) -> None:
        self.troubles: list[Exception] = []
        self.filed: dict[str, ComplaintDraft] = {}
        self.booked: dict[str, BookingRequest] = {}
        self.cancelled: list[str] = []

    def find(self, tenant: str, capability: Capability, topic: str | None = None) -> "City":
        """Itself, for everything but permits. Raises NotOffered."""
        if capability is Capability.PERMIT_STATUS:
            raise NotOffered(tenant)
        return self

    def by_id(self, app_id: str) -> "City":
        """Itself."""
        return self

    def _fail(self) -> None:
        if self.troubles:
            raise self.troubles.pop(0)

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        """Take a complaint once per key."""
        self._fail()
        self.filed.setdefault(draft.idempotency_key, draft)
        return CaseReceipt(f"MJK-{list(self.filed).index(draft.idempotency_key) + 1}", CaseStatus.RECEIVED)

    async def complaint_status(self, reference: str) -> CaseState:
        """Know only what was filed. Raises CaseNotFound."""
        if reference != "MJK-1":
            raise CaseNotFound(APP, reference)
        return CaseState(reference, CaseStatus.IN_PROGRESS)

    async def reserve(self, request: BookingRequest) -> BookingReceipt:
        """Give a place once per key."""
        self._fail()
        self.booked.setdefault(request.idempotency_key, request)
        return BookingReceipt("MPP-1", "A-7", "loket-3", WHEN)

    async def reschedule(self, code: str, slot_id: str, idempotency_key: str) -> BookingReceipt:
        """Give another time under the same code."""
        self._fail()
        return BookingReceipt(code, "B-2", "loket-3", WHEN + timedelta(hours=1))

    async def cancel_booking(self, code: str, idempotency_key: str) -> None:
        """Take a place back."""
        self._fail()
        self.cancelled.append(code)


@pytest.fixture(autouse=True)
def asking(engine: ScriptedEngine) -> None:
    hand_off_on_request(engine)


@pytest.fixture
def city() -> City:
    return City()


@pytest.fixture
async def at_work(door: Door, city: City) -> tuple[Door, Agent, Citizen, Handoff]:
    open_door = replace(door, registry=city)  # type: ignore[arg-type]
    sari = await hire(open_door, "Sari")
    citizen, found = await ask(open_door, "warga-1")
    await claims.claim(open_door, sari, found.id)
    await citizen.replies()
    return open_door, sari, citizen, found


LAMP = {"topic": "lampu_jalan", "description": "Lampu mati di depan NIK 3516012509870003", "place": "Wates"}


async def test_a_complaint_is_filed_once_and_the_citizen_gets_its_number(at_work, city: City) -> None:
    door, sari, citizen, found = at_work
    for _ in range(2):
        number = await casework.file(door, sari, found.conversation_id, key="a", **LAMP)
        assert number == "MJK-1"
    assert "MJK-1" in " ".join(await citizen.texts())
    [draft] = city.filed.values()
    assert "3516012509870003" not in draft.description
    async with door.database.reading() as conn:
        [case] = await cases.cases_of(conn, found.conversation_id)
    assert (case.reference, case.topic) == ("MJK-1", "lampu_jalan")
    assert case.promised_at is not None


@pytest.mark.parametrize("wish", ["confidential", "anonymous"])
async def test_what_the_reporter_wishes_reaches_the_city(at_work, city: City, wish: str) -> None:
    door, sari, _, found = at_work
    await casework.file(door, sari, found.conversation_id, key="a", **LAMP, **{wish: True})
    [draft] = city.filed.values()
    assert [name for name in ("confidential", "anonymous") if getattr(draft, name)] == [wish]


async def test_while_the_city_is_away_the_complaint_has_our_number_and_waits(at_work, city: City) -> None:
    door, sari, _, found = at_work
    city.troubles = [BackendUnreachable(APP, "away", outcome_unknown=True)]
    number = await casework.file(door, sari, found.conversation_id, key="a", **LAMP)
    assert number.startswith("LWG-")
    async with door.database.transaction() as conn:
        later = datetime.now(UTC) + timedelta(minutes=30)
        assert len(await cases.due_filings(conn, later)) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"topic": "tidak_ada"}, "desk.error.topic"),
        ({"place": " "}, "desk.error.place"),
        ({"description": ""}, "desk.error.empty"),
    ],
)
async def test_what_is_missing_is_said(at_work, changes: dict[str, str], sentence: str) -> None:
    door, sari, _, found = at_work
    with pytest.raises(errors.Unusable) as refused:
        await casework.file(door, sari, found.conversation_id, key="a", **{**LAMP, **changes})
    assert refused.value.text_key == sentence


async def test_who_has_not_claimed_the_talk_files_nothing(at_work, city: City) -> None:
    door, _, _, found = at_work
    budi = await hire(door, "Budi")
    with pytest.raises(errors.NotYours):
        await casework.file(door, budi, found.conversation_id, key="a", **LAMP)
    with pytest.raises(errors.NotYours):
        await casework.book(
            door,
            budi,
            found.conversation_id,
            service="ktp",
            slot_id="1",
            starts_at=WHEN,
            name="Budi",
            key="b",
        )
    assert (city.filed, city.booked) == ({}, {})


async def test_a_number_is_looked_up_and_followed(at_work) -> None:
    door, sari, _, found = at_work
    state = await casework.look_up(door, sari, found.conversation_id, "MJK-1")
    assert state.status is CaseStatus.IN_PROGRESS
    with pytest.raises(errors.Unusable) as refused:
        await casework.look_up(door, sari, found.conversation_id, "MJK-404")
    assert "MJK-404" in refused.value.values["reason"]
    await casework.follow(door, sari, found.conversation_id, "MJK-1")
    async with door.database.reading() as conn:
        [case] = await cases.cases_of(conn, found.conversation_id)
    assert case.origin == "followed"


async def test_a_place_is_booked_once_and_given_back(at_work, city: City) -> None:
    door, sari, citizen, found = at_work
    wish = {"service": "ktp", "slot_id": "s1", "starts_at": WHEN, "name": "Bu Ani"}
    for _ in range(2):
        assert await casework.book(door, sari, found.conversation_id, key="b", **wish) == "MPP-1"
    assert len(city.booked) == 1
    replies = await citizen.replies()
    assert len({reply.text for reply in replies}) == len(replies)
    assert "A-7" in (replies[0].text or "")
    async with door.database.reading() as conn:
        [booking] = await bookings.of(conn, found.conversation_id)
    await casework.move(door, sari, found.conversation_id, booking.id, "s2", key="m")
    assert "B-2" in " ".join(await citizen.texts())
    await casework.cancel(door, sari, found.conversation_id, booking.id, key="c")
    assert "B-2" in " ".join(await citizen.texts())
    assert city.cancelled == ["MPP-1"]
    async with door.database.reading() as conn:
        [booking] = await bookings.of(conn, found.conversation_id)
    assert booking.status == "cancelled"


async def test_a_booking_whose_answer_was_lost_is_settled_and_one_refused_is_said(
    at_work, city: City
) -> None:
    door, sari, _, found = at_work
    wish = {"service": "ktp", "slot_id": "s1", "starts_at": WHEN, "name": "Bu Ani"}
    city.troubles = [BackendRejected(APP, "kuota habis")]
    with pytest.raises(errors.Unusable) as refused:
        await casework.book(door, sari, found.conversation_id, key="b", **wish)
    assert "kuota habis" in refused.value.values["reason"]
    city.troubles = [BackendUnreachable(APP, "lost", outcome_unknown=True)]
    assert await casework.book(door, sari, found.conversation_id, key="b", **wish) is None
    async with door.database.transaction() as conn:
        assert len(await reservations.due(conn, datetime.now(UTC) + timedelta(minutes=1), 10)) == 1


async def test_the_card_tells_the_whole_story(at_work) -> None:
    door, sari, _, found = at_work
    await casework.file(door, sari, found.conversation_id, key="a", **LAMP)
    whole = await card.card(door, sari, found.conversation_id)
    assert whole.handoff is not None
    assert whole.collected == {"last_text": "orang dong"}
    assert [case.reference for case in whole.cases] == ["MJK-1"]
    with pytest.raises(LookupError):
        await card.card(door, replace(sari, tenant="kota_kupang"), found.conversation_id)
