"""What agents do for a citizen in the city's systems: as the bot would, under the same keys and rows."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from actions import effects as asked
from bot.conversations import effects, filings, identity
from bot.conversations.desk import errors
from bot.conversations.desk.acting import Act, on_conversation
from bot.conversations.desk.writing import clean
from bot.door import Door
from bot.storage import bookings, cases, conversations
from bot.vocabulary.agents import Agent, EventKind
from bot.vocabulary.cases import Booking
from bot.vocabulary.conversations import Conversation, Say
from connectors.capabilities import (
    BookingRequest,
    BookingState,
    Capability,
    CaseState,
    ComplaintDraft,
    DaySlots,
    Place,
    SlotQuery,
)
from connectors.errors import BackendChanged, BackendUnreachable, ConnectorError
from intents import masking
from intents.calendar_days import calendar

WORKING_DAYS = 5


async def file(
    door: Door,
    agent: Agent,
    conversation_id: str,
    *,
    topic: str,
    description: str,
    place: str,
    key: str,
    confidential: bool = False,
    anonymous: bool = False,
) -> str:
    """File a complaint for the citizen; its number, the city's or ours until the city answers.

    It is stored before the city is asked, so nothing is lost and nothing is filed twice, whatever breaks. The
    citizen is told with its number when it is in.

    Raises:
        Unusable: no such topic, no words, no place, or the city offers no such thing.
        NotYours, Ended, LookupError.
    """
    kind = door.catalog.topic(topic)
    if kind is None:
        raise errors.Unusable("topic")
    if not place.strip():
        raise errors.Unusable("place")
    words = masking.mask(clean(description)).text
    try:
        connector = door.registry.find(agent.tenant, Capability.COMPLAINT_SUBMIT, topic)
    except ConnectorError as error:
        raise refused(door, agent, error) from error
    draft = ComplaintDraft(
        idempotency_key=_key(conversation_id, key),
        topic=topic,
        description=words,
        place=Place(text=masking.mask(clean(place)).text),
        confidential=confidential,
        anonymous=anonymous,
    )
    local = datetime.now(ZoneInfo(door.tenants[agent.tenant].timezone))
    days = int(kind.details.get("working_days") or WORKING_DAYS)
    promised = {"promised_at": calendar(agent.tenant).deadline(local, days), "verify_by": None}
    async with on_conversation(door, agent.tenant, conversation_id) as act:
        act.owned_by(agent)
        effect = asked.CaseQueued(connector.id, asdict(draft), None, None)
        await filings.keep(act.conn, act.conversation, effect, promised, act.now)
        row = await cases.take_filing(act.conn, draft.idempotency_key, act.now)
        act.tell(EventKind.CASEWORK, by=agent.id, what="filed")
    if row is not None:
        await filings.file(door, row)
    async with door.database.reading() as conn:
        return await cases.reference_of(conn, draft.idempotency_key)


async def look_up(
    door: Door, agent: Agent, conversation_id: str, reference: str, *, permit: bool = False
) -> CaseState:
    """Ask the city where a number stands. Raises Unusable with the city's reason; LookupError."""
    await _of_tenant(door, agent, conversation_id)
    wanted = clean(reference)
    try:
        capability = Capability.PERMIT_STATUS if permit else Capability.COMPLAINT_STATUS
        async with door.database.reading() as conn:
            own = await cases.of_number(conn, conversation_id, wanted)
        if own is not None:
            connector, wanted = door.registry.by_id(own.connector), own.reference
        else:
            connector = door.registry.find(agent.tenant, capability)
        return await (connector.permit_status(wanted) if permit else connector.complaint_status(wanted))
    except ConnectorError as error:
        raise refused(door, agent, error, reference=wanted) from error


async def look_up_booking(door: Door, agent: Agent, conversation_id: str, code: str) -> BookingState:
    """Ask the queue where a booking stands, this citizen's or any that was named. Raises as `look_up`."""
    await _of_tenant(door, agent, conversation_id)
    wanted = clean(code)
    try:
        async with door.database.reading() as conn:
            known = await bookings.of(conn, conversation_id, 100)
        own = next((one for one in known if wanted.upper() in (one.code.upper(), one.number)), None)
        if own is not None:
            return await door.registry.by_id(own.connector).booking_status(own.code)
        return await door.registry.find(agent.tenant, Capability.BOOKING_STATUS).booking_status(wanted)
    except ConnectorError as error:
        raise refused(door, agent, error, reference=wanted) from error


async def follow(door: Door, agent: Agent, conversation_id: str, reference: str) -> None:
    """Let the citizen follow a case by its number, as if they had asked for it. Raises as `look_up`."""
    state = await look_up(door, agent, conversation_id, reference)
    connector = door.registry.find(agent.tenant, Capability.COMPLAINT_STATUS)
    effect = asked.CaseFollowed(connector.id, state.reference, "complaint", state.status.value)
    await _apply(door, agent, conversation_id, [effect], f"follow:{state.reference}", "followed")


async def follow_up(
    door: Door, agent: Agent, conversation_id: str, case_id: str, text: str, *, key: str
) -> None:
    """Tell the department more about a case of this citizen; it is told until its system has taken it."""
    words = masking.mask(clean(text)).text
    async with door.database.reading() as conn:
        own = next(
            (case for case in await cases.cases_of(conn, conversation_id, 100) if case.id == case_id), None
        )
    if own is None:
        raise errors.Unusable("case_unknown")
    effect = asked.CaseNoted(own.connector, own.reference, "comment", words, _key(conversation_id, key))
    await _apply(door, agent, conversation_id, [effect], key, "noted")


async def places(
    door: Door, agent: Agent, conversation_id: str, service: str, day: date, counter: str | None = None
) -> DaySlots:
    """The free places of a day. Raises Unusable with the city's reason; LookupError."""
    await _of_tenant(door, agent, conversation_id)
    try:
        connector = door.registry.find(agent.tenant, Capability.BOOKING_SLOTS, service)
        return await connector.slots(SlotQuery(service, day, counter))
    except ConnectorError as error:
        raise refused(door, agent, error) from error


async def book(
    door: Door,
    agent: Agent,
    conversation_id: str,
    *,
    service: str,
    slot_id: str,
    starts_at: datetime,
    name: str,
    key: str,
) -> str | None:
    """Take a place for the citizen, who gets the ticket; its code, None while the queue's answer is unknown.

    The same `key` again books nothing twice. Raises Unusable with the queue's reason; NotYours, Ended.
    """
    who = clean(name)[:200]
    if not who:
        raise errors.Unusable("name")
    conversation = await _owned(door, agent, conversation_id)
    once = _key(conversation_id, key)
    request = BookingRequest(once, slot_id, service, who, person=identity.person(conversation.citizen_id))
    effect: asked.Effect
    code = None
    try:
        connector = door.registry.find(agent.tenant, Capability.BOOKING_RESERVE, service)
        receipt = await connector.reserve(request)
    except (BackendUnreachable, BackendChanged) as error:
        if isinstance(error, BackendUnreachable) and not error.outcome_unknown:
            raise refused(door, agent, error) from error
        effect = asked.BookingQueued(
            connector=connector.id,
            idempotency_key=once,
            service=service,
            slot_id=slot_id,
            starts_at=starts_at.isoformat(),
            name=who,
        )
    except ConnectorError as error:
        raise refused(door, agent, error) from error
    else:
        code = receipt.code
        effect = asked.BookingMade(
            connector=connector.id,
            code=receipt.code,
            number=receipt.number,
            counter=receipt.counter,
            service=service,
            starts_at=receipt.starts_at.isoformat(),
            name=who,
            counter_title=receipt.counter_title,
            note=receipt.note,
        )
    await _apply(door, agent, conversation_id, [effect], key, "booked")
    return code


async def move(
    door: Door, agent: Agent, conversation_id: str, booking_id: str, slot_id: str, *, key: str
) -> None:
    """Give a booking of the citizen another time; they get a new ticket.

    Raises Unusable with the queue's reason; NotYours, Ended, LookupError.
    """
    await _owned(door, agent, conversation_id)
    booking = await _booking(door, conversation_id, booking_id)
    try:
        connector = door.registry.by_id(booking.connector)
        receipt = await connector.reschedule(booking.code, slot_id, _key(conversation_id, key))
    except ConnectorError as error:
        raise refused(door, agent, error) from error
    effect = asked.BookingMoved(
        connector=booking.connector,
        code=booking.code,
        number=receipt.number,
        starts_at=receipt.starts_at.isoformat(),
        counter=receipt.counter,
        counter_title=receipt.counter_title,
    )
    await _apply(door, agent, conversation_id, [effect], key, "moved")


async def cancel(door: Door, agent: Agent, conversation_id: str, booking_id: str, *, key: str) -> None:
    """Give a place of the citizen back. Raises Unusable with the queue's reason; NotYours, Ended."""
    await _owned(door, agent, conversation_id)
    booking = await _booking(door, conversation_id, booking_id)
    try:
        connector = door.registry.by_id(booking.connector)
        await connector.cancel_booking(booking.code, _key(conversation_id, key))
    except ConnectorError as error:
        raise refused(door, agent, error) from error
    effect = asked.BookingCancelled(booking.connector, booking.code)
    told = Say("booking.given_back", {"number": booking.number or booking.code})
    await _apply(door, agent, conversation_id, [effect], key, "cancelled", told)


def refused(door: Door, agent: Agent, error: ConnectorError, **values: Any) -> errors.Unusable:
    """The city's no, in the words a citizen would read."""
    given = {"reason": error.detail, "reference": "-", **values}
    return errors.Unusable("city", reason=door.texts.render(error.text_key, agent.tenant, given))


async def _apply(
    door: Door,
    agent: Agent,
    conversation_id: str,
    found: list[asked.Effect],
    key: str,
    what: str,
    *told: Say,
) -> None:
    """Store effects as a turn would, and tell the citizen what they come to."""
    conversation = await _of_tenant(door, agent, conversation_id)
    # Everything slow happens before the transaction, which others have to wait for.
    turn_id = _key(conversation_id, key)[:32]
    prepared = await effects.prepare(door, conversation, turn_id, tuple(one.to_json() for one in found))
    async with on_conversation(door, agent.tenant, conversation_id) as act:
        act.owned_by(agent)
        outcome = await effects.apply(act.conn, door, act.conversation, prepared, act.now)
        await _say_all(act, [*outcome.says, *outcome.under, *told], f"desk:{what}:{turn_id}")
        act.tell(EventKind.CASEWORK, by=agent.id, what=what)


async def _say_all(act: Act, says: Sequence[Say], key: str) -> None:
    for number, say in enumerate(says):
        await act.say(say, f"{key}:{number}")


async def _of_tenant(door: Door, agent: Agent, conversation_id: str) -> Conversation:
    async with door.database.reading() as conn:
        found = await conversations.get(conn, conversation_id)
    if found.tenant != agent.tenant:
        raise LookupError(conversation_id)
    return found


async def _owned(door: Door, agent: Agent, conversation_id: str) -> Conversation:
    async with on_conversation(door, agent.tenant, conversation_id, datetime.now(UTC)) as act:
        act.owned_by(agent)
        return act.conversation


async def _booking(door: Door, conversation_id: str, booking_id: str) -> Booking:
    async with door.database.reading() as conn:
        found = await bookings.get(conn, booking_id)
    if found is None or found.conversation_id != conversation_id:
        raise LookupError(booking_id)
    return found


def _key(conversation_id: str, key: str) -> str:
    """The same for the same act, and nobody else's."""
    return hashlib.sha256(f"desk {conversation_id} {key}".encode()).hexdigest()
