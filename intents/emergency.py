"""Is somebody in danger now? A deterministic floor that works in every state and with Rasa down.

Patterns first (see alarms), then a small linear model of the training sentences (see danger) for mild
wordings:
it may raise what no pattern knows, and may calm a pattern that only it finds alarming.
It errs towards showing the number, but lets idioms (*kebakaran jenggot*), questions about numbers and rules,
what might happen, what happened long ago, and lost papers pass as ordinary messages.
"""

import re
from dataclasses import dataclass

from intents import alarms, danger
from intents.normaliser import normalise

CRISIS = ("self_harm", "child", "violence")
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
# Below CALM a pattern is overruled, from ALARM on the model alone raises the alarm (validation:
# docs/understanding.md).
CALM, ALARM, DOUBTFUL_ALARM = 0.03, 0.35, 0.8
_PERSONAL = re.compile(
    r"\b(?:suami|istri|pacar|mantan|bapak|ayah|ibu|paman|dipaksa|diancam|disakiti|kekerasan|siksa\w*|husband|father)\b"
)
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


def check(text: str) -> Emergency | None:
    """Return the emergency that `text` reports as happening, or None."""
    clauses = [normalise(clause) for clause in _CLAUSE.split(text)]
    clauses = [re.sub(r"[-’']", " ", clause) for clause in clauses if clause]
    if not clauses:
        return None
    said = " ".join(clauses)
    whole = " ".join(alarms.IDIOMS.sub(" ", said).split())
    idiom = whole != said
    loud = text.count("!") >= 2 or (text.isupper() and len(text) > 8)
    kind = _crisis(whole) or _danger(clauses, whole, loud)
    acute, crisis = danger.likely(normalise(text))
    if kind is not None and acute + crisis < (CALM / 3 if "tolong" in whole.split() else CALM):
        return None
    if kind is None and acute + crisis >= _threshold(whole, idiom):
        kind = _guess(whole, crisis > acute)
    if kind is None:
        return None
    return Emergency(kind, "crisis" if kind in CRISIS else kind)


def name(text: str, crisis: bool) -> Emergency:
    """Name the kind of an emergency or crisis that somebody else (the intent model) recognised in `text`."""
    kind = _guess(normalise(text), crisis)
    return Emergency(kind, "crisis" if kind in CRISIS else kind)


def _threshold(whole: str, idiom: bool) -> float:
    """Return how sure the model must be: surer where the words speak of papers, the past, a number or a
    supposition."""
    doubts = (
        alarms.PAPER,
        alarms.PAST,
        alarms.HYPOTHETICAL,
        alarms.NUMBER_QUESTION,
        alarms.HABITUAL,
        alarms.DRILL,
    )
    return DOUBTFUL_ALARM if idiom or any(doubt.search(whole) for doubt in doubts) else ALARM


def _guess(whole: str, crisis: bool) -> str:
    """Name the kind of a danger that only the model saw."""
    found = [kind for kind, pattern in KINDS.items() if pattern.search(whole) and (kind in CRISIS) == crisis]
    if found:
        return found[0]
    if crisis:
        return "violence" if _PERSONAL.search(whole) else "self_harm"
    return "general"


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
