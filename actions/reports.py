"""What a citizen says about the report itself: which part is wrong, who may know of it, when it happened."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from intents import catalog as catalogue

ROOT = Path(__file__).resolve().parents[1]
_SPAN = (
    r"(?:\d{1,3}|satu|dua|tiga|empat|lima|enam|tujuh|delapan|sembilan|sepuluh|se|setengah|beberapa|pirang|rong"
    r"|telung)"
)
_UNIT = r"(?:jam|hari|dino|minggu|bulan|wulan|tahun|taun|malam|bengi|pekan)(?:an)?"
_MOMENT = (
    r"(?:hari\s+ini|kemarin|kemaren|wingi|tadi\s+(?:pagi|siang|sore|malam)|semalam|mau\s*bengi|barusan|"
    r"(?:hari\s+)?(?:senin|selasa|rabu|kamis|jumat|jum'at|sabtu|minggu)(?:\s+(?:lalu|kemarin))?|"
    r"(?:tadi|minggu\s+lalu|bulan\s+lalu|lebaran|januari|februari|maret|april|mei|juni|juli|agustus|september|oktober"
    r"|november|desember)|awal\s+\w+|tiap\s+\w+|setiap\s+\w+|saben\s+\w+)"
)


@dataclass(frozen=True)
class ReportWords:
    """The words of data/language/complaints.yml."""

    parts: dict[str, re.Pattern[str]]
    wrong: re.Pattern[str]
    remove: re.Pattern[str]
    identity: dict[str, re.Pattern[str]]
    begin: re.Pattern[str]
    time: re.Pattern[str]

    def part(self, text: str) -> str | None:
        """Return the part of a report that a message names and says nothing else about: *fotonya salah*."""
        rest = text.lower()
        named = [part for part, pattern in self.parts.items() if pattern.search(rest)]
        if len(named) != 1:
            return None
        rest = self.wrong.sub(" ", self.parts[named[0]].sub(" ", rest))
        return named[0] if not re.findall(r"[^\W\d_]{4,}|\d", rest) else None

    def removes(self, text: str) -> bool:
        """Say whether a part is to be taken away rather than asked for."""
        return bool(self.remove.search(text.lower()))

    def wishes(self, text: str) -> dict[str, bool]:
        """Return what a message wants of `anonymous` and `confidential`, as far as it says so."""
        lowered = text.lower()
        found: dict[str, bool] = {}
        for refusal, wish, slot in (
            ("named", "anonymous", "anonymous"),
            ("open", "confidential", "confidential"),
        ):
            if self.identity[refusal].search(lowered):
                found[slot] = False
            elif self.identity[wish].search(lowered):
                found[slot] = True
        return found

    def when(self, text: str) -> str | None:
        """Return the stretch of a description that says when: *sejak Senin*, *sudah 3 hari*."""
        found = self.time.search(text)
        return " ".join(found[0].split()) if found else None


@lru_cache(maxsize=2)
def words(root: Path = ROOT) -> ReportWords:
    """Read the file, once."""
    data = yaml.safe_load((root / "data" / "language" / "complaints.yml").read_text(encoding="utf-8"))
    since = _alternatives(data["since"])
    span = rf"{_SPAN}\s*(?:{_UNIT})(?:\s+(?:ini|lebih|lalu|yang\s+lalu))?"
    time = rf"(?<!\w)(?:(?:{since})\s+(?:{span}|{_MOMENT})|{span.replace('jam|', '')}|{_MOMENT})(?!\w)"
    return ReportWords(
        parts={part: _any_of(names) for part, names in data["parts"].items()},
        wrong=_any_of(data["wrong"]),
        remove=_any_of(data["remove"]),
        identity={name: _any_of(data[name]) for name in ("anonymous", "named", "confidential", "open")},
        begin=_any_of(data["begin"]),
        time=re.compile(time, re.IGNORECASE),
    )


def begins_one(text: str, catalog: catalogue.Catalog) -> bool:
    """Say whether a message opens with the word for reporting and names what is wrong."""
    return bool(words().begin.match(text.lower().strip())) and bool(topics(text, catalog))


def topics(text: str, catalog: catalogue.Catalog) -> list[str]:
    """Return the topics whose own words stand in a text, in order; a longer name hides those inside it."""
    lowered = f" {text.lower()} "
    hits: list[tuple[int, int, str]] = []
    for topic in catalog.topics.values():
        for word in (*topic.synonyms, topic.title):
            start = lowered.find(f" {word.lower()}")
            if start >= 0:
                hits.append((start, start + len(word) + 1, topic.id))
    kept: list[tuple[int, int, str]] = []
    for start, end, name in sorted(hits, key=lambda hit: hit[0] - hit[1]):
        if all(end <= other[0] or other[1] <= start for other in kept):
            kept.append((start, end, name))
    return list(dict.fromkeys(name for _, _, name in sorted(kept)))


def _alternatives(names: list[str]) -> str:
    return "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in sorted(names, key=len, reverse=True))


def _any_of(names: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_alternatives(names)})(?!\w)")
