"""The people of a desk as pages: who may come in, as what, for which work, and how one locked out returns."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.conversations.desk import rules
from bot.conversations.desk.errors import DeskError, Unusable
from bot.door import Door
from bot.storage import agents, users
from bot.vocabulary.agents import Agent, Role
from bot.web import screens
from bot.web.access import accounts, entrance, identity, passwords
from bot.web.access.identity import Signed
from bot.web.supervision.figures import Supervisor
from bot.web.supervision.settings import Poster
from intents import language

router = APIRouter(
    prefix="/agent/pengaturan/pengguna", route_class=screens.ScreenRoute, include_in_schema=False
)
HOME = "/agent/pengaturan/pengguna"
# What stands on a person's page, and who does it.
ACTS: dict[str, Callable[[Door, Agent, str, str], Awaitable[str | None]]] = {
    "tutup": accounts.close,
    "buka": accounts.reopen,
    "dua-langkah": accounts.reset_second_step,
    "sandi": accounts.reset_password,
}


@router.get("")
async def show(request: Request, signed: Supervisor) -> Response:
    """Everybody of this government, and the form for one more."""
    return await _list(request, signed)


@router.post("")
async def add(request: Request, signed: Poster) -> Response:
    """Add somebody and show their first password, once."""
    door, given = identity.door_of(request), await request.form()
    username = str(given.get("nama_pengguna", ""))
    try:
        wanted = await _read(request, Agent(id="", tenant=signed.agent.tenant, name=""))
        subject = str(given.get("akun_kota", "")).strip()
        address = identity.address_of(request)
        first = await accounts.add(door, signed.agent, wanted, username, subject, address)
    except Unusable as error:
        return await _list(request, signed, refused=error)
    return _handed(request, signed, wanted.name, username.strip().lower(), first)


@router.get("/{agent_id}")
async def show_person(request: Request, signed: Supervisor, agent_id: str, tersimpan: str = "") -> Response:
    """One person, to be changed by who keeps their account."""
    return await _person(request, signed, agent_id, saved=bool(tersimpan))


@router.post("/{agent_id}")
async def change(request: Request, signed: Poster, agent_id: str) -> Response:
    """Change what is known of somebody."""
    door = identity.door_of(request)
    before = await _of(door, signed, agent_id)
    try:
        wanted = await _read(request, before)
        await accounts.change(door, signed.agent, wanted, identity.address_of(request))
    except Unusable as error:
        return await _person(request, signed, agent_id, refused=error)
    return RedirectResponse(f"{HOME}/{agent_id}?tersimpan=1", 303, screens.HEADERS)


@router.post("/{agent_id}/{act}")
async def act(request: Request, signed: Poster, agent_id: str, act: str) -> Response:
    """Close or open an account, or give a new first password or second step. Raises LookupError."""
    door = identity.door_of(request)
    before = await _of(door, signed, agent_id)
    try:
        first = await ACTS[act](door, signed.agent, agent_id, identity.address_of(request))
    except Unusable as error:
        return await _person(request, signed, agent_id, refused=error)
    if first is None:
        return RedirectResponse(f"{HOME}/{agent_id}?tersimpan=1", 303, screens.HEADERS)
    async with door.database.reading() as conn:
        user = (await users.of_agents(conn, [agent_id]))[agent_id]
    return _handed(request, signed, before.name, user.username, first)


async def _of(door: Door, signed: Signed, agent_id: str) -> Agent:
    """Somebody of this government. Raises LookupError."""
    async with door.database.reading() as conn:
        agent = await agents.get(conn, agent_id)
    if agent.tenant != signed.agent.tenant:
        raise LookupError(agent_id)
    return agent


async def _read(request: Request, before: Agent) -> Agent:
    """The person a form describes. Raises Unusable."""
    given = await request.form()
    role, capacity = str(given.get("peran", before.role)), str(given.get("muat", before.capacity)).strip()
    if role not in set(Role):
        raise Unusable("other")
    if not (capacity.isascii() and capacity.isdigit() and len(capacity) < 5):
        raise Unusable("capacity", most=accounts.LARGEST_CAPACITY)
    known = (await rules.load(identity.door_of(request), before.tenant)).skills
    skills = [str(one) for one in given.getlist("bidang")]
    languages = [str(one) for one in given.getlist("bahasa")]
    return replace(
        before,
        name=str(given.get("nama", "")).strip(),
        public_name=str(given.get("nama_warga", "")).strip() or None,
        role=Role(role),
        skills=tuple(one for one in dict.fromkeys((*known, *before.skills)) if one in skills),
        languages=tuple(one for one in language.CODES if one in languages),
        capacity=int(capacity),
    )


async def _list(request: Request, signed: Signed, *, refused: DeskError | None = None) -> Response:
    door, tenant = identity.door_of(request), signed.agent.tenant
    async with door.database.reading() as conn:
        people = await agents.everybody(conn, tenant)
        known = await users.of_agents(conn, [one.id for one in people])
    habits = await rules.load(door, tenant)
    given = await request.form() if refused else {}
    return screens.render(
        request,
        "supervision/people.html",
        signed,
        status=422 if refused else 200,
        people=[one for one in people if one.id in known],
        accounts=known,
        refused=_sentence(request, refused),
        given={name: str(given.get(name, "")) for name in ("nama", "nama_pengguna", "akun_kota")},
        person=Agent(id="", tenant=tenant, name=""),
        **_choices(door, signed, habits.skills, ()),
    )


async def _person(
    request: Request, signed: Signed, agent_id: str, *, saved: bool = False, refused: DeskError | None = None
) -> Response:
    door = identity.door_of(request)
    person = await _of(door, signed, agent_id)
    async with door.database.reading() as conn:
        account = (await users.of_agents(conn, [agent_id])).get(agent_id)
    if account is None:
        raise LookupError(agent_id)
    habits = await rules.load(door, person.tenant)
    return screens.render(
        request,
        "supervision/person.html",
        signed,
        status=422 if refused else 200,
        person=person,
        account=account,
        keeps=accounts.may_keep(signed.agent, person.role),
        saved=saved,
        refused=_sentence(request, refused),
        second_step_needed=entrance.needs_second_step(door, person),
        **_choices(door, signed, habits.skills, person.skills),
    )


def _choices(door: Door, signed: Signed, skills: tuple[str, ...], own: tuple[str, ...]) -> dict[str, object]:
    return {
        "roles": [role for role in Role if accounts.may_keep(signed.agent, role)],
        "all_skills": tuple(dict.fromkeys((*skills, *own))),
        "all_languages": language.CODES,
        "most": accounts.LARGEST_CAPACITY,
        "city": door.settings.oidc_issuer is not None,
    }


def _handed(request: Request, signed: Signed, name: str, username: str, first: str | None) -> Response:
    return screens.render(
        request,
        "supervision/handed.html",
        signed,
        name=name,
        username=username,
        first=first,
        days=passwords.FIRST_LIFE.days,
    )


def _sentence(request: Request, refused: DeskError | None) -> str | None:
    door = identity.door_of(request)
    if refused is None:
        return None
    return door.texts.render(refused.text_key, door.settings.tenant, refused.values)
