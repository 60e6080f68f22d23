"""Numbers to call are the tenant's own, never one that may not answer there."""

from types import SimpleNamespace

import pytest

from actions.handoff import _number


@pytest.mark.parametrize(
    ("tenant", "kind", "number"),
    [
        ("kota_mojokerto", "general", "112"),
        ("kota_mojokerto", "medical", "119"),
        ("kota_kupang", "general", "110"),
    ],
)
def test_a_number_is_one_that_is_served_there(tenant: str, kind: str, number: str) -> None:
    assert _number(SimpleNamespace(tenant=tenant), kind) == number  # type: ignore[arg-type]
