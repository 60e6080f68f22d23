# ruff: noqa: E501 (patterns read better unbroken)
"""Which words are read how: the rules for days, most exact first."""

import re

from intents import day_readings as readings
from intents.calendar_words import (
    DATE_WORD,
    DAY,
    LAST,
    MONTH,
    NEXT,
    NOT_ADDRESS,
    NUM,
    WEEK,
    WEEKDAY_ONLY,
)
from intents.day_readings import Read
from intents.numbers import WORD_PATTERN
from intents.times import PART

_UNIT = r"(?:hari|hr|dina|dino|dinten|minggu|mgu|pekan|bulan|bln|sasi|wulan)"
_NOT_PRAYER = "".join(f"(?<!{word} )" for word in ("sholat", "solat", "salat", "shalat"))
_LATER_WEEK = rf"(?P<n>\d|{WORD_PATTERN})\s+{WEEK}\s+(?:lagi|lg|maneh|malih|lai)"
_SPAN_COUNT = rf"(?:(?P<n>se|sak|\d{{1,2}}|{WORD_PATTERN})\s*)"
_RULES: list[tuple[str, Read]] = [
    (r"(?P<y>20\d\d)-(?P<m>\d\d?)-(?P<d>\d\d?)(?!\d)", readings.iso),
    (
        rf"(?:{DATE_WORD}\s*)?(?P<d>{NUM})(?:\s+|\s*[-/.]\s*)(?P<mon>{MONTH})\.?(?:\s*[-/,.]?\s*(?P<y>20\d\d|'?\d\d(?=\s*$)))?(?!\w)",
        readings.full,
    ),
    (
        rf"{NOT_ADDRESS}(?:{DATE_WORD}\s*)?(?<![\d/.-])(?P<d>\d{{1,2}})\s?/\s?(?P<m>\d{{1,2}})(?:\s?/\s?(?P<y>20\d\d|\d\d))?(?![\d/])",
        readings.full,
    ),
    (r"(?<![\d/.-])(?P<d>\d{1,2})-(?P<m>\d{1,2})-(?P<y>20\d\d|\d\d)(?![\d-])", readings.full),
    (r"(?<![\d/.-])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>20\d\d)(?![\d-])", readings.full),
    (rf"{DATE_WORD}\s*(?P<d>\d{{1,2}})-(?P<m>\d{{1,2}})(?![\d-])", readings.full),
    (
        rf"{DATE_WORD}\s*(?P<d>{NUM})\s+(?:(?P<next>(?:bulan|bln|sasi|wulan)\s+{NEXT})|(?P<this>(?:bulan|bln|sasi|wulan)\s+(?:ini|iki|niki)))",
        readings.of_month,
    ),
    (rf"{DATE_WORD}\s*(?P<d>{NUM})(?![\d:])(?!\.\d)", readings.of_month),
    (
        rf"(?:hari\s+|dina\s+)?(?P<day>{DAY})\s+(?:(?:{WEEK}\s+)?depan(?:nya)?\s+(?:lagi|lg)|{_LATER_WEEK})",
        readings.day_of_later_week,
    ),
    (rf"{_LATER_WEEK}\s*,?\s*(?:hari\s+|dina\s+)?(?P<day>{WEEKDAY_ONLY})", readings.day_of_later_week),
    (rf"(?:hari\s+|dina\s+)?(?P<day>{DAY})\s+{WEEK}\s+{NEXT}", readings.next_week_day),
    (rf"{WEEK}\s+depan(?:nya)?\s+(?:lagi|lg)", readings.week(2)),
    (
        rf"{WEEK}\s+{NEXT}\s*,?\s*(?:hari\s+|dina\s+)?(?P<day>{WEEKDAY_ONLY}|(?<=hari )minggu)",
        readings.next_week_day,
    ),
    (rf"(?:hari|dina|dino|hr)\s+(?P<day>minggu)\s+{NEXT}", readings.coming_sunday),
    (rf"{WEEK}\s+{NEXT}|next week", readings.week(1)),
    (rf"(?:malem|malam|mlm|bengi)\s+(?P<day>{DAY})(?!\s+{NEXT})", readings.eve),
    (rf"(?:hari\s+|dina\s+|dino\s+|dinten\s+)?(?P<day>{WEEKDAY_ONLY})\s+{LAST}", readings.day_last),
    (rf"(?:hari|dina|dino|hr)\s+(?P<day>{DAY})\s+{LAST}", readings.day_last),
    (rf"(?:besok|bsk|sesuk|mene|tomorrow)\s+(?:hari\s+)?(?P<day>{DAY})(?!\s+{NEXT})", readings.plain_day),
    (rf"(?P<day>{WEEKDAY_ONLY})\s+(?:besok|bsk|sesuk|ngesuk|mene)", readings.plain_day),
    (rf"(?:hari\s+|dina\s+|dino\s+|dinten\s+|hr\s+)?(?P<day>{WEEKDAY_ONLY})\s+{NEXT}", readings.day_next),
    (rf"(?:hari|dina|dino|hr)\s+(?P<day>{DAY})\s+{NEXT}", readings.day_next),
    (rf"next\s+(?P<day>{WEEKDAY_ONLY})", readings.day_next),
    (rf"(?:hari\s+|dina\s+)?(?P<day>{WEEKDAY_ONLY})\s+(?:minggu\s+)?(?:ini|iki|niki)", readings.day_this),
    (r"(?:akhir pekan|weekend|akhir minggu)(?:\s+(?:depan|ini|besok))?", readings.weekend),
    (rf"{WEEK}\s+(?:ini|iki|niki)|this week", readings.week(0)),
    (rf"{WEEK}\s+{LAST}|last week", readings.week(-1)),
    (
        rf"(?P<part>akhir|awal|pertengahan|tengah|pungkasan)\s+(?:bulan|bln|sasi|wulan)\s+{NEXT}",
        readings.month_span(1),
    ),
    (
        r"(?P<part>akhir|awal|pertengahan|tengah|pungkasan)\s+(?:bulan|bln|sasi|wulan)(?:\s+(?:ini|iki))?",
        readings.month_span(0),
    ),
    (rf"(?:bulan|bln|sasi|wulan)\s+{NEXT}|next month", readings.month_span(1)),
    (rf"(?:bulan|bln|sasi|wulan)\s+{LAST}|last month", readings.month_span(-1)),
    (r"(?:bulan|bln|sasi|wulan)\s+(?:ini|iki|niki)", readings.month_span(0)),
    (rf"(?:tahun|thn|taun)\s+{NEXT}", readings.year_next),
    (
        rf"{_SPAN_COUNT}(?P<unit>{_UNIT})\s+(?:yang\s+|yg\s+)?(?:lalu|kemarin|kemaren|kmrn|kepungkur|ago)",
        readings.days_ago,
    ),
    (
        rf"(?:dalam\s+)?{_SPAN_COUNT}(?P<unit>{_UNIT})\s+(?:lagi|lg|lai|maneh|malih|kedepan|ke depan|mendatang|kemudian|engkas|ngkas)",
        readings.in_days,
    ),
    (r"(?:besok\s*|bsk\s*|sesuk\s*)?(?:lusa|emben|mben|mbesuk emben)(?:e|nya)?(?!\w)", readings.offset(2)),
    (r"(?:day after tomorrow)", readings.offset(2)),
    (
        r"(?:hari|dina|dino|dinten|hr)\s+(?:ini|iki|niki|ni)|ini hari|hr ini|today|saiki|sekarang(?: juga)?|skrg|skrng|sakniki|samenika|sakmeniko",
        readings.offset(0),
    ),
    (r"(?:tadi|wau|mau)\s+(?:malam|malem|bengi|mlm)(?!\s+(?:minggu|jum|kamis))", readings.last_night),
    (rf"(?P<part>{PART})\s+(?:ini|iki|niki|nanti|ntar|mengko|mangke)", readings.part_today),
    (
        rf"(?:tadi|wau|nanti|ntar|nti|mengko|mangke|sabantar|sebentar)(?=\s+(?:{PART}|(?:jam|jm|pukul|pkl)\s*\w+)(?!\w))",
        readings.offset(0),
    ),
    (r"(?:wingi|kemarin|kemaren|kmrn|kmarin|kmaren)\s+(?:lusa|dulu|emben)|kapan hari", readings.offset(-2)),
    (
        r"(?:kemarin|kemaren|kmrn|kmarin|kmaren|wingi|dek wingi|kolo wingi|yesterday)(?:nya)?",
        readings.offset(-1),
    ),
    (
        r"(?:besok|bsk|bsok|besuk|beso|sesuk|mene|mbenjing|benjing|benjang|ngesuk|esok(?: hari)?|tomorrow)(?:nya)?(?!\s+lusa)",
        readings.offset(1),
    ),
    (rf"(?:hari|dina|dino|dinten|hr|dinten)\s+(?P<day>{DAY})", readings.plain_day),
    (rf"{_NOT_PRAYER}(?P<day>{WEEKDAY_ONLY})", readings.plain_day),
]
RULES = [(re.compile(rf"(?<![\w-]){pattern}(?![\w])", re.IGNORECASE), read) for pattern, read in _RULES]
