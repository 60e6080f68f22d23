"""`lawang whatsapp flows | key`: what is still to do before a form is shown, and its key."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.channels.whatsapp import envelopes


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path))
    monkeypatch.delenv("WHATSAPP_TOKEN", raising=False)
    return lambda *words: CliRunner().invoke(main, ["whatsapp", *words])


def test_each_form_says_what_is_still_to_do(run) -> None:  # type: ignore[no-untyped-def]
    said = run("flows")
    assert said.exit_code == 0
    assert "kota_mojokerto  complaint  not at Meta" in said.output
    assert "kota_mojokerto  booking  not at Meta" in said.output


def test_a_new_key_is_one_line_and_opens_what_its_public_half_seals(run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    made = run("key").output
    line = re.search(r"^WHATSAPP_FLOW_KEY=(.+)$", made, re.M)
    assert line is not None
    public = envelopes.public_of(line[1].replace("\\n", "\n"))
    assert public in made
    for name, value in (
        ("TOKEN", "t"),
        ("PHONE_NUMBER_ID", "1"),
        ("APP_SECRET", "s"),
        ("VERIFY_TOKEN", "v"),
        ("FLOW_KEY", line[1]),
    ):
        monkeypatch.setenv(f"WHATSAPP_{name}", value)
    again = run("key").output
    assert public in again
    assert "PRIVATE" not in again


def test_a_key_that_is_none_is_called_so(run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for name in ("TOKEN", "PHONE_NUMBER_ID", "APP_SECRET", "VERIFY_TOKEN", "FLOW_KEY"):
        monkeypatch.setenv(f"WHATSAPP_{name}", "1")
    refused = run("key")
    assert refused.exit_code == 1
    assert "WHATSAPP_FLOW_KEY: no private key" in refused.output
