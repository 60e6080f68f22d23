"""Is somebody in danger now? A deterministic floor that works in every state and with Rasa down.

Patterns (see alarms) and signs (see signs) are weighed by a small linear model of the training sentences
(see danger), so that a mild wording no pattern knows is heard, and a pattern in an idiom (*kebakaran
jenggot*), a question, a supposition, the past or lost papers does not raise the alarm by itself.
It errs towards showing the number.
"""

import re
from dataclasses import dataclass

from intents import alarms, danger, kinds
from intents.kinds import CRISIS
from intents.normaliser import normalise

KINDS = {
    "self_harm": alarms.SELF_HARM,
    "child": alarms.CHILD,
    "violence": alarms.VIOLENCE,
    "fire": alarms.FIRE,
    "accident": alarms.ACCIDENT,
    "disaster": alarms.DISASTER,
    "medical": alarms.MEDICAL,
    "crime": alarms.CRIME,
    "general": alarms.GENERAL,
}
# Below this, before the patterns are asked, nothing they could say would raise the alarm.
HARMLESS = 0.001
DOUBTS = {
    "paper": alarms.PAPER,
    "past": alarms.PAST,
    "suppose": alarms.HYPOTHETICAL,
    "number": alarms.NUMBER_QUESTION,
    "habit": alarms.HABITUAL,
    "drill": alarms.DRILL,
    "urgent": alarms.URGENT,
    "now": alarms.NOW,
}
# A pattern of a crisis is believed unless the model is this sure that it is none.
NO_CRISIS = 0.15
# How sure the model is of a kind at least: where no pattern speaks, and where one only heard a call for help.
NAMED, CALLED = 0.3, 0.6
_CLAUSE = re.compile(r"[.,;:\n?!()]+")
_AS_A_CASE = re.compile(
    r"\b(?:apa itu|sosialisasi|penyuluhan|pengertian|undang undang|pasal|data|statistik|angka|jumlah|kasus|program|berita|pencegahan|seminar|film|novel|lagu|skripsi|hoaks|hoax|isu|nomor|kontak|poster|cara melaporkan)\b"  # noqa: E501
)
_AT_SCHOOL = re.compile(
    r"\b(?:guru|kelas|teman sekolah|temannya|teman sekelas|kepala sekolah|wali kelas|bully|bullying|dibully|perundungan)\b"  # noqa: E501
)


@dataclass(frozen=True, slots=True)
class Emergency:
    """What is going on. `number_key` is the entry of the tenant's emergency numbers; crisis has its own
    texts."""

    kind: str
    number_key: str


def check(text: str, *, alone: bool = False) -> Emergency | None:
    """Return the emergency that `text` reports as happening, or None.

    `alone` says that nobody is asked after the guard (Rasa is down, a person has the talk): then it speaks at
    less.
    """
    likely, crisis = weigh(text)
    return name(text, crisis) if likely >= threshold(alone=alone) else None


def threshold(*, alone: bool = False) -> float:
    """Return the probability from which the guard raises the alarm; `alone`: nobody else is asked."""
    return danger.threshold(alone=alone)


def weigh(text: str) -> tuple[float, float]:
    """Return how likely `text` tells of danger, and how likely that danger would be a crisis."""
    if not text.strip() or _says_too_little(text):
        return 0.0, 0.0
    reading = danger.Reading(normalise(text))
    likely, crisis = reading.likely()
    return (likely, crisis) if likely < HARMLESS else reading.likely(notes(text))


def _says_too_little(text: str) -> bool:
    """One word alone is an answer (*ada*, *mati*) unless a pattern knows it (*kebakaran*)."""
    clauses, said, whole = _wordings(text)
    return len(said.split()) == 1 and _decide(text, clauses, whole) is None


def notes(text: str) -> list[str]:
    """Return what the patterns see in `text`, for the model: kinds, doubts, what the rules would decide."""
    clauses, said, whole = _wordings(text)
    kinds = [kind for kind, pattern in KINDS.items() if pattern.search(whole)]
    doubts = [doubt for doubt, pattern in DOUBTS.items() if pattern.search(whole)]
    if whole != said:
        doubts.append("idiom")
    seen = [f"k:{kind}" for kind in kinds] + [f"d:{doubt}" for doubt in doubts]
    if kinds:
        seen += ["k:any", *(f"k:any+{doubt}" for doubt in doubts)]
    decided = _decide(text, clauses, whole)
    if decided:
        seen += ["v:any", f"v:{decided}"]
    if len(said.split()) <= 2:
        seen.append("short")
    return seen


def _wordings(text: str) -> tuple[list[str], str, str]:
    """Return the clauses, all of them joined, and the same without idioms."""
    clauses = [normalise(clause) for clause in _CLAUSE.split(text)]
    clauses = [re.sub(r"[-’']", " ", clause) for clause in clauses if clause]
    said = " ".join(clauses)
    return clauses, said, " ".join(alarms.IDIOMS.sub(" ", said).split())


def _decide(text: str, clauses: list[str], whole: str) -> str | None:
    loud = text.count("!") >= 2 or (text.isupper() and len(text) > 8)
    return _crisis(whole) or _danger(clauses, whole, loud)


def name(text: str, crisis: float) -> Emergency:
    """Name the kind of a danger recognised in `text`; `crisis` is how likely it is a person's crisis."""
    clauses, _, whole = _wordings(text)
    seen = _decide(text, clauses, whole)
    if seen in CRISIS and crisis >= NO_CRISIS:
        return Emergency(seen, "crisis")
    shares = {
        kind: share * (crisis if kind in CRISIS else 1 - crisis)
        for kind, share in kinds.likely(normalise(text), notes(text)).items()
    }
    kind = max(shares, key=lambda k: shares[k])
    enough = CALLED if seen == "general" else NAMED
    if seen in (None, "general") and kind not in CRISIS and shares[kind] < enough * sum(shares.values()):
        kind = "general"
    return Emergency(kind, "crisis" if kind in CRISIS else kind)


def _crisis(whole: str) -> str | None:
    if _AS_A_CASE.search(whole) or alarms.DRILL.search(whole):
        return None
    if alarms.SELF_HARM.search(whole):
        return "self_harm"
    if _AT_SCHOOL.search(whole) and not re.search(
        r"\b(?:raba|meraba|cabul\w*|perkosa|diperkosa|lecehkan|melecehkan|dilecehkan)", whole
    ):
        return None
    if alarms.CHILD.search(whole):
        return "child"
    return "violence" if alarms.VIOLENCE.search(whole) else None


def _danger(clauses: list[str], whole: str, loud: bool) -> str | None:
    urgent = loud or bool(alarms.URGENT.search(whole))
    if alarms.DRILL.search(whole):
        return None
    if alarms.PAPER.search(whole) and not urgent:
        return None
    if alarms.CALL.search(" ".join(clauses)):
        return "general"
    past = alarms.PAST.search(alarms.SINCE.sub(" ", whole))
    if past and (not (urgent or alarms.NOW.search(whole)) or alarms.PAPER.search(whole)):
        return None
    if alarms.HABITUAL.search(whole) and not urgent:
        return None
    asks_number = alarms.NUMBER_QUESTION.search(whole)
    rest = " ".join(alarms.NUMBER_QUESTION.sub(" ", whole).split()) if asks_number else whole
    if alarms.HYPOTHETICAL.search(rest) and not urgent:
        rest = " ".join(_factual(clauses))
    for kind, pattern in KINDS.items():
        if kind not in CRISIS and any(
            _happens(rest, match, urgent or kind == "medical") for match in pattern.finditer(rest)
        ):
            return kind
    return None


def _factual(clauses: list[str]) -> list[str]:
    """Return the clauses that do not start a supposition."""
    kept = []
    for clause in clauses:
        found = alarms.HYPOTHETICAL.search(clause)
        kept.append(alarms.IDIOMS.sub(" ", clause[: found.start()] if found else clause))
    return kept


def _happens(text: str, match: re.Match[str], urgent: bool) -> bool:
    """Say whether the matched words tell of something happening, not of a fear, a habit or its prevention."""
    before = text[: match.start()]
    if re.search(r"\b(?:takut|rawan|hampir|khawatir|jangan sampai)\b", match[0]):
        return False
    if urgent and not re.search(
        r"\b(?:bukan|tidak ada|takut|rawan|mencegah|hampir|agar|biar|supaya|jangan sampai|asuransi) (?:\w+ )?$",  # noqa: E501
        before,
    ):
        return True
    return not alarms.WARNING_BEFORE.search(before)
