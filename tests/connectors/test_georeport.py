"""The documents of GeoReport v2, however a server spells them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import georeport
from connectors.capabilities import AttributeKind, Choice
from connectors.georeport import Unreadable

ONE = {"service_request_id": "1", "status": "open"}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30).map(str.strip)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"service_request_id": "1", "status": "open"}]',
        b'\xef\xbb\xbf\n[{"service_request_id": "1", "status": "open"}]',
        b'{"service_request_id": "1", "status": "open"}',
        b'{"service_requests": [{"service_request_id": "1", "status": "open"}]}',
        b'{"service_requests": {"request": [{"service_request_id": "1", "status": "open"}]}}',
        b'{"requests": {"request": {"service_request_id": "1", "status": "open"}}}',
        b'[{"request": {"service_request_id": "1", "status": "open"}}]',
        b"<service_requests><request><service_request_id>1</service_request_id><status>open</status></request>"
        b"</service_requests>",
        b'<?xml version="1.0" encoding="utf-8"?>\n<requests xmlns="http://wiki.open311.org/GeoReport_v2">'
        b"<request><service_request_id> 1 </service_request_id><status>open</status></request></requests>",
    ],
)
def test_one_request_is_found_however_it_is_spelt(body: bytes):
    assert georeport.items(georeport.read(body)) == [ONE]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<!DOCTYPE html><p>Maaf", "web page"),
        (b"<html><body>503</body></html>", "web page"),
        (b"[{", "not JSON"),
        (b'[{"lat": NaN}]', "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"<services><service>", "not XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "not XML"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><services>&x;</services>', "not XML"),
        (b'<!DOCTYPE a SYSTEM "http://jahat.example/x.dtd"><services/>', "not XML"),
        (b"<a>" * 200 + b"</a>" * 200, "nested too deep"),
    ],
)
def test_what_is_no_document_says_what_it_is(body: bytes, said: str):
    with pytest.raises(Unreadable, match=said):
        georeport.read(body)


@pytest.mark.parametrize(
    ("document", "errors"),
    [
        ([{"code": 400, "description": "kurang"}], [(400, "kurang")]),
        ([{"code": "404", "description": "tidak ada"}], [(404, "tidak ada")]),
        ({"errors": [{"code": "", "description": "entah"}]}, [(None, "entah")]),
        ({"errors": {"error": {"code": 403, "description": "kunci"}}}, [(403, "kunci")]),
        (
            [{"code": "naga", "description": "a"}, {"code": 500, "description": "b"}],
            [(None, "a"), (500, "b")],
        ),
        ([{"service_request_id": 1, "description": "lubang"}], []),
        ([{"service_notice": "terima kasih"}], []),
        ([], []),
        (["maaf"], []),
        (42, []),
    ],
)
def test_a_list_of_errors_is_told_from_a_list_of_requests(document, errors):
    assert georeport.errors(document) == errors


@pytest.mark.parametrize(
    "values",
    [
        [{"key": 1, "name": "Satu"}, {"key": "2", "name": None}],
        {"value": [{"key": "1", "name": "Satu"}, {"key": "2"}]},
        {"1": "Satu", "2": "2"},
        [{"value": {"key": "1", "name": "Satu"}}, "2"],
    ],
)
def test_the_values_of_a_list_are_found_however_they_are_spelt(values):
    asks = georeport.attributes(
        {"attributes": [{"code": "A", "datatype": "singlevaluelist", "values": values}]}
    )
    assert asks[0].choices == (Choice("1", "Satu"), Choice("2", "2"))


def test_attributes_come_in_the_servers_order_without_what_only_informs():
    definition = {
        "attributes": {
            "attribute": [
                {
                    "code": "B",
                    "order": "2",
                    "datatype": "Number",
                    "required": "true",
                    "description": "Berapa?",
                },
                {"code": "INFO", "order": "3", "variable": "false", "description": "Terima kasih"},
                {"code": "easting", "order": "4", "automated": "server_set", "required": True},
                {"code": "A", "order": 1, "datatype": "entah", "required": 0, "variable": True},
            ]
        }
    }
    found = georeport.attributes(definition)
    assert [(one.code, one.kind, one.required, one.question) for one in found] == [
        ("A", AttributeKind.STRING, False, "A"),
        ("B", AttributeKind.NUMBER, True, "Berapa?"),
    ]
    with pytest.raises(Unreadable, match="code"):
        georeport.attributes({"attributes": [{"description": "tanpa kode"}]})


def test_a_discovery_document_names_endpoints_in_both_spellings():
    place = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": "https://kota.example/v2",
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    found = georeport.endpoints({"endpoints": [place, {"url": "javascript:alert(1)"}]})
    document = {"contact": "Kota", "endpoints": [place]}
    assert georeport.endpoints(georeport.read(georeport.write_xml("discovery", document))) == found
    assert [(one.url, one.formats) for one in found] == [("https://kota.example/v2", ("xml", "json"))]


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["service_request_id", "status", "description"]), TEXT, min_size=1)
    )
)
def test_what_is_written_as_xml_is_read_back(requests: list[dict[str, str]]):
    read = georeport.items(georeport.read(georeport.write_xml("service_requests", requests)))
    assert read == [{name: text or None for name, text in request.items()} for request in requests]


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | TEXT,
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["errors", "requests", "request", "code", "values", "attributes", "x"]),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=10,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_anything_is_a_document_or_unreadable_and_nothing_else(body: bytes):
    try:
        document = georeport.read(body)
        georeport.errors(document)
        georeport.endpoints(document)
        for item in georeport.items(document):
            georeport.attributes(item)
    except Unreadable:
        pass
