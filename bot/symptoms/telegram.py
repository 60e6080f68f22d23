"""Telegram: is the token good, and do messages come in as the settings say. The token is never shown."""

from typing import Any

import httpx

from bot.settings import Settings
from bot.symptoms.finding import Finding, fail, ok, warn

MANY_WAITING = 100


async def telegram(settings: Settings) -> list[Finding]:
    """Ask the Bot API who we are and whether a webhook is set."""
    if settings.telegram_token is None:
        return [ok("Telegram", "off (TELEGRAM_BOT_TOKEN turns it on)")]
    base = f"{settings.telegram_api_url}/bot{settings.telegram_token}"
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            me = await client.get(f"{base}/getMe")
            if me.status_code in (401, 404):
                remedy = "copy the token again from @BotFather (`/token`) into TELEGRAM_BOT_TOKEN"
                return [fail("Telegram", "the token is not valid", remedy)]
            name = _result(me).get("username", "?")
            hook = _result(await client.get(f"{base}/getWebhookInfo"))
    except httpx.HTTPError as error:
        # The error's own words hold the address, and the address holds the token.
        remedy = "check the network and TELEGRAM_API_URL; Telegram keeps messages for 24 hours"
        return [fail("Telegram", f"cannot be reached: {type(error).__name__}", remedy)]
    return _webhook(settings, f"@{name}", hook)


def _webhook(settings: Settings, name: str, hook: dict[str, Any]) -> list[Finding]:
    url = str(hook.get("url") or "")
    if settings.telegram_mode == "polling":
        if url:
            remedy = "the next start removes it; if another system uses this bot, make one of your own"
            return [warn("Telegram", f"{name}: a webhook is set, so polling gets nothing", remedy)]
        return [ok("Telegram", f"{name}, by long polling")]
    wanted = f"{settings.public_url}/channels/telegram"
    if url != wanted:
        remedy = "restart the front door: it registers the address; see LAWANG_PUBLIC_URL"
        return [fail("Telegram", f"{name}: the webhook is not {wanted}", remedy)]
    waiting = int(hook.get("pending_update_count") or 0)
    if hook.get("last_error_message") and waiting:
        said = str(hook["last_error_message"])[:120]
        remedy = "Telegram must reach LAWANG_PUBLIC_URL over https (port 443, 80, 88 or 8443)"
        return [fail("Telegram", f"{name}: {waiting} wait, Telegram says: {said}", remedy)]
    if waiting > MANY_WAITING:
        return [warn("Telegram", f"{name}: {waiting} messages wait", "add front doors or look for slow ones")]
    return [ok("Telegram", f"{name}, by webhook")]


def _result(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json().get("result")
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}
