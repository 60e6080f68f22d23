"""A complaint that the city could not take is filed later, exactly once, with one message to the citizen."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import filings
from bot.door import Door
from bot.storage import cases, tables
from connectors.capabilities import CaseReceipt, CaseStatus, ComplaintDraft
from connectors.client import Client
from connectors.dialects import mail
from connectors.errors import BackendChanged, BackendRejected, BackendUnreachable, NotOffered
from connectors.manifest import build
from connectors.registry import Registry, connect
from tests.connectors.test_mail import DOCUMENT, Mailbox, served
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

APP = "curhat_ning_ita"
DRAFT = {
    "idempotency_key": "turn-1:complaint",
    "topic": "lampu_jalan",
    "description": "Lampu mati",
    "place": {"text": "Jalan Majapahit 12", "latitude": -7.47, "longitude": 112.43, "region_code": None},
    "photos": [{"url": "http://127.0.0.1/foto", "content_type": "image/jpeg"}],
    "reporter": None,
    "anonymous": False,
    "confidential": False,
}


class Desk:
    """A city's complaint desk that knows idempotency keys, and fails as the test says."""

    def __init__(self) -> None:
        self.troubles: list[Exception] = []
        self.calls: list[ComplaintDraft] = []
        self.filed: dict[str, str] = {}
        self.answer_lost = False
        self.delay = 0.0

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        """Take a complaint once per key."""
        self.calls.append(draft)
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.troubles:
            raise self.troubles.pop(0)
        reference = self.filed.setdefault(draft.idempotency_key, f"MJK-{len(self.filed) + 1}")
        if self.answer_lost:
            self.answer_lost = False
            raise BackendUnreachable(APP, "the line broke", outcome_unknown=True)
        return CaseReceipt(reference, CaseStatus.RECEIVED)


class Directory:
    """A registry with one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def by_id(self, app_id: str) -> Desk:
        """Return the desk. Raises NotOffered."""
        if app_id != APP:
            raise NotOffered(app_id)
        return self.desk


@pytest.fixture
def desk() -> Desk:
    """The city's side."""
    return Desk()


@pytest.fixture
async def city(open_doors: Callable[..., Door], desk: Desk) -> Door:
    """A door to that desk."""
    door = open_doors(registry=Directory(desk))
    await door.wakeups.start()
    return door


async def queue(door: Door, engine: ScriptedEngine, draft: dict[str, Any] = DRAFT, app: str = APP) -> Citizen:
    """A citizen whose complaint waits for the city."""
    engine.effects = lambda turn: [{"type": "case_queued", "connector": app, "draft": draft}]
    citizen = Citizen(door)
    await citizen.say("lampu mati")
    await answer_all(door)
    await citizen.replies()
    engine.effects = lambda turn: []
    return citizen


async def due_now(door: Door) -> None:
    async with door.database.transaction() as conn:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await conn.execute(sa.update(tables.filings).values(next_try_at=past, claimed_until=None))


async def work_once(door: Door) -> None:
    """What the worker does in one round."""
    await due_now(door)
    async with door.database.transaction() as conn:
        due = await cases.due_filings(conn, datetime.now(UTC))
    await asyncio.gather(*(filings._try(door, filing) for filing in due))


async def filing(door: Door) -> Any:
    async with door.database.reading() as conn:
        return (await conn.execute(sa.select(tables.filings))).one()


async def test_it_is_filed_once_when_the_city_answers_again(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen = await queue(city, engine)
    desk.troubles = [BackendUnreachable(APP), BackendChanged(APP, "nonsense")]
    for _ in range(5):
        await work_once(city)
    assert len(desk.filed) == 1
    assert len(desk.calls) == 3
    [told] = await citizen.texts()
    assert "MJK-1" in told
    async with city.database.reading() as conn:
        [case] = await conn.execute(sa.select(tables.cases))
    assert (case.reference, case.description, case.place) == ("MJK-1", "Lampu mati", "Jalan Majapahit 12")


async def test_an_unknown_outcome_is_asked_again_with_the_same_key(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen = await queue(city, engine)
    desk.answer_lost = True
    await work_once(city)
    await work_once(city)
    assert {draft.idempotency_key for draft in desk.calls} == {"turn-1:complaint"}
    assert len(desk.filed) == 1
    assert len(await citizen.texts()) == 1


async def test_only_after_an_unknown_outcome_is_the_desk_told_when_it_was_asked(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    await queue(city, engine)
    desk.troubles = [
        BackendUnreachable(APP, "no connection"),
        BackendChanged(APP, "taken without a number", outcome_unknown=True),
    ]
    before = datetime.now(UTC)
    for _ in range(3):
        await work_once(city)
    assert [call.asked_at is None for call in desk.calls] == [True, True, False]
    assert before <= (desk.calls[2].asked_at or before) <= datetime.now(UTC)


async def test_killed_while_the_desk_was_asked_the_next_try_knows_when(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    await queue(city, engine)
    desk.delay = 3600
    before = datetime.now(UTC)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await work_once(city)
    desk.delay = 0
    await work_once(city)
    first, second = desk.calls
    assert first.asked_at is None
    assert second.asked_at is not None
    assert before <= second.asked_at <= datetime.now(UTC)


async def test_a_refusal_is_told_with_its_reason_and_ends_the_matter(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen = await queue(city, engine)
    desk.troubles = [BackendRejected(APP, "Lokasi di luar kota.")]
    await work_once(city)
    await work_once(city)
    [told] = await citizen.texts()
    assert "Lokasi di luar kota." in told
    assert len(desk.calls) == 1
    assert (await filing(city)).status == "refused"


async def test_many_workers_at_once_file_it_once_and_tell_once(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen = await queue(city, engine)
    desk.delay = 0.05
    row = await filing(city)
    await asyncio.gather(*(filings.file(city, row) for _ in range(10)))
    assert len(desk.filed) == 1
    assert len(await citizen.texts()) == 1


async def test_a_late_refusal_does_not_undo_what_another_worker_filed(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen = await queue(city, engine)
    row = await filing(city)
    await filings.file(city, row)
    desk.troubles = [BackendRejected(APP, "sudah ada")]
    await filings.file(city, row)
    assert (await filing(city)).status == "filed"
    assert len(await citizen.texts()) == 1


async def test_a_draft_nobody_can_read_keeps_no_other_one_waiting(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    await queue(city, engine, {**DRAFT, "idempotency_key": "broken", "colour": "red"})
    citizen = await queue(city, engine)
    stop = asyncio.Event()
    await due_now(city)
    task = asyncio.create_task(filings.run(city, stop))
    async with asyncio.timeout(15):
        while not desk.filed:
            await asyncio.sleep(0.05)
    stop.set()
    await task
    assert "MJK-1" in "".join(await citizen.texts())


async def test_an_app_that_was_taken_away_is_waited_for(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    await queue(city, engine, app="gone")
    await work_once(city)
    row = await filing(city)
    assert (row.status, row.reason) == ("waiting", "NotOffered")


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 5), (1, 10), (3, 40), (9, 900), (5000, 900)])
async def test_the_pause_grows_to_a_quarter_of_an_hour(
    city: Door, desk: Desk, engine: ScriptedEngine, attempts: int, seconds: int
) -> None:
    await queue(city, engine)
    async with city.database.transaction() as conn:
        await conn.execute(sa.update(tables.filings).values(attempts=attempts))
    desk.troubles = [BackendUnreachable(APP)]
    await work_once(city)
    row = await filing(city)
    assert (row.next_try_at - datetime.now(UTC)).total_seconds() == pytest.approx(seconds, abs=5)


async def test_a_filed_draft_is_not_kept_twice(city: Door, desk: Desk, engine: ScriptedEngine) -> None:
    await queue(city, engine)
    await work_once(city)
    assert (await filing(city)).draft == {}


async def test_a_complaint_of_a_citizen_who_was_forgotten_meanwhile_leaves_no_trace(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen = await queue(city, engine)
    row = await filing(city)
    engine.effects = lambda turn: [{"type": "data_erasure_requested"}]
    await citizen.say("hapus data saya")
    await answer_all(city)
    await citizen.replies()
    await filings.file(city, row)
    assert await citizen.replies() == []
    async with city.database.reading() as conn:
        assert list(await conn.execute(sa.select(tables.cases))) == []


async def test_each_complaint_is_taken_by_one_worker_only(city: Door, engine: ScriptedEngine) -> None:
    for number in range(6):
        await queue(city, engine, {**DRAFT, "idempotency_key": f"key-{number}"})
    await due_now(city)

    async def take() -> list[str]:
        async with city.database.transaction() as conn:
            return [row.idempotency_key for row in await cases.due_filings(conn, datetime.now(UTC), 2)]

    taken = [key for keys in await asyncio.gather(*(take() for _ in range(5))) for key in keys]
    assert len(taken) == len(set(taken)) == 6


PROMISED = "2026-12-04T16:00:00+07:00"


async def the_case(door: Door) -> Any:
    async with door.database.reading() as conn:
        return (await conn.execute(sa.select(tables.cases))).one()


async def accepted(door: Door, engine: ScriptedEngine) -> tuple[Citizen, str]:
    """A citizen whose complaint waits, and what they were told at once."""
    effect = {"type": "case_queued", "connector": APP, "draft": DRAFT, "promised_at": PROMISED}
    engine.effects = lambda turn: [effect]
    citizen = Citizen(door)
    await citizen.say("lampu mati")
    await answer_all(door)
    engine.effects = lambda turn: []
    return citizen, (await citizen.texts())[-1]


async def test_a_report_that_waits_has_a_number_and_a_date_at_once(
    city: Door, engine: ScriptedEngine
) -> None:
    _, told = await accepted(city, engine)
    case = await the_case(city)
    assert case.number == case.reference
    assert case.number in told
    assert "Jumat, 4 Desember 2026" in told
    assert case.promised_at == datetime.fromisoformat(PROMISED)
    assert case.filed_at is None


async def test_a_city_that_is_there_is_not_called_away(city: Door, engine: ScriptedEngine) -> None:
    more = [{"title": "Sampah", "payload": "/report_complaint", "reusable": True}]
    effect = {"type": "case_queued", "connector": APP, "draft": DRAFT, "promised_at": PROMISED}
    engine.effects = lambda turn: [{**effect, "away": False, "more": more}]
    citizen = Citizen(city)
    await citizen.say("lampu mati, sampah juga numpuk")
    await answer_all(city)
    *_, told, rest = await citizen.texts()
    assert (await the_case(city)).number in told
    assert "tidak bisa dihubungi" not in told
    assert "Jumat, 4 Desember 2026" in told
    assert "yang lain" in rest


async def test_filed_later_it_keeps_our_number_and_its_date(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen, _ = await accepted(city, engine)
    ours = (await the_case(city)).number
    await work_once(city)
    case = await the_case(city)
    assert (case.number, case.reference) == (ours, "MJK-1")
    assert case.promised_at == datetime.fromisoformat(PROMISED)
    assert case.filed_at is not None
    [told] = await citizen.texts()
    assert ours in told
    assert "MJK-1" in told


async def test_refused_later_it_is_closed_under_our_number(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen, _ = await accepted(city, engine)
    desk.troubles = [BackendRejected(APP, "di luar kota")]
    await work_once(city)
    assert (await the_case(city)).status == CaseStatus.REJECTED
    assert "di luar kota" in (await citizen.texts())[-1]


async def test_taken_back_while_it_waits_it_is_filed_and_taken_back_without_a_word(
    city: Door, desk: Desk, engine: ScriptedEngine
) -> None:
    citizen, _ = await accepted(city, engine)
    number = (await the_case(city)).number
    engine.effects = lambda turn: [
        {"type": "case_withdrawn", "connector": APP, "reference": number, "key": "w1"}
    ]
    await citizen.say("tarik laporan saya")
    await answer_all(city)
    await citizen.replies()
    await work_once(city)
    assert await citizen.replies() == []
    assert (await the_case(city)).status == CaseStatus.CANCELLED
    async with city.database.reading() as conn:
        note = (await conn.execute(sa.select(tables.notes))).one()
    assert (note.kind, note.reference) == ("withdrawn", "MJK-1")


async def test_a_report_to_a_department_with_only_a_mailbox_counts_as_filed_and_is_told_once(
    open_doors: Callable[..., Door], engine: ScriptedEngine
) -> None:
    mailbox = Mailbox()
    mailbox.answers = {"RCPT": "450 mailbox busy"}
    with served(mailbox) as port:
        document = DOCUMENT | {"base_url": f"smtp://127.0.0.1:{port}"}
        app = connect(build(document), Client(), {})
        door = open_doors(registry=Registry([app]))
        await door.wakeups.start()
        citizen = await queue(door, engine, app="dinas_surat")
        await work_once(door)
        mailbox.answers = {}
        for _ in range(3):
            await work_once(door)
    [letter] = mailbox.letters
    [told] = await citizen.texts()
    reference = mail.number(DRAFT["idempotency_key"])
    assert reference in told
    assert reference in letter["Subject"]
