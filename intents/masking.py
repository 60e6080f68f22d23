"""Personal numbers and addresses out of a text before anyone stores, logs or learns it (UU 27/2022).

NIK (16 digits), family-card number (16 after *KK*), NOP (18), phone, e-mail and BPJS card become tags such as
[NIK]. Case and booking numbers (MJK-2611-000123, MPP-7K3Q), dates, hours and money are left alone.
"""

import re
from dataclasses import dataclass, field

from intents.numbers import references

TAGS = {
    "nik": "[NIK]",
    "kk": "[KK]",
    "nop": "[NOP]",
    "phone": "[TELEPON]",
    "email": "[EMAIL]",
    "bpjs": "[BPJS]",
    "link": "[KODE]",
}

# Tried at the start of a run of letters only: from each letter of it, a long run would cost its square.
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]++(?: ?@ ?|\s?(?:\(at\)|\[at\])\s?)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
_RUN = re.compile(r"\(?\+?\d(?:[ \t]?[-–.()/\t ]{0,2}\d)+")
_PROTECTED = re.compile(
    r"\d{1,2}[.:]\d{2}(?:[.:]\d{2})?\s*(?:-|–|s/?d|sampai)\s*\d{1,2}[.:]\d{2}"  # opening hours
    # 24-11-2026, and not a part of a longer number
    r"|(?<!\d)(?<!\d[-/.])\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d{2}(?!\d)(?![-.]\d)(?! ?\d{3,})"
    r"|(?<!\d)(?<!\d[-/.])(?:19|20)\d{2}-\d{2}-\d{2}(?!\d)(?!-\d)"  # 2026-11-24
    r"|(?<![\d.])(?:[01]?\d|2[0-4])[.:][0-5]\d(?!\d)(?![.\- ]?\d{3,})(?![.-]\d)"  # clock
    r"|\brp\.?\s?\d[\d.,]*"  # money
    r"|-?\d{1,3}\.\d{3,}\s*,\s*-?\d{1,3}\.\d{3,}",  # coordinates
    re.IGNORECASE,
)
_KK_BEFORE = re.compile(
    r"(?:\bkk\b|kartu keluarga|\bno(?:mor)?\.? ?kk\b|\bkk(?:nya|ku|ne|e)\b)", re.IGNORECASE
)
# A one-time code of ours, as typed and as a link carries it: whoever reads it could use it.
_LINK = re.compile(
    r"\bLW[- ]?[BCDFGHJKMNPQRSTVWXZ]{4}[- ]?[BCDFGHJKMNPQRSTVWXZ]{4}\b|\bhubung-[A-Za-z0-9_-]{16,}",
    re.IGNORECASE,
)
_NIK_BEFORE = re.compile(r"\b(?:nik|ktp|e-?ktp)(?:nya|ku|ne|e)?\b", re.IGNORECASE)
_NOP_BEFORE = re.compile(r"\b(?:nop|pbb|objek pajak)\b", re.IGNORECASE)
_BPJS_BEFORE = re.compile(r"\b(?:bpjs|jkn|kis)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was masked: where it stood in the raw text. `value` never shows in a repr."""

    kind: str
    start: int
    end: int
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text that may be stored and learnt from, and what was taken out of it."""

    text: str
    found: tuple[Found, ...] = ()


def mask(text: str) -> Masked:
    """Replace personal numbers and addresses by tags. Masking twice changes nothing."""
    found = sorted(_find(text), key=lambda item: item.start)
    parts, at = [], 0
    for item in found:
        parts += [text[at : item.start], TAGS[item.kind]]
        at = item.end
    return Masked("".join([*parts, text[at:]]), tuple(found))


def hide_codes(text: str) -> str:
    """Replace the one-time codes in a sentence of ours, which may name numbers that others may read."""
    return _LINK.sub(TAGS["link"], text)


def _find(text: str) -> list[Found]:
    found = [Found("email", m.start(), m.end(), m[0]) for m in _EMAIL.finditer(text)]
    found += [Found("link", m.start(), m.end(), m[0]) for m in _LINK.finditer(text)]
    free = list(text)
    spans = [(item.start, item.end) for item in found]
    spans += [(mention.start, mention.end) for mention in references(text)]
    spans += [match.span() for match in _PROTECTED.finditer(text)]
    for start, end in spans:
        # A letter breaks every run of digits, so nothing protected can become part of a number.
        free[start:end] = "x" * (end - start)
    rest = "".join(free)
    for match in _RUN.finditer(rest):
        found += _segment(text, match.start(), match.end())
    return found


def _segment(text: str, start: int, end: int) -> list[Found]:
    """Cut one run of digits and separators into personal numbers."""
    groups = [(start + m.start(), start + m.end()) for m in re.finditer(r"\S+", text[start:end])]
    found: list[Found] = []
    first = 0
    while first < len(groups):
        for last in _lengths(text, groups, first):
            kind = _kind(text, groups[first][0], groups[last][1])
            if kind:
                found.append(_trim(kind, text, groups[first][0], groups[last][1]))
                first = last
                break
        first += 1
    return found


def _lengths(text: str, groups: list[tuple[int, int]], first: int) -> list[int]:
    """Return group ends to try: a group that is whole by itself first, then the longest stretch down."""
    alone = _kind(text, *groups[first])
    longest = list(range(len(groups) - 1, first, -1))
    # Sixteen digits together are a person's number, even where their beginning looks like a phone's.
    if alone == "phone" and _digits(text, groups[first][0], groups[-1][1]) == 16:
        return [*longest, first]
    if alone in ("nik", "kk", "nop") or (alone == "phone" and _digits(text, *groups[first]) >= 10):
        return [first, *longest]
    return [*longest, first]


def _digits(text: str, start: int, end: int) -> int:
    return sum(c.isdecimal() for c in text[start:end])


def _kind(text: str, start: int, end: int) -> str | None:
    digits = "".join(c for c in text[start:end] if c.isdecimal())
    count = len(digits)
    before = text[max(0, start - 40) : start]
    if count == 18:
        return "nop"
    if 14 <= count <= 17 and not (digits.startswith("62") and count == 14):
        if count < 16 and re.match(r"\+|08|628", text[start:end]):
            return "phone"
        return "kk" if _last(_KK_BEFORE, before) > _last(_NIK_BEFORE, before) else "nik"
    if 10 <= count <= 18 and _last(_NOP_BEFORE, before) >= 0 and count >= 17:
        return "nop"
    if (
        count == 13
        and (digits.startswith("000") or _last(_BPJS_BEFORE, before) >= 0)
        and not digits.startswith("08")
    ):
        return "bpjs"
    if re.match(r"\(?(?:\+?62|0)[\s().-]*8", text[start:end]) and 9 <= count <= 15:
        return "phone"
    if re.match(r"\+\d", text[start:end]) and 9 <= count <= 15:
        return "phone"
    if re.match(r"\(?0[2-79]\d{1,2}\)?[\s.-]*\d", text[start:end]) and 9 <= count <= 12:
        return "phone"
    return "nik" if count > 18 else None


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Return where the last match of `pattern` in `text` starts, -1 without one."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _trim(kind: str, text: str, start: int, end: int) -> Found:
    while end > start and not text[end - 1].isdecimal():
        end -= 1
    return Found(kind, start, end, text[start:end])
