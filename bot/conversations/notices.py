"""*Kabari kalau air mati*: a citizen asks for notices, sees what they asked for, and stops with one word."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from actions.effects import NoticesAsked, NoticesEnded
from bot import metrics
from bot.conversations import noticedata, noticewords, speech
from bot.door import Door
from bot.storage import broadcasts, subscriptions
from bot.storage.subscriptions import EVERYWHERE
from bot.vocabulary.conversations import Conversation, Owner, Say
from intents import places

STOPPED, CHANNEL_SAYS_SO = "stopped", "opted_out"


async def hear(door: Door, conversation: Conversation, text: str, pressed: bool) -> dict[str, Any] | None:
    """The effect that a message asks for, or None when it is for somebody else to answer.

    A form being filled in, and a person who has the talk, hear what is not plain first; "stop" as an answer
    to a notice is always for us.
    """
    offered = noticedata.of(door.settings.root, conversation.tenant)
    wish = noticewords.read(text, pressed, offered)
    if wish is None:
        return None
    busy = bool((conversation.state or {}).get("form")) or conversation.owner in (Owner.QUEUE, Owner.AGENT)
    if wish.act == "end" and not wish.plain:
        async with door.database.reading() as conn:
            mine = await subscriptions.of(conn, conversation.id)
            answers = bool(mine) and await subscriptions.heard_last(conn, conversation.id)
        topics = {item.topic for item in mine}
        theirs = bool(mine) if wish.one_word else wish.topic in topics
        if not theirs or (busy and not answers):
            return None
    elif busy and not wish.plain:
        return None
    if wish.act == "ask":
        return NoticesAsked(wish.topic, wish.rest).to_json()
    return NoticesEnded(wish.topic, only_show=wish.act == "show").to_json()


async def ask(
    conn: AsyncConnection, door: Door, conversation: Conversation, effect: NoticesAsked, now: datetime
) -> list[Say]:
    """Subscribe to a topic, in the places that were named; without a topic, offer those there are."""
    offered = noticedata.of(door.settings.root, conversation.tenant)
    topic = effect.topic
    if topic is None or topic not in offered.topics:
        return [
            Say("notices.which", buttons=tuple(_ask(door, conversation, name) for name in offered.topics))
        ]
    here, away = named_places(conversation.tenant, effect.words)
    if away and not here:
        return [Say("notices.elsewhere", {"place": ", ".join(away)})]
    for code in list(here) or [EVERYWHERE]:
        await subscriptions.add(conn, conversation.id, conversation.tenant, topic, code, now)
    metrics.SUBSCRIPTIONS.labels(conversation.tenant, topic, "asked").inc()
    values = {
        "topic": {"$text": f"notices.topic.{topic}"},
        "place": ", ".join(here.values()) or _whole(door, conversation.tenant),
    }
    says = [Say("notices.subscribed", values)]
    if not here and (example := example_place(conversation.tenant)):
        says.append(Say("notices.whole_area", {"example": example}))
    return [*says, *_go_on(conversation)]


async def end(
    conn: AsyncConnection, door: Door, conversation: Conversation, effect: NoticesEnded, now: datetime
) -> list[Say]:
    """Stop, or only show what there is; what is queued and not sent yet is taken back with it."""
    mine = await subscriptions.of(conn, conversation.id)
    if not mine:
        return [Say("notices.none")]
    if effect.only_show:
        lines = [
            {
                "$text": "notices.line",
                "values": {
                    "topic": {"$text": f"notices.topic.{item.topic}"},
                    "place": place_name(door, conversation.tenant, item.place),
                },
            }
            for item in mine
        ]
        return [Say("notices.mine", {"list": {"$list": lines}})]
    await stop(conn, conversation.id, effect.topic, STOPPED, now)
    metrics.SUBSCRIPTIONS.labels(conversation.tenant, effect.topic or "all", "stopped").inc()
    if effect.topic is None:
        return [Say("notices.stopped"), *_go_on(conversation)]
    topic = {"$text": f"notices.topic.{effect.topic}"}
    return [Say("notices.stopped_topic", {"topic": topic}), *_go_on(conversation)]


async def stop(
    conn: AsyncConnection, conversation_id: str, topic: str | None, why: str, now: datetime
) -> None:
    """End a person's subscriptions, also when their channel tells us that they want no more."""
    await subscriptions.end(conn, conversation_id, topic, why, now)
    if topic is None:
        await broadcasts.recall_from(conn, conversation_id, now)


def named_places(tenant: str, words: str) -> tuple[dict[str, str], list[str]]:
    """The kelurahan and kecamatan that words name: a government's own by code, and the names of others'."""
    mentions = [item for item in places.find(words, tenant) if item.kind in ("village", "district")]
    here = {item.code: item.value for item in mentions if item.code and item.tenant == tenant}
    return here, [item.value for item in mentions if item.tenant != tenant]


def codes_of(tenant: str, names: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """The codes of a government's places by name, and the names that are none of its own."""
    codes: list[str] = []
    unknown: list[str] = []
    for name in names:
        # A name that is an everyday word counts only beside "kelurahan".
        found = named_places(tenant, name)[0] or named_places(tenant, f"kelurahan {name}")[0]
        codes += found
        unknown += [] if found else [name]
    return tuple(dict.fromkeys(codes)), unknown


def place_name(door: Door, tenant: str, code: str) -> str:
    """How a place is called in a sentence; the whole area without a code."""
    if code == EVERYWHERE:
        return _whole(door, tenant)
    area = places.gazetteer().areas.get(code)
    return area.name if area else code


def example_place(tenant: str) -> str | None:
    """A kelurahan of a government, for an example that its citizens can use."""
    areas = places.gazetteer().areas.values()
    return next((area.name for area in areas if area.tenant == tenant and area.kind == "kelurahan"), None)


def _whole(door: Door, tenant: str) -> str:
    known = door.tenants.get(tenant)
    return f"seluruh {known.short_name}" if known else tenant


def _go_on(conversation: Conversation) -> list[Say]:
    """What is being filled in was not touched."""
    return [Say("notices.go_on")] if (conversation.state or {}).get("form") else []


def _ask(door: Door, conversation: Conversation, topic: str) -> dict[str, Any]:
    title = speech.sentence(door, conversation.tenant, f"notices.topic.{topic}")
    payload = f"{noticewords.ASK}{json.dumps({'topic': topic})}"
    return {"title": title[:1].upper() + title[1:], "payload": payload, "reusable": True}
