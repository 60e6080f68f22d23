"""Disruption notices as pages: write, count, confirm with the number, watch, stop."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.conversations import broadcasting, noticedata, notices
from bot.conversations.broadcasting import AlreadySaid, NoticeRefused, NotPossible, NumberChanged
from bot.conversations.desk.errors import Unusable
from bot.door import Door
from bot.storage import audit, broadcasts
from bot.storage.audit import Act
from bot.vocabulary.broadcasts import Broadcast, Notice
from bot.vocabulary.messages import ChannelName
from bot.web import screens
from bot.web.access import identity
from bot.web.access.identity import Signed
from bot.web.supervision.figures import Supervisor
from bot.web.supervision.settings import Poster

HOME = "/agent/kabar"
MOST = 10**9


router = APIRouter(prefix=HOME, route_class=screens.ScreenRoute, include_in_schema=False)


@router.get("")
async def show(request: Request, signed: Supervisor) -> Response:
    """The form, and the newest broadcasts with what became of them."""
    return await _page(request, signed)


@router.post("/periksa")
async def look(request: Request, signed: Poster) -> Response:
    """Show the notice as citizens would read it, and who would; nothing is kept."""
    door, notice = identity.door_of(request), await _notice(request, signed)
    try:
        found = await broadcasting.audience(door, notice)
    except NoticeRefused as error:
        raise Unusable(f"notice_{error.why}") from error
    now = datetime.now(UTC)
    return await _page(
        request,
        signed,
        notice=notice,
        words=broadcasting.bubble(door, notice).text.replace("*", ""),
        found=found,
        people={name: len(found.on(name)) for name in ChannelName if found.on(name)},
        costs=await broadcasting.cost(door, found, notice.tenant, now),
        minutes=max(round(broadcasting.seconds(door, found) / 60), 1),
    )


@router.post("/kirim")
async def send(request: Request, signed: Poster) -> Response:
    """Begin, confirmed by the number of receivers."""
    door, notice = identity.door_of(request), await _notice(request, signed)
    given = await request.form()
    people, again = _number(str(given.get("jumlah", ""))), "lagi" in given
    try:
        made = await broadcasting.start(
            door, notice, people, signed.user.username, datetime.now(UTC), again=again
        )
    except NoticeRefused as error:
        raise Unusable(f"notice_{error.why}") from error
    except NumberChanged as error:
        raise Unusable("notice_number", now=error.now) from error
    except AlreadySaid as error:
        raise Unusable("notice_again") from error
    return await _done(request, signed, Act.BROADCAST_STARTED, made)


@router.post("/{broadcast_id}/setujui")
async def approve(request: Request, signed: Poster, broadcast_id: str) -> Response:
    """Let it begin, as the second person."""
    door, given = identity.door_of(request), await request.form()
    mine = await _mine(door, signed, broadcast_id)
    try:
        made = await broadcasting.approve(
            door, mine.id, _number(str(given.get("jumlah", ""))), signed.user.username, datetime.now(UTC)
        )
    except NumberChanged as error:
        raise Unusable("notice_number", now=error.now) from error
    except NotPossible as error:
        raise Unusable("notice_second") from error
    return await _done(request, signed, Act.BROADCAST_APPROVED, made)


@router.post("/{broadcast_id}/berhenti")
async def stop(request: Request, signed: Poster, broadcast_id: str) -> Response:
    """Stop at once."""
    return await _move(request, signed, broadcast_id, broadcasting.stop, Act.BROADCAST_STOPPED)


@router.post("/{broadcast_id}/lanjut")
async def resume(request: Request, signed: Poster, broadcast_id: str) -> Response:
    """Go on where it stopped."""
    return await _move(request, signed, broadcast_id, broadcasting.resume, Act.BROADCAST_RESUMED)


async def _move(
    request: Request,
    signed: Signed,
    broadcast_id: str,
    act: Callable[[Door, str, datetime], Coroutine[Any, Any, Broadcast]],
    noted: Act,
) -> Response:
    door = identity.door_of(request)
    mine = await _mine(door, signed, broadcast_id)
    try:
        made = await act(door, mine.id, datetime.now(UTC))
    except NotPossible as error:
        raise Unusable("notice_state") from error
    return await _done(request, signed, noted, made)


async def _page(request: Request, signed: Signed, **checked: Any) -> Response:
    door, tenant = identity.door_of(request), signed.agent.tenant
    async with door.database.reading() as conn:
        newest = await broadcasts.newest(conn, tenant)
        reports = [(one, await broadcasts.report(conn, one)) for one in newest]
    given: dict[str, Any] = {"notice": None, "words": "", "found": None, "people": {}, "costs": {}}
    return screens.render(
        request,
        "supervision/broadcasts.html",
        signed,
        topics={
            name: door.texts.render(f"notices.topic.{name}", tenant)
            for name in noticedata.of(door.settings.root, tenant).topics
        },
        places=lambda notice: ", ".join(notices.place_name(door, tenant, code) for code in notice.places),
        reports=reports,
        longest=broadcasting.LONGEST_TEXT,
        **{**given, "minutes": 0, **checked},
    )


async def _notice(request: Request, signed: Signed) -> Notice:
    """The notice a form describes. Raises Unusable."""
    given = await request.form()
    names = [name.strip() for name in str(given.get("wilayah", "")).split(",") if name.strip()]
    codes, unknown = notices.codes_of(signed.agent.tenant, names)
    if unknown:
        raise Unusable("notice_place", place=", ".join(unknown)[:80])
    text = "\n".join(str(given.get("isi", "")).strip().splitlines())
    return Notice(signed.agent.tenant, str(given.get("topik", "")), text, codes, "darurat" in given)


async def _mine(door: Door, signed: Signed, broadcast_id: str) -> Broadcast:
    """A broadcast of this government. Raises LookupError for every other."""
    async with door.database.reading() as conn:
        found = await broadcasts.get(conn, broadcast_id)
    if found.notice.tenant != signed.agent.tenant or found.id != broadcast_id:
        raise LookupError(broadcast_id)
    return found


async def _done(request: Request, signed: Signed, act: Act, made: Broadcast) -> Response:
    """Write down who did it, and show the list."""
    async with identity.door_of(request).database.transaction() as conn:
        await audit.write(
            conn,
            act,
            datetime.now(UTC),
            tenant=signed.agent.tenant,
            agent_id=signed.agent.id,
            subject=f"{made.id}: {made.receivers}",
            address=identity.address_of(request),
        )
    return RedirectResponse(f"{HOME}#daftar", 303, screens.HEADERS)


def _number(text: str) -> int:
    tidy = text.strip().replace(".", "")
    return min(int(tidy), MOST) if tidy.isascii() and tidy.isdigit() and len(tidy) < 12 else -1
