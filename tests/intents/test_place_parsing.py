"""Places by Hypothesis: whatever is written, what is found stands in the text and means one thing."""

import string

from hypothesis import given
from hypothesis import strategies as st

from intents import places

GAZETTEER = places.gazetteer()
TENANTS = st.sampled_from(["kota_mojokerto", "kab_mojokerto", "kota_kupang"])
VILLAGES = st.sampled_from(
    sorted((a for a in GAZETTEER.areas.values() if a.kind in ("kelurahan", "desa")), key=lambda a: a.code)
)
NUMBERS = st.integers(1, 99)
FORMS = st.sampled_from(
    [
        "rt {rt} rw {rw}",
        "RT.{rt}/RW.{rw}",
        "rt{rt:02}/rw{rw:02}",
        "RT 0{rt} RW 0{rw}",
        "rt {rt}, rw {rw}",
        "rt {rt}/{rw}",
    ]
)
ANYTHING = st.text(st.characters(codec="utf-8"), max_size=120)


@given(ANYTHING, TENANTS)
def test_any_text_is_read_without_an_error_and_every_mention_lies_inside_it(text: str, tenant: str) -> None:
    found = places.find(text, tenant)
    assert all(0 <= mention.start < mention.end <= len(text) for mention in found)
    assert found == sorted(found, key=lambda mention: (mention.start, mention.end))


@given(NUMBERS, NUMBERS, FORMS, st.sampled_from(["", "di ", "lampu mati di ", "depan rumah saya "]))
def test_rt_and_rw_are_read_in_every_way_they_are_written(rt: int, rw: int, form: str, before: str) -> None:
    mentions = [m for m in places.find(before + form.format(rt=rt, rw=rw)) if m.kind == "rt_rw"]
    assert [(m.rt, m.rw) for m in mentions] == [(rt, rw)]


@given(VILLAGES, st.sampled_from(["kelurahan {}", "kel. {}", "di kelurahan {} rt 2", "desa {}"]))
def test_every_official_name_is_found_and_its_area_is_among_what_it_may_mean(
    village: places.Area, form: str
) -> None:
    text = form.format(village.name)
    found = [m for m in places.find(text, village.tenant) if m.kind == "village"]
    assert found, text
    assert village.code in {area.code for area in found[0].candidates} | {found[0].code}
    assert found[0].tenant == village.tenant


@given(
    st.sampled_from(["Balongsari", "Pulorejo", "Kauman"]),
    st.sampled_from(["", " rt 3 rw 2", " dekat masjid"]),
)
def test_a_name_on_both_sides_is_doubtful_until_a_side_is_named(name: str, rest: str) -> None:
    def read(text: str) -> places.PlaceMention:
        return next(m for m in places.find(text, "kota_mojokerto") if m.kind == "village")

    assert read(f"di {name}{rest}").ambiguous
    assert {area.tenant for area in read(f"di {name}{rest}").candidates} == {
        "kota_mojokerto",
        "kab_mojokerto",
    }
    assert not read(f"di {name}{rest} kota mojokerto").ambiguous
    assert read(f"di {name}{rest} kabupaten mojokerto").tenant == "kab_mojokerto"


@given(st.text(string.ascii_lowercase + " ", min_size=3, max_size=60), VILLAGES)
def test_what_stands_around_a_kelurahan_does_not_hide_it(around: str, village: places.Area) -> None:
    text = f"{around} kelurahan {village.name}"
    assert any(m.kind == "village" for m in places.find(text, village.tenant)), text
