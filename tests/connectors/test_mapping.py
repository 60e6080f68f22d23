"""Placeholders out, dotted paths in."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import mapping
from connectors.capabilities import BookingStatus, CaseStatus
from connectors.mapping import MappingError

FIELDS = {
    "reference": "MJK-1",
    "location": {"text": "Alun-alun", "latitude": -7.47, "longitude": 112.43},
    "photos": ["a", "b"],
    "reporter": None,
    "anonymous": True,
    "day": date(2026, 11, 24),
}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{location.latitude}", -7.47),
        ("lat {location.latitude}!", "lat -7.47!"),
        ("{photos}", ["a", "b"]),
        ("{anonymous}", True),
        ("anonim={anonymous}", "anonim=true"),
        ({"a": {"b": ["{reference}", 7]}}, {"a": {"b": ["MJK-1", 7]}}),
        ({"nama": "{reporter}", "kota": "x"}, {"kota": "x"}),
        ({"nama": None}, {"nama": None}),
        (["{reporter}", "{reference}"], ["MJK-1"]),
        ("nama: {reporter}", "nama: "),
        ("{{reference}}", "{reference}"),
        ("{ bukan } {}", "{ bukan } {}"),
    ],
)
def test_a_template_is_filled(template, filled):
    assert mapping.fill(template, FIELDS) == filled


@pytest.mark.parametrize("template", ["{lokasi}", {"a": ["{location.altitude}"]}, "{reference.x}"])
def test_an_unknown_field_is_refused(template):
    with pytest.raises(MappingError, match="unknown field"):
        mapping.fill(template, FIELDS)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("MJK-2611-1", "/r/MJK-2611-1"),
        ("../rahasia", "/r/..%2Frahasia"),
        ("a b?c#d", "/r/a%20b%3Fc%23d"),
        ("é\x00", "/r/%C3%A9"),
        (12, "/r/12"),
    ],
)
def test_a_value_stays_one_segment_of_the_path(value, path):
    assert mapping.fill_path("/r/{reference}", {"reference": value}) == path


@pytest.mark.parametrize("value", ["", ".", "..", None, "\x00", "x" * 201])
def test_a_value_that_would_move_the_path_is_refused(value):
    with pytest.raises(MappingError):
        mapping.fill_path("/r/{reference}/x", {"reference": value})


def test_a_header_never_carries_a_line_break():
    assert mapping.fill_headers({"K": "{key}"}, {"key": "a\r\nX: é"}) == {"K": "a%0D%0AX: %C3%A9"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("data.items.1.id", 2),
        ("data.items.9.id", None),
        ("data.nihil.x", None),
        ("0", None),
        (".", {"data": {"items": [{"id": 1}, {"id": 2}]}}),
    ],
)
def test_a_path_reads_what_is_there(path, found):
    assert mapping.read({"data": {"items": [{"id": 1}, {"id": 2}]}}, path) == found


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("diproses", CaseStatus.IN_PROGRESS),
        ("Sedang Diproses", CaseStatus.IN_PROGRESS),
        (" sedang-diproses ", CaseStatus.IN_PROGRESS),
        ("dibekukan", CaseStatus.UNKNOWN),
        (None, CaseStatus.UNKNOWN),
        (7, CaseStatus.DONE),
    ],
)
def test_a_word_is_ours_or_unknown(word, status):
    words = {"diproses": "in_progress", "sedang_diproses": "in_progress", "7": "done"}
    assert mapping.case_status(words, word) is status


def test_an_unmapped_booking_word_is_unknown():
    assert mapping.booking_status({}, "entah") is BookingStatus.UNKNOWN


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-11-24T09:00:00+07:00", "2026-11-24T09:00:00+07:00"),
        ("2026-11-24T02:00:00Z", "2026-11-24T02:00:00+00:00"),
        ("2026-11-24 09:00:00", "2026-11-24T09:00:00+07:00"),
    ],
)
def test_a_time_has_an_offset(raw, moment):
    found = mapping.as_moment(raw, ZoneInfo("Asia/Jakarta"))
    assert found is not None
    assert found.isoformat() == moment


@pytest.mark.parametrize(
    "raw", ["kemarin", 5, [], "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "2026-11-24T09:00"]
)
def test_an_unusable_time_is_refused(raw):
    with pytest.raises(MappingError):
        mapping.as_moment(raw)


@pytest.mark.parametrize("raw", [-1, 1.5, True, "banyak", "-3", 10**7, "9" * 5000, [], {}])
def test_an_unusable_count_is_refused(raw):
    with pytest.raises(MappingError):
        mapping.as_count(raw)


def test_text_loses_what_no_database_takes():
    assert mapping.as_text("a\x00b\ud800c\nd") == "abc\nd"


names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=("Cc", "Cs")))
values = texts | st.integers() | st.booleans() | st.lists(st.integers(), max_size=3)


@given(st.lists(names, min_size=1, max_size=4), values)
def test_what_is_filled_at_a_path_is_read_at_that_path(path, value):
    template = "{wert}"
    for name in reversed(path):
        template = {name: template}
    assert mapping.read(mapping.fill(template, {"wert": value}), ".".join(path)) == value


@given(st.text())
def test_a_text_without_placeholders_only_loses_doubled_braces(text):
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert mapping.fill(escaped, {}) == text


@given(st.text(min_size=1, max_size=50))
def test_no_reference_ever_leaves_its_segment(reference):
    try:
        path = mapping.fill_path("/r/{reference}/s", {"reference": reference})
    except MappingError:
        return
    assert path.count("/") == 3
    assert not {"?", "#", " "} & set(path)


@given(
    st.recursive(
        st.none() | st.text() | st.floats() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.text(),
)
def test_reading_never_fails(document, path):
    mapping.read(document, path)


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30), timezones=st.just(ZoneInfo("Asia/Makassar")))
)
def test_a_time_we_write_is_the_time_we_read(moment):
    assert mapping.as_moment(moment.isoformat()) == moment
