# ruff: noqa: E501 (patterns read better unbroken)
"""The words people make days of: weekdays, months, next, last, week; Indonesian, Javanese, Kupang Malay, English."""

import re

from intents.numbers import WORD_PATTERN

DAYS = {
    0: "senin|senen|snin|monday",
    1: "selasa|slasa|seloso|slosa|tuesday",
    2: "rabu|rebo|rebu|robo|wednesday",
    3: "kamis|kemis|kms|thursday",
    4: "jum['’`]?at|jumat|jemuah|jumuah|jemuwah|jum at|friday",
    5: "sabtu|setu|saptu|sbtu|saturday",
    6: "ahad|ngahad|akad|sunday|minggu|mingg?u",
}
DAY = "|".join(f"(?:{names})" for names in DAYS.values())
WEEKDAY_ONLY = (
    "|".join(f"(?:{names})" for day, names in DAYS.items() if day != 6) + "|ahad|ngahad|akad|sunday"
)
MONTHS = [
    "januari|jan|january",
    "februari|pebruari|feb|peb|february",
    "maret|mar|mrt|march",
    "april|apr",
    "mei|may",
    "juni|jun|june",
    "juli|jul|july",
    "agustus|agus|agu|ags|agt|august|aug",
    "september|sept|sep",
    "oktober|okt|october|oct",
    "november|nopember|nov|nop",
    "desember|des|december|dec",
]
MONTH = "|".join(f"(?:{names})" for names in MONTHS)
NEXT = r"(?:depan(?:nya|e)?|dpn|dpan|ngarep|ngajeng|muka|berikut(?:nya)?|mendatang|besok|next)"
LAST = r"(?:lalu|kemarin|kemaren|kmrn|kmaren|wingi|kepungkur|yang lalu|yg lalu|last)"
WEEK = r"(?:minggu|mgu|mggu|pekan)"
NUM = rf"(?:\d{{1,2}}|{WORD_PATTERN})"
DATE_WORD = r"(?:tanggal|tgl|tggl|tanggale|tg|per tanggal)\.?"
NOT_ADDRESS = "".join(
    f"(?<!{word})"
    for word in ("rt ", "rt", "rt\\.", "rt\\. ", "rw ", "no ", "no\\.", "jam ", "jm ", "blok ", "gang ")
)


def weekday(name: str) -> int:
    """Return the number of a weekday's name, Monday 0."""
    return next(day for day, names in DAYS.items() if re.fullmatch(names, name))


def month(name: str) -> int:
    """Return the number of a month's name, January 1."""
    return next(i for i, names in enumerate(MONTHS, 1) if re.fullmatch(names, name.rstrip(".")))
