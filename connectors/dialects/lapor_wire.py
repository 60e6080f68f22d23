"""The stream of SP4N-LAPOR! as its public legacy material shows it: XML with a token, one report a document.

`POST api/stream/addstream` takes `pelapor` (email, telpon, namadepan, namabelakang) and `laporan` with the
attributes `rahasia` and `anonim` around `isi`, and answers with `trackingid` and `transaksiid`. The present
API is documented only to accounts with the role of a developer, so addresses and what a report carries
beyond `isi` are configuration.
"""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from connectors import mapping
from connectors.capabilities import ComplaintDraft
from connectors.dialects.open311_filing import mark
from connectors.manifest import LaporOptions
from connectors.operations import complaint_fields

ROOT = "stream"
# What wraps reports in an answer, XML or JSON.
WRAPPERS = ("streams", "laporan", "data", "results", "stream", "result")


def report(options: LaporOptions, draft: ComplaintDraft, topic: str | int | None, token: str) -> bytes:
    """Return the document that files a report. The reporter is the account; a citizen's name goes along only
    where they allowed it.

    Whatever the account has no field for stands in `isi`: the place, the point, the photos, the mark.
    """
    fields = complaint_fields(draft) | {
        "topic": topic,
        "class": options.classes.get(draft.topic, options.class_otherwise),
    }
    root = Element(ROOT, {"token": token})
    person = SubElement(root, "pelapor")
    first, _, last = (draft.reporter or "").partition(" ") if not draft.anonymous else ("", "", "")
    for name, said in (
        ("email", options.email),
        ("telpon", options.phone),
        ("namadepan", first or options.name),
        ("namabelakang", last),
    ):
        SubElement(person, name).text = text(said)
    flags = {"rahasia": str(int(draft.confidential)), "anonim": str(int(draft.anonymous))}
    body = SubElement(root, "laporan", flags)
    SubElement(body, "isi").text = _words(options, draft)
    for name, value in mapping.fill(options.fields, fields).items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one not in (None, ""):
                SubElement(body, name).text = text(mapping.as_text(one))
    return _written(root)


def follow_up(reference: str, words: str, photos: list[str], key: str, token: str) -> bytes:
    """Return the document that adds a reporter's words to a report."""
    root = Element(ROOT, {"token": token})
    body = SubElement(root, "tindaklanjut", {"trackingid": mapping.clean(reference)})
    SubElement(body, "isi").text = text("\n".join([words, *(f"Foto: {url}" for url in photos)]))
    SubElement(body, "transaksiid").text = mark(key)
    return _written(root)


def _words(options: LaporOptions, draft: ComplaintDraft) -> str:
    """What the department reads; LAPOR has one field for all of it."""
    place, lines = draft.place, [draft.description.strip()]
    if place.text and "lokasi" not in options.fields:
        lines.append(f"Lokasi: {place.text}")
    if place.latitude is not None and place.longitude is not None and "lat" not in options.fields:
        lines.append(f"Titik: {place.latitude:.6f},{place.longitude:.6f}")
    if "lampiran" not in options.fields:
        lines += [f"Foto: {photo.url}" for photo in draft.photos]
    if not options.idempotency:
        lines.append(f"[{mark(draft.idempotency_key)}]")
    return text("\n".join(lines))


def text(said: str | None) -> str:
    """Return words without the control characters that XML 1.0 has no place for, escaped or not."""
    return "".join(c for c in said or "" if c in "\n\t" or c.isprintable())


def _written(root: Any) -> bytes:
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def reports(document: Any) -> list[Mapping[str, Any]]:
    """Return the reports in an answer, bare or inside what wraps them."""
    for _ in range(4):
        if isinstance(document, list):
            return [item for item in document if isinstance(item, Mapping)]
        if not isinstance(document, Mapping):
            return []
        if "trackingid" in document:
            return [document]
        inside = next((document[name] for name in WRAPPERS if name in document), None)
        if inside is None:
            return [document]
        document = inside
    return []
