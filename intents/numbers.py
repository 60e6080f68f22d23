"""Numbers in running text: number words of three languages, reference numbers, amounts of money."""

import re
from dataclasses import dataclass

_WORDS = {
    0: "nol kosong",
    1: "satu siji setunggal esa se one",
    2: "dua loro kalih rong two",
    3: "tiga telu tigo telung tigang three",
    4: "empat papat sekawan ampat patang four",
    5: "lima limo limang gangsal five",
    6: "enam enem anam nem six",
    7: "tujuh pitu pitung tuju seven",
    8: "delapan dalapan wolu wolung lapan dlapan eight",
    9: "sembilan sanga songo sangang sambilan sembila nine",
    10: "sepuluh sedasa sedoso sapuluh sapulu ten",
    11: "sebelas sewelas sabalas eleven",
    12: "duabelas rolas kalih_welas twelve",
}
VALUES = {spelling.replace("_", " "): value for value, names in _WORDS.items() for spelling in names.split()}
VALUES |= {f"{word} belas": value + 10 for word, value in tuple(VALUES.items()) if 2 <= value <= 9}
VALUES |= {f"{word} welas": value + 10 for word, value in tuple(VALUES.items()) if 2 <= value <= 9}
VALUES |= {
    "dua puluh": 20,
    "dua pulu": 20,
    "rong puluh": 20,
    "tiga puluh": 30,
    "telung puluh": 30,
    "selikur": 21,
    "selawe": 25,
}
VALUES |= {
    f"dua {tens} {word}": 20 + v
    for tens in ("puluh", "pulu")
    for word, v in tuple(VALUES.items())
    if 1 <= v <= 9 and word != "se"
}
VALUES |= {"tiga puluh satu": 31}

# Longest first, so that "dua belas" is not read as "dua".
WORD_PATTERN = "|".join(
    sorted((re.escape(word) for word in VALUES if word not in ("se", "one")), key=len, reverse=True)
)

# What citizens call numbers of people, never of cases.
PERSONAL_PREFIXES = frozenset(
    [
        "nik",
        "kk",
        "ktp",
        "hp",
        "wa",
        "no",
        "nop",
        "telp",
        "tlp",
        "tel",
        "nomor",
        "nomer",
        "hub",
        "nmr",
        "ponsel",
        "phone",
        "rek",
        "bpjs",
        "npwp",
        "kis",
        "pin",
        "otp",
        "rt",
        "rw",
        "jl",
    ]
)
_REFERENCE = re.compile(
    r"(?<![\w-])(?P<prefix>[a-z]{2,6})(?P<rest>(?:[-‐–/][a-z0-9]{1,14}){1,5})(?![\w-])", re.IGNORECASE
)
_SPACED = re.compile(
    r"(?<![\w-])(?P<prefix>mjk|kpg|mkb|mpp|pbg|ppid|skt|pkkpr|slf|reg)[ .]?(?P<a>\d{4})[ .](?P<b>\d{4,6})(?![\w-])",  # noqa: E501
    re.IGNORECASE,
)
_QUEUE_CODE = re.compile(
    r"(?<![\w-])(?P<prefix>mpp|mpk|pkm)[ -]?(?P<code>(?=[a-z]*\d)[a-z0-9]{4,6})(?![\w-])", re.IGNORECASE
)
_NOT_REFERENCES = frozenset(
    [
        "covid",
        "sd",
        "smp",
        "sma",
        "smk",
        "jam",
        "tgl",
        "pukul",
        "rp",
        "usia",
        "umur",
        "kelas",
        "lt",
        "no",
        "nik",
    ]
)
_AMOUNT = re.compile(
    r"(?:(?P<rp>rp)\.?\s?)?(?P<digits>\d{1,3}(?:[.,]\d{3})+|\d+(?:[.,]\d+)?)\s?(?P<unit>ribu|rb|k\b|juta|jt|miliar|milyar)?"
    r"(?:\s?(?P<word>rupiah))?",
    re.IGNORECASE,
)
_UNITS = {
    "ribu": 1_000,
    "rb": 1_000,
    "k": 1_000,
    "juta": 10**6,
    "jt": 10**6,
    "miliar": 10**9,
    "milyar": 10**9,
}


@dataclass(frozen=True, slots=True)
class NumberMention:
    """A number with a meaning: `kind` is reference or amount; `value` its canonical text (rupiah for
    amounts)."""

    start: int
    end: int
    kind: str
    value: str


def value_of(word: str) -> int | None:
    """Return what a number word or a digit string stands for, None for another word."""
    word = " ".join(word.lower().split())
    return int(word) if word.isdecimal() else VALUES.get(word)


def references(text: str) -> list[NumberMention]:
    """Return case and booking numbers such as MJK-2611-000123 or MPP-7K3Q, in capitals with dashes."""
    found: list[NumberMention] = []
    for match in _REFERENCE.finditer(text):
        prefix, rest = match["prefix"].lower(), re.sub(r"[‐–/]", "-", match["rest"])
        digits = sum(c.isdigit() for c in rest)
        parts = rest[1:].split("-")
        code = prefix in ("mpp", "mpk", "pkm") and match[0].isupper()
        if prefix in PERSONAL_PREFIXES or prefix in _NOT_REFERENCES or (not digits and not code):
            continue
        if any(re.fullmatch(r"\d{14,}|(?:62|0)8\d{7,}", part) for part in parts):
            continue
        if len("".join(parts)) < 4:
            continue
        found.append(NumberMention(match.start(), match.end(), "reference", (prefix + rest).upper()))
    for pattern in (_SPACED, _QUEUE_CODE):
        for match in pattern.finditer(text):
            if not any(m.start < match.end() and match.start() < m.end for m in found):
                parts = [part for part in match.groups() if part]
                found.append(NumberMention(match.start(), match.end(), "reference", "-".join(parts).upper()))
    return sorted(found, key=lambda mention: mention.start)


def amounts(text: str) -> list[NumberMention]:
    """Return amounts of money in rupiah: `Rp 50.000`, `50 ribu`, `1,5 juta`."""
    found = []
    for match in _AMOUNT.finditer(text):
        if not (match["rp"] or match["word"] or match["unit"]):
            continue
        if (match["unit"] or "").lower() == "k" and not match["rp"]:
            continue
        digits = match["digits"]
        grouped = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits)
        number = float(re.sub(r"[.,]", "", digits)) if grouped else float(digits.replace(",", "."))
        rupiah = int(number * _UNITS.get((match["unit"] or "").lower(), 1))
        found.append(NumberMention(match.start(), match.end(), "amount", str(rupiah)))
    return found
