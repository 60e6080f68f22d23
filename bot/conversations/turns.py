"""One turn: what waits in a claimed conversation is answered, and everything it changed commits at once."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import metrics
from bot.conversations import (
    answers,
    attachments,
    choices,
    commands,
    commitment,
    emergency,
    enclosures,
    flowforms,
    handoff,
    identity,
    language,
    linkwords,
    notices,
    outbound,
    paging,
    situation,
    speech,
    startlinks,
    window,
)
from bot.conversations.answers import Answer
from bot.conversations.desk import events
from bot.conversations.situation import Context
from bot.dialogue.base import DialogueError, DialogueUnavailable
from bot.door import Door
from bot.storage import conversations
from bot.storage.buttons import OfferedButton
from bot.storage.conversations import Claim
from bot.storage.database import values_at_fault
from bot.storage.messages import StoredMessage
from bot.vocabulary.conversations import Conversation, Owner, Reply, Say, Turn
from bot.vocabulary.messages import IncomingKind, Location

log = logging.getLogger(__name__)

TYPED = frozenset({IncomingKind.TEXT, IncomingKind.COMMAND, IncomingKind.BUTTON})
THUMBS_UP = frozenset("👍👌✅🙏")
UNREADABLE = {
    IncomingKind.CONTACT: "unsupported.contact",
    IncomingKind.UNSUPPORTED: "unsupported.other",
    IncomingKind.EDIT: "unsupported.edit",
}
MINDS_CHANGED = 3
SAYS_AGENT = frozenset({"/talk_to_agent", "petugas", "minta petugas", "agen", "operator", "admin"})


async def handle(door: Door, conversation: Conversation, claim: Claim) -> bool:
    """Answer the next batch of a claimed conversation and give the claim back; True when more waits.

    Raises:
        ClaimLost: another worker has the conversation; nothing of this turn was kept.
    """
    for _ in range(MINDS_CHANGED):
        try:
            return await _handle(door, conversation, claim)
        except commitment.OwnerChanged:
            # The bot must not talk over a person: what it would have said is dropped, and asked anew.
            log.info("the owner of conversation %s changed during its turn", conversation.id)
    async with door.database.transaction() as conn:
        return await conversations.release(conn, claim, datetime.now(UTC))


async def _handle(door: Door, conversation: Conversation, claim: Claim) -> bool:
    started = time.perf_counter()
    context = await situation.read(door, conversation)
    while wait := enclosures.unsettled(context.batch, datetime.now(UTC)):
        await asyncio.sleep(wait)
        context = await situation.read(door, conversation)
    if not context.batch:
        async with door.database.transaction() as conn:
            return await conversations.release(conn, claim, datetime.now(UTC))
    try:
        answer = await _answer(door, context)
    except Exception:
        # The last net: whatever broke, the citizen hears an honest sentence and the draft stays.
        log.exception("turn of conversation %s failed", conversation.id)
        answer = answers.failed(context.conversation, "error")
    try:
        more = await commitment.commit(door, context, claim, answer, started)
    except Exception as error:
        if isinstance(error, commitment.OwnerChanged):
            raise
        # What does not fit the tables will not fit them tomorrow; a database that is away is waited for.
        if not values_at_fault(error):
            raise
        log.exception("the answer of conversation %s could not be stored", conversation.id)
        answer = answers.failed(context.conversation, "unstorable")
        more = await commitment.commit(door, context, claim, answer, started)
    metrics.TURNS.labels(answer.outcome).inc()
    if context.waits is not None or answer.outcome == "desk":
        await door.wakeups.wake(events.topic(conversation.tenant))
    metrics.TURN_SECONDS.observe(time.perf_counter() - started)
    await outbound.announce(door, context.conversation)
    return more


async def _answer(door: Door, context: Context) -> Answer:
    conversation, first = context.conversation, context.batch[0]
    now = datetime.now(UTC)
    kind = IncomingKind(first.kind)
    text = " ".join(message.text for message in context.batch if message.text)
    pressed: OfferedButton | None = None
    if kind is IncomingKind.BUTTON:
        press = choices.press(context.pressed, now)
        if press.payload is None:
            return answers.plain(conversation, "button_refused", Say(press.refusal or "button.unknown"))
        if page := paging.turned(door, conversation, press.payload):
            bubbles, failures = [page], conversation.failures
            return Answer("page_turned", [], state=conversation.state, failures=failures, bubbles=bubbles)
        if press.payload == window.SHOW_WHOLE and context.pressed is not None:
            return await answers.whole(door, conversation, context.pressed.message_id)
        pressed, text = context.pressed, press.payload
    elif kind is IncomingKind.COMMAND:
        text = commands.read(text)
        if conversation.owner not in (Owner.QUEUE, Owner.AGENT):
            opened = startlinks.read(door, conversation.tenant, _raw(door, first))
            if isinstance(opened, Say):
                return answers.plain(conversation, "start", opened)
            text = opened or text
    elif kind is IncomingKind.TEXT:
        pressed = choices.typed(text, context.offered, now)
        text = pressed.payload if pressed else text.lstrip("/").strip()
    if kind in TYPED and (asked := _link_wish(door, context, text, pressed)):
        return Answer("linking", [], asked, conversation.state, conversation.failures, pressed=pressed)
    own = handoff.choice(conversation, text) if pressed is not None else None
    if own is not None:
        own.pressed = pressed
        return own
    if kind in TYPED and (wish := await notices.hear(door, conversation, text, pressed is not None)):
        return Answer(
            "notices",
            effects=(wish,),
            state=conversation.state,
            failures=conversation.failures,
            pressed=pressed,
        )
    if conversation.owner in (Owner.QUEUE, Owner.AGENT):
        # Whatever was sent, a voice note too: the person will look at it.
        await attachments.photos(door, context)
        return handoff.while_waiting(conversation, text, context.waits, now)
    if kind in enclosures.KEPT:
        return await attachments.enclosed(door, context, kind)
    if kind is IncomingKind.FORM:
        forms = flowforms.registry(door.channels.get(conversation.address.channel))
        judged = flowforms.judged(forms, context.pressed, now)
        flow = forms.starting(judged.payload or "")
        if flow is None:
            return answers.form_refused(conversation, forms, first, judged.refusal or "flow.unknown")
        pressed, text = context.pressed, flowforms.payload(flow, first.extra.get("form") or {})
    if kind in UNREADABLE:
        metrics.BAD_INPUT.labels(conversation.address.channel, kind).inc()
        if context.explained:
            return Answer("unsupported_again", state=conversation.state, failures=conversation.failures)
        named = f"unsupported.{first.text}"
        known = kind is IncomingKind.UNSUPPORTED and door.texts.has(named, conversation.tenant)
        return answers.plain(conversation, "unsupported", Say(named if known else UNREADABLE[kind]))
    if kind is IncomingKind.TEXT and not any(character.isalnum() for character in text):
        if not text or text[0] not in THUMBS_UP:
            return answers.plain(conversation, "no_words", Say("input.no_words"))
        text = "ya"
    photos: tuple[dict[str, Any], ...] = ()
    if kind in (IncomingKind.PHOTO, IncomingKind.FORM):
        photos = await attachments.photos(door, context)
        if not photos and not text:
            return answers.plain(conversation, "photo_refused", Say("media.not_a_picture"))
    heard = language.hear(text, conversation.language)
    turn = Turn(
        id=first.uid,
        conversation_id=conversation.id,
        tenant=conversation.tenant,
        channel=conversation.address.channel,
        text=text,
        now=datetime.now(ZoneInfo(door.tenants[conversation.tenant].timezone)),
        language=heard,
        location=None if first.location is None else Location(first.location["lat"], first.location["lon"]),
        photos=photos,
        cases=tuple(situation.plain(item) for item in context.cases),
        bookings=tuple(situation.plain(item) for item in context.bookings),
        waitings=tuple(situation.plain(item) for item in context.waitings),
        person=identity.person(conversation.citizen_id),
        display_name=conversation.address.display_name,
        state=conversation.state,
    )
    try:
        reply = await _respond(door, turn)
    except DialogueError as error:
        log.warning("turn %s: %s: %s", turn.id, type(error).__name__, error)
        away = isinstance(error, DialogueUnavailable)
        answer = answers.failed(conversation, "unavailable" if away else "failed")
        if danger := emergency.check(text, alone=True):
            # What only the engine would have heard: with it away, the guard errs towards the number.
            metrics.EMERGENCIES.labels(danger.kind).inc()
            answer.says = [emergency.say(door, conversation.tenant, danger)]
        elif text.lower() in SAYS_AGENT:
            # A person must be reachable above all when the machine is not.
            answer.says = [Say("handoff.requested_plainly")]
            answer.effects = ({"type": "handoff_requested", "reason": "engine_down", "summary": {}},)
        return answer
    failures = answers.city_failures(conversation, reply)
    return Answer(
        outcome="answered",
        says=answers.with_a_way_out(list(reply.messages), failures),
        effects=reply.effects,
        state=reply.state,
        failures=failures,
        understanding=reply.understanding,
        pressed=pressed,
        language=heard,
    )


def _link_wish(
    door: Door, context: Context, text: str, pressed: OfferedButton | None
) -> tuple[dict[str, Any], ...]:
    """The effect by which channels are linked or taken apart, if the citizen asks for that."""
    first = context.batch[0]
    # A code is masked where the message is stored: read what was really written.
    wish = linkwords.read(text if pressed else _raw(door, first), pressed is not None, context.linked)
    with_person = context.conversation.owner in (Owner.QUEUE, Owner.AGENT)
    return () if wish is None or (with_person and not wish.plain) else (wish.effect,)


def _raw(door: Door, message: StoredMessage) -> str:
    return speech.words_of(door, message.text, message.sealed_text) or ""


async def _respond(door: Door, turn: Turn) -> Reply:
    """Ask the engine; one that restarts is waited for, because a turn asked again is harmless."""
    deadline = time.monotonic() + door.settings.rasa_patience_seconds
    while True:
        try:
            return await door.engine.respond(turn)
        except DialogueUnavailable:
            if time.monotonic() >= deadline:
                raise
            await asyncio.sleep(0.25)
