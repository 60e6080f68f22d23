"""Short answers that steer a form, as people type them; the words themselves are data
(data/language/answers.yml)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Words:
    """Which word means which step: send, edit, skip, cancel, back, again, yes, no.

    `weekdays` are short names from Monday on, for buttons; `name_leads` are what people put before a name,
    `queue` are words about queueing that say nothing about the service, `fillers` words that say nothing at
    all, `bare` words that leave open which service of a name is meant, `priorities` how people say that
    somebody is to be served first.
    """

    steps: dict[str, str]
    weekdays: tuple[str, ...] = ()
    name_leads: tuple[str, ...] = ()
    queue: frozenset[str] = frozenset()
    fillers: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    priorities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path) -> "Words":
        """Read the file.

        Raises:
            ValueError: one word stands for two steps.
        """
        data = yaml.safe_load((root / "data" / "language" / "answers.yml").read_text(encoding="utf-8"))
        steps: dict[str, str] = {}
        for step, words in data["steps"].items():
            for word in words:
                plain = str(word).lower()
                if steps.get(plain, step) != step:
                    raise ValueError(f"answers.yml: {plain!r} means both {steps[plain]} and {step}")
                steps[plain] = str(step)
        return cls(
            steps,
            tuple(data["weekdays"]),
            tuple(data["name_leads"]),
            frozenset(data["queue"]),
            frozenset(data["fillers"]),
            frozenset(data["bare"]),
            {who: tuple(signs) for who, signs in data["priorities"].items()},
        )

    def step(self, text: str) -> str | None:
        """Return the step a whole message stands for, None when it says anything else."""
        plain = " ".join(text.lower().strip(" .,!?*_\"'").split())
        return self.steps.get(plain)

    def core(self, text: str) -> str:
        """Return a message without its fillers, for measuring how much of it is an answer."""
        return " ".join(word for word in text.lower().split() if word.strip(".,!?") not in self.fillers)
