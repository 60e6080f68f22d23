"""The worker: answers conversations, sends what is queued, files what waited, polls what cannot call us."""

import asyncio
import contextlib
import logging
import signal
from datetime import UTC, datetime

from bot.conversations import filings, outbound, polling, polls, turns
from bot.door import Door, open_door
from bot.settings import Settings
from bot.storage import conversations, holders
from bot.storage.conversations import Claim, ClaimLost
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
        if freed:
            log.info("took over %d conversations of a worker that died", freed)
    async with asyncio.TaskGroup() as group:
        group.create_task(_answer(door, holder.name, stop), name="answer")
        group.create_task(outbound.deliver(door, holder.name, stop), name="deliver")
        group.create_task(filings.run(door, stop), name="filings")
        group.create_task(polls.run(door, stop), name="polls")
        group.create_task(_report(door, holder.name, stop), name="report")
        if ChannelName.TELEGRAM in door.channels and door.settings.telegram_mode == "polling":
            group.create_task(polling.poll(door, door.channels[ChannelName.TELEGRAM], stop), name="telegram")
    holder.file.close()


async def _report(door: Door, holder: str, stop: asyncio.Event) -> None:
    """Say now and then that a worker lives; /readyz of another machine reads it."""
    while not stop.is_set():
        await door.keyvalue.set("worker", holder, 15)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 5)


async def _answer(door: Door, holder: str, stop: asyncio.Event) -> None:
    """Claim conversations as long as there is room, wake up for new ones, look by itself every second."""
    running: set[asyncio.Task[None]] = set()
    room = door.settings.worker_tasks
    async with door.wakeups.listen("inbound") as bell:
        while not stop.is_set():
            claimed: list[Conversation] = []
            if len(running) < room:
                async with door.database.transaction() as conn:
                    claimed = await conversations.claim(
                        conn, holder, datetime.now(UTC), CLAIM_SECONDS, room - len(running)
                    )
            for conversation in claimed:
                task = asyncio.create_task(_converse(door, conversation, holder), name="turn")
                running.add(task)
                task.add_done_callback(running.discard)
                # A finished task makes room for one that waits.
                task.add_done_callback(lambda _: bell.ring())
            if not claimed:
                await bell.wait(1)
    if running:
        await asyncio.wait(running)


async def _converse(door: Door, conversation: Conversation, holder: str) -> None:
    """Answer one batch of one conversation, keeping the claim while it takes time."""
    claim = Claim(conversation.id, holder, datetime.now(UTC))
    keeper = asyncio.create_task(_keep(door, claim), name="keep claim")
    try:
        await turns.handle(door, conversation, claim)
    except ClaimLost:
        log.warning("conversation %s was taken over by another worker", conversation.id)
    except Exception:
        # The claim expires and the turn is done again; the error itself must not end the worker.
        log.exception("conversation %s could not be answered", conversation.id)
    finally:
        keeper.cancel()


async def _keep(door: Door, claim: Claim) -> None:
    while True:
        await asyncio.sleep(KEEP_EVERY_SECONDS)
        with contextlib.suppress(ClaimLost):
            async with door.database.transaction() as conn:
                await conversations.keep(conn, claim, datetime.now(UTC), CLAIM_SECONDS)
