# ruff: noqa: E501 (patterns and tables read better unbroken)
"""What citizens mean by a day or a time, said on Monday 23 November 2026 at 08.00 WIB."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import settings, texts
from intents.dates import Mention, combine, resolve
from tests.intents.expressions import LANGUAGES, Expression, table

WIB = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=WIB)

DAYS = """
hari ini=23-11 | dinten niki=23-11 | ini hari=23-11 | sekarang=23-11 | saiki=23-11 | today=23-11
besok=24-11 | bsk=24-11 | bsok=24-11 | beso=24-11 | mene=24-11 | sesuk=24-11 | mbenjing=24-11 | tomorrow=24-11
lusa=25-11 | besok lusa=25-11 | emben=25-11 | mben=25-11
rabu=25-11 | rebo=25-11 | hari rabu=25-11 | rabu besok=25-11 | kamis=26-11 | kemis=26-11 | kamis ini=26-11
jumat=27-11 | jum'at=27-11 | jemuah=27-11 | sabtu=28-11 | setu=28-11 | hari minggu=29-11 | minggu ini hari kamis=26-11
malam jumat=26-11 | malam minggu=28-11 | malem jumat=26-11
senin depan=30-11 | senin minggu depan=30-11 | jumat depan=04-12 | jum'at depan=04-12 | rabu minggu depan=02-12
minggu depan hari rabu=02-12 | selasa ngarep=01-12 | next friday=04-12
tgl 3=03-12 | tanggal 3=03-12 | tgl 23=23-11 | tgl 25=25-11 | tgl satu=01-12 | tanggal 31=31-12 | tgl 3 bulan depan=03-12
tgl 15 bulan depan=15-12 | tgl 30 bulan ini=30-11 | tanggal lima belas bulan depan=15-12
3/12=03-12 | 3-12-2026=03-12 | 03/12/2026=03-12 | 3.12.2026=03-12 | 2026-12-03=03-12 | 24 des=24-12 | 25 Desember 2026=25-12
tgl 24 des=24-12 | 1 desember=01-12 | dua desember=02-12 | 25/12/26=25-12
3 hari lagi=26-11 | tiga hari lagi=26-11 | telung dina maneh=26-11 | seminggu lagi=30-11 | dua minggu lagi=07-12 | sebulan lagi=23-12
nanti siang=23-11 | nanti sore jam 4=23-11 | sore ini=23-11 | malam ini=23-11
"""

TIMES = """
jam 9=09.00 | jam 9 pagi=09.00 | pukul 14.00=14.00 | pkl 08.30=08.30 | 14:30=14.30 | jam 2=14.00 | jam 1=13.00 | jam 12=12.00
jam setengah 9=08.30 | setengah sembilan=08.30 | stengah 10=09.30 | setengah songo=08.30 | satenga sambilan=08.30 | jam 1/2 9=08.30
jam setengah sepuluh=09.30 | jam 2 siang=14.00 | jam 3 sore=15.00 | jam 7 malam=19.00 | jam 12 malam=00.00 | jam 1 malam=01.00
jam 9 lewat 15=09.15 | jam 10 kurang seperempat=09.45 | jam sepuluh=10.00 | jam songo=09.00 | jam sambilan=09.00 | jam sanga=09.00
9 pagi=09.00 | habis jumatan=13.00 | bar duhur=12.30 | abis maghrib=18.30 | jam setengah 2=13.30 | jam 10 wib=10.00
"""


def _table(text: str) -> list[tuple[str, str]]:
    return [tuple(cell.strip().split("=")) for line in text.strip().splitlines() for cell in line.split("|")]  # type: ignore[misc]


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row.language}: {row.said}")
def test_every_expression_of_the_table_is_read_as_meant(row: Expression) -> None:
    found = combine(resolve(row.said, NOW))
    assert found is not None
    assert (found.day, found.time, found.part_of_day) == (row.day, row.time, row.part)
    assert found.problem in (None, "ambiguous")


def test_the_table_has_every_language() -> None:
    assert {row.language for row in table()} == set(LANGUAGES)


@pytest.mark.parametrize(("said", "expected"), _table(DAYS))
def test_a_day_is_the_one_meant(said: str, expected: str) -> None:
    day, month = map(int, expected.split("-"))
    found = combine(resolve(f"saya mau datang {said} ya", NOW))
    assert found is not None
    assert found.day == date(2026, month, day)
    assert found.problem != "past"


@pytest.mark.parametrize(("said", "expected"), _table(TIMES))
def test_a_time_is_the_one_meant(said: str, expected: str) -> None:
    hour, minute = map(int, expected.split("."))
    found = combine(resolve(said, NOW))
    assert found is not None
    assert found.time == time(hour, minute)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("kemarin", "past"), ("wingi", "past"), ("minggu lalu", "past"), ("tadi malam", "past"), ("2 hari yang lalu", "past"),
        ("senin lalu", "past"), ("3/11/2026", "past"), ("hari ini jam 7 pagi", "past"), ("30 februari", "impossible"),
        ("tgl 30 februari", "impossible"), ("31 november", "impossible"), ("tgl 45", "impossible"), ("jam 25", "impossible"),
        ("senin", "ambiguous"), ("hari minggu depan", "ambiguous"),
    ],
)  # fmt: skip
def test_a_day_that_cannot_be_is_named_so(said: str, problem: str) -> None:
    assert [mention.problem for mention in resolve(said, NOW)] == [problem]


@pytest.mark.parametrize(
    ("said", "on", "choices"),
    [
        ("senin", NOW, [(11, 23), (11, 30)]),
        ("hari minggu depan", NOW, [(11, 29), (12, 6)]),
        ("minggu", NOW, [(11, 29), (12, 6)]),
        ("senin, 1 desember", NOW, [(11, 30), (12, 1)]),
        ("senin depan", datetime(2026, 11, 22, 9, tzinfo=WIB), [(11, 23), (11, 30)]),
    ],
)
def test_a_day_that_may_be_two_names_both(said: str, on: datetime, choices: list[tuple[int, int]]) -> None:
    (mention,) = resolve(said, on)
    assert mention.problem == "ambiguous"
    assert mention.choices == tuple(date(2026, *choice) for choice in choices)


def test_said_on_a_sunday_senin_depan_is_asked_back() -> None:
    (mention,) = resolve("senin depan", datetime(2026, 11, 22, 9, tzinfo=WIB))
    assert mention.problem == "ambiguous"


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("minggu depan", (11, 30), (12, 6)), ("minggu ini", (11, 23), (11, 29)), ("bulan depan", (12, 1), (12, 31)),
        ("akhir bulan", (11, 25), (11, 30)), ("akhir pekan", (11, 28), (11, 29)), ("awal bulan depan", (12, 1), (12, 7)),
    ],
)  # fmt: skip
def test_a_stretch_of_days_is_a_range(said: str, first: tuple[int, int], last: tuple[int, int]) -> None:
    (mention,) = resolve(said, NOW)
    assert mention.range == (date(2026, *first), date(2026, *last))


@pytest.mark.parametrize(
    "text",
    [
        "RT 3 RW 2", "rt 3/2", "jalan jenderal sudirman 12", "lampu mati 3 minggu", "loket 3", "selamat pagi", "sugeng enjing",
        "buka 24 jam", "MJK-2611-000123", "3 lembar foto 4x6", "umur 17", "sudah 2 minggu", "nomor 112", "",
    ],
)  # fmt: skip
def test_other_numbers_and_greetings_are_no_dates(text: str) -> None:
    assert resolve(text, NOW) == []


@pytest.mark.parametrize(
    ("text", "day", "at"),
    [
        ("bsk jm 10 ke dukcapil", (11, 24), time(10)),
        ("sesuk jam setengah songo nang MPP", (11, 24), time(8, 30)),
        ("booking 3/12 jam setengah 9", (12, 3), time(8, 30)),
        ("senin, 30 november 2026 pukul 09.00 WIB", (11, 30), time(9)),
        ("jam 9 besok mau urus KK", (11, 24), time(9)),
        ("Mbenjing jam songo saget booking?", (11, 24), time(9)),
    ],
)
def test_a_day_and_its_time_become_one_wish(text: str, day: tuple[int, int], at: time) -> None:
    wish = combine(resolve(text, NOW))
    assert wish is not None
    assert (wish.day, wish.time) == (date(2026, *day), at)


def test_the_span_is_where_the_words_stand() -> None:
    text = "tolong daftar besok jam 9 ya"
    (mention,) = resolve(text, NOW)
    assert text[mention.start : mention.end] == "besok jam 9"


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        resolve("besok", datetime(2026, 11, 23))


MONTHS = [
    "januari",
    "februari",
    "maret",
    "april",
    "mei",
    "juni",
    "juli",
    "agustus",
    "september",
    "oktober",
    "november",
    "desember",
]


@given(
    st.integers(0, 330),
    st.sampled_from(["{d} {m} {y}", "{d}/{n}/{y}", "{y}-{n:02}-{d:02}", "tanggal {d} {m}", "{d}-{n}-{y}"]),
)
def test_a_written_date_is_read_back(ahead: int, form: str) -> None:
    day = NOW.date() + timedelta(days=ahead)
    said = form.format(d=day.day, n=day.month, m=MONTHS[day.month - 1], y=day.year)
    (mention,) = resolve(said, NOW)
    assert mention.day == day


@given(st.integers(7, 18), st.integers(0, 59))
def test_a_written_time_is_read_back(hour: int, minute: int) -> None:
    found = combine(resolve(f"pukul {hour:02}.{minute:02}", NOW))
    assert found is not None
    assert found.time == time(hour, minute)


@pytest.fixture(scope="module")
def sentences() -> texts.Texts:
    return texts.load(settings.ROOT)


@pytest.mark.parametrize("tenant", ["kota_mojokerto", "kota_kupang"])
def test_every_moment_is_read_back_from_its_echo(sentences: texts.Texts, tenant: str) -> None:
    zone = ZoneInfo("Asia/Makassar" if tenant == "kota_kupang" else "Asia/Jakarta")
    now = NOW.astimezone(zone)

    @given(st.integers(1, 400), st.integers(0, 23), st.integers(0, 59))
    def echoed(days: int, hour: int, minute: int) -> None:
        moment = datetime.combine(now.date() + timedelta(days=days), time(hour, minute), tzinfo=zone)
        value = {"$datetime": moment.astimezone(WIB).isoformat()}
        echo = sentences.render("layout.lines", tenant, {"first": value, "second": ""})
        found = combine(resolve(echo, now))
        assert found is not None, echo
        assert (found.day, found.time, found.problem) == (moment.date(), moment.time(), None), echo

    echoed()


@given(st.integers(1, 5))
def test_a_typed_button_is_the_day_on_the_button(days: int) -> None:
    day = NOW.date() + timedelta(days=days)
    found = combine(resolve(f"{texts.long_date(day).split(',')[0][:3]} {day.day}/{day.month}", NOW))
    assert found is not None
    assert found.day == day


@given(st.text(max_size=120))
def test_no_text_breaks_it(text: str) -> None:
    for mention in resolve(text, NOW):
        assert isinstance(mention, Mention)
        assert 0 <= mention.start < mention.end <= len(text)
