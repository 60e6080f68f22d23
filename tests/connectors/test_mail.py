"""Departments that have only a mailbox: a real SMTP server takes the letters, the standard library reads."""

import email
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st

from connectors.capabilities import CaseComment, CaseStatus, ComplaintDraft, Photo, Place
from connectors.client import Client
from connectors.dialects import mail
from connectors.dialects.mail import Mail
from connectors.environment import NotConfigured
from connectors.errors import BackendChanged, BackendRejected, BackendUnreachable
from connectors.exchange import Endpoint
from connectors.manifest import Manifest, ManifestError, build, read
from connectors.registry import connect
from tests.ports import free_port

DOCUMENT: dict[str, Any] = {
    "id": "dinas_surat",
    "title": "Dinas Surat",
    "tenants": ["kota_kupang"],
    "maturity": "described",
    "contact": "Dinas Komunikasi",
    "dialect": "email",
    "base_url": "smtp://127.0.0.1:2525",
    "email": {
        "to": "pengaduan@kota.example",
        "sender": "lawang@kota.example",
        "sender_name": "Lawang Kota",
        "subject": "[{number}] {topic}: {location.text}",
        "body": "{confidential}\n{description}\n\nTempat: {location.text}\nTitik: {point}\n"
        "Pelapor: {reporter}\n{photos}\n",
        "nameless": "tidak disebutkan",
        "confidential": "RAHASIA: jangan diumumkan.",
    },
}
DRAFT = ComplaintDraft(
    "t-1",
    "lampu_jalan",
    "Lampu mati tiga malam",
    Place("Jl. Majapahit", -7.47, 112.43),
    (Photo("https://foto.example/1.jpg"),),
    "Siti Aminah",
)


WRITER = Mail(build(DOCUMENT), Endpoint("dinas_surat", "smtp://127.0.0.1:1"), Client())


class Mailbox:
    """The department's side: keeps what arrives. `answers` refuses a step, `breaks` hangs up after DATA."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: dict[str, str] = {}
        self.breaks = False

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.content or b"", policy=default)
        assert isinstance(message, EmailMessage)
        self.letters.append(message)
        self.recipients += envelope.rcpt_tos
        if self.breaks:
            assert server.transport is not None
            server.transport.abort()
        return self.answers.get("DATA", "250 OK")


@contextmanager
def served(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """A server on a free port of this machine."""
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def app(mailbox: Mailbox) -> AsyncIterator[Mail]:
    client = Client()
    with served(mailbox) as port:
        found = connect(manifest(base_url=f"smtp://127.0.0.1:{port}"), client, {})
        assert isinstance(found, Mail)
        yield found
    await client.close()


def manifest(**changes: Any) -> Manifest:
    return build(DOCUMENT | changes)


async def test_a_report_is_one_well_formed_letter(app: Mail, mailbox: Mailbox):
    receipt = await app.submit_complaint(DRAFT)
    (letter,) = mailbox.letters
    assert receipt.status is CaseStatus.RECEIVED
    assert receipt.reference == mail.number("t-1")
    assert mailbox.recipients == ["pengaduan@kota.example"]
    assert letter["From"] == "Lawang Kota <lawang@kota.example>"
    assert letter["Subject"] == f"[{receipt.reference}] lampu_jalan: Jl. Majapahit"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime.tzinfo is not None
    assert letter.defects == []
    assert letter.get_content().splitlines() == [
        "Lampu mati tiga malam",
        "",
        "Tempat: Jl. Majapahit",
        "Titik: -7.470000,112.430000",
        "Pelapor: Siti Aminah",
        "https://foto.example/1.jpg",
    ]


async def test_the_same_report_sent_again_is_the_same_letter(app: Mail, mailbox: Mailbox):
    for _ in range(2):
        await app.submit_complaint(DRAFT)
    await app.submit_complaint(replace(DRAFT, idempotency_key="t-2"))
    first, again, other = (letter["Message-ID"] for letter in mailbox.letters)
    assert first == again != other


async def test_further_words_go_into_the_thread_of_the_report(app: Mail, mailbox: Mailbox):
    receipt = await app.submit_complaint(DRAFT)
    await app.add_comment(CaseComment("k-1", receipt.reference, "Masih mati"))
    report, comment = mailbox.letters
    assert comment["In-Reply-To"] == report["Message-ID"] == comment["References"]
    assert comment["Message-ID"] != report["Message-ID"]
    assert comment.get_content().strip() == "Masih mati"


async def test_an_anonymous_report_names_nobody_and_a_confidential_one_says_so(app: Mail, mailbox: Mailbox):
    await app.submit_complaint(replace(DRAFT, anonymous=True, confidential=True))
    body = mailbox.letters[0].get_content()
    assert body.startswith("RAHASIA: jangan diumumkan.")
    assert "Pelapor: tidak disebutkan" in body
    assert "Aminah" not in mailbox.letters[0].as_string()


async def test_labels_without_words_are_left_out(app: Mail, mailbox: Mailbox):
    await app.submit_complaint(replace(DRAFT, place=Place(None, region_code="53.71"), photos=()))
    assert "Tempat" not in mailbox.letters[0].get_content()


@pytest.mark.parametrize(
    ("step", "answer", "error", "unknown"),
    [
        ("MAIL", "421 later", BackendUnreachable, False),
        ("RCPT", "450 mailbox busy", BackendUnreachable, False),
        ("RCPT", "550 no such user", BackendChanged, False),
        ("DATA", "452 full", BackendUnreachable, False),
        ("DATA", "554 looks like spam", BackendChanged, False),
    ],
)
async def test_what_the_server_says_decides_who_mends_it(
    app: Mail, mailbox: Mailbox, step: str, answer: str, error: type[Exception], unknown: bool
):
    mailbox.answers = {step: answer}
    with pytest.raises(error, match=answer[:3]) as caught:
        await app.submit_complaint(DRAFT)
    assert getattr(caught.value, "outcome_unknown", False) is unknown


async def test_a_line_that_breaks_after_the_letter_leaves_the_outcome_unknown(app: Mail, mailbox: Mailbox):
    mailbox.breaks = True
    with pytest.raises(BackendUnreachable) as caught:
        await app.submit_complaint(DRAFT)
    assert caught.value.outcome_unknown
    assert len(mailbox.letters) == 1


async def test_a_server_that_is_away_is_tried_again_later():
    app = Mail(manifest(), Endpoint("dinas_surat", f"smtp://127.0.0.1:{free_port()}"), Client())
    with pytest.raises(BackendUnreachable) as caught:
        await app.submit_complaint(DRAFT)
    assert not caught.value.outcome_unknown


async def test_a_server_elsewhere_is_never_spoken_to_in_the_clear(mailbox: Mailbox, monkeypatch):
    monkeypatch.setattr(mail, "_is_here", lambda _host: False)
    with served(mailbox) as port:
        app = Mail(manifest(), Endpoint("dinas_surat", f"smtp://127.0.0.1:{port}"), Client())
        with pytest.raises(BackendUnreachable):
            await app.submit_complaint(DRAFT)
    assert mailbox.letters == []


async def test_a_wrong_password_is_for_the_operator(mailbox: Mailbox):
    auth = {"type": "password", "name": "lawang", "secret": "DINAS_SURAT_PASSWORD"}
    refuse = {"auth_require_tls": False, "authenticator": lambda *_: AuthResult(success=False, handled=False)}
    with served(mailbox, **refuse) as port:
        app = connect(
            manifest(auth=auth, base_url=f"smtp://127.0.0.1:{port}"),
            Client(),
            {"DINAS_SURAT_PASSWORD": "salah"},
        )
        with pytest.raises(BackendChanged, match="535"):
            await app.submit_complaint(DRAFT)


async def test_what_cannot_be_a_report_is_not_sent(app: Mail, mailbox: Mailbox):
    with pytest.raises(BackendRejected):
        await app.submit_complaint(replace(DRAFT, description="  "))
    assert mailbox.letters == []


def test_an_address_that_takes_no_letters_is_not_configured():
    with pytest.raises(NotConfigured, match="smtp://"):
        connect(manifest(base_url="https://kota.example"), Client(), {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subject": "Laporan"}, "number"),
        ({"to": "pengaduan@kota.example\nBcc: x@y.example"}, "does not match"),
        ({"body": "Halo"}, "description"),
    ],
)
def test_a_manifest_without_what_a_letter_needs_is_refused(
    tmp_path: Path, changes: dict[str, str], said: str
):
    path = tmp_path / "dinas_surat" / "manifest.yml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(DOCUMENT | {"email": DOCUMENT["email"] | changes}))
    with pytest.raises(ManifestError, match=said):
        read(path)


@given(st.text(min_size=1), st.text(), st.text())
def test_whatever_a_citizen_writes_stays_inside_its_place_in_the_letter(words: str, place: str, name: str):
    letter = WRITER.report(
        ComplaintDraft("k", "sampah", words, Place(place), reporter=name), "SRT-BCDF-00001"
    )
    read_back = email.message_from_bytes(letter.as_bytes(), policy=default)
    assert read_back["To"] == "pengaduan@kota.example"
    assert sorted(set(read_back.keys())) == sorted(set(letter.keys()))
    assert len(read_back.get_all("Subject", [])) == 1
    assert read_back["Bcc"] is None
