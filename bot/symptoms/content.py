"""What the bot knows: catalogue, sentences, connected apps, calendar, and how old its facts are."""

import ast
import asyncio
import os
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from bot import texts
from bot.settings import Settings
from bot.symptoms.finding import Finding, fail, ok, warn
from connectors import check
from connectors.client import Client
from connectors.environment import NotConfigured
from connectors.manifest import Manifest
from connectors.registry import connect, read_all
from connectors.yaml_files import ManifestError
from intents import catalog
from intents.calendar_days import Calendar

OLD_AFTER = timedelta(days=180)
NEXT_YEAR_FROM_MONTH = 10
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEY = re.compile(r"[a-z_]+(?:\.[a-z0-9_]+)+")
_UTTER = re.compile(r"\butter_[a-z0-9_]+")
_FILES = {"json", "jsonl", "yml", "yaml", "html", "py", "db"}


def catalogue(settings: Settings) -> list[Finding]:
    """Services, topics, tenants: readable, and the default tenant among them."""
    try:
        found = catalog.load(settings.root)
    except catalog.CatalogError as error:
        return [fail("catalogue", str(error)[:200], "mend that file; `make data` checks it again")]
    if settings.tenant not in found.tenants:
        known = ", ".join(found.tenants)
        return [
            fail("catalogue", f"no government {settings.tenant!r}", f"set LAWANG_TENANT to one of: {known}")
        ]
    count = len(found.services_for(settings.tenant))
    return [ok("catalogue", f"{count} services, {len(found.topics)} topics for {settings.tenant}")]


def sentences(settings: Settings) -> list[Finding]:
    """Every text key that code, actions and rules name has a sentence."""
    try:
        known = texts.load(settings.root)
    except (ValueError, OSError, KeyError, yaml.YAMLError) as error:
        return [fail("sentences", " ".join(str(error).split())[:200], "mend that file in data/texts/id")]
    missing = sorted(named_keys(settings.root, known) - set(known.keys()))
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        remedy = "write them in data/texts/id; until then citizens read an apology in their place"
        return [fail("sentences", f"without a text: {', '.join(missing[:3])}{more}", remedy)]
    return [ok("sentences", f"{len(known.keys())}, every key in use has one")]


def named_keys(root: Path, known: texts.Texts) -> set[str]:
    """The text keys that programs, rules and domains name: literals that begin like a known key."""
    keys = known.keys()
    heads = {key.partition(".")[0] for key in keys if "." in key}
    found: set[str] = set()
    for folder in ("bot", "actions"):
        for path in (root / folder).rglob("*.py"):
            for word in _literals(ast.parse(path.read_text("utf-8"))):
                if (
                    _KEY.fullmatch(word)
                    and word.partition(".")[0] in heads
                    and word.rpartition(".")[2] not in _FILES
                ):
                    found.add(word)
    for pattern in ("data/rules/*.yml", "data/stories/*.yml", "domain.yml", "intents/*/domain.yml"):
        for path in root.glob(pattern):
            found.update(_UTTER.findall(path.read_text("utf-8")))
    return found


def _literals(tree: ast.AST) -> Iterator[str]:
    """The whole string literals of a program; the pieces of f-strings are no keys."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif not isinstance(node, ast.JoinedStr):
            yield from _literals(node)


def apps(settings: Settings) -> list[Finding]:
    """The manifests of the city's systems, and which of them lack an address or a key."""
    folder = settings.root / "connectors" / "apps"
    problems = check.check(folder)
    if problems:
        return [
            fail("apps", f"{len(problems)} problems in manifests", "`lawang connectors check` names each")
        ]
    try:
        manifests = [manifest for manifest in read_all(folder) if manifest.maturity != "described"]
    except ManifestError as error:
        return [fail("apps", str(error)[:200], "`lawang connectors check` names each")]
    missing = asyncio.run(_unconfigured(manifests))
    found = []
    if missing:
        first = "; ".join(
            f"{name}: {reason.partition(' (')[0]}" for name, reason in sorted(missing.items())[:3]
        )
        more = f"; and {len(missing) - 3} more" if len(missing) > 3 else ""
        remedy = "set it in the environment, or mark the app `described` in its manifest"
        found.append(warn("apps", f"left out: {first}{more}", remedy))
    pretended = [manifest.id for manifest in manifests if manifest.maturity == "simulated"]
    if settings.production and pretended:
        remedy = "connect the real systems (docs/connect-a-city-system.md), or mark them `described`"
        found.append(warn("apps", f"only simulated: {', '.join(pretended)}", remedy))
    ready = len(manifests) - len(missing)
    return [ok("apps", f"{ready} of {len(manifests)} ready, no problems in manifests"), *found]


async def _unconfigured(manifests: list[Manifest]) -> dict[str, str]:
    client = Client()
    missing: dict[str, str] = {}
    try:
        for manifest in manifests:
            try:
                connect(manifest, client, os.environ)
            except NotConfigured as error:
                missing[manifest.id] = str(error)
    finally:
        await client.close()
    return missing


def calendar(settings: Settings) -> list[Finding]:
    """The year's holidays: without them nothing is booked or promised."""
    today = _today(settings)
    try:
        years = Calendar.load(settings.root).years
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        return [fail("calendar", f"{type(error).__name__} in data/calendar", "mend the file named last")]
    remedy = (
        f"add data/calendar/{{}}.yml from the SKB 3 Menteri on holidays (copy {max(years, default=2026)}.yml)"
    )
    if today.year not in years:
        return [
            fail(
                "calendar", f"{today.year} is not loaded: nothing can be promised", remedy.format(today.year)
            )
        ]
    if today.month >= NEXT_YEAR_FROM_MONTH and today.year + 1 not in years:
        detail = f"ends on 31 December {today.year}: no date after it is booked or promised"
        return [warn("calendar", detail, remedy.format(today.year + 1))]
    return [ok("calendar", f"holidays loaded up to {max(years)}")]


def facts(settings: Settings) -> list[Finding]:
    """How many facts have not been looked at for half a year."""
    oldest = _today(settings) - OLD_AFTER
    old: dict[str, int] = {}
    total = 0
    paths = [*settings.root.glob("data/tenants/*/tenant.yml"), *settings.root.glob("data/catalogue/*.yml")]
    for path in paths:
        try:
            document = yaml.load(path.read_text("utf-8"), _LOADER)  # noqa: S506
        except (OSError, yaml.YAMLError):
            continue
        checked = [value for value in _checked(document) if isinstance(value, date)]
        total += len(checked)
        count = sum(value < oldest for value in checked)
        if count:
            old[str(path.relative_to(settings.root / "data"))] = count
    if old:
        remedy = f"check them and renew last_verified, first {max(old, key=lambda name: old[name])}"
        return [warn("facts", f"{sum(old.values())} of {total} are older than {OLD_AFTER.days} days", remedy)]
    return [ok("facts", f"{total} with a date, none older than {OLD_AFTER.days} days")]


def _checked(tree: Any) -> Iterator[Any]:
    """Every last_verified in a document."""
    if isinstance(tree, dict):
        if "last_verified" in tree:
            yield tree["last_verified"]
        for value in tree.values():
            yield from _checked(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _checked(value)


def _today(settings: Settings) -> date:
    """Today where the default tenant is."""
    try:
        found = catalog.load(settings.root).tenant(settings.tenant)
    except catalog.CatalogError:
        found = None
    return datetime.now(ZoneInfo(found.timezone if found else "Asia/Jakarta")).date()
