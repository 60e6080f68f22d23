"""A dialogue table without Rasa: the handlers and forms of `actions`, driven the way Rasa's rules drive
them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from actions import desk
from actions.forms import FORMS
from actions.turn import BY_INTENT, HANDLERS, Answer, Turn, settle
from connectors.capabilities import (
    BookingReceipt,
    BookingRequest,
    BookingSlot,
    BookingState,
    BookingStatus,
    Capability,
    CaseComment,
    CaseReceipt,
    CaseState,
    CaseStatus,
    ComplaintAttribute,
    ComplaintDraft,
    DaySlots,
    SlotQuery,
)
from connectors.errors import CaseNotFound, ConnectorError, SlotTaken
from connectors.queues import (
    Confirmation,
    Counter,
    Hold,
    HoldRequest,
    Pace,
    WaitingPlace,
    WaitingStatus,
    WaitingWish,
)

ZONE = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=ZONE)
STARTS = {"report_complaint": "complaint_form", "book_queue": "booking_form"}
ENDS = {
    "complaint_form": "action_end_complaint",
    "booking_form": "action_end_booking",
    "clinic_form": "action_end_clinic",
}
PRESSED = {"choose", "send_photo", "send_location"}


@dataclass
class FakeCity:
    """A connector and a registry in one: answers from memory, fails when told to."""

    id: str = "kota"
    fail: ConnectorError | None = None
    filed: list[ComplaintDraft] = field(default_factory=list)
    comments: list[CaseComment] = field(default_factory=list)
    reserved: list[BookingRequest] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    offers: frozenset[Capability] = frozenset(
        {Capability.BOOKING_RESCHEDULE, Capability.COMPLAINT_STATUS, Capability.PERMIT_STATUS}
    )
    held: list[HoldRequest] = field(default_factory=list)
    confirmed: list[Confirmation] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    waiting: list[WaitingWish] = field(default_factory=list)
    accepted: list[tuple[str, str]] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)
    full: frozenset[str] = frozenset()
    taken: set[str] = field(default_factory=set)
    pace: Pace | None = None
    desks: tuple[Counter, ...] = ()
    states: dict[str, CaseState] = field(default_factory=dict)
    closed: Mapping[str, str] = field(default_factory=dict)
    ready: ConnectorError | None = None
    asks: Mapping[str, tuple[ComplaintAttribute, ...]] = field(default_factory=dict)
    manifest: Any = None
    files_once: bool = True

    def find(self, tenant: str, capability: str, topic: str | None = None) -> "FakeCity":
        return self

    def by_id(self, app_id: str) -> "FakeCity":
        return self

    def _maybe_fail(self) -> None:
        if self.fail:
            error, self.fail = self.fail, None
            raise error

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        self._maybe_fail()
        self.filed.append(draft)
        return CaseReceipt("MJK-2611-000001", CaseStatus.RECEIVED)

    async def complaint_attributes(self, topic: str) -> tuple[ComplaintAttribute, ...]:
        self._maybe_fail()
        return self.asks.get(topic, ())

    async def complaint_status(self, reference: str) -> CaseState:
        self._maybe_fail()
        if reference not in self.states:
            raise CaseNotFound(self.id, reference)
        return self.states[reference]

    permit_status = complaint_status

    async def add_comment(self, comment: CaseComment) -> None:
        self._maybe_fail()
        self.comments.append(comment)

    async def slots(self, query: SlotQuery) -> DaySlots:
        self._maybe_fail()
        day = query.day.isoformat()
        if day in self.full:
            return DaySlots(query.day)
        if day in self.closed:
            return DaySlots(query.day, (), self.closed[day], query.day + timedelta(days=1))
        first = datetime.combine(query.day, NOW.time(), tzinfo=ZONE)
        times = [first + timedelta(minutes=30 * step) for step in range(12)]
        return DaySlots(
            query.day, tuple(_free(day, t) for t in times if f"{day}T{t:%H:%M}" not in self.taken)
        )

    async def reserve(self, request: BookingRequest) -> BookingReceipt:
        self._maybe_fail()
        self.reserved.append(request)
        starts = datetime.fromisoformat(request.slot_id).replace(tzinfo=ZONE)
        return BookingReceipt("MPP-7K3Q", "A001", "dukcapil", starts)

    async def booking_status(self, code: str) -> BookingState:
        self._maybe_fail()
        return BookingState(code, "A001", "dukcapil", NOW, BookingStatus.BOOKED, 3, "A000", self.pace)

    async def hold(self, request: HoldRequest) -> Hold:
        self._maybe_fail()
        if request.slot_id in self.taken:
            raise SlotTaken(self.id)
        self.held.append(request)
        starts = datetime.fromisoformat(request.slot_id).replace(tzinfo=ZONE)
        until = NOW + timedelta(minutes=10)
        return Hold(f"MPP-H{len(self.held)}", request.slot_id, "dukcapil", starts, until)

    async def confirm(self, sure: Confirmation) -> BookingReceipt:
        self._maybe_fail()
        self.confirmed.append(sure)
        held = self.held[-1]
        starts = datetime.fromisoformat(held.slot_id).replace(tzinfo=ZONE)
        return BookingReceipt(sure.code, "A001", "dukcapil", starts)

    async def release(self, code: str, idempotency_key: str) -> None:
        self.released.append(code)

    async def check_in(self, code: str, idempotency_key: str) -> BookingState:
        self._maybe_fail()
        self.arrived.append(code)
        return BookingState(code, "A001", "dukcapil", NOW, BookingStatus.CHECKED_IN, 3, "A000", self.pace)

    async def join_waiting_list(self, wish: WaitingWish) -> WaitingPlace:
        self._maybe_fail()
        self.waiting.append(wish)
        return WaitingPlace("W-1", wish.service, wish.day, WaitingStatus.WAITING, 2)

    async def accept_offer(self, place_id: str, idempotency_key: str) -> BookingReceipt:
        self._maybe_fail()
        self.accepted.append((place_id, idempotency_key))
        return BookingReceipt("MPP-W1", "A005", "dukcapil", NOW + timedelta(days=1))

    async def leave_waiting_list(self, place_id: str, idempotency_key: str) -> None:
        self._maybe_fail()

    async def counters(self) -> tuple[Counter, ...]:
        self._maybe_fail()
        return self.desks

    async def reschedule(self, code: str, slot_id: str, idempotency_key: str) -> BookingReceipt:
        self._maybe_fail()
        self.moved.append((code, slot_id))
        return BookingReceipt(code, "A009", "dukcapil", datetime.fromisoformat(slot_id).replace(tzinfo=ZONE))

    async def cancel_booking(self, code: str, idempotency_key: str) -> None:
        self._maybe_fail()
        self.cancelled.append(code)


def _free(day: str, at: datetime) -> BookingSlot:
    return BookingSlot(f"{day}T{at:%H:%M}", "dukcapil", at, 2)


@dataclass
class Said:
    """What one turn answered."""

    keys: list[str]
    messages: list[dict[str, Any]]
    effects: list[dict[str, Any]]

    def buttons(self) -> list[dict[str, Any]]:
        return [button for message in self.messages for button in message.get("buttons", [])]

    def effect(self, kind: str) -> dict[str, Any]:
        return next(effect for effect in self.effects if effect["type"] == kind)


class Table:
    """One citizen's dialogue. `say` names the intent, as the model would; forms run as in Rasa."""

    def __init__(self, tenant: str = "kota_mojokerto", name: str | None = "Siti") -> None:
        self.slots: dict[str, Any] = {}
        self.form: str | None = None
        self.question: str | None = None
        self.cases: list[dict[str, Any]] = []
        self.bookings: list[dict[str, Any]] = []
        self.waitings: list[dict[str, Any]] = []
        self.tenant = tenant
        self.name = name
        self.turns = 0

    async def press(self, value: str) -> Said:
        """Press a form's button."""
        return await self.say("", "choose", value=value)

    async def say(
        self,
        text: str,
        intent: str = "unclear",
        confidence: float = 0.9,
        *,
        photos: int = 0,
        location: tuple[float, float] | None = None,
        topic: str | None = None,
        services: list[tuple[str, float]] | None = None,
        **values: Any,
    ) -> Said:
        self.turns += 1
        turn = Turn(
            id=f"turn-{self.turns}",
            text=text,
            intent=intent,
            confidence=confidence,
            values=values,
            entities=(),
            alternatives=({"name": intent, "confidence": confidence},),
            services=tuple({"id": name, "score": score} for name, score in services or ()),
            topic=topic,
            pressed=bool(values) or intent in PRESSED or not text,
            tenant=self.tenant,
            now=NOW,
            location={"lat": location[0], "lon": location[1]} if location else None,
            photos=tuple(
                {"media_id": f"m{self.turns}-{n}", "url": f"http://127.0.0.1/m{n}"} for n in range(photos)
            ),
            cases=tuple(self.cases),
            bookings=tuple(self.bookings),
            waitings=tuple(self.waitings),
            person="warga-1",
            display_name=self.name,
            language=None,
            slots=self.slots,
            form=self.form,
            question=self.question,
            form_ran=self.form is not None,
        )
        said = Said([], [], [])
        followup: str | None = None
        if self.form:
            if not await self._form(turn, said):
                await self._handle(BY_INTENT[intent], turn, said, aside=True)
                await self._form(self._again(turn, aside_answered=True), said)
            followup = await self._end(turn, said)
        elif intent in STARTS:
            self.form = STARTS[intent]
            await self._form(self._again(turn, form_ran=False), said)
            followup = await self._end(turn, said)
        else:
            followup = await self._handle(BY_INTENT[intent], turn, said)
        while followup:
            self.form, self.question = followup, None
            await self._form(self._again(turn, form_ran=False), said)
            followup = await self._end(turn, said)
        return said

    def _again(self, turn: Turn, **changes: Any) -> Turn:
        return replace(turn, slots=dict(self.slots), form=self.form, question=self.question, **changes)

    async def _form(self, turn: Turn, said: Said) -> bool:
        assert self.form
        assert desk.SUBJECTS  # importing the desk registers every handler
        answer = Answer()
        verdict = await FORMS[self.form].decide(turn, answer)
        if verdict is None:
            assert not answer.messages, "a rejected message must not be answered by the form"
            return False
        if not turn.aside_answered:
            settle(turn, answer)
        self._collect(answer, said)
        self.slots.update(verdict.slots)
        assert verdict.slots, "Rasa takes a verdict without slots for a rejection"
        self.question = verdict.question
        return True

    async def _end(self, turn: Turn, said: Said) -> str | None:
        if self.form is None or self.question is not None:
            return None
        end = ENDS[self.form]
        self.form = None
        return await self._handle(HANDLERS[end], self._again(turn), said)

    async def _handle(self, handler: Any, turn: Turn, said: Said, aside: bool = False) -> str | None:
        answer = Answer()
        await (HANDLERS["action_answer_aside"] if aside else handler)(turn, answer)
        settle(turn, answer)
        self._collect(answer, said)
        return answer.followup

    def _collect(self, answer: Answer, said: Said) -> None:
        for message in answer.messages:
            said.messages.append(message)
            said.keys.append(key_of(message))
        said.effects += answer.effects
        self.slots.update(answer.slots)


def key_of(message: dict[str, Any]) -> str:
    """The key of a bubble; of a bubble with an opening sentence, the key below it."""
    if message["text_key"] == "layout.lines":
        return str(message["values"]["second"]["$text"])
    return str(message["text_key"])
