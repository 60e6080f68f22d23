"""The worker: answers conversations, sends what is queued, files what waited, polls what cannot call us."""

import asyncio
import contextlib
import logging
import signal
from datetime import UTC, datetime
from functools import partial

from bot.conversations import (
    broadcasting,
    filings,
    inquiries,
    notes,
    promises,
    quiet,
    reminders,
    sending,
    settling,
    turns,
)
from bot.conversations.desk import assignment, relay, silence, waiting
from bot.door import Door, open_door
from bot.settings import Settings
from bot.storage import conversations, holders
from bot.storage.conversations import Claim, ClaimLost
from bot.storage.wakeups import Bell
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import ChannelName

log = logging.getLogger(__name__)

CLAIM_SECONDS = 30
KEEP_EVERY_SECONDS = 10


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; running turns are finished first."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_door(settings) as door:
        await work(door, stop)


async def work(door: Door, stop: asyncio.Event) -> None:
    """Run every loop of the worker until `stop`."""
    holder = holders.take(door.settings.var / "run")
    if holder.former:
        async with door.database.transaction() as conn:
            freed = await conversations.free_claims_of(conn, holder.former)
        holder.forget_former()
        if freed:
            log.info("took over %d conversations of a worker that died", freed)
    # Files of citizens who asked to be forgotten, if a worker died before it could delete them.
    await door.media.sweep()
    async with asyncio.TaskGroup() as group:
        group.create_task(_answer(door, holder.name, stop), name="answer")
        group.create_task(sending.deliver(door, holder.name, stop), name="deliver")
        group.create_task(filings.run(door, stop), name="filings")
        group.create_task(inquiries.run(door, stop), name="inquiries")
        group.create_task(notes.run(door, stop), name="notes")
        group.create_task(promises.run(door, stop), name="promises")
        group.create_task(reminders.run(door, stop), name="reminders")
        group.create_task(settling.run(door, stop), name="settling")
        group.create_task(quiet.run(door, stop), name="quiet")
        group.create_task(broadcasting.run(door, stop), name="broadcasts")
        group.create_task(assignment.run(door, stop), name="assignment")
        group.create_task(relay.run(door, stop), name="relay")
        group.create_task(silence.run(door, stop), name="silent agents")
        group.create_task(waiting.run(door, stop), name="those who wait")
        group.create_task(_report(door, holder.name, stop), name="report")
        if ChannelName.TELEGRAM in door.channels and door.settings.telegram_mode == "polling":
            # Imported only where Telegram is connected: its library costs the others a quarter second.
            from bot.conversations import polling

            group.create_task(polling.poll(door, door.channels[ChannelName.TELEGRAM], stop), name="telegram")
    holder.release()


async def _report(door: Door, holder: str, stop: asyncio.Event) -> None:
    """Say now and then that a worker lives; /readyz of another machine reads it."""
    while not stop.is_set():
        await door.keyvalue.set("worker", holder, 15)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 5)


async def _answer(door: Door, holder: str, stop: asyncio.Event) -> None:
    """Claim conversations as long as there is room, wake up for new ones, look by itself every second."""
    running: dict[str, asyncio.Task[bool]] = {}
    room = door.settings.worker_tasks
    async with door.wakeups.listen("inbound") as bell:
        while not stop.is_set():
            claimed: list[Conversation] = []
            free = room - len(running)
            if free > 0:
                try:
                    async with door.database.transaction() as conn:
                        claimed = await conversations.claim(
                            conn, holder, datetime.now(UTC), CLAIM_SECONDS, free
                        )
                except Exception:
                    log.exception("no conversation could be claimed; again soon")
            for conversation in claimed:
                # The turn before may have given its claim back without having ended yet.
                before = running.get(conversation.id)
                task = asyncio.create_task(_converse(door, conversation, holder, before), name="turn")
                running[conversation.id] = task
                task.add_done_callback(partial(_done, running, conversation.id, bell, room))
            if free <= 0 or len(claimed) < free:
                await bell.wait(1)
    if running:
        await asyncio.wait(running.values())


def _done(
    running: dict[str, asyncio.Task[bool]],
    conversation_id: str,
    bell: Bell,
    room: int,
    task: asyncio.Task[bool],
) -> None:
    """Look again when a finished task makes room for others, or when its own citizen said more meanwhile."""
    if len(running) >= room or (not task.cancelled() and task.result()):
        bell.ring()
    if running.get(conversation_id) is task:
        del running[conversation_id]


async def _converse(
    door: Door, conversation: Conversation, holder: str, before: asyncio.Task[bool] | None = None
) -> bool:
    """Answer one batch of one conversation, keeping the claim while it takes time; True when more waits.

    `before` is a turn of the same conversation that has to end first.
    """
    claim = Claim(conversation.id, holder, datetime.now(UTC))
    done = asyncio.Event()
    keeper = asyncio.create_task(_keep(door, claim, done), name="keep claim")
    try:
        if before is not None:
            await asyncio.wait([before])
        return await turns.handle(door, conversation, claim)
    except ClaimLost:
        log.warning("conversation %s was taken over by another worker", conversation.id)
    except Exception:
        # The claim expires and the turn is done again; the error itself must not end the worker.
        log.exception("conversation %s could not be answered", conversation.id)
    finally:
        # Not cancelled: that could happen in the middle of a statement.
        done.set()
        await keeper
    return False


async def _keep(door: Door, claim: Claim, done: asyncio.Event) -> None:
    """Prolong a claim until its turn is done; one that is lost is noticed when the turn commits."""
    while not done.is_set():
        try:
            await asyncio.wait_for(done.wait(), KEEP_EVERY_SECONDS)
        except TimeoutError:
            try:
                async with door.database.transaction() as conn:
                    await conversations.keep(conn, claim, datetime.now(UTC), CLAIM_SECONDS)
            except ClaimLost:
                return
            except Exception as error:
                log.warning("claim on conversation %s not prolonged: %s", claim.conversation_id, error)
