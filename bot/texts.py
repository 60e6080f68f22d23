"""Every Indonesian sentence, by its key: reads data/texts/id and each tenant's own wording."""

from collections.abc import Mapping
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from babel.dates import format_date


class TextMissing(KeyError):
    """No sentence under this key; the message names the key."""


class TextBroken(ValueError):
    """A sentence asks for a value it was not given; the message names both."""


class Texts:
    """Sentences by key. A tenant's own `texts.yml` wins over the common one."""

    def __init__(self, common: Mapping[str, str], tenants: Mapping[str, "TenantVoice"]) -> None:
        self._common = common
        self._tenants = tenants

    def has(self, key: str, tenant: str | None = None) -> bool:
        """True when there is a sentence under this key, common or the tenant's own."""
        own = self._tenants.get(tenant, _NEUTRAL).texts if tenant else {}
        return key in self._common or key in own

    def keys(self) -> list[str]:
        """All common keys, sorted."""
        return sorted(self._common)

    def render(self, key: str, tenant: str, values: Mapping[str, Any] | None = None) -> str:
        """Return the sentence with its values in place.

        A value may be plain, or typed: {"$date": ISO}, {"$datetime": ISO}, {"$time": ISO}, {"$text": key},
        {"$list": [...]}. Times are written in the tenant's zone with its abbreviation (WIB, WITA, WIT).

        Raises:
            TextMissing: no such key.
            TextBroken: the sentence needs a value that was not given.
        """
        voice = self._tenants.get(tenant, _NEUTRAL)
        sentence = voice.texts.get(key) or self._common.get(key)
        if sentence is None:
            raise TextMissing(key)
        given = {**voice.facts, **(values or {})}
        try:
            return sentence.format_map(
                {name: self._write(value, tenant, voice) for name, value in given.items()}
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise TextBroken(f"{key}: {error}") from error

    def _write(self, value: Any, tenant: str, voice: "TenantVoice") -> str:
        if value is None:
            return "-"
        if not isinstance(value, dict):
            # An asterisk in a sentence of ours makes words bold; one that a citizen wrote is only a sign.
            return str(value).replace("*", "∗")
        if "$text" in value:
            return self.render(value["$text"], tenant, value.get("values"))
        if "$list" in value:
            return "\n".join(f"• {self._write(item, tenant, voice)}" for item in value["$list"])
        if "$date" in value:
            raw = value["$date"]
            return long_date(_local(raw, voice).date() if "T" in raw else date.fromisoformat(raw))
        if "$datetime" in value:
            moment = _local(value["$datetime"], voice)
            return f"{long_date(moment.date())} pukul {clock(moment.time())} {voice.abbreviation}"
        if "$time" in value:
            raw = value["$time"]
            moment_time = _local(raw, voice).time() if "T" in raw else time.fromisoformat(raw)
            return f"{clock(moment_time)} {voice.abbreviation}"
        raise ValueError(f"unknown kind of value {sorted(value)}")


class TenantVoice:
    """What a tenant changes in the sentences: its zone, its facts, its own wording."""

    def __init__(
        self,
        zone: str = "Asia/Jakarta",
        abbreviation: str = "WIB",
        facts: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.abbreviation = abbreviation
        self.facts = facts or {}
        self.texts = texts or {}


_NEUTRAL = TenantVoice()


def _local(raw: str, voice: TenantVoice) -> datetime:
    """A moment in the tenant's zone; one without an offset is meant there already."""
    moment = datetime.fromisoformat(raw)
    return moment.replace(tzinfo=voice.zone) if moment.tzinfo is None else moment.astimezone(voice.zone)


# A page of the console names a day on every line.
@lru_cache(maxsize=512)
def long_date(day: date) -> str:
    """Write a date with its weekday: Selasa, 24 November 2026."""
    return format_date(day, "EEEE, d MMMM y", locale="id")


def clock(moment: time) -> str:
    """Write a time of day the Indonesian way: 09.00."""
    return moment.strftime("%H.%M")


def load(root: Path) -> Texts:
    """Read all sentences below `root`/data.

    Raises:
        ValueError: two files define the same key, or a file is no mapping of keys to sentences.
    """
    common: dict[str, str] = {}
    for path in sorted((root / "data" / "texts" / "id").glob("**/*.yml")):
        for key, sentence in flatten(yaml.safe_load(path.read_text("utf-8")) or {}, path.name).items():
            if key in common:
                raise ValueError(f"{path.name}: {key} is defined twice")
            common[key] = sentence
    tenants: dict[str, TenantVoice] = {}
    for path in sorted((root / "data" / "tenants").glob("*/tenant.yml")):
        tenant = yaml.safe_load(path.read_text("utf-8"))
        own = path.with_name("texts.yml")
        tenants[path.parent.name] = TenantVoice(
            zone=tenant["timezone"],
            abbreviation=tenant["time_abbreviation"],
            facts={"tenant_name": tenant["name"], "tenant_short_name": tenant["short_name"]},
            texts=flatten(yaml.safe_load(own.read_text("utf-8")) or {}, str(own)) if own.exists() else {},
        )
    return Texts(common, tenants)


def flatten(tree: Mapping[str, Any], source: str, prefix: str = "") -> dict[str, str]:
    """Turn nested mappings into dotted keys."""
    found: dict[str, str] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            found.update(flatten(value, source, key + "."))
        elif isinstance(value, str):
            found[key] = value.strip()
        else:
            raise ValueError(f"{source}: {key} must be a sentence, not {type(value).__name__}")
    return found
