"""Rules for a queue that speaks `mpp_queue`, beyond those it shares with every queue (see rest_json)."""

import asyncio
import uuid
from collections.abc import Awaitable, Sequence
from datetime import date, timedelta
from typing import Any

from connectors.conformance.findings import MARK, UNKNOWN, Failed, Rule, Skip, must, unknown
from connectors.dialects.base import CityApp
from connectors.errors import BackendRejected, CaseNotFound, ConnectorError, HoldExpired, SlotTaken
from connectors.queues import (
    BookingRequest,
    BookingSlot,
    BookingStatus,
    Confirmation,
    Hold,
    HoldRequest,
    Priority,
    SlotQuery,
    WaitingWish,
)

DAYS_AHEAD = 14
SHORTEST_HOLD, LONGEST_HOLD = timedelta(minutes=1), timedelta(hours=1)
MOST_TO_FILL = 12
RUSH = 20


async def some_service(app: CityApp, today: date) -> str:
    """Return a service that has a free place soon, or one that has none."""
    services = [service for counter in await app.counters() for service in counter.services]
    for service in services:
        for ahead in range(1, DAYS_AHEAD + 1):
            if (await app.slots(SlotQuery(service, today + timedelta(days=ahead)))).slots:
                return service
    return services[0] if services else UNKNOWN


def rules(app: CityApp, write: bool, today: date, service: str) -> dict[str, Rule]:
    known: dict[str, Any] = {}

    def key() -> str:
        return uuid.uuid4().hex

    def stranger() -> str:
        return f"uji-{uuid.uuid4().hex[:12]}"

    def writing() -> None:
        if not write:
            raise Skip("writes: not asked for")

    async def places(day: date) -> dict[str, BookingSlot]:
        return {slot.id: slot for slot in (await app.slots(SlotQuery(service, day))).slots}

    async def a_slot(*, at_most: int | None = None) -> tuple[date, BookingSlot]:
        for ahead in range(1, DAYS_AHEAD + 1):
            day = today + timedelta(days=ahead)
            for slot in (await places(day)).values():
                if at_most is None or slot.left <= at_most:
                    return day, slot
        raise Skip(f"no slot for {service} within {DAYS_AHEAD} days")

    async def counters() -> str:
        found = await app.counters()
        must(bool(found), "there is no counter")
        must(any(counter.services for counter in found), "no counter takes a service")
        return f"{len(found)} counters"

    async def held() -> str:
        writing()
        _, slot = await a_slot()
        known["key"], known["person"] = key(), stranger()
        hold = await app.hold(HoldRequest(known["key"], slot.id, service, known["person"]))
        known["hold"] = hold
        # By the clock of the queue itself: ours may differ.
        left = hold.expires_at - (await app.live(hold.counter)).as_of
        must(SHORTEST_HOLD <= left <= LONGEST_HOLD, f"a hold of {left}: between a minute and an hour")
        must((await app.booking_status(hold.code)).status is BookingStatus.HELD, "its state is not ditahan")
        return f"{hold.code} until {hold.expires_at.isoformat()}"

    def the_hold() -> Hold:
        if "hold" not in known:
            raise Skip("nothing is held")
        hold: Hold = known["hold"]
        return hold

    async def held_again() -> None:
        writing()
        first = the_hold()
        again = await app.hold(HoldRequest(known["key"], first.slot_id, service, known["person"]))
        must(again.code == first.code, f"one Idempotency-Key held {first.code} and {again.code}")

    async def tapped() -> None:
        writing()
        first = the_hold()
        day = first.starts_at.date()
        before = (await places(day)).get(first.slot_id)
        taps = [app.hold(HoldRequest(key(), first.slot_id, service, known["person"])) for _ in range(5)]
        for tap in taps:
            known["hold"] = await tap
        after = (await places(day)).get(first.slot_id)
        left = [slot.left if slot else 0 for slot in (before, after)]
        must(left[0] == left[1], f"five holds of one person took {left[0] - left[1]} more places")

    async def confirmed() -> str:
        writing()
        hold, known["confirmation"] = the_hold(), key()
        wish = Confirmation(known["confirmation"], hold.code, MARK, priority=Priority.ELDERLY)
        receipt = await app.confirm(wish)
        known["receipt"] = receipt
        must(receipt.code == hold.code, f"the code changed from {hold.code} to {receipt.code}")
        again = await app.confirm(wish)
        must(again == receipt, "the same Idempotency-Key was answered differently")
        must((await app.booking_status(hold.code)).status is BookingStatus.BOOKED, "its state is not dipesan")
        return f"number {receipt.number}"

    async def checked_in() -> None:
        writing()
        if "receipt" not in known:
            raise Skip("nothing is booked")
        code = known["receipt"].code
        must((await app.check_in(code, key())).status is BookingStatus.CHECKED_IN, "it is not checkin")
        await app.cancel_booking(code, key())

    async def late_release() -> None:
        writing()
        day, slot = await a_slot()
        receipt = await app.reserve(BookingRequest(key(), slot.id, service, MARK, person=stranger()))
        taken = (await places(day)).get(slot.id)
        await app.cancel_booking(receipt.code, key())
        free = (await places(day)).get(slot.id)
        left = [one.left if one else 0 for one in (taken, free)]
        must(left[1] <= left[0], "a cancelled place was public at once: keep it back against trading")

    async def released() -> None:
        writing()
        _, slot = await a_slot()
        hold = await app.hold(HoldRequest(key(), slot.id, service, stranger()))
        for _ in range(2):
            await app.release(hold.code, key())
        try:
            await app.confirm(Confirmation(key(), hold.code, MARK))
        except HoldExpired:
            return
        raise Failed("a hold that was released could be confirmed")

    async def rushed() -> str:
        writing()
        _, slot = await a_slot(at_most=MOST_TO_FILL)
        wishes = [app.hold(HoldRequest(key(), slot.id, service, stranger())) for _ in range(RUSH)]
        won, lost, wrong = await _sort(wishes)
        for hold in won:
            await app.release(hold.code, key())
        must(not wrong, f"{len(wrong)} were answered otherwise, the first: {wrong[:1]}")
        must(len(won) == min(slot.left, RUSH), f"{len(won)} places were held where {slot.left} were free")
        without = [error for error in lost if not error.alternatives]
        must(not without, f"{len(without)} of {len(lost)} refusals name no alternatives")
        return f"{len(won)} of {RUSH} at once"

    async def nothing_to_wait_for() -> None:
        writing()
        day, _ = await a_slot()
        try:
            place = await app.join_waiting_list(WaitingWish(key(), service, day, MARK, stranger()))
        except BackendRejected:
            return
        await app.leave_waiting_list(place.id, key())
        raise Failed("a waiting list was opened for a day with free places")

    async def no_such_hold() -> None:
        try:
            await app.confirm(Confirmation(key(), UNKNOWN, MARK))
        except CaseNotFound:
            return
        raise Failed(f"{UNKNOWN} was confirmed")

    return {
        "GET counters lists counters and what they take": counters,
        "POST holds keeps a place for a while": held,
        "POST holds with the same Idempotency-Key is the same hold": held_again,
        "POST holds five times by one person holds one place": tapped,
        "POST holds/{code}/confirm makes it a booking, once": confirmed,
        "POST holds/{code}/confirm answers 404 for an unknown code": no_such_hold,
        "POST holds/{code}/release ends it, twice is once": released,
        "POST holds by twenty at once sells every place once and names alternatives": rushed,
        "POST bookings/{code}/checkin notes the arrival": checked_in,
        "POST bookings/{code}/cancel keeps the place back for a while": late_release,
        "POST waiting-list is refused while there are places": nothing_to_wait_for,
        "GET waiting-list/{id} answers 404 for an unknown place": lambda: unknown(app.waiting_place),
    }


async def _sort(
    wishes: Sequence[Awaitable[Hold]],
) -> tuple[list[Hold], list[SlotTaken], list[ConnectorError]]:
    won: list[Hold] = []
    lost: list[SlotTaken] = []
    wrong: list[ConnectorError] = []
    for outcome in await asyncio.gather(*wishes, return_exceptions=True):
        match outcome:
            case Hold():
                won.append(outcome)
            case SlotTaken():
                lost.append(outcome)
            case ConnectorError():
                wrong.append(outcome)
            case BaseException():
                raise outcome
    return won, lost, wrong
