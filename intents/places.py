# ruff: noqa: E501 (patterns and tables read better unbroken)
"""Where something is, without GPS: kelurahan and kecamatan, RT/RW, streets, landmarks, the two Mojokertos.

Names come from `data/regions`. A name that exists on both sides of a border (Balongsari) is read as the asking
tenant's own and marked ambiguous, with the other side among its candidates.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Area:
    """One official area. `kind` is city, kecamatan, kelurahan or desa; `parent` names the area above it."""

    code: str
    name: str
    kind: str
    tenant: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """A stretch of text about where. `kind`: village, district, city, rt_rw, street, landmark or quarter.

    `code` is the official code where there is one, `tenant` the government it belongs to. `ambiguous` says that
    `candidates` holds several areas of the same name and the citizen should be asked.
    """

    start: int
    end: int
    kind: str
    value: str
    code: str | None = None
    tenant: str | None = None
    rt: int | None = None
    rw: int | None = None
    ambiguous: bool = False
    candidates: tuple[Area, ...] = field(default=())


_ROMAN = {"i": "satu", "ii": "dua", "1": "satu", "2": "dua"}
_RT_RW = re.compile(
    r"(?<!\w)(?:(?:r\.?t\.?)\s*[.:]?\s*0*(?P<rt>\d{1,3})(?:\s*[,/&-]?\s*(?:dan\s+)?(?:r\.?w\.?)\s*[.:]?\s*0*(?P<rw>\d{1,3})|\s*/\s*0*(?P<rw2>\d{1,3}))?"
    r"|(?:r\.?w\.?)\s*[.:]?\s*0*(?P<rw3>\d{1,3})(?:\s*[,/&-]?\s*(?:r\.?t\.?)\s*[.:]?\s*0*(?P<rt3>\d{1,3}))?)(?!\d)",
    re.IGNORECASE,
)
# A street or landmark name ends where the sentence goes on.
_STOP = (
    r"yang|yg|di|ke|dari|rusak|mati|bolong\w*|berlubang|banjir|tolong|tlg|sudah|sdh|udah|udh|su|wis|wes|ada|ono|onok|ana|dekat|dekat|deket|dkt|cedhak|depan|dpn|ngarep|samping|belakang|mburi"
    r"|seberang|sebelah|arah|menuju|gelap|macet|rt|rw|kel|kelurahan|kec|kecamatan|desa|kota|kabupaten|kab|mampet|buntu|numpuk|menumpuk|dan|atau|tidak|gak|ga|nggak|ndak|sejak|mulai"
    r"|min|pak|bu|kak|mas|mbak|banyak|sangat|banget|bgt|parah|tumbang|roboh|bau|lampu|lampune|sampah|jalan|jalannya|nya|ini|itu|iki|kuwi|tiap|setiap|sampai|sampe|kok|nih|dong|ya|hancur|butuh"
    r"|perlu|mohon|nang|neng|pada|jam|tgl|tanggal|besok|kemarin|tadi|sekarang|lagi|masih|belum|blm|dong|do|e|sonde|lai|nggo|karo|sama|dengan|deng|untuk|buat|pelayanan\w*|lama|nunggu|antre\w*|antri\w*|karena|krn|soale|soalnya|bikin|ambles|mau|terus"
)
_NAME = rf"(?:(?!(?:{_STOP})\b)[\w.'’-]+)(?:\s+(?!(?:{_STOP})\b)[\w'’-]+){{0,3}}"
_STREET = re.compile(
    rf"(?<!\w)(?:(?:jalan|jln|jl)\.?\s+raya|jalan|jln|jl|dalan|gang|gg|lorong|lrg)\.?\s+(?P<name>{_NAME}(?:\s+(?:no|nomor)\.?\s*\d+\w?)?)",
    re.IGNORECASE,
)
_QUARTER = re.compile(
    rf"(?<!\w)(?:perumahan|perum|perumnas|lingkungan|link|lingk|dusun|dsn|kampung|kampong|blok|komplek|kompleks|btn)\.?\s+(?P<name>{_NAME})",
    re.IGNORECASE,
)
_BESIDE = r"(?:di\s+)?(?:depan|dpn|ngarep|ngarepe|muka|belakang|blkg|mburi|mburine|samping|sebelah(?:nya)?|sabalah|seberang|sebrang|dekat|deket|dkt|cedhak|cedek|cedak|celak|ngajeng|wingking|utara|selatan|timur|barat|lor|kidul|wetan|kulon|sekitar|bawah|atas|pojok|tengah)"
_LANDMARK = re.compile(rf"(?<!\w){_BESIDE}\s+(?P<name>{_NAME})", re.IGNORECASE)
_SPOTS = (
    r"alun[ -]?alun|terminal|stasiun|pasar|masjid|musholla|mushola|gereja|kapela|pura(?!-)|klenteng|sd|sdn|smp|smpn|sma|sman|smk|smkn|puskesmas|pustu|rsud|balai|taman|stadion|jembatan"
    r"|simpang|perempatan|pertigaan|bundaran|halte|spbu|pom bensin|indomaret|alfamart|kantor|makam|kuburan|lapangan|gor|mall|toko|warung|pabrik|pelabuhan|pantai|kampus|tpa|tps|bypass|mpp|mal pelayanan|dukcapil|dispendukcapil|samsat"
)
_SPOT = re.compile(
    rf"(?<![\w-])(?P<name>(?:{_SPOTS})(?:nya|ne|e|\d+)?(?!\w)(?:\s+(?!(?:{_STOP})\b)[\w'’-]+){{0,3}})",
    re.IGNORECASE,
)
_AREA_WORD = re.compile(
    r"(?:kelurahan|kel|klurahan|desa|ds|kecamatan|kec|kab|kabupaten|kota)\.?\s*$", re.IGNORECASE
)
_DISTRICT_WORD = re.compile(r"(?:kecamatan|kec)\.?\s*$", re.IGNORECASE)
_VILLAGE_WORD = re.compile(r"(?:kelurahan|kel|klurahan|desa|ds|lurah)\.?\s*$", re.IGNORECASE)
# Village names that are also everyday words: only after kelurahan, desa or another word of place.
_EVERYDAY = frozenset(
    [
        "padi",
        "merdeka",
        "bello",
        "solor",
        "pacing",
        "puri",
        "sooko",
        "jetis",
        "kesemen",
        "gading",
        "meri",
        "miji",
        "wates",
        "bangsal",
        "watesnegoro",
        "medali",
        "sawo",
        "kembangan",
        "terusan",
        "kutoporong",
        "kemlagi",
        "lengkong",
        "tempuran",
        "banjarsari",
        "talok",
        "kalen",
        "sumengko",
        "ngoro",
        "kupang",
        "sekargadung",
        "pandan",
        "mojo",
        "awang",
        "punggul",
    ]
) - {"meri", "miji", "wates", "puri", "sooko", "jetis", "kemlagi", "ngoro", "kupang", "bangsal", "bello"}


class Gazetteer:
    """Every official name and its spellings, of all tenants."""

    def __init__(self, root: Path = ROOT) -> None:
        self.areas: dict[str, Area] = {}
        self._names: dict[str, set[str]] = defaultdict(set)
        for path in sorted((root / "data" / "regions").glob("*.yml")):
            document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            if document.get("tenant"):
                self._add_region(document)
        names = sorted(self._names, key=len, reverse=True)
        alternatives = "|".join(re.escape(name).replace(r"\ ", r"[\s-]+") for name in names)
        self._pattern = re.compile(rf"(?<![\w])(?:{alternatives})(?!\w)") if names else None

    def _add_region(self, document: dict[str, Any]) -> None:
        tenant = document["tenant"]
        self._add(Area(document["code"], document["name"], "city", tenant), document.get("aliases"))
        for district in document.get("districts", []):
            self._add(
                Area(district["code"], district["name"], "kecamatan", tenant, document["name"]),
                district.get("aliases"),
            )
            for village in district.get("villages", []):
                area = Area(
                    village["code"],
                    village["name"],
                    village.get("kind", "kelurahan"),
                    tenant,
                    district["name"],
                )
                self._add(area, village.get("aliases"))

    def _add(self, area: Area, aliases: list[str] | None) -> None:
        self.areas[area.code] = area
        for name in [area.name, *(aliases or [])]:
            spelling = " ".join(str(name).lower().replace("-", " ").replace(".", "").split())
            self._names[spelling].add(area.code)
            words = spelling.split()
            if words[-1] in ("satu", "dua", "ii", "i"):
                number = {"satu": ["1", "i"], "dua": ["2", "ii"], "ii": ["2", "dua"], "i": ["1", "satu"]}[
                    words[-1]
                ]
                for other in number:
                    self._names[" ".join([*words[:-1], other])].add(area.code)

    def named(self, name: str) -> list[Area]:
        """Return all areas called `name`, in any spelling known."""
        key = " ".join(name.lower().replace("-", " ").split())
        return [self.areas[code] for code in sorted(self._names.get(key, ()))]

    def find(self, text: str, tenant: str | None = None) -> list[PlaceMention]:
        """Return the places in `text`, in order, read as `tenant` would."""
        lowered = text.lower() if len(text.lower()) == len(text) else text
        found = [_rt_rw(match) for match in _RT_RW.finditer(lowered)]
        found += self._areas_in(lowered, tenant)
        for kind, pattern in (
            ("street", _STREET),
            ("quarter", _QUARTER),
            ("landmark", _LANDMARK),
            ("landmark", _SPOT),
        ):
            for match in pattern.finditer(lowered):
                start, end = match.start(), match.end()
                if kind == "street" and match["name"].split()[0] in (
                    "rusak",
                    "umum",
                    "sehat",
                    "keluar",
                    "kaki",
                    "raya",
                    "tol",
                    "nasional",
                ):
                    continue
                while end > start and lowered[end - 1] in " .,'’-":
                    end -= 1
                if not any(
                    m.start < end and start < m.end
                    for m in found
                    if m.kind in ("street", "landmark", "quarter", "rt_rw")
                ) and not any(m.start <= start and end <= m.end for m in found):
                    found.append(PlaceMention(start, end, kind, text[start:end]))
        return sorted(found, key=lambda mention: (mention.start, mention.end))

    def _areas_in(self, text: str, tenant: str | None) -> list[PlaceMention]:
        found = []
        for match in self._pattern.finditer(text) if self._pattern else ():
            name = " ".join(match[0].replace("-", " ").split())
            before = text[: match.start()]
            if name in _EVERYDAY and not _AREA_WORD.search(before):
                continue
            if re.search(r"(?:jalan|jln|jl|gang|dalan|raya)\.?\s+$", before) and not _AREA_WORD.search(
                before
            ):
                continue
            areas = [self.areas[code] for code in sorted(self._names[name])]
            found.append(_choose(match.start(), match.end(), areas, before, text, tenant))
        return found


def _rt_rw(match: re.Match[str]) -> PlaceMention:
    rt = match["rt"] or match["rt3"]
    rw = match["rw"] or match["rw2"] or match["rw3"]
    value = " ".join(part for part in (rt and f"RT {int(rt)}", rw and f"RW {int(rw)}") if part)
    return PlaceMention(
        match.start(), match.end(), "rt_rw", value, rt=int(rt) if rt else None, rw=int(rw) if rw else None
    )


def _choose(
    start: int, end: int, areas: list[Area], before: str, text: str, tenant: str | None
) -> PlaceMention:
    """Pick one area of a name: the level that was said, then the side of the border, then the tenant's own."""
    if _DISTRICT_WORD.search(before):
        areas = [a for a in areas if a.kind == "kecamatan"] or areas
    else:
        areas = [a for a in areas if a.kind != "kecamatan"] or areas
    if _VILLAGE_WORD.search(before):
        areas = [a for a in areas if a.kind in ("kelurahan", "desa")] or areas
    side = _side(text)
    if side:
        areas = [a for a in areas if a.tenant == side] or areas
    parents = [
        a
        for a in areas
        if a.parent and a.kind != "kecamatan" and re.search(rf"\b{re.escape(a.parent.lower())}\b", text[end:])
    ]
    if parents and len(parents) < len(areas):
        areas = parents
    own = [a for a in areas if a.tenant == tenant]
    chosen = (own or areas)[0]
    kind = {"city": "city", "kecamatan": "district"}.get(chosen.kind, "village")
    neighbours = {"kota_mojokerto", "kab_mojokerto"}
    # A Kupang citizen never means a Mojokerto village; the two Mojokertos do share names.
    rivals = tuple(
        a for a in areas if a.tenant == tenant or (tenant in neighbours and a.tenant in neighbours) or not own
    )
    return PlaceMention(
        start,
        end,
        kind,
        chosen.name,
        chosen.code,
        chosen.tenant,
        ambiguous=len(rivals) > 1,
        candidates=rivals,
    )


def _side(text: str) -> str | None:
    if re.search(r"\b(?:kab|kabupaten)\b\.?\s*(?:mojokerto)?|mojokerto\s+kab", text):
        return "kab_mojokerto"
    if re.search(r"\b(?:kota|kotamadya)\s+mojokerto\b|mojokerto\s+kota\b", text):
        return "kota_mojokerto"
    return None


@lru_cache(maxsize=4)
def gazetteer(root: Path = ROOT) -> Gazetteer:
    """Return the gazetteer of the project's own regions, read once."""
    return Gazetteer(root)


def find(text: str, tenant: str | None = None) -> list[PlaceMention]:
    """Return the places in `text`; see Gazetteer.find."""
    return gazetteer().find(text, tenant)
