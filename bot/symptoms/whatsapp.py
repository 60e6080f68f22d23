"""WhatsApp: is the token good, does the webhook point here, what may be said after a day."""

from datetime import UTC, datetime
from typing import Any

import httpx

from bot.channels.whatsapp import envelopes, flows, templates
from bot.channels.whatsapp.envelopes import KeyUnusable
from bot.channels.whatsapp.flows import FlowsBroken
from bot.settings import Settings, WhatsAppSettings
from bot.storage import spending
from bot.storage.database import Database
from bot.symptoms.finding import Finding, fail, ok, warn

PAGE = "docs/hubungkan-whatsapp.md"


async def whatsapp(settings: Settings) -> list[Finding]:
    """Ask the Cloud API about our number, and look at the templates and what they cost."""
    given = settings.whatsapp
    if given is None:
        return [ok("WhatsApp", f"off (WHATSAPP_TOKEN turns it on; see {PAGE})")]
    found = [await _number(given), await _challenge(settings, given)]
    return [*found, *await _templates(settings), *_forms(settings, given)]


async def _number(given: WhatsAppSettings) -> Finding:
    """Is this our number, and does the token open it? Neither is ever shown."""
    fields = "display_phone_number,verified_name,quality_rating"
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            answer = await client.get(
                f"{given.api_url}/{given.number_id}",
                params={"fields": fields},
                headers={"Authorization": f"Bearer {given.token}"},
            )
    except httpx.HTTPError as error:
        remedy = "check the network and WHATSAPP_API_URL; Meta delivers again for up to seven days"
        return fail("WhatsApp", f"cannot be reached: {type(error).__name__}", remedy)
    body = _json(answer)
    said = body.get("error")
    code = said.get("code") if isinstance(said, dict) else None
    if answer.status_code in (401, 403) or code in (0, 10, 190):
        return fail(
            "WhatsApp", "the token is not valid here", f"make a new system user token, step 3 of {PAGE}"
        )
    if answer.status_code != 200:
        remedy = f"copy the Phone number ID again into WHATSAPP_PHONE_NUMBER_ID, step 2 of {PAGE}"
        return fail("WhatsApp", f"Meta does not know this number (HTTP {answer.status_code})", remedy)
    name = str(body.get("verified_name") or "?")[:60]
    if body.get("quality_rating") in ("RED", "YELLOW"):
        remedy = "citizens block or report the number: send less that was not asked for"
        return warn("WhatsApp", f"{name}: quality {body['quality_rating']}", remedy)
    return ok("WhatsApp", name)


async def _challenge(settings: Settings, given: WhatsAppSettings) -> Finding:
    """Ask ourselves what Meta asks, at the address Meta has."""
    url = f"{settings.public_url}/channels/whatsapp"
    asked = {"hub.mode": "subscribe", "hub.verify_token": given.verify_token, "hub.challenge": "periksa"}
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            answer = await client.get(url, params=asked)
    except httpx.HTTPError:
        return warn(
            "WhatsApp", f"{url} does not answer", "start Lawang; check LAWANG_PUBLIC_URL and the proxy"
        )
    if answer.status_code != 200 or answer.text != "periksa":
        remedy = (
            "the front door there runs with another WHATSAPP_VERIFY_TOKEN, or without WhatsApp: restart it"
        )
        return fail("WhatsApp", f"{url} does not know the verify token", remedy)
    if not url.startswith("https://"):
        return warn(
            "WhatsApp", "the webhook's address is not https", "Meta calls https only: LAWANG_PUBLIC_URL"
        )
    return ok("WhatsApp", f"the webhook is {url}")


async def _templates(settings: Settings) -> list[Finding]:
    try:
        registry = templates.load(settings.root)
    except (ValueError, KeyError) as error:
        return [fail("WhatsApp", f"templates: {error}", "mend data/templates/whatsapp.yml")]
    allowance = registry.allowance(settings.tenant)
    if not allowance.approved:
        remedy = f"news waits after 24 hours of silence until then; see {PAGE}"
        return [warn("WhatsApp", "no template is approved", remedy)]
    used = await _used(settings)
    said = f"{used} of {allowance.monthly} templates of this month are used"
    if used >= allowance.monthly:
        return [fail("WhatsApp", said, "news waits now; raise `monthly` in data/templates/whatsapp.yml")]
    if used * 100 >= allowance.monthly * allowance.warn_percent:
        return [
            warn("WhatsApp", said, "at the end of it news waits; `monthly` in data/templates/whatsapp.yml")
        ]
    return [ok("WhatsApp", f"{said}; approved: {', '.join(sorted(allowance.approved))}")]


def _forms(settings: Settings, given: WhatsAppSettings) -> list[Finding]:
    """Published forms, and the key without which some of them are asked in the chat."""
    try:
        known = flows.load(settings.root)
        if given.private_key is not None:
            envelopes.public_of(given.private_key)
    except FlowsBroken as error:
        return [fail("WhatsApp", f"forms: {error}", "mend data/flows")]
    except KeyUnusable as error:
        return [
            fail("WhatsApp", f"WHATSAPP_FLOW_KEY: {error}", f"make one: `lawang whatsapp key`; see {PAGE}")
        ]
    shown = [name for tenant, name in sorted(known.published) if tenant == settings.tenant]
    mute = [name for name in shown if known.all[name].exchange and given.private_key is None]
    if mute:
        remedy = "they are asked in the chat until then: `lawang whatsapp key`"
        return [warn("WhatsApp", f"the forms {', '.join(mute)} need WHATSAPP_FLOW_KEY", remedy)]
    return [ok("WhatsApp", f"forms: {', '.join(shown)}")] if shown else []


async def _used(settings: Settings) -> int:
    database = Database(settings.database_url)
    try:
        async with database.reading() as conn:
            spent = await spending.spent(conn, settings.tenant, "whatsapp", datetime.now(UTC))
    finally:
        await database.close()
    return spent.get(spending.TEMPLATE, 0)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
