"""SP4N-LAPOR!, the national complaint system, shaped like its public legacy stream (see lapor_wire).

Anonymous (*anonim*: nobody learns the name) and confidential (*rahasia*: not published, kept from the unit
complained of) are two flags. LAPOR knows no idempotency key that is published: after an outcome nobody
knows, the account's own reports are searched for a mark, where the manifest names an address for that, and
a person looks where it does not.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import answers, georeport, mapping
from connectors.answers import Reader
from connectors.capabilities import Capability, CaseComment, CaseReceipt, CaseState, ComplaintDraft
from connectors.client import IDEMPOTENCY_KEY
from connectors.dialects import lapor_wire
from connectors.dialects.base import CityApp
from connectors.dialects.open311_filing import mark
from connectors.errors import BackendChanged, BackendRejected, BackendUnreachable, CaseNotFound
from connectors.exchange import Answer

BEFORE, AFTER = timedelta(minutes=10), timedelta(hours=1)
_XML = "application/xml; charset=utf-8"
_SOURCES = {
    "reference": "trackingid",
    "status": "status",
    "updated_at": ["diperbarui", "tanggal"],
    "note": ["keterangan", "tindaklanjut"],
    "notice": ["pesan", "message"],
    "title": "topik",
    "holder": ["instansi", "disposisi"],
    "promised_at": "batas_waktu",
}
# The status of a receipt says that the call went well, not how the report stands.
_RECEIPT = {name: source for name, source in _SOURCES.items() if name != "status"}


class Lapor(CityApp):
    """An app that speaks LAPOR's stream."""

    @property
    def files_once(self) -> bool:
        return self.manifest.lapor.idempotency

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        """File a report.

        Raises:
            BackendUnreachable: also while it cannot be said what became of an earlier try.
        """
        options, topics = self.manifest.lapor, self.manifest.values.topic
        if topics and draft.topic not in topics:
            raise BackendRejected(self.id, f"does not take {draft.topic}")
        if not draft.description.strip():
            raise BackendRejected(self.id, "a report needs words")
        if draft.asked_at is not None and not self.files_once:
            found = await self._find_again(draft)
            if found is not None:
                return answers.case_receipt(found)
        document = lapor_wire.report(
            options, draft, topics.get(draft.topic, draft.topic), self.endpoint.credential.value
        )
        headers = {IDEMPOTENCY_KEY: draft.idempotency_key} if options.idempotency else {}
        reader = self._one(await self._post(options.submit, document, headers), about_subject=False)
        try:
            return answers.case_receipt(replace(reader, sources=_RECEIPT))
        except BackendChanged as error:
            raise BackendChanged(self.id, error.detail, outcome_unknown=True) from None

    async def complaint_status(self, reference: str) -> CaseState:
        """Return the state of a report."""
        path = self.manifest.lapor.status
        if path is None:
            self.not_offered(Capability.COMPLAINT_STATUS)
        try:
            filled = mapping.fill_path(path, {"reference": reference})
        except mapping.MappingError as error:
            raise CaseNotFound(self.id, str(error)) from None
        answer = await self.client.send(self.endpoint, "GET", filled)
        return answers.case_state(self._one(answer, about_subject=True), reference)

    async def add_comment(self, comment: CaseComment) -> None:
        """Add a reporter's words to a report."""
        path = self.manifest.lapor.follow_up
        if path is None:
            self.not_offered(Capability.COMPLAINT_COMMENT)
        document = lapor_wire.follow_up(
            comment.reference,
            comment.text,
            [photo.url for photo in comment.photos],
            comment.idempotency_key,
            self.endpoint.credential.value,
        )
        headers = {IDEMPOTENCY_KEY: comment.idempotency_key} if self.manifest.lapor.idempotency else {}
        answer = await self._post(path, document, headers)
        if not answer.ok:
            self.refuse(answer, None, about_subject=True)

    async def _find_again(self, draft: ComplaintDraft) -> Reader | None:
        """Return the report a lost filing became; None when it is sure that there is none."""
        options, asked_at = self.manifest.lapor, draft.asked_at or datetime.now(UTC)
        lost = "a report may have been filed: look at the account's own reports"
        if options.search is None:
            raise BackendUnreachable(self.id, lost)
        period = {"dari": _moment(asked_at - BEFORE), "sampai": _moment(asked_at + AFTER)}
        answer = await self.client.send(self.endpoint, "GET", options.search, query=period)
        if not answer.ok:
            self.refuse(answer, None, about_subject=False)
        wanted = mark(draft.idempotency_key)
        for item in lapor_wire.reports(self._document(answer)):
            if wanted in (mapping.as_text(item.get("isi")) or ""):
                return self._reader(item)
        soon = options.listed_after_seconds
        if soon is None or datetime.now(UTC) < asked_at + timedelta(seconds=soon):
            raise BackendUnreachable(self.id, lost)
        return None

    async def _post(self, path: str, document: bytes, headers: dict[str, str]) -> Answer:
        return await self.client.send(
            self.endpoint, "POST", path, headers={"Content-Type": _XML, **headers}, content=document
        )

    def _one(self, answer: Answer, *, about_subject: bool) -> Reader:
        if not answer.ok:
            self.refuse(answer, None, about_subject=about_subject)
        found = lapor_wire.reports(self._document(answer))
        if not found:
            if about_subject:
                raise CaseNotFound(self.id, "an empty answer")
            raise BackendChanged(self.id, "the answer holds no report", outcome_unknown=True)
        return self._reader(found[0])

    def _reader(self, item: Any) -> Reader:
        return Reader(self.id, item, _SOURCES, self.manifest.values, self.zone)

    def _document(self, answer: Answer) -> Any:
        try:
            return georeport.read(answer.body)
        except georeport.Unreadable as error:
            raise BackendChanged(self.id, f"an answer that is {error}", outcome_unknown=True) from None


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
