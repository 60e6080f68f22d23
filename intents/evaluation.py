"""Measure understanding on held-out messages, never trained on: `python -m intents.evaluation`.

Each file of `tests/holdout/` was written by somebody else. Runs in Rasa's environment, on the newest model.
"""

import csv
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intents import emergency

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Message:
    """One held-out message, with every right answer of each kind. No service or topic is not scored."""

    text: str
    intents: tuple[str, ...]
    services: tuple[str, ...]
    topics: tuple[str, ...]
    emergency: str
    language: str


@dataclass
class Share:
    """How many of how many, with Wilson's 95 % interval."""

    right: int = 0
    total: int = 0

    def add(self, right: bool) -> None:
        self.right += right
        self.total += 1

    @property
    def value(self) -> float:
        return self.right / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        if not self.total:
            return math.nan, math.nan
        z, n, p = 1.96, self.total, self.value
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} ({low:.3f}–{high:.3f}, n={self.total})"


@dataclass
class Report:
    """All figures of one run. `confusions` counts (truth, guess) of intents."""

    shares: dict[str, Share] = field(default_factory=dict)
    calibration_error: float = math.nan
    confusions: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[tuple[str, str, str, str]] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [f"{name}: {share}" for name, share in self.shares.items()] + [
            f"calibration error: {self.calibration_error:.3f}"
        ]


def files(root: Path = ROOT) -> list[Path]:
    """Return the files of held-out messages."""
    return sorted((root / "tests" / "holdout").glob("*.tsv"))


def messages(*paths: Path) -> list[Message]:
    """Read held-out messages: of all files, or of those given."""
    return [message for path in paths or files() for message in _read(path)]


def _read(path: Path) -> list[Message]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Message(
                row["text"],
                _either(row["intent"]),
                _either(row["service"]),
                _either(row["topic"]),
                row["emergency"] or "",
                row["language"] or "id",
            )
            for row in rows
        ]


def _either(cell: str | None) -> tuple[str, ...]:
    return tuple(answer for answer in (cell or "").split("|") if answer)


def evaluate(held: Iterable[Message], read: Callable[[str], dict[str, Any]]) -> Report:
    """Ask `read` (a Reader's shape) about each message and count."""
    names = ["intent", "service top-1", "service top-3", "topic", "emergency recall", "emergency precision"]
    names += ["emergency recall (guard alone)", "emergency precision (guard alone)", "language"]
    shares = {name: Share() for name in names}
    report = Report(shares)
    sure: list[tuple[float, bool]] = []
    for message in held:
        guess = read(message.text)
        intent = guess["intent"]["name"]
        right = intent in message.intents
        shares["intent"].add(right)
        sure.append((guess["intent"]["confidence"], right))
        if not right:
            report.confusions[message.intents[0], intent] += 1
            report.wrong.append(("intent", message.text, "|".join(message.intents), intent))
        if message.services:
            ranked = [entry["id"] for entry in guess["services"]]
            shares["service top-1"].add(bool(ranked) and ranked[0] in message.services)
            shares["service top-3"].add(any(s in message.services for s in ranked[:3]))
            if not ranked or ranked[0] not in message.services:
                report.wrong.append(("service", message.text, "|".join(message.services), str(ranked)))
        if message.topics:
            found = guess["topics"][0]["id"] if guess["topics"] else ""
            shares["topic"].add(found in message.topics)
            if found not in message.topics:
                report.wrong.append(("topic", message.text, "|".join(message.topics), found))
        alarm = bool(guess["emergency"])
        guarded = emergency.check(message.text, alone=True) is not None
        for suffix, raised in (("", alarm or intent in ("emergency", "crisis")), (" (guard alone)", guarded)):
            if message.emergency:
                shares[f"emergency recall{suffix}"].add(raised)
            if raised:
                shares[f"emergency precision{suffix}"].add(bool(message.emergency))
        if alarm != bool(message.emergency):
            report.wrong.append(
                ("emergency", message.text, message.emergency or "-", str(guess["emergency"]))
            )
        if message.language in ("id", "jv", "en"):
            shares["language"].add(guess["language"]["code"] == message.language)
            if guess["language"]["code"] != message.language:
                report.wrong.append(("language", message.text, message.language, guess["language"]["code"]))
    report.calibration_error = calibration_error(sure)
    return report


def calibration_error(sure: list[tuple[float, bool]], bins: int = 10) -> float:
    """Return the expected calibration error of (confidence, was it right)."""
    groups: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in sure:
        groups.setdefault(min(bins - 1, int(confidence * bins)), []).append((confidence, right))
    gaps = (abs(sum(c for c, _ in g) - sum(r for _, r in g)) for g in groups.values())
    return sum(gaps) / len(sure) if sure else math.nan


def main() -> int:
    """Print the figures of each file and of all together; `--wrong` also prints what was misunderstood."""
    from datetime import datetime

    from intents import parse

    reader = parse.load_reader(parse.newest_model(ROOT / "models"))
    now = datetime.fromisoformat("2026-11-23T08:00:00+07:00")
    for paths in [*([path] for path in files()), files()]:
        report = evaluate(messages(*paths), lambda text: reader.read(text, now))
        name = paths[0].stem if len(paths) == 1 else "all"
        sys.stdout.write("\n".join([f"== {name}", *report.lines(), ""]) + "\n")
    if "--wrong" in sys.argv:
        for row in report.wrong:
            sys.stdout.write("\t".join(row) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
