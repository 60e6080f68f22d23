"""What departments are still to be told: sent to their systems one by one, again until they have taken it."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import metrics
from bot.conversations import rounds
from bot.door import Door
from bot.storage import notes
from connectors.capabilities import Capability, CaseComment, Photo
from connectors.errors import BackendRejected, CaseNotFound, ConnectorError, NotOffered

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 900
AT_ONCE = 10
LOOK_EVERY_SECONDS = 2
# Nothing will make these succeed: the row stays, with its reason, for whoever looks.
HOPELESS = (BackendRejected, CaseNotFound)


async def run(door: Door, stop: asyncio.Event) -> None:
    """Tell what is due, again and again, until `stop`."""

    async def look() -> bool:
        async with door.database.transaction() as conn:
            due = await notes.due(conn, datetime.now(UTC), AT_ONCE)
        await asyncio.gather(*(tell(door, row) for row in due))
        return bool(due)

    await rounds.go(stop, look, LOOK_EVERY_SECONDS, "departments could not be told")


async def tell(door: Door, note: Any) -> None:
    """Try once. The note's key makes an unknown outcome safe to ask again."""
    comment = CaseComment(
        idempotency_key=note.key,
        reference=note.reference,
        text=note.text,
        photos=tuple(Photo(url) for url in note.photos or ()),
    )
    ended: dict[str, Any]
    try:
        connector = door.registry.by_id(note.connector)
        if Capability.COMPLAINT_COMMENT not in connector.offers:
            raise NotOffered(note.connector, "takes no comments")
        await connector.add_comment(comment)
    except NotOffered:
        # A system that takes no words is no fault; the department reads the row where it reads the others.
        ended = {"status": "skipped", "reason": "NotOffered"}
    except HOPELESS as error:
        ended = {"status": "refused", "reason": f"{type(error).__name__}: {error.detail}"}
    except Exception as error:
        if not isinstance(error, ConnectorError):
            log.exception("note %s failed", note.key)
        pause = min(5 * 2.0 ** min(note.attempts, 10), LONGEST_PAUSE_SECONDS)
        ended = {
            "status": "waiting",
            "attempts": note.attempts + 1,
            "reason": type(error).__name__,
            "next_try_at": datetime.now(UTC) + timedelta(seconds=pause),
        }
    else:
        ended = {"status": "sent", "reason": None}
    async with door.database.transaction() as conn:
        await notes.close(conn, note.key, **ended)
    metrics.NOTES.labels(note.kind, ended["status"]).inc()
