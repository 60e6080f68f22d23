"""One turn: what waits in a claimed conversation is answered, and everything it changed commits at once."""

import asyncio
import contextlib
import hashlib
import logging
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from bot import metrics
from bot.channels.base import ChannelError
from bot.channels.whatsapp.flows import Flows
from bot.conversations import (
    choices,
    commands,
    effects,
    emergency,
    enclosures,
    flowforms,
    handoff,
    language,
    linkwords,
    notices,
    outbound,
    paging,
    speech,
    startlinks,
    window,
)
from bot.conversations.desk import drafts, events, presence
from bot.conversations.desk.rules import in_force
from bot.dialogue.base import DialogueError, DialogueUnavailable
from bot.door import Door
from bot.storage import (
    bookings,
    buttons,
    cases,
    consoleevents,
    conversations,
    desksettings,
    handoffs,
    messages,
    persons,
    waitings,
)
from bot.storage.buttons import OfferedButton
from bot.storage.conversations import Claim, ClaimLost
from bot.storage.database import values_at_fault
from bot.storage.media import MAX_BYTES, MediaRefused
from bot.storage.messages import StoredMessage
from bot.vocabulary.agents import EventKind, Handoff
from bot.vocabulary.conversations import Conversation, Owner, Reply, Say, Turn
from bot.vocabulary.messages import IncomingKind, IncomingMedia, Location, OutgoingMessage

log = logging.getLogger(__name__)

PHOTOS_A_TURN = 5
TYPED = frozenset({IncomingKind.TEXT, IncomingKind.COMMAND, IncomingKind.BUTTON})
THUMBS_UP = frozenset("👍👌✅🙏")
UNREADABLE = {
    IncomingKind.CONTACT: "unsupported.contact",
    IncomingKind.UNSUPPORTED: "unsupported.other",
    IncomingKind.EDIT: "unsupported.edit",
}
# A thumb under a message is courtesy, not a question: one explanation a day is enough.
REACTIONS_APART = timedelta(days=1)
MINDS_CHANGED = 3
CITY_AWAY = frozenset({"error.backend", "error.backend_unreachable", "error.backend_changed"})
_AGENT = {"title_key": "button.talk_to_agent", "payload": "/talk_to_agent", "reusable": True}
SAYS_AGENT = frozenset({"/talk_to_agent", "petugas", "minta petugas", "agen", "operator", "admin"})


@dataclass
class Answer:
    """What a turn came to, before it is stored."""

    outcome: str
    says: list[Say] = field(default_factory=list)
    effects: tuple[dict[str, Any], ...] = ()
    state: dict[str, Any] | None = None
    failures: int = 0
    understanding: dict[str, Any] | None = None
    pressed: OfferedButton | None = None
    language: str | None = None
    # Said before in other words, now whole.
    bubbles: list[OutgoingMessage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Context:
    """What the turn is about: the messages it answers and what the citizen already has with us."""

    conversation: Conversation
    batch: list[StoredMessage]
    offered: list[OfferedButton]
    pressed: OfferedButton | None
    cases: list[Any]
    bookings: list[Any]
    waitings: list[Any]
    waits: Handoff | None = None
    # This citizen was told already what becomes of such a message.
    explained: bool = False
    # This citizen has linked another channel.
    linked: bool = False


class OwnerChanged(Exception):
    """A person took the conversation, or gave it back, while the answer was being made."""


async def handle(door: Door, conversation: Conversation, claim: Claim) -> bool:
    """Answer the next batch of a claimed conversation and give the claim back; True when more waits.

    Raises:
        ClaimLost: another worker has the conversation; nothing of this turn was kept.
    """
    for _ in range(MINDS_CHANGED):
        try:
            return await _handle(door, conversation, claim)
        except OwnerChanged:
            # The bot must not talk over a person: what it would have said is dropped, and asked anew.
            log.info("the owner of conversation %s changed during its turn", conversation.id)
    async with door.database.transaction() as conn:
        return await conversations.release(conn, claim, datetime.now(UTC))


async def _handle(door: Door, conversation: Conversation, claim: Claim) -> bool:
    started = time.perf_counter()
    context = await _context(door, conversation)
    while wait := enclosures.unsettled(context.batch, datetime.now(UTC)):
        await asyncio.sleep(wait)
        context = await _context(door, conversation)
    if not context.batch:
        async with door.database.transaction() as conn:
            return await conversations.release(conn, claim, datetime.now(UTC))
    try:
        answer = await _answer(door, context)
    except Exception:
        # The last net: whatever broke, the citizen hears an honest sentence and the draft stays.
        log.exception("turn of conversation %s failed", conversation.id)
        answer = _failed(context.conversation, "error")
    try:
        more = await _commit(door, context, claim, answer, started)
    except Exception as error:
        if isinstance(error, OwnerChanged):
            raise
        # What does not fit the tables will not fit them tomorrow; a database that is away is waited for.
        if not values_at_fault(error):
            raise
        log.exception("the answer of conversation %s could not be stored", conversation.id)
        answer = _failed(context.conversation, "unstorable")
        more = await _commit(door, context, claim, answer, started)
    metrics.TURNS.labels(answer.outcome).inc()
    if context.waits is not None or answer.outcome == "desk":
        await door.wakeups.wake(events.topic(conversation.tenant))
    metrics.TURN_SECONDS.observe(time.perf_counter() - started)
    await outbound.announce(door, context.conversation)
    return more


async def _context(door: Door, conversation: Conversation) -> Context:
    async with door.database.reading() as conn:
        conversation = await conversations.get(conn, conversation.id)
        batch = _batch(await messages.waiting(conn, conversation.id))
        first = batch[0] if batch else None
        offered: list[OfferedButton] = []
        pressed = None
        if first is not None and first.button:
            pressed = await buttons.find(conn, conversation.id, first.button)
        elif first is not None and first.kind == IncomingKind.TEXT:
            offered = await buttons.newest(conn, conversation.id)
        known_cases = await cases.cases_of(conn, conversation.id) if first else []
        known_bookings = await bookings.of(conn, conversation.id) if first else []
        known_waitings = await waitings.of(conn, conversation.id) if first else []
        waits = await handoffs.open_of(conn, conversation.id) if first else None
        linked = bool(first) and len(await persons.ids(conn, conversation.id)) > 1
        explained = False
        if first is not None and first.kind == IncomingKind.UNSUPPORTED and first.text == "reaction":
            since = first.created_at - REACTIONS_APART
            explained = await messages.explained(conn, conversation.id, first.text, since)
    return Context(
        conversation,
        batch,
        offered,
        pressed,
        known_cases,
        known_bookings,
        known_waitings,
        waits,
        explained,
        linked,
    )


def _batch(waiting: list[StoredMessage]) -> list[StoredMessage]:
    """One message, or a run of photos, or an album: ten files sent at once are one thing said."""
    run: list[StoredMessage] = []
    for message in waiting:
        album = message.extra.get("album")
        joined = bool(album and run and (message.kind, album) == (run[0].kind, run[0].extra.get("album")))
        picture = message.kind == IncomingKind.PHOTO and (not run or run[0].kind == IncomingKind.PHOTO)
        if run and not (picture or joined):
            break
        run.append(message)
        if not picture and not album:
            break
    return run


async def _answer(door: Door, context: Context) -> Answer:
    conversation, first = context.conversation, context.batch[0]
    now = datetime.now(UTC)
    kind = IncomingKind(first.kind)
    text = " ".join(message.text for message in context.batch if message.text)
    pressed: OfferedButton | None = None
    if kind is IncomingKind.BUTTON:
        press = choices.press(context.pressed, now)
        if press.payload is None:
            return _plain(conversation, "button_refused", Say(press.refusal or "button.unknown"))
        if page := paging.turned(door, conversation, press.payload):
            bubbles, failures = [page], conversation.failures
            return Answer("page_turned", [], state=conversation.state, failures=failures, bubbles=bubbles)
        if press.payload == window.SHOW_WHOLE and context.pressed is not None:
            return await _whole(door, conversation, context.pressed.message_id)
        pressed, text = context.pressed, press.payload
    elif kind is IncomingKind.COMMAND:
        text = commands.read(text)
        if conversation.owner not in (Owner.QUEUE, Owner.AGENT):
            opened = startlinks.read(door, conversation.tenant, _raw(door, first))
            if isinstance(opened, Say):
                return _plain(conversation, "start", opened)
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
        await _photos(door, context)
        return handoff.while_waiting(conversation, text, context.waits, now)
    if kind in enclosures.KEPT:
        return await _enclosed(door, context, kind)
    if kind is IncomingKind.FORM:
        forms = flowforms.registry(door.channels.get(conversation.address.channel))
        judged = flowforms.judged(forms, context.pressed, now)
        flow = forms.starting(judged.payload or "")
        if flow is None:
            return _form_refused(conversation, forms, first, judged.refusal or "flow.unknown")
        pressed, text = context.pressed, flowforms.payload(flow, first.extra.get("form") or {})
    if kind in UNREADABLE:
        metrics.BAD_INPUT.labels(conversation.address.channel, kind).inc()
        if context.explained:
            return Answer("unsupported_again", state=conversation.state, failures=conversation.failures)
        named = f"unsupported.{first.text}"
        known = kind is IncomingKind.UNSUPPORTED and door.texts.has(named, conversation.tenant)
        return _plain(conversation, "unsupported", Say(named if known else UNREADABLE[kind]))
    if kind is IncomingKind.TEXT and not any(character.isalnum() for character in text):
        if not text or text[0] not in THUMBS_UP:
            return _plain(conversation, "no_words", Say("input.no_words"))
        text = "ya"
    photos: tuple[dict[str, Any], ...] = ()
    if kind in (IncomingKind.PHOTO, IncomingKind.FORM):
        photos = await _photos(door, context)
        if not photos and not text:
            return _plain(conversation, "photo_refused", Say("media.not_a_picture"))
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
        cases=tuple(_plain_data(item) for item in context.cases),
        bookings=tuple(_plain_data(item) for item in context.bookings),
        waitings=tuple(_plain_data(item) for item in context.waitings),
        person=person(conversation.citizen_id),
        display_name=conversation.address.display_name,
        state=conversation.state,
    )
    try:
        reply = await _respond(door, turn)
    except DialogueError as error:
        log.warning("turn %s: %s: %s", turn.id, type(error).__name__, error)
        answer = _failed(conversation, "unavailable" if isinstance(error, DialogueUnavailable) else "failed")
        if danger := emergency.check(text, alone=True):
            # What only the engine would have heard: with it away, the guard errs towards the number.
            metrics.EMERGENCIES.labels(danger.kind).inc()
            answer.says = [emergency.say(door, conversation.tenant, danger)]
        elif text.lower() in SAYS_AGENT:
            # A person must be reachable above all when the machine is not.
            answer.says = [Say("handoff.requested_plainly")]
            answer.effects = ({"type": "handoff_requested", "reason": "engine_down", "summary": {}},)
        return answer
    failures = _city_failures(conversation, reply)
    return Answer(
        outcome="answered",
        says=_with_a_way_out(list(reply.messages), failures),
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


def _city_failures(conversation: Conversation, reply: Reply) -> int:
    """How many answers in a row had to say that a city system does not work."""
    broken = any(message.text_key in CITY_AWAY for message in reply.messages)
    return conversation.failures + 1 if broken else 0


def _with_a_way_out(says: list[Say], failures: int) -> list[Say]:
    """From the second failure in a row a person is offered, unless the answer offers one already."""
    offered = any(button["payload"].startswith("/talk_to_agent") for say in says for button in say.buttons)
    if failures < 2 or offered:
        return says
    return [*says, Say("error.backend_again", buttons=(_AGENT,))]


async def _whole(door: Door, conversation: Conversation, message_id: int) -> Answer:
    """What a template only announced, with buttons that work now."""
    async with door.database.reading() as conn:
        stored = await messages.get(conn, message_id)
    words = speech.words_of(door, stored.text, stored.sealed_text)
    bubble = speech.from_stored(words, stored.buttons, stored.attachments, stored.ask_location)
    bubble = speech.with_new_tokens(bubble, stored.buttons)
    return Answer(
        "shown_whole", [], state=conversation.state, failures=conversation.failures, bubbles=[bubble]
    )


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


async def _photos(door: Door, context: Context) -> tuple[dict[str, Any], ...]:
    """Make the pictures of a batch ours, without their tags, and give each an address a backend may fetch.

    Where one was taken goes along apart from it, for the dialogue to ask whether it may be used.
    """
    adapter = door.channels.get(context.conversation.address.channel)
    found: list[dict[str, Any]] = []
    for message in context.batch:
        for item in message.media:
            if len(found) == PHOTOS_A_TURN:
                return tuple(found)
            media_id = item.get("media_id")
            if media_id is None and adapter is not None:
                media_id = await _download(door, adapter, message, item)
            if media_id is not None and await _theirs(door, media_id, message.conversation_id):
                spot = await door.media.taken_at(media_id)
                found.append({"media_id": media_id, "url": speech.media_url(door, media_id), **spot})
    return tuple(found)


async def _enclosed(door: Door, context: Context, kind: IncomingKind) -> Answer:
    """Keep a voice note or a document for an agent, and say so."""
    adapter = door.channels.get(context.conversation.address.channel)
    kept, refused = 0, None
    for message in context.batch:
        for item in message.media:
            try:
                kept += await _keep_enclosure(door, adapter, message, item)
            except MediaRefused as error:
                refused = error.text_key
    metrics.BAD_INPUT.labels(context.conversation.address.channel, kind).inc()
    return _plain(context.conversation, "kept", enclosures.answer(kind, kept, refused))


async def _keep_enclosure(door: Door, adapter: Any, message: StoredMessage, item: dict[str, Any]) -> bool:
    """Make one file ours; True when we have it. Raises MediaRefused."""
    if item.get("media_id"):
        return await _theirs(door, item["media_id"], message.conversation_id)
    if (item.get("size") or 0) > MAX_BYTES:
        raise MediaRefused("kept.too_big")
    if adapter is None:
        return False
    try:
        data, content_type = await adapter.download(IncomingMedia(**item))
    except ChannelError as error:
        log.info("file of message %s not kept: %s", message.id, type(error).__name__)
        return False
    if not enclosures.readable(data):
        raise MediaRefused("kept.not_allowed")
    item["media_id"] = await door.media.save(data, content_type, message.conversation_id)
    return True


async def _theirs(door: Door, media_id: str, conversation_id: str) -> bool:
    """True when the file was sent in this conversation: an id read elsewhere opens nobody's photo."""
    file = await door.media.find(media_id)
    return file is not None and file[2] == conversation_id


async def _download(door: Door, adapter: Any, message: StoredMessage, item: dict[str, Any]) -> str | None:
    try:
        data, content_type = await adapter.download(IncomingMedia(**item))
        media_id = await door.media.save(data, content_type, message.conversation_id)
    except (ChannelError, MediaRefused) as error:
        metrics.BAD_INPUT.labels(adapter.name, "media").inc()
        log.info("media of message %s not kept: %s", message.id, type(error).__name__)
        return None
    item["media_id"] = media_id
    return media_id


def person(citizen_id: str) -> str:
    """The citizen's pseudonym towards city systems: the same each time, and nobody's number."""
    return hashlib.sha256(f"queue person {citizen_id}".encode()).hexdigest()[:32]


def _plain_data(item: Any) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(item).items()
    }


def _plain(conversation: Conversation, outcome: str, say: Say) -> Answer:
    return Answer(outcome, [say], state=conversation.state, failures=conversation.failures)


def _form_refused(conversation: Conversation, known: Flows, message: StoredMessage, why: str) -> Answer:
    """A form that does not count: say why, and offer the same in the chat."""
    metrics.BAD_INPUT.labels(conversation.address.channel, why.replace(".", "_")).inc()
    filled = frozenset(message.extra.get("form") or ())
    likely = max(known.all.values(), key=lambda flow: len(flow.fields & filled), default=None)
    buttons: tuple[dict[str, Any], ...] = ()
    if likely is not None and why != "flow.used":
        buttons = (
            {"title_key": f"flow.start_{likely.name}", "payload": f"/{likely.starts}", "reusable": True},
        )
    return _plain(conversation, "form_refused", Say(why, buttons=buttons))


def _failed(conversation: Conversation, outcome: str) -> Answer:
    """An honest sentence; from the second failure in a row a person is offered."""
    failures = conversation.failures + 1
    say = Say("error.dialogue")
    if failures >= 2:
        say = Say("error.dialogue_again", buttons=(_AGENT,))
    return Answer(outcome, [say], state=conversation.state, failures=failures)


async def _commit(door: Door, context: Context, claim: Claim, answer: Answer, started: float) -> bool:
    """Store everything the turn changed in one transaction, and give the claim back."""
    now = datetime.now(UTC)
    conversation, turn_id = context.conversation, context.batch[0].uid
    # Everything slow happens before the transaction, which others have to wait for.
    prepared = await effects.prepare(door, conversation, turn_id, answer.effects)
    held = prepared.links.hold
    waits = context.waits
    bubbles = answer.bubbles + [_spoken(door, conversation, say) for say in answer.says]
    async with door.database.transaction() as conn:
        if len(held) > 1:
            # Rows of several conversations are held in one order, so before our own is written.
            await conversations.lock_all(conn, held, now)
        await conversations.finish(
            conn,
            claim,
            now,
            state=answer.state,
            failures=answer.failures,
            language=answer.language or conversation.language,
        )
        if (await conversations.get(conn, conversation.id)).owner is not conversation.owner:
            raise OwnerChanged(conversation.id)
        ids = [message.id for message in context.batch]
        if not await messages.mark_handled(conn, ids, now, answer.outcome.upper()):
            # Answered while this process slept, perhaps under a claim of its own.
            raise ClaimLost(conversation.id)
        if conversation.owner is Owner.CLOSED:
            await conversations.change_owner(conn, conversation.id, Owner.CLOSED, Owner.BOT)
        for message in context.batch:
            if message.media:
                await messages.update_content(
                    conn, message.id, {"media": message.media, "extra": message.extra}
                )
        if answer.pressed is not None:
            await buttons.use(conn, answer.pressed.message_id, turn_id)
        outcome = await effects.apply(conn, door, conversation, prepared, now)
        bubbles += [speech.bubble(door, conversation.tenant, say) for say in outcome.says]
        bubbles += outcome.bubbles
        for say in outcome.under:
            bubbles = speech.with_lines(bubbles, speech.bubble(door, conversation.tenant, say))
        if not bubbles and answer.outcome == "answered":
            # Effects alone are silence too.
            bubbles = [speech.bubble(door, conversation.tenant, Say("error.dialogue"))]
        bubbles, drafted = await _approved(conn, door, conversation, answer, bubbles, turn_id, now)
        bubbles = await _notice(conn, door, conversation, bubbles, now)
        await outbound.queue(conn, door, conversation, bubbles, turn_id, now)
        await messages.add_turn(
            conn,
            {
                "id": turn_id,
                "conversation_id": conversation.id,
                "outcome": answer.outcome,
                "understanding": answer.understanding,
                "milliseconds": int((time.perf_counter() - started) * 1000),
                "created_at": now,
            },
        )
        if waits is not None and answer.outcome == "for_agent":
            waits = await handoffs.heard(conn, conversation.id, now)
        more = await conversations.release(conn, claim, now)
        await _tell_consoles(conn, conversation, context, waits, outcome.told, now)
        if drafted:
            data = {"draft": turn_id}
            await consoleevents.append(
                conn, conversation.tenant, EventKind.DRAFT, now, conversation_id=conversation.id, data=data
            )
    for other in outcome.others:
        await outbound.announce(door, other)
    if drafted:
        await door.wakeups.wake(events.topic(conversation.tenant))
    if outcome.told:
        await door.wakeups.wake(events.topic(conversation.tenant))
        await door.wakeups.wake(presence.ROOM)
    if outcome.erased:
        with contextlib.suppress(OSError, SQLAlchemyError):
            await door.media.sweep()
    return more


def _spoken(door: Door, conversation: Conversation, say: Say) -> OutgoingMessage:
    bubble = speech.bubble(door, conversation.tenant, say)
    return flowforms.offered(door, conversation, bubble, say.form)


async def _approved(
    conn: Any,
    door: Door,
    conversation: Conversation,
    answer: Answer,
    bubbles: list[OutgoingMessage],
    turn_id: str,
    now: datetime,
) -> tuple[list[OutgoingMessage], bool]:
    """Hold an answer where a person is to see it first; what is sent instead, and whether it was held."""
    if answer.outcome != "answered" or not bubbles or _asks_for_person(answer):
        return bubbles, False
    rules = in_force(door, conversation.tenant, await desksettings.of(conn, conversation.tenant))
    service = _service(answer)
    if not drafts.wants_approval(rules, service):
        return bubbles, False
    first = await drafts.hold(conn, conversation, service, bubbles, turn_id, now)
    checking = [speech.bubble(door, conversation.tenant, Say("handoff.checking"))] if first else []
    return checking, True


def _asks_for_person(answer: Answer) -> bool:
    """Who asks for a person gets an answer at once, whoever else checks the bot's words."""
    # Whatever an engine sends: what is no effect at all is left out later, and counted.
    kinds = [effect.get("type") for effect in answer.effects if isinstance(effect, dict)]
    return "handoff_requested" in kinds or "handoff_ended" in kinds


def _service(answer: Answer) -> str | None:
    """The service an answer is about: the one understood now, or the one the talk is about."""
    heard = (answer.understanding or {}).get("service")
    if isinstance(heard, dict):
        heard = heard.get("id")
    slots = (answer.state or {}).get("slots") or {}
    found = heard or slots.get("service") or slots.get("booking_service")
    return found if isinstance(found, str) else None


async def _tell_consoles(
    conn: Any,
    conversation: Conversation,
    context: Context,
    waits: Handoff | None,
    told: list[EventKind],
    now: datetime,
) -> None:
    """The last thing of the transaction: what agents see of this turn."""
    if waits is None and told:
        waits = next(iter(await handoffs.of(conn, conversation.id, 1)), None)
    if waits is None:
        return
    for kind in told:
        await events.tell(conn, kind, waits, now)
    if context.waits is not None:
        first = context.batch[0]
        await events.tell(conn, EventKind.MESSAGE, waits, now, message=first.id, direction="in")


async def _notice(
    conn: Any, door: Door, conversation: Conversation, bubbles: list[OutgoingMessage], now: datetime
) -> list[OutgoingMessage]:
    """At first contact, say under the first bubble what is kept and how to see and erase it (UU 27/2022)."""
    if conversation.consented or not bubbles:
        return bubbles
    wording = speech.sentence(door, conversation.tenant, "privacy.notice")
    await conversations.record_consent(conn, conversation, "privacy.notice", wording, now)
    return [speech.with_notice(bubbles[0], wording), *bubbles[1:]]
