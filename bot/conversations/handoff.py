"""When a person is better: the citizen's side of the desk, from asking to rating."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from babel.dates import format_datetime
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import emergency
from bot.conversations.answers import Answer
from bot.conversations.desk import events, hours, queue
from bot.conversations.desk.rules import Rules, in_force
from bot.door import Door
from bot.storage import conversations, desksettings, handoffs, messages
from bot.vocabulary.agents import EventKind, Handoff, Outcome, Stage, Urgency
from bot.vocabulary.conversations import Conversation, Owner, Say
from intents.calendar_days import calendar

BACK_TO_BOT = "/back_to_bot"
SAYS_BACK = frozenset({BACK_TO_BOT, "/cancel", "batal", "kembali", "kembali ke lawang", "lanjut dengan bot"})
CALLBACK, LEAVE_MESSAGE, RATE = "/desk_callback", "/desk_message", "/desk_rate"
# Who writes several messages in a row is told once that they are kept.
TOLD_AGAIN_AFTER = timedelta(minutes=10)
_BACK = {"title_key": "button.back_to_bot", "payload": BACK_TO_BOT, "reusable": True}


@dataclass
class Asked:
    """What asking for a person came to: what to say, and what to tell the consoles at the very end."""

    says: list[Say] = field(default_factory=list)
    told: list[EventKind] = field(default_factory=list)


async def request(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    reason: str,
    summary: dict[str, Any],
    now: datetime,
) -> Asked:
    """Queue the conversation for a person: a number, a place and an honest wait.

    Where the desk is closed, a time to be written to or a message is offered instead, and the bot goes on. A
    crisis or an emergency is queued at any hour, and the bot goes on until somebody takes it.
    """
    rules = await _rules(conn, door, conversation)
    urgency = queue.urgency(reason)
    standing = hours.standing(rules, calendar(conversation.tenant), now)
    if standing.open is False and urgency is Urgency.NORMAL:
        return Asked([_closed(rules, conversation, standing, now)])
    asked = await _queue(conn, door, conversation, reason, summary, urgency, now)
    if urgency is Urgency.NORMAL:
        found = await handoffs.open_of(conn, conversation.id)
        if found is not None and found.stage is Stage.WAITING:
            asked.says = [await _placed(conn, rules, found, now)]
    return asked


async def _queue(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    reason: str,
    summary: dict[str, Any],
    urgency: Urgency,
    now: datetime,
) -> Asked:
    found, new = await handoffs.open(
        conn,
        conversation.id,
        conversation.tenant,
        reason,
        summary,
        now,
        urgency=urgency,
        skill=queue.skill(reason, summary),
        language=conversation.language,
    )
    if found.stage is Stage.CALLBACK:
        # They did not wait for the time they chose.
        new = await handoffs.promote(conn, found.id, now)
    if not new and urgency is not Urgency.NORMAL:
        await handoffs.make_urgent(conn, found.id, urgency)
        new = True
    if urgency is Urgency.NORMAL:
        await conversations.change_owner(conn, conversation.id, conversation.owner, Owner.QUEUE)
    return Asked(told=[EventKind.HANDOFF_WAITING] if new else [])


async def alarm(
    conn: AsyncConnection, door: Door, conversation: Conversation, kind: str, message_id: int, now: datetime
) -> None:
    """Show agents an emergency at once, on top; the bot has given the number and goes on until one comes."""
    crisis = kind in emergency.CRISIS
    reason = f"crisis_{kind}" if crisis else f"emergency_{kind}"
    level = Urgency.CRISIS if crisis else Urgency.EMERGENCY
    # What was said, for the row: the newest message there is the bot's own answer.
    said = {"last_text": (await messages.get(conn, message_id)).text}
    asked = await _queue(conn, door, conversation, reason, said, level, now)
    found = await handoffs.heard(conn, conversation.id, now)
    if found is not None:
        for told in asked.told:
            await events.tell(conn, told, found, now)
        await events.tell(conn, EventKind.MESSAGE, found, now, message=message_id, direction="in")


async def _rules(conn: AsyncConnection, door: Door, conversation: Conversation) -> Rules:
    return in_force(door, conversation.tenant, await desksettings.of(conn, conversation.tenant))


async def _placed(conn: AsyncConnection, rules: Rules, found: Handoff, now: datetime) -> Say:
    place = await queue.place(conn, rules, found, now)
    await handoffs.told(conn, found.id, place.position, now)
    values = {"number": f"P-{found.number}", "position": place.position}
    if place.minutes is None:
        return Say("handoff.queued_wait_unknown", values, (_BACK,))
    if place.minutes > queue.LONGEST_MINUTES:
        return Say("handoff.queued_long", {**values, "hours": place.minutes // 60}, (_BACK,))
    return Say("handoff.queued", {**values, "minutes": place.minutes}, (_BACK,))


def _closed(rules: Rules, conversation: Conversation, standing: hours.Standing, now: datetime) -> Say:
    """Nobody is there: when somebody will be, and what can be done until then."""
    leave = {"title_key": "button.leave_message", "payload": LEAVE_MESSAGE}
    if standing.opens_at is None:
        return Say("handoff.closed_unknown_offer", buttons=(leave,))
    times = hours.callback_times(rules, calendar(conversation.tenant), now)
    buttons = tuple(
        {
            "title": format_datetime(moment, "EEE d MMM, HH.mm", locale="id"),
            "payload": f"{CALLBACK}{json.dumps({'at': moment.isoformat()})}",
        }
        for moment in times
    )
    values: dict[str, Any] = {"opens_at": {"$datetime": standing.opens_at.isoformat()}}
    if standing.holiday:
        return Say("handoff.closed_holiday_offer", {**values, "holiday": standing.holiday}, (*buttons, leave))
    return Say("handoff.closed_offer", values, (*buttons, leave))


def choice(conversation: Conversation, text: str) -> Answer | None:
    """What the front door answers by itself: a press on a button of the desk, without the dialogue engine."""
    name, _, rest = text.partition("{")
    if name not in (CALLBACK, LEAVE_MESSAGE, RATE):
        return None
    try:
        values = json.loads("{" + rest) if rest else {}
        effect: dict[str, Any]
        if name == CALLBACK:
            effect = {"type": "callback_wished", "at": datetime.fromisoformat(values["at"]).isoformat()}
        elif name == RATE:
            stars = int(values["stars"])
            effect = {"type": "handoff_rated", "handoff": str(values["handoff"]), "stars": stars}
        else:
            effect = {"type": "message_left"}
    except (KeyError, TypeError, ValueError):
        return None
    return Answer("desk", effects=(effect,), state=conversation.state)


async def callback(
    conn: AsyncConnection, door: Door, conversation: Conversation, at: datetime, now: datetime
) -> Asked:
    """Keep the time at which a person is to write; the bot goes on until then."""
    if at <= now:
        return Asked([Say("handoff.callback_past")])
    found, _ = await handoffs.open(
        conn,
        conversation.id,
        conversation.tenant,
        "callback",
        {},
        now,
        stage=Stage.CALLBACK,
        language=conversation.language,
        callback_at=at,
    )
    if found.stage is not Stage.CALLBACK:
        return Asked([await _placed(conn, await _rules(conn, door, conversation), found, now)])
    await handoffs.call_back_at(conn, found.id, at)
    values = {"number": f"P-{found.number}", "at": {"$datetime": at.isoformat()}}
    return Asked([Say("handoff.callback_noted", values)])


async def leave_message(
    conn: AsyncConnection, door: Door, conversation: Conversation, now: datetime
) -> Asked:
    """Keep what comes for the desk, which reads it when it opens."""
    asked = await _queue(conn, door, conversation, "message", {}, Urgency.NORMAL, now)
    found = await handoffs.open_of(conn, conversation.id)
    number = f"P-{found.number}" if found else "-"
    rules = await _rules(conn, door, conversation)
    standing = hours.standing(rules, calendar(conversation.tenant), now)
    if standing.opens_at is None:
        asked.says = [Say("handoff.message_left_unknown", {"number": number}, (_BACK,))]
    else:
        values = {"number": number, "opens_at": {"$datetime": standing.opens_at.isoformat()}}
        asked.says = [Say("handoff.message_left", values, (_BACK,))]
    return asked


async def rate(
    conn: AsyncConnection, conversation: Conversation, handoff_id: str, stars: int, now: datetime
) -> Asked:
    """Keep the citizen's word on how it was; the first one counts."""
    stars = min(5, max(1, stars))
    if not await handoffs.rate(conn, handoff_id, conversation.id, stars, now):
        return Asked([Say("handoff.rated_before")])
    key = "handoff.rated" if stars > 2 else "handoff.rated_low"
    return Asked([Say(key, {"stars": stars})], [EventKind.HANDOFF_RATED])


def while_waiting(conversation: Conversation, text: str, found: Handoff | None, now: datetime) -> Answer:
    """What happens to a message while a person is asked for: it is kept for them; the bot says so once."""
    if text.lower().strip(" .!") in SAYS_BACK:
        effects = ({"type": "handoff_ended", "reason": "citizen"},)
        key = "handoff.back_kept" if conversation.state and conversation.state.get("form") else "handoff.back"
        return Answer("back_to_bot", [Say(key)], effects, conversation.state)
    says = []
    if conversation.owner is Owner.QUEUE and (found is None or _first_word(found, now)):
        says = [Say("handoff.kept", buttons=(_BACK,))]
    return Answer("for_agent", says, state=conversation.state)


def _first_word(found: Handoff, now: datetime) -> bool:
    last = found.last_message_at or found.queued_at
    return last <= found.queued_at or now - last > TOLD_AGAIN_AFTER


async def end(conn: AsyncConnection, conversation: Conversation, outcome: str, now: datetime) -> Asked:
    """Give the conversation back to the bot; what the citizen had begun is still there.

    Who leaves before anybody answered has abandoned the queue: that is not the same as being helped.
    """
    if not await conversations.change_owner(conn, conversation.id, conversation.owner, Owner.BOT):
        return Asked()
    found = await handoffs.open_of(conn, conversation.id)
    if found is None:
        return Asked()
    answered = found.first_reply_at is not None
    await handoffs.close(conn, conversation.id, Outcome.TO_BOT if answered else Outcome.ABANDONED, now)
    return Asked(told=[EventKind.HANDOFF_CLOSED])
