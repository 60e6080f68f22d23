"""A department that has only a mailbox: a report is a letter, and counts as filed once its server took it.

The number is ours, made from the idempotency key, and so is the Message-ID: a letter sent again after an
outcome nobody knows is the same letter, which mail systems recognise and people see by its number.
Photos go as addresses, not as files: what a citizen has erased is gone there as well.
"""

import asyncio
import hashlib
import ipaddress
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NoReturn
from urllib.parse import urlsplit

import aiosmtplib

from connectors import mapping
from connectors.capabilities import CaseComment, CaseReceipt, CaseStatus, ComplaintDraft
from connectors.dialects.base import CityApp
from connectors.errors import BackendChanged, BackendRejected, BackendUnreachable
from connectors.operations import complaint_fields

PORTS = {"smtp": 587, "smtps": 465}
LONGEST_SUBJECT = 150
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"


def number(key: str) -> str:
    """Return our number of a report, SRT-BCDF-12345: the same for every try, hard to take for another."""
    digest = int(hashlib.sha256(f"letter {key}".encode()).hexdigest(), 16)
    letters = ""
    for _ in range(4):
        digest, letter = divmod(digest, len(_CONSONANTS))
        letters += _CONSONANTS[letter]
    return f"SRT-{letters}-{digest % 100_000:05d}"


class Mail(CityApp):
    """An app that is a mailbox. `base_url` names the server that takes our letters."""

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        """Send a report.

        Raises:
            BackendUnreachable: the server is away or busy; `outcome_unknown` once it had the letter.
            BackendChanged: it refuses our key, our address or the department's: for the operator.
            BackendRejected: the app does not take the topic, or the report has no words.
        """
        topics = self.manifest.values.topic
        if topics and draft.topic not in topics:
            raise BackendRejected(self.id, f"does not take {draft.topic}")
        if not draft.description.strip():
            raise BackendRejected(self.id, "a report needs words")
        reference = number(draft.idempotency_key)
        await self._send(self.report(draft, reference))
        return CaseReceipt(reference, CaseStatus.RECEIVED)

    async def add_comment(self, comment: CaseComment) -> None:
        """Send a reporter's further words into the thread of the report."""
        letter = self._letter(f"Re: {mapping.clean(comment.reference)}", f"{comment.idempotency_key}")
        letter["In-Reply-To"] = letter["References"] = self._message_id(comment.reference)
        letter.set_content("\n".join([comment.text, *(photo.url for photo in comment.photos)]))
        await self._send(letter)

    def report(self, draft: ComplaintDraft, reference: str) -> EmailMessage:
        """Return the letter, of the manifest's subject and body with the fields of a report filled in."""
        options = self.manifest.email
        fields = complaint_fields(draft) | {
            "number": reference,
            "topic": self.manifest.values.topic.get(draft.topic, draft.topic),
            "photos": "\n".join(photo.url for photo in draft.photos),
            "reporter": (None if draft.anonymous else draft.reporter) or options.nameless,
            "confidential": options.confidential if draft.confidential else "",
        }
        place = draft.place
        if place.latitude is not None and place.longitude is not None:
            fields["point"] = f"{place.latitude:.6f},{place.longitude:.6f}"
        fields.setdefault("point", "")
        letter = self._letter(mapping.as_text(mapping.fill(options.subject, fields)) or "", reference)
        body = mapping.as_text(mapping.fill(options.body, fields)) or ""
        # A line that is only a label says nothing.
        said = (line for line in body.splitlines() if not line.rstrip().endswith(":"))
        letter.set_content("\n".join(said).strip() + "\n")
        return letter

    def _letter(self, subject: str, key: str) -> EmailMessage:
        options = self.manifest.email
        letter = EmailMessage(policy=SMTP)
        letter["From"] = Address(options.sender_name, addr_spec=options.sender)
        letter["To"] = Address(addr_spec=options.to)
        if options.reply_to:
            letter["Reply-To"] = Address(addr_spec=options.reply_to)
        letter["Subject"] = " ".join(subject.split())[:LONGEST_SUBJECT]
        letter["Date"] = format_datetime(datetime.now(UTC))
        letter["Message-ID"] = self._message_id(key)
        # RFC 3834: written by a program, so no holiday note is sent back.
        letter["Auto-Submitted"] = "auto-generated"
        return letter

    def _message_id(self, key: str) -> str:
        digest = hashlib.sha256(f"letter {key}".encode()).hexdigest()[:24]
        return f"<lawang-{digest}@{self.manifest.email.sender.rpartition('@')[2]}>"

    async def _send(self, letter: EmailMessage) -> None:
        where, credential = urlsplit(self.endpoint.base_url), self.endpoint.credential
        client = aiosmtplib.SMTP(
            hostname=where.hostname,
            port=where.port or PORTS[where.scheme],
            timeout=self.endpoint.timeout_seconds,
            use_tls=where.scheme == "smtps",
            # Never in the clear, but to a server on this machine.
            start_tls=None if _is_here(where.hostname or "") else where.scheme == "smtp",
        )
        handed_over = False
        try:
            async with asyncio.timeout(self.endpoint.timeout_seconds):
                await client.connect()
                if credential.type == "password":
                    await client.login(credential.name, credential.value)
                sender, recipient = self.manifest.email.sender, self.manifest.email.to
                await client.mail(sender)
                await client.rcpt(recipient)
                handed_over = True
                await client.data(letter.as_bytes())
        except aiosmtplib.SMTPResponseException as error:
            self._refused(error.code, error.message)
        except (aiosmtplib.SMTPException, ssl.SSLError, OSError, TimeoutError) as error:
            detail = f"no answer from the mail server ({type(error).__name__})"
            raise BackendUnreachable(self.id, detail, outcome_unknown=handed_over) from None
        finally:
            client.close()

    def _refused(self, code: int, said: str) -> NoReturn:
        reason = f"the mail server says {code} {mapping.clean(said)[:200]}"
        if 400 <= code < 500:
            raise BackendUnreachable(self.id, reason)
        raise BackendChanged(self.id, reason)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
