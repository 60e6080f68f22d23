"""City systems that do not call us are asked: each at its own pace, so a slow one delays nobody else.

What they answer goes through the same `updates.record` as a signed report, so nothing is told twice.
"""

import asyncio
import hashlib
import logging
from datetime import UTC, datetime, timedelta

from bot.conversations import newsfeed, queuenews, rounds, updates
from bot.door import Door
from bot.storage import bookings, cases, waitings
from connectors.capabilities import BookingState, Capability, CaseState, StatusUpdate
from connectors.dialects.base import Connector
from connectors.errors import CaseNotFound, ConnectorError
from connectors.references import TOKEN

log = logging.getLogger(__name__)

AT_ONCE, STATES_AT_ONCE = 20, 500
ALONE = timedelta(days=1)
"""A case whose news comes with all others is asked about by itself so seldom: a feed may leave some out."""
LOOK_EVERY_SECONDS = 30.0


async def run(door: Door, stop: asyncio.Event) -> None:
    """Ask every app that has a pace, until `stop`."""
    async with asyncio.TaskGroup() as group:
        for connector in door.registry:
            if connector.manifest.poll_every_seconds:
                group.create_task(_ask_again_and_again(door, connector, stop), name=f"poll {connector.id}")


async def _ask_again_and_again(door: Door, connector: Connector, stop: asyncio.Event) -> None:
    pace = float(connector.manifest.poll_every_seconds or 0)

    async def once() -> bool:
        await ask(door, connector, timedelta(seconds=pace))
        return False

    await rounds.go(stop, once, min(LOOK_EVERY_SECONDS, pace), f"asking {connector.id} failed")


async def ask(door: Door, connector: Connector, pace: timedelta) -> int:
    """Ask about everything of one app that is due; how many changes were recorded."""
    now, found = datetime.now(UTC), 0
    feed, states = newsfeed.has_feed(connector), newsfeed.tells_states(connector)
    if feed:
        found += await newsfeed.read(door, connector, pace)
    before = now - max(pace, ALONE) if feed else now - pace
    most = STATES_AT_ONCE if states else AT_ONCE
    async with door.database.transaction() as conn:
        due_cases = await cases.due_cases(conn, connector.id, before, now, most, now - pace)
        due_bookings = await bookings.due(conn, connector.id, now - pace, now, AT_ONCE)
        due_places = await waitings.due(conn, connector.id, now - pace, now, AT_ONCE)
    for place_id in due_places:
        found += await _record(door, await _waiting(connector, place_id))
    if states:
        numbered = [row.reference for row in due_cases if not row.reference.startswith(TOKEN)]
        found += await newsfeed.ask_states(door, connector, numbered)
        due_cases = [row for row in due_cases if row.reference.startswith(TOKEN)][:AT_ONCE]
    for row in due_cases:
        update = await _case(door, connector, row.kind, row.reference)
        found += await _record(door, update)
    for row in due_bookings:
        found += await _record(door, await _booking(connector, row.code))
    return found


async def _record(door: Door, update: StatusUpdate | None) -> int:
    return 0 if update is None else int(await updates.record(door, update) is updates.Recorded.APPLIED)


async def _case(door: Door, connector: Connector, kind: str, reference: str) -> StatusUpdate | None:
    permit = kind == "permit" and Capability.PERMIT_STATUS in connector.offers
    if not permit and Capability.COMPLAINT_STATUS not in connector.offers:
        return None
    try:
        state = await (
            connector.permit_status(reference) if permit else connector.complaint_status(reference)
        )
    except CaseNotFound:
        log.warning("%s knows nothing of %s any more", connector.id, reference)
        return None
    except ConnectorError as error:
        log.info("%s: %s", connector.id, type(error).__name__)
        return None
    if state.reference != reference:
        async with door.database.transaction() as conn:
            await cases.rename_case(conn, connector.id, reference, state.reference)
    return _case_update(connector, state)


def _case_update(connector: Connector, state: CaseState) -> StatusUpdate:
    return StatusUpdate(
        connector=connector.id,
        subject="case",
        event_id=_event(state.reference, state.status, state.updated_at),
        reference=state.reference,
        status=state.status,
        occurred_at=state.updated_at or datetime.now(UTC),
        backend_status=state.backend_status,
    )


async def _booking(connector: Connector, code: str) -> StatusUpdate | None:
    if Capability.BOOKING_STATUS not in connector.offers:
        return None
    try:
        state: BookingState = await connector.booking_status(code)
    except ConnectorError as error:
        log.info("%s: %s", connector.id, type(error).__name__)
        return None
    near = state.now_serving is not None and (
        state.ahead is not None and state.ahead <= queuenews.soon(state.pace)
    )
    return StatusUpdate(
        connector=connector.id,
        subject="booking",
        event_id=_event(f"{code}{' near' if near else ''}", state.status, None),
        reference=code,
        status=state.status,
        occurred_at=datetime.now(UTC),
        now_serving=state.now_serving,
        # Before the first number of the day is called, a place in line is no news.
        ahead=state.ahead if near else None,
        pace=state.pace,
    )


async def _waiting(connector: Connector, place_id: str) -> StatusUpdate | None:
    if Capability.BOOKING_WAITING not in connector.offers:
        return None
    try:
        place = await connector.waiting_place(place_id)
    except ConnectorError as error:
        log.info("%s: %s", connector.id, type(error).__name__)
        return None
    offer = place.offer
    return StatusUpdate(
        connector=connector.id,
        subject="waiting",
        event_id=_event(place_id, place.status, offer.expires_at if offer else None),
        reference=place_id,
        status=place.status,
        occurred_at=datetime.now(UTC),
        starts_at=offer.starts_at if offer else None,
        expires_at=offer.expires_at if offer else None,
    )


def _event(reference: str, status: str, at: datetime | None) -> str:
    """The same answer asked for twice is one event."""
    seen = f"{reference}|{status}|{at.isoformat() if at else ''}"
    return "poll:" + hashlib.sha256(seen.encode()).hexdigest()[:32]
