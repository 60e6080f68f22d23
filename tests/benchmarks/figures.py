"""Figures as they are reported: times of one series, rounds of series, tables for the screen and for JSON."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


@dataclass
class Series:
    """One closed loop: how long each answer took (milliseconds), and all of them together (seconds)."""

    milliseconds: list[float]
    seconds: float
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def p50(self) -> float:
        """The middle answer, ms."""
        return quantile(self.milliseconds, 0.5)

    @property
    def p95(self) -> float:
        """Ninety-five of a hundred are faster, ms."""
        return quantile(self.milliseconds, 0.95)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds

    def cpu_each(self, name: str) -> float:
        """Processor time of one process an answer, ms."""
        return 1000 * self.cpu[name] / len(self.milliseconds)


@dataclass
class Rounds:
    """The same series several times, because the machine may be busy with something else in between."""

    series: list[Series] = field(default_factory=list)

    def middle(self, what: str) -> float:
        """The median of the rounds' figures."""
        return statistics.median(getattr(one, what) for one in self.series)

    def best(self, what: str) -> float:
        """The round least disturbed: the smallest time, the largest rate."""
        pick = max if what == "per_second" else min
        return float(pick(getattr(one, what) for one in self.series))

    def cpu_each(self, name: str) -> float:
        """Processor time of one process an answer, ms: the median of the rounds."""
        return statistics.median(one.cpu_each(name) for one in self.series)

    def both(self, what: str) -> str:
        """`median (best)` for a table."""
        return f"{number(self.middle(what))} ({number(self.best(what))})"


def number(value: float) -> str:
    """Three digits are all that a figure of this kind is worth."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


@dataclass
class Table:
    """Rows under a heading. Cells are texts; `note` says how they were measured."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""

    def text(self) -> str:
        """The table in Markdown, columns aligned."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        drawn = [
            " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
        ]
        rule = " | ".join("-" * width for width in widths)
        body = "\n".join(f"| {line} |" for line in (drawn[0], rule, *drawn[1:]))
        return "\n\n".join(part for part in (f"### {self.title}", body, self.note) if part) + "\n"


@dataclass
class Result:
    """What one benchmark found: tables for people, raw figures for programs."""

    name: str
    tables: list[Table]
    raw: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Everything, in JSON's types."""
        return {"name": self.name, "tables": [asdict(table) for table in self.tables], "raw": self.raw}


def raw(rounds: Rounds) -> list[dict[str, Any]]:
    """The rounds as they are kept in the JSON file."""
    return [
        {
            "answers": len(one.milliseconds),
            "p50_ms": round(one.p50, 3),
            "p95_ms": round(one.p95, 3),
            "per_second": round(one.per_second, 2),
            "cpu_ms_each": {name: round(one.cpu_each(name), 3) for name in one.cpu},
        }
        for one in rounds.series
    ]
