"""What happens, as it happens: durable events to open consoles, and where their agents are."""

import json
import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from bot.conversations.desk import events, presence
from bot.conversations.desk.errors import Unusable
from bot.door import Door
from bot.storage import handoffs
from bot.vocabulary.agents import ConsoleEvent, EventKind, PresenceState
from bot.web import screens
from bot.web.access import identity
from bot.web.access.identity import Signed, SignInFirst
from bot.web.agent import frame
from bot.web.agent.frame import Poster

SHOWN = ("urgency", "number", "direction", "by", "name", "how", "decision", "agent", "state", "reason")
router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)
# How long a console may be told things before its session is looked at again.
LOOK_SECONDS = 15.0


@router.get("/peristiwa")
async def follow(request: Request, sesudah: str = "0") -> Response:
    """Server-sent events after an id (`sesudah`, or Last-Event-ID, whichever is newer)."""
    signed = await identity.who(request)
    after = max(_id(sesudah), _id(request.headers.get("last-event-id", "0")))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(request, signed, after), media_type="text/event-stream", headers=headers)


async def _told(request: Request, signed: Signed, after: int) -> AsyncIterator[str]:
    """Events, and a ping in between at which the session is looked at again."""
    door = identity.door_of(request)
    yield "retry: 1000\n\nevent: ping\ndata: 0\n\n"
    if await events.missed(door, signed.agent.tenant, after):
        # Away for longer than events are kept: only the page as it is now tells the whole story.
        yield "event: anew\ndata: 0\n\n"
        return
    looked = time.monotonic()
    async for event in events.follow(door, signed.agent, after):
        # A busy desk is never quiet enough for a ping, and a session that has ended must end there too.
        if event is None or time.monotonic() - looked >= LOOK_SECONDS:
            try:
                await identity.who(request)
            except SignInFirst:
                yield "event: over\ndata: 0\n\n"
                return
            looked = time.monotonic()
        if event is None:
            yield "event: ping\ndata: 0\n\n"
            continue
        data = await _as_json(door, event)
        yield f"id: {event.id}\nevent: desk\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


async def _as_json(door: Door, event: ConsoleEvent) -> dict[str, object]:
    owner = event.data.get("by") if event.kind is EventKind.HANDOFF_ASSIGNED else None
    if event.handoff_id is not None and event.kind in (EventKind.MESSAGE, EventKind.HANDOFF_ASSIGNED):
        owner = await door.reads.ask(_owner, door, event.handoff_id)
    return {
        **{name: event.data.get(name) for name in SHOWN},
        "kind": event.kind,
        "conversation": event.conversation_id,
        "handoff": event.handoff_id,
        "owner": owner,
    }


async def _owner(door: Door, handoff_id: str) -> str | None:
    async with door.database.reading() as conn:
        return (await handoffs.get(conn, handoff_id)).agent_id


@router.post("/hadir")
async def beat(request: Request, signed: Poster) -> Response:
    """This console is open."""
    await presence.beat(identity.door_of(request), signed.agent)
    return Response(status_code=204)


@router.post("/keberadaan")
async def change(request: Request, signed: Poster) -> Response:
    """Say where one is: the field `keadaan` is a state, or `away:REASON`."""
    state, _, reason = (await frame.field(request, "keadaan", 100)).partition(":")
    if state not in set(PresenceState):
        raise Unusable("other")
    await presence.change(identity.door_of(request), signed.agent, PresenceState(state), reason or None)
    if screens.by_script(request):
        return Response(status_code=204)
    return frame.done(request, "", "baru")


def _id(raw: str) -> int:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else 0
