"""What an agent does with a conversation: take it, hand it on, end it, label it, teach from it."""

from fastapi import APIRouter, Request, Response

from bot.conversations.desk import claims, drafts, handing, labels, notes, teaching, writing
from bot.conversations.desk.errors import Unusable
from bot.storage import handoffs, messages
from bot.storage.audit import Act
from bot.vocabulary.agents import Outcome
from bot.vocabulary.messages import ChannelName
from bot.web import screens
from bot.web.access import identity
from bot.web.agent import frame, talk
from bot.web.agent.frame import Poster, Visitor

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)


@router.post("/tugas/{handoff_id}/ambil")
async def claim(request: Request, signed: Poster, handoff_id: str) -> Response:
    """Take what waits, and open it."""
    found = await claims.claim(identity.door_of(request), signed.agent, handoff_id)
    return await _opened(request, signed, found.conversation_id)


@router.post("/percakapan/{conversation_id}/ambil-alih")
async def take_over(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Take a conversation from the bot, and open it."""
    await claims.take_over(identity.door_of(request), signed.agent, conversation_id)
    return await _opened(request, signed, conversation_id)


@router.post("/tugas/{handoff_id}/lepas")
async def release(request: Request, signed: Poster, handoff_id: str) -> Response:
    """Give it back to the queue."""
    await handing.release(identity.door_of(request), signed.agent, handoff_id)
    return await _back(request, handoff_id, "released")


@router.post("/tugas/{handoff_id}/teruskan")
async def forward(request: Request, signed: Poster, handoff_id: str) -> Response:
    """Hand it to a colleague or a department: the field `tujuan` is `agent:ID` or `skill:NAME`."""
    kind, _, name = (await frame.field(request, "tujuan", 128)).partition(":")
    word = await frame.field(request, "pesan", 2000)
    await handing.forward(
        identity.door_of(request),
        signed.agent,
        handoff_id,
        to_agent=name if kind == "agent" and name else None,
        skill=name if kind == "skill" and name else None,
        word=word or None,
    )
    return await _back(request, handoff_id, "forwarded")


@router.post("/tugas/{handoff_id}/ke-bot")
async def to_bot(request: Request, signed: Poster, handoff_id: str) -> Response:
    """Give it back to the bot with a word to the citizen."""
    word = await frame.field(request, "pesan", 2000)
    await handing.to_bot(identity.door_of(request), signed.agent, handoff_id, word or None)
    return await _back(request, handoff_id, "to_bot")


@router.post("/tugas/{handoff_id}/selesai")
async def close(request: Request, signed: Poster, handoff_id: str) -> Response:
    """End it with its outcome."""
    outcome = await frame.field(request, "hasil", 32)
    if outcome not in talk.OUTCOMES:
        raise Unusable("other")
    word = await frame.field(request, "pesan", 2000)
    ask = await frame.field(request, "nilai", 4) == "1"
    await handing.close(
        identity.door_of(request), signed.agent, handoff_id, Outcome(outcome), word or None, ask_rating=ask
    )
    return await _back(request, handoff_id, "closed")


@router.post("/pesan/{message_id}/kirim-ulang")
async def resend(request: Request, signed: Poster, message_id: int) -> Response:
    """Send again what did not arrive; the field `kanal` chooses the channel."""
    door = identity.door_of(request)
    wanted = await frame.field(request, "kanal", 16)
    if wanted and wanted not in set(ChannelName):
        raise Unusable("other")
    channel = await writing.resend(door, signed.agent, message_id, ChannelName(wanted) if wanted else None)
    return frame.done(request, await _conversation(request, message_id), said="resent", name=channel)


@router.get("/pesan/{message_id}/jalan")
async def ways(request: Request, signed: Visitor, message_id: int) -> Response:
    """On which channels it could go out now, and how."""
    found = await writing.ways(identity.door_of(request), signed.agent, message_id)
    return screens.render(request, "agent/ways.html", signed, ways=found, message_id=message_id)


@router.post("/pesan/{message_id}/maksud")
async def meant(request: Request, signed: Poster, message_id: int) -> Response:
    """Say what a citizen's message meant."""
    intent = await frame.field(request, "maksud", 64)
    await teaching.meant(identity.door_of(request), signed.agent, message_id, intent)
    return frame.done(request, await _conversation(request, message_id), said="taught")


@router.post("/percakapan/{conversation_id}/label")
async def label(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Put a label on."""
    await labels.put(
        identity.door_of(request), signed.agent, conversation_id, await frame.field(request, "label", 200)
    )
    return frame.done(request, conversation_id)


@router.post("/percakapan/{conversation_id}/label/lepas")
async def unlabel(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Take a label off."""
    await labels.remove(
        identity.door_of(request), signed.agent, conversation_id, await frame.field(request, "label", 200)
    )
    return frame.done(request, conversation_id)


@router.post("/percakapan/{conversation_id}/catatan")
async def note(request: Request, signed: Poster, conversation_id: str) -> Response:
    """Leave a private note."""
    await notes.add(
        identity.door_of(request), signed.agent, conversation_id, await frame.field(request, "teks", 5000)
    )
    return frame.done(request, conversation_id, said="noted")


@router.post("/draf/{draft_id}/kirim")
async def send_draft(request: Request, signed: Poster, draft_id: str) -> Response:
    """Send what the bot drafted, as it stands in the fields."""
    given = (await request.form()).getlist("teks")
    conversation_id = await frame.field(request, "percakapan", 32)
    await drafts.send(
        identity.door_of(request), signed.agent, draft_id, [str(text) for text in given] or None
    )
    return frame.done(request, conversation_id, said="sent")


@router.post("/draf/{draft_id}/batal")
async def discard_draft(request: Request, signed: Poster, draft_id: str) -> Response:
    """Drop what the bot drafted."""
    conversation_id = await frame.field(request, "percakapan", 32)
    await drafts.discard(identity.door_of(request), signed.agent, draft_id)
    return frame.done(request, conversation_id)


async def _opened(request: Request, signed: Poster, conversation_id: str) -> Response:
    if not screens.by_script(request):
        return frame.done(request, conversation_id)
    found = await talk.read(request, signed, conversation_id)
    await frame.looked(request, signed, Act.CONVERSATION_OPENED, conversation_id, "transcript")
    response = await talk.part(request, signed, "milik-saya", found)
    response.headers["HX-Push-Url"] = f"/agent/kotak/milik-saya/{conversation_id}"
    return response


async def _back(request: Request, handoff_id: str, said: str) -> Response:
    async with identity.door_of(request).database.reading() as conn:
        found = await handoffs.get(conn, handoff_id)
    return frame.done(request, found.conversation_id, said=said)


async def _conversation(request: Request, message_id: int) -> str:
    async with identity.door_of(request).database.reading() as conn:
        return (await messages.get(conn, message_id)).conversation_id
