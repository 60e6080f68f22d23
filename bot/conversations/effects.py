"""What an action asked for, written once per turn: the front door is the only writer of a citizen's state."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from actions import effects
from bot import metrics
from bot.conversations import (
    bookings,
    carrying,
    closures,
    filings,
    handoff,
    linking,
    notices,
    privacy,
    settling,
    similar,
)
from bot.door import Door
from bot.storage import cases, conversations
from bot.storage.conversations import set_language
from bot.storage.database import values_at_fault
from bot.vocabulary.agents import EventKind
from bot.vocabulary.conversations import Conversation, Say
from bot.vocabulary.messages import OutgoingMessage
from connectors.capabilities import CaseStatus

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What applying effects adds to the answer: bubbles, and lines `under` the last bubble it has.

    `told` is what consoles hear about the request for a person, once everything else is written.
    `erased` says that files are deleted after the commit. `others` are this citizen's other conversations
    that were told something. `bubbles` were said before, elsewhere.
    """

    says: list[Say] = field(default_factory=list)
    under: list[Say] = field(default_factory=list)
    told: list[EventKind] = field(default_factory=list)
    erased: bool = False
    others: list[Conversation] = field(default_factory=list)
    bubbles: list[OutgoingMessage] = field(default_factory=list)

    def lines(self, says: list[Say]) -> None:
        """Add sentences that are to be one bubble."""
        self.says += says[:1]
        self.under += says[1:]

    def take(self, asked: handoff.Asked) -> None:
        """Add what a request for a person came to."""
        self.says += asked.says
        self.told += asked.told

    def join(self, linked: linking.Linked) -> None:
        """Add what a wish to link or to take apart came to."""
        self.says += linked.says
        self.bubbles += linked.bubbles
        self.told += linked.consoles
        self.others += linked.told


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a turn asks for, read, with the slow part done before the turn's transaction begins."""

    items: tuple[effects.Effect, ...] = ()
    export: privacy.Export | None = None
    tickets: Mapping[effects.Effect, bookings.Drawn] = field(default_factory=dict)
    sealed: str | None = None
    links: linking.Ready = field(default_factory=linking.Ready)


async def prepare(
    door: Door, conversation: Conversation, turn_id: str, asked: tuple[dict[str, Any], ...]
) -> Prepared:
    """Read every effect of a turn. One that cannot be read is counted and left out."""
    found: list[effects.Effect] = []
    made: privacy.Export | None = None
    for data in asked:
        try:
            found.append(effects.from_json(data))
        except (TypeError, ValueError) as error:
            log.error("turn %s: %s", turn_id, error)
            metrics.BAD_INPUT.labels("effects", "unknown").inc()
    if any(isinstance(effect, effects.DataExportRequested) for effect in found):
        made = await privacy.export(door, conversation, turn_id)
    return Prepared(
        tuple(found),
        made,
        await _tickets(door, conversation, found),
        await settling.seal_numbers(door, conversation, found),
        await linking.prepare(door, conversation, found),
    )


async def _tickets(
    door: Door, conversation: Conversation, found: list[effects.Effect]
) -> dict[effects.Effect, bookings.Drawn]:
    drawn: dict[effects.Effect, bookings.Drawn] = {}
    for effect in found:
        if isinstance(effect, effects.BookingMade | effects.BookingMoved | effects.TicketWanted):
            try:
                made = await bookings.draw(door, conversation, effect)
            except Exception as error:
                if not values_at_fault(error):
                    raise
                log.exception("effect %s holds no booking", effect.type)
                continue
            if made is not None:
                drawn[effect] = made
    return drawn


async def apply(
    conn: AsyncConnection, door: Door, conversation: Conversation, prepared: Prepared, now: datetime
) -> Outcome:
    """Apply every effect of a turn inside its transaction; the caller holds the conversation's row.

    One that does not fit the tables is counted and left out: it must not keep the citizen from their answer.
    """
    outcome = Outcome()
    for effect in prepared.items:
        try:
            async with conn.begin_nested():
                await _apply_one(conn, door, conversation, effect, prepared, outcome, now)
        except Exception as error:
            if not values_at_fault(error):
                raise
            log.exception("effect %s of conversation %s left out", effect.type, conversation.id)
            metrics.BAD_INPUT.labels("effects", "unusable").inc()
    return outcome


async def _apply_one(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    effect: effects.Effect,
    prepared: Prepared,
    outcome: Outcome,
    now: datetime,
) -> None:
    owner = {"tenant": conversation.tenant, "conversation_id": conversation.id}
    zone = _zone(door, conversation.tenant)
    row: dict[str, Any]
    match effect:
        case effects.CaseOpened():
            row = {
                "connector": effect.connector,
                "reference": effect.reference,
                "kind": effect.kind,
                "topic": effect.topic,
                "status": _case_status(effect.status),
                "description": effect.description,
                "place": effect.place,
                "latitude": effect.latitude,
                "longitude": effect.longitude,
                "region": effect.region,
                "verify_by": _moment(effect.verify_by, zone),
                "promised_at": _moment(effect.promised_at, zone),
            }
            await cases.follow(conn, {**owner, **row}, now)
        case effects.CaseFollowed():
            row = {
                "connector": effect.connector,
                "reference": effect.reference,
                "kind": effect.kind,
                "status": _case_status(effect.status),
                "origin": "followed",
            }
            await cases.follow(conn, {**owner, **row}, now)
        case effects.CaseQueued():
            promised = {"promised_at": _moment(effect.promised_at, zone)}
            promised["verify_by"] = _moment(effect.verify_by, zone)
            outcome.says += await filings.keep(conn, conversation, effect, promised, now)
        case effects.SimilarAsked():
            offered = await similar.offer(conn, door, conversation, effect, now)
            outcome.under += [offered] if offered else []
        case effects.CaseJoined():
            outcome.says += await similar.join(conn, door, conversation, effect, now)
        case effects.CaseNoted():
            outcome.says += await closures.note(conn, door, conversation, effect, now)
        case effects.CaseReopened():
            outcome.says += await closures.reopen(conn, door, conversation, effect, now)
        case effects.CaseConfirmed():
            outcome.says += await closures.confirm(conn, door, conversation, effect, now)
        case effects.CaseRated():
            outcome.says += await closures.rate(conn, door, conversation, effect, now)
        case effects.CaseWithdrawn():
            outcome.says += await closures.withdraw(conn, door, conversation, effect, now)
        case effects.BookingMade():
            drawn = prepared.tickets.get(effect)
            outcome.says += await bookings.made(conn, door, conversation, effect, drawn, now)
        case effects.BookingMoved():
            drawn = prepared.tickets.get(effect)
            outcome.says += await bookings.moved(conn, door, conversation, effect, drawn, now)
        case effects.BookingCancelled():
            await bookings.cancelled(conn, conversation, effect, now)
        case effects.TicketWanted():
            drawn = prepared.tickets.get(effect)
            outcome.says += await bookings.shown(conn, door, conversation, drawn)
        case effects.BookingReached():
            await bookings.reached(conn, conversation, effect, now)
        case effects.BookingQueued():
            await bookings.queued(conn, conversation, effect, prepared.sealed, now)
        case effects.WaitingJoined():
            await bookings.waits(conn, conversation, effect, now)
        case effects.WaitingLeft():
            await bookings.left(conn, conversation, effect, now)
        case effects.HandoffRequested():
            outcome.take(await handoff.request(conn, door, conversation, effect.reason, effect.summary, now))
        case effects.HandoffEnded():
            outcome.take(await handoff.end(conn, conversation, effect.reason, now))
        case effects.CallbackWished():
            at = datetime.fromisoformat(effect.at)
            outcome.take(await handoff.callback(conn, door, conversation, at, now))
        case effects.MessageLeft():
            outcome.take(await handoff.leave_message(conn, door, conversation, now))
        case effects.HandoffRated():
            outcome.take(await handoff.rate(conn, conversation, effect.handoff, effect.stars, now))
        case effects.NoticesAsked():
            outcome.lines(await notices.ask(conn, door, conversation, effect, now))
        case effects.NoticesEnded():
            outcome.lines(await notices.end(conn, door, conversation, effect, now))
        case effects.LanguageChosen():
            await set_language(conn, conversation.id, effect.language)
        case effects.DataExportRequested():
            if prepared.export is not None:
                outcome.says += await privacy.hand_over(conn, door, conversation, prepared.export)
        case effects.LinkAsked():
            outcome.says += await linking.ask(conn, door, conversation, effect, prepared.links, now)
        case effects.LinkCodeGiven():
            outcome.join(await linking.enter(conn, door, conversation, effect, prepared.links, now))
        case effects.LinkEnded():
            outcome.join(await linking.end(conn, door, conversation, effect.channel, prepared.links, now))
        case effects.TalkCarried():
            outcome.join(await carrying.carry(conn, door, conversation, prepared.links, now))
        case effects.DataErasureRequested():
            apart = await linking.end(conn, door, conversation, None, prepared.links, now)
            outcome.others += apart.told
            outcome.under += [Say("link.not_erased")] if apart.told else []
            await privacy.erase(conn, await conversations.get(conn, conversation.id), now)
            outcome.erased = True
        case effects.ServiceShown():
            pass  # the turn's understanding already keeps it


def _case_status(word: str) -> str:
    """A status the tables can be read with again, whatever an action wrote."""
    return word if word in {status.value for status in CaseStatus} else CaseStatus.UNKNOWN


def _zone(door: Door, tenant_id: str) -> tzinfo:
    tenant = door.tenants.get(tenant_id)
    return UTC if tenant is None else ZoneInfo(tenant.timezone)


def _moment(text: str | None, zone: tzinfo) -> datetime | None:
    """An aware time; one without an offset is meant in the tenant's zone."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
