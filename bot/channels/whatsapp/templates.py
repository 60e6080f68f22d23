"""The registry of templates: what may be said after the window closed, once Meta approved it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.channels.fit import shorten
from bot.vocabulary.messages import FilledTemplate

BODY_UNITS = 1024
BUTTON_UNITS = 25
CATEGORIES = frozenset({"UTILITY", "MARKETING", "AUTHENTICATION"})
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_VARIABLE = re.compile(r"\{\{(\d+)\}\}")


class TemplatesBroken(ValueError):
    """The registry cannot be used; the message says which template and why."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template as it is sent to Meta. `variables` name what stands for {{1}}, {{2}}, ..."""

    name: str
    language: str
    category: str
    purposes: frozenset[str]
    body: str
    variables: tuple[str, ...]
    button: str | None
    news_units: int
    example: tuple[str, ...] = ()

    def fill(self, values: Mapping[str, str], token: str | None) -> FilledTemplate:
        """Put values in. Meta takes no line breaks, tabs or runs of blanks in them."""
        filled = tuple(one_line(values[name], self.news_units) for name in self.variables)
        return FilledTemplate(self.name, self.language, filled, token if self.button else None)

    def definition(self) -> dict[str, Any]:
        """What Meta's template API takes to have it approved."""
        body: dict[str, Any] = {
            "type": "BODY",
            "text": self.body,
            "example": {"body_text": [list(self.example)]},
        }
        components = [body]
        if self.button:
            components.append({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": self.button}]})
        return {
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "components": components,
        }


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one government may use: approved templates, and messages that cost, a month."""

    approved: frozenset[str] = frozenset()
    monthly: int = 0
    warn_percent: int = 80


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates and every government's allowance."""

    all: Mapping[str, Template] = field(default_factory=dict)
    allowances: Mapping[str, Allowance] = field(default_factory=dict)
    free_answers: int = 0

    def allowance(self, tenant: str) -> Allowance:
        """What a government may use; nothing where it is not named."""
        return self.allowances.get(tenant, Allowance())

    def named(self, purpose: str) -> Template | None:
        """The template for a purpose, approved or not."""
        return next((item for item in self.all.values() if purpose in item.purposes), None)

    def approved(self, tenant: str, purpose: str) -> Template | None:
        """The template a government may use for a purpose."""
        found = self.named(purpose)
        return found if found and found.name in self.allowance(tenant).approved else None


def load(root: Path) -> Templates:
    """Read data/templates/whatsapp.yml.

    Raises:
        TemplatesBroken: Meta would refuse a template, or a government approves one that is not there.
    """
    path = root / "data" / "templates" / "whatsapp.yml"
    raw = yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}
    found = {name: _template(name, given) for name, given in raw.get("templates", {}).items()}
    allowances = {}
    for tenant, given in raw.get("tenants", {}).items():
        approved = frozenset(given.get("approved", ()))
        if unknown := approved - found.keys():
            raise TemplatesBroken(f"{tenant} approves {', '.join(sorted(unknown))}, which is no template")
        allowances[tenant] = Allowance(approved, int(given["monthly"]), int(given.get("warn_percent", 80)))
    return Templates(found, allowances, int(raw.get("free_answers", 0)))


def one_line(text: str, limit: int) -> str:
    """A text as a variable may hold it: one line, no tabs, no four blanks, `limit` units at most."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return shorten(" · ".join(line for line in lines if line), limit) or "-"


def _template(name: str, given: Mapping[str, Any]) -> Template:
    template = Template(
        name=name,
        language=given["language"],
        category=given["category"],
        purposes=frozenset(given["purposes"]),
        body=given["body"].strip(),
        variables=tuple(given["variables"]),
        button=given.get("button"),
        news_units=int(given["news_units"]),
        example=tuple(given.get("example", ())),
    )
    numbers = [int(number) for number in _VARIABLE.findall(template.body)]
    faults = {
        "a name has a-z, 0-9 and _ only": not _NAME.fullmatch(name),
        "the category is not one of Meta's": template.category not in CATEGORIES,
        "the body does not use {{1}}, {{2}}, ... in order, once each": numbers
        != [*range(1, len(template.variables) + 1)],
        "a body neither begins nor ends with a variable": bool(
            re.match(r"\{\{", template.body) or re.search(r"\}\}$", template.body)
        ),
        "the button is too long": len(template.button or "") > BUTTON_UNITS,
        "the body with its variables is too long": len(template.body) + template.news_units + 100
        > BODY_UNITS,
        "each variable needs an example": len(template.example) != len(template.variables),
    }
    for fault, found in faults.items():
        if found:
            raise TemplatesBroken(f"{name}: {fault}")
    return template
