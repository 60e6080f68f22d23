"""What channels call in: kept whole in one commit for all who call at once, said yes to, then opened.

Opening costs many times what keeping costs. So a crowd is said yes to at once and answered in its order: a
citizen's messages stay in the order they came, and nobody waits for another citizen. A call that is being
opened when the process dies is opened again by the next one, which recognises what was stored.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot import metrics
from bot.channels.base import Channel
from bot.conversations import emergency, inbound, opening
from bot.conversations.opening import Item
from bot.door import Door
from bot.storage import holders, webhookcalls
from bot.storage.webhookcalls import KeptCall
from bot.vocabulary.messages import IncomingMessage

log = logging.getLogger(__name__)

MOST_OPEN = 10_000
"""Calls said yes to and not opened; beyond, a channel is told to come again later."""
HELD = timedelta(minutes=2)
"""How long a call is left to the process that took it."""
SWEEP_SECONDS = 10.0
ROOM = 4
"""So many are opened at once; each holds a connection to the database."""
PATIENCE_SECONDS = 10.0
AGAIN, LONGEST = timedelta(minutes=1), timedelta(hours=1)
GIVEN_UP = timedelta(days=7)
"""As long as Meta delivers again by itself."""
CROWD, WAY_SECONDS = 4, (0.02,) * 5
"""While so many wait for our yes, who opens gives way: so often, for so long. Then it is their turn too."""
BUSY = 16
"""With so many unopened calls, nobody is shown that we read or write: the answer comes first."""


class IntakeFull(Exception):
    """More waits than this process should hold: the channel keeps it, and comes again."""


@dataclass(slots=True, eq=False)
class Call:
    """One call of a channel, and what its opening has to wait for: earlier calls of the same citizens."""

    id: str
    channel: Channel
    items: Sequence[Item]
    lines: frozenset[str]
    urgent: bool
    before: list[asyncio.Event]
    received_at: datetime
    attempts: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)


class Intake:
    """The calls that one process has said yes to, or is about to."""

    def __init__(self) -> None:
        self._holder = webhookcalls.new_id()
        self._open: dict[str, Call] = {}
        self._last: dict[str, Call] = {}
        self._unkept: list[tuple[KeptCall, asyncio.Future[None]]] = []
        self._arriving = 0
        self._writing = asyncio.Lock()
        self._room = asyncio.Semaphore(ROOM)
        self._opening: set[asyncio.Task[None]] = set()

    async def receive(
        self, door: Door, channel: Channel, body: bytes, items: Sequence[Item]
    ) -> asyncio.Task[None]:
        """Keep a call; once this returns it is ours. The task opens it.

        Raises:
            IntakeFull: come again later.
        """
        if len(self._open) >= MOST_OPEN:
            raise IntakeFull
        # In line before anything is waited for: the order in which calls came is the order of opening.
        call = self._enter(webhookcalls.new_id(), channel, items, datetime.now(UTC))
        self._arriving += 1
        try:
            await self._keep(door, call, body)
        except BaseException:
            self._leave(call)
            raise
        finally:
            self._arriving -= 1
        return self._start(door, call)

    async def set_aside(self, door: Door, channel: Channel, body: bytes) -> None:
        """Keep a call that met a mistake of ours: a version that can read it will find it."""
        now, sealed = datetime.now(UTC), door.sealer.seal(body.decode())
        due = now + LONGEST
        row = KeptCall(webhookcalls.new_id(), channel.name, sealed, self._holder, now, due, attempts=1)
        async with door.database.transaction() as conn:
            await webhookcalls.keep(conn, [row])

    def _enter(
        self, call_id: str, channel: Channel, items: Sequence[Item], received_at: datetime, attempts: int = 0
    ) -> Call:
        lines = frozenset(opening.lines(items))
        before = [self._last[line].opened for line in lines if line in self._last]
        # Where there is room at once, nobody needs to be let past.
        urgent = len(self._open) >= ROOM and opening.urgent(items)
        call = Call(call_id, channel, items, lines, urgent, before, received_at, attempts)
        self._open[call.id] = call
        self._last.update(dict.fromkeys(lines, call))
        return call

    def _leave(self, call: Call) -> None:
        call.opened.set()
        self._open.pop(call.id, None)
        for line in call.lines:
            if self._last.get(line) is call:
                del self._last[line]

    async def _keep(self, door: Door, call: Call, body: bytes) -> None:
        """Store a call together with all others that came while the transaction before was under way."""
        came, sealed = call.received_at, door.sealer.seal(body.decode())
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        row = KeptCall(call.id, call.channel.name, sealed, self._holder, came, came + HELD)
        self._unkept.append((row, kept))
        async with self._writing:
            if not kept.done():
                together, self._unkept = self._unkept, []
                try:
                    async with door.database.transaction() as conn:
                        await webhookcalls.keep(conn, [one for one, _ in together])
                except BaseException as error:
                    for _, other in together:
                        if not other.done():
                            other.set_exception(error if isinstance(error, Exception) else IntakeFull())
                            other.exception()
                    raise
                for _, other in together:
                    if not other.done():
                        other.set_result(None)
        await kept

    def _start(self, door: Door, call: Call) -> asyncio.Task[None]:
        task = asyncio.create_task(self._opened(door, call), name="open a call")
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return task

    async def _opened(self, door: Door, call: Call) -> None:
        """Do what a call says, after what was said before; then the courtesies, which nobody waits for."""
        accepted: list[tuple[IncomingMessage, inbound.Accepted]] = []
        try:
            for event in call.before:
                await event.wait()
            async with contextlib.nullcontext() if call.urgent else self._room:
                await self._give_way(call)
                accepted = await opening.do(door, call.items, call.id)
        except Exception:
            log.exception("a call of %s could not be opened; it is kept, and tried again", call.channel.name)
            await _put_aside(door, call)
        finally:
            self._leave(call)
        hurried = len(self._open) >= BUSY
        for message, what in accepted:
            if message.button or not hurried:
                await inbound.acknowledge(call.channel, message, what)

    async def _give_way(self, call: Call) -> None:
        for pause in WAY_SECONDS:
            if call.urgent or self._arriving < CROWD:
                return
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def working(self, door: Door) -> AsyncIterator[None]:
        """While the process takes calls: first what dead processes left, then now and then what is due."""
        slot = holders.take(door.settings.var / "run" / "doors", self._holder)
        stop = asyncio.Event()
        try:
            if slot.former:
                async with door.database.transaction() as conn:
                    await webhookcalls.inherit(conn, slot.former, datetime.now(UTC))
            # The guard is loaded when it is first asked: not by the first citizen.
            await asyncio.to_thread(emergency.check, "halo")
            # In line before anybody is let in.
            await self.sweep(door)
            slot.forget_former()
            sweeping = asyncio.create_task(self._sweep_on(door, stop), name="kept calls")
            try:
                yield
            finally:
                stop.set()
                await sweeping
                if self._opening:
                    # What takes longer is opened by the next process.
                    await asyncio.wait(self._opening, timeout=PATIENCE_SECONDS)
        finally:
            slot.release()

    async def _sweep_on(self, door: Door, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)
                return
            try:
                await self.sweep(door)
            except Exception:
                log.exception("kept calls could not be looked at; again soon")

    async def sweep(self, door: Door) -> list[asyncio.Task[None]]:
        """Begin to open the calls that are due: left behind, or set aside some time ago."""
        now = datetime.now(UTC)
        async with door.database.transaction() as conn:
            due = await webhookcalls.take_due(
                conn, self._holder, now, now + HELD, list(self._open), MOST_OPEN
            )
        if due:
            log.info("opening %d kept calls", len(due))
        tasks = []
        for kept in due:
            try:
                channel, items = opening.read(door, kept)
            except Exception as error:
                log.warning("a call of %s cannot be read: %s", kept.channel, type(error).__name__)
                await _put_aside(door, kept)
                continue
            call = self._enter(kept.id, channel, items, kept.received_at, kept.attempts)
            tasks.append(self._start(door, call))
        return tasks


async def _put_aside(door: Door, call: Call | KeptCall) -> None:
    """Try a call again later, or give it up after a week."""
    now = datetime.now(UTC)
    metrics.BAD_INPUT.labels("webhook", "unopened").inc()
    try:
        async with door.database.transaction() as conn:
            if now - call.received_at > GIVEN_UP:
                log.error("a call that nobody could open for %d days is given up", GIVEN_UP.days)
                await webhookcalls.done(conn, call.id)
            else:
                pause = min(AGAIN * 2 ** min(call.attempts, 10), LONGEST)
                await webhookcalls.later(conn, call.id, now + pause)
    except Exception as error:
        # It stays held for a while, and is due again then.
        log.warning("a kept call could not be put aside: %s", type(error).__name__)
