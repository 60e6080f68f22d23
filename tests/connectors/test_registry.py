"""Which app answers for which government, topic and environment."""

import pytest

from connectors.capabilities import Capability
from connectors.environment import NotConfigured, expand
from connectors.errors import NotOffered
from connectors.registry import Registry, connect
from connectors.yaml_files import ManifestError

SUBMIT, PERMIT, SLOTS = Capability.COMPLAINT_SUBMIT, Capability.PERMIT_STATUS, Capability.BOOKING_SLOTS


def complaints(small, app, **changes):
    """A manifest that takes complaints."""
    request = {"method": "POST", "path": "/l", "headers": {"Idempotency-Key": "{idempotency_key}"}}
    operation = {"complaint.submit": {"request": request, "reply": {"reference": "nomor"}}}
    return {"manifest": small | {"id": app, "operations": operation} | changes}


def test_the_shipped_apps_serve_kota_mojokerto(client_of):
    registry = Registry.load(environment={}, client=client_of(None))
    found = {capability: registry.find("kota_mojokerto", capability).id for capability in Capability}
    assert set(found.values()) == {"curhat_ning_ita", "gayatri", "mpp_gajah_mada", "perizinan"}
    assert found[Capability.COMPLAINT_COMMENT] == "curhat_ning_ita"
    assert registry.find("kota_mojokerto", SLOTS, "ktp_hilang").id == "mpp_gajah_mada"
    assert registry.find("kota_mojokerto", SLOTS, "antrean_puskesmas").id == "gayatri"
    assert registry.find("kab_mojokerto", SUBMIT, "jalan_rusak").id == "damar_mojo"
    assert registry.by_id("perizinan").title == "Pelacakan Perizinan"


@pytest.mark.parametrize(
    ("tenant", "capability", "topic"),
    [("kota_kupang", SUBMIT, None), ("kota_mojokerto", SUBMIT, "percintaan"), ("", PERMIT, None)],
)
def test_what_nobody_offers_is_not_found(client_of, tenant, capability, topic):
    registry = Registry.load(environment={}, client=client_of(None))
    with pytest.raises(NotOffered):
        registry.find(tenant, capability, topic)


def test_an_unknown_app_is_not_offered(client_of):
    with pytest.raises(NotOffered, match="no such app"):
        Registry.load(environment={}, client=client_of(None)).by_id("../rahasia")


def test_the_app_that_names_the_topic_goes_first_then_the_more_mature(client_of, apps_folder, small):
    folder = apps_folder(
        aaa_semua=complaints(small, "aaa_semua", maturity="live"),
        bbb_pju=complaints(small, "bbb_pju", values={"topic": {"lampu_jalan": 3}}),
        ccc_semua=complaints(small, "ccc_semua", maturity="tested"),
        ddd_niat=complaints(small, "ddd_niat", maturity="described"),
    )
    registry = Registry.load(folder, {}, client_of(None))
    assert registry.find("kota_mojokerto", SUBMIT, "lampu_jalan").id == "bbb_pju"
    assert registry.find("kota_mojokerto", SUBMIT, "sampah").id == "aaa_semua"
    assert registry.find("kota_mojokerto", SUBMIT).id == "aaa_semua"
    assert "ddd_niat" not in {connector.id for connector in registry}


def test_every_broken_manifest_is_named_at_once(client_of, apps_folder, small):
    folder = apps_folder(
        satu={"manifest": small | {"id": "satu", "dialect": "soap"}},
        dua={"manifest": "id: ["},
        kecil={"manifest": small},
    )
    with pytest.raises(ManifestError) as raised:
        Registry.load(folder, {}, client_of(None))
    assert {problem.app for problem in raised.value.problems} == {"satu", "dua"}


def test_an_app_without_its_variables_is_left_out_and_says_why(client_of, apps_folder, small, caplog):
    other = small | {"id": "lain", "auth": {"type": "bearer", "secret": "LAIN_TOKEN"}}
    folder = apps_folder(kecil={"manifest": small}, lain={"manifest": other})
    registry = Registry.load(folder, {"KECIL_URL": "http://x"}, client_of(None))
    assert registry.find("kota_mojokerto", PERMIT).id == "kecil"
    assert registry.unconfigured == {"lain": "set LAIN_TOKEN"}
    assert "lain is left out: set LAIN_TOKEN" in caplog.text
    with pytest.raises(NotOffered, match="LAIN_TOKEN"):
        registry.by_id("lain")


def test_production_uses_no_development_address_and_no_development_key(client_of):
    production = {"LAWANG_ENV": "production"}
    registry = Registry.load(environment=production, client=client_of(None))
    assert set(registry.unconfigured) == {
        "curhat_ning_ita",
        "damar_mojo",
        "gayatri",
        "mpp_gajah_mada",
        "perizinan",
    }
    assert "set CURHAT_NING_ITA_URL" in registry.unconfigured["curhat_ning_ita"]
    named = production | {"SANDBOX_URL": "https://kota.example"}
    registry = Registry.load(environment=named, client=client_of(None))
    assert set(registry.unconfigured.values()) == {"set SANDBOX_API_KEY"}
    registry = Registry.load(environment=named | {"SANDBOX_API_KEY": "k"}, client=client_of(None))
    assert registry.unconfigured == {}


ENVIRONMENT = {"A": "http://a", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("http://tetap", "http://tetap"),
        ("${A}/v1", "http://a/v1"),
        ("${A:-http://b}/v1", "http://a/v1"),
        ("${B:-http://b}/v1", "http://b/v1"),
        ("${EMPTY:-http://b}", "http://b"),
        ("${B:-${A:-http://c}/x}", "http://a/x"),
        ("${B:-${C:-http://c}/x}/y", "http://c/x/y"),
        ("${A:-${C}}", "http://a"),
    ],
)
def test_an_address_is_filled_from_the_environment(text, expanded):
    assert expand(text, ENVIRONMENT, production=False) == expanded


@pytest.mark.parametrize(
    ("text", "production", "said"),
    [
        ("${B}", False, "set B"),
        ("${B:-http://b}", True, "set B: its default is for development only"),
        ("${B:-${C:-http://c}}", True, "set B"),
        ("${b}", False, "is not a variable"),
        ("${A", False, "closing brace"),
        ("${}", False, "is not a variable"),
    ],
)
def test_an_address_that_cannot_be_filled_says_what_to_set(text, production, said):
    with pytest.raises(NotConfigured, match=said):
        expand(text, ENVIRONMENT, production=production)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KECIL_URL": "ftp://x"}, "http://"),
        ({"KECIL_URL": "http://x", "K": "ku\nnci"}, "characters"),
        ({"K": " "}, "set K"),
    ],
)
def test_an_unusable_address_or_key_is_said(client_of, manifest_with, environment, said):
    manifest = manifest_with(auth={"type": "bearer", "secret": "K"})
    with pytest.raises(NotConfigured, match=said):
        connect(manifest, client_of(None), environment)
