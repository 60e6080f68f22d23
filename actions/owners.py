"""What the city does not own: whose it is, and how to reach them (data/owners.yml)."""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner. `reach` is None when no way to reach them was found in a source."""

    id: str
    name: str
    topics: frozenset[str]
    pattern: re.Pattern[str]
    reach: str | None = None
    source: str | None = None
    last_verified: date | None = None


@lru_cache(maxsize=2)
def owners(root: Path = ROOT) -> tuple[Owner, ...]:
    """Read data/owners.yml, once."""
    document = yaml.safe_load((root / "data" / "owners.yml").read_text(encoding="utf-8"))
    return tuple(
        Owner(
            id=entry["id"],
            name=entry["name"],
            topics=frozenset(entry["topics"]),
            pattern=_any_of(entry["words"]),
            reach=entry["reach"],
            source=entry["source"],
            last_verified=entry["last_verified"],
        )
        for entry in document
    )


def find(text: str, topic: str | None) -> Owner | None:
    """Return who owns what a complaint is about, None when it is the city's as far as the words tell."""
    lowered = text.lower()
    for owner in owners():
        if (not owner.topics or topic in owner.topics) and owner.pattern.search(lowered):
            return owner
    return None


def by_id(name: str) -> Owner | None:
    """Return an owner by its id."""
    return next((owner for owner in owners() if owner.id == name), None)


def _any_of(words: list[str]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(word).replace(r"\ ", r"[\s-]*") for word in words)
    return re.compile(rf"(?<![\w])(?:{alternatives})(?![\w])")
