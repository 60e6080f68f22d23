"""data/notices.yml: the topics of each government, and how citizens name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml


class NoticesBroken(ValueError):
    """The file cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: the words citizens use. `alone`: its name is a disruption by itself."""

    id: str
    words: tuple[str, ...]
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Notices:
    """What one government offers. `four_eyes`: a second person has to approve a broadcast."""

    topics: Mapping[str, Topic]
    signs: tuple[str, ...]
    four_eyes: bool = False


NONE = Notices({}, ())


def of(root: Path, tenant: str) -> Notices:
    """What a government offers; nothing where it is not named."""
    return _load(root).get(tenant, NONE)


@lru_cache(maxsize=4)
def _load(root: Path) -> Mapping[str, Notices]:
    path = root / "data" / "notices.yml"
    raw: dict[str, Any] = yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}
    topics = {
        name: Topic(name, tuple(str(word).lower() for word in given["words"]), bool(given.get("alone")))
        for name, given in raw.get("topics", {}).items()
    }
    signs = tuple(str(sign).lower() for sign in raw.get("signs", ()))
    found = {}
    for tenant, given in raw.get("tenants", {}).items():
        if unknown := set(given["topics"]) - topics.keys():
            raise NoticesBroken(
                f"notices.yml: {tenant} offers {', '.join(sorted(unknown))}, which is no topic"
            )
        offered = {name: topics[name] for name in given["topics"]}
        found[tenant] = Notices(offered, signs, bool(given.get("four_eyes")))
    return found
