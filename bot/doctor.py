"""`lawang doctor`: one screen that says what is wrong and how to mend it. It looks, and changes nothing."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

from bot import __version__
from bot.settings import Settings
from bot.symptoms import content, installation, running, stores
from bot.symptoms.finding import Finding, Level, fail
from bot.symptoms.telegram import telegram
from bot.symptoms.whatsapp import whatsapp

PATIENCE_SECONDS = 4.0

Check = Callable[[Settings], Any]

CHECKS: tuple[Check, ...] = (
    installation.python,
    installation.rasa,
    installation.model,
    installation.folder,
    installation.secrets,
    stores.database,
    stores.redis,
    running.processes,
    running.ports,
    telegram,
    whatsapp,
    content.catalogue,
    content.sentences,
    content.apps,
    content.calendar,
    content.facts,
)


async def examine(settings: Settings, say: Callable[[str], None], checks: tuple[Check, ...] = CHECKS) -> int:
    """Run every check at once, say what each found, in order; 1 when something does not work, else 0."""
    logging.disable(logging.CRITICAL)
    try:
        results = await asyncio.gather(*(_look(check, settings) for check in checks))
    finally:
        logging.disable(logging.NOTSET)
    found = [finding for findings in results for finding in findings]
    say(
        f"Lawang {__version__}, {settings.tenant}, {'production' if settings.production else 'development'}\n"
    )
    for finding in found:
        say(f"  {finding.level:<4}  {finding.subject:<14} {finding.detail}")
        if finding.remedy:
            say(f"        {'':<14} → {finding.remedy}")
    failed = sum(finding.level is Level.FAIL for finding in found)
    warned = sum(finding.level is Level.WARN for finding in found)
    say(f"\n{_summary(failed, warned)}")
    return 1 if failed else 0


async def _look(check: Check, settings: Settings) -> list[Finding]:
    """Run one check; one that breaks or takes too long is a finding itself, never a stack trace."""
    name = check.__name__.replace("_", " ")
    try:
        looking = (
            check(settings) if inspect.iscoroutinefunction(check) else asyncio.to_thread(check, settings)
        )
        found: list[Finding] = await asyncio.wait_for(looking, PATIENCE_SECONDS)
    except TimeoutError:
        return [
            fail(
                name,
                f"no answer within {PATIENCE_SECONDS:g} s",
                "try again; if it stays so, look at its host",
            )
        ]
    except Exception as error:
        return [
            fail(name, f"could not be examined ({type(error).__name__})", "report this: the doctor is ill")
        ]
    return found


def _summary(failed: int, warned: int) -> str:
    if not failed and not warned:
        return "Everything is well."
    parts = [f"{failed} to mend" if failed else "", f"{warned} to look at" if warned else ""]
    return f"{', '.join(part for part in parts if part)}."
