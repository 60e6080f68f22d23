"""What a turn is about: the messages it answers and what the citizen already has with us, read at once."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from bot.door import Door
from bot.storage import bookings, buttons, cases, conversations, handoffs, messages, persons, waitings
from bot.storage.buttons import OfferedButton
from bot.storage.messages import StoredMessage
from bot.vocabulary.agents import Handoff
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import IncomingKind

# A thumb under a message is courtesy, not a question: one explanation a day is enough.
REACTIONS_APART = timedelta(days=1)


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


async def read(door: Door, conversation: Conversation) -> Context:
    """Read the conversation anew and all its next turn needs; an empty batch when nothing waits."""
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


def plain(item: Any) -> dict[str, Any]:
    """A case, booking or place in a queue as the dialogue gets it: dates and times in ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(item).items()
    }


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
