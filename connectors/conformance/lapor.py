"""Rules for an account of SP4N-LAPOR!, with whatever addresses its manifest names."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors.capabilities import Capability, CaseComment, ComplaintDraft, Place
from connectors.conformance.findings import MARK, Failed, Rule, Skip, must, unknown
from connectors.dialects.lapor import Lapor
from connectors.errors import BackendChanged, ConnectorError


def rules(app: Lapor, write: bool) -> dict[str, Rule]:
    """Return the rules by name; `write` files two reports that say they are tests."""
    known: dict[str, Any] = {}
    options = app.manifest.lapor
    topic = next(iter(app.manifest.values.topic), "sampah")
    key = uuid.uuid4().hex

    def draft(**changes: Any) -> ComplaintDraft:
        place = Place("Alun-alun", -7.4722, 112.4381)
        return replace(ComplaintDraft(key, topic, MARK, place, reporter="Lawang"), **changes)

    def writing() -> None:
        if not write:
            raise Skip("writes a report: not asked for")

    def filed() -> str:
        if "reference" not in known:
            raise Skip("nothing to go on: no report was filed")
        return str(known["reference"])

    async def wrong_token() -> None:
        wrong = replace(app.endpoint, credential=replace(app.endpoint.credential, value="salah"))
        stranger = Lapor(app.manifest, wrong, app.client)
        try:
            await stranger.submit_complaint(draft(idempotency_key=uuid.uuid4().hex))
        except BackendChanged as error:
            must("refuses our key" in error.detail, error.detail)
            return
        except ConnectorError as error:
            raise Failed(f"a wrong token is answered with {type(error).__name__} {error.detail}") from None
        raise Failed("a wrong token filed a report")

    async def file() -> str:
        writing()
        receipt = await app.submit_complaint(draft())
        known["reference"], known["at"] = receipt.reference, datetime.now(UTC)
        return receipt.reference

    async def file_secretly() -> str:
        writing()
        secret = draft(anonymous=True, confidential=True, idempotency_key=uuid.uuid4().hex)
        return (await app.submit_complaint(secret)).reference

    async def found_again() -> None:
        reference = filed()
        if not options.idempotency and options.search is None:
            raise Skip("lapor.search names no address: a person looks for lost reports")
        again = await app.submit_complaint(draft(asked_at=known["at"]))
        must(again.reference == reference, f"filed as {reference}, and again as {again.reference}")

    async def state() -> str:
        if Capability.COMPLAINT_STATUS not in app.offers:
            raise Skip("lapor.status names no address")
        found = await app.complaint_status(filed())
        must(found.reference == known["reference"], f"asked {known['reference']}, heard {found.reference}")
        must(found.updated_at is not None, "neither diperbarui nor tanggal")
        must(found.status != "unknown", f"values.status does not know {found.backend_status!r}")
        return f"{found.backend_status}, {found.holder}"

    async def nobody() -> None:
        if Capability.COMPLAINT_STATUS not in app.offers:
            raise Skip("lapor.status names no address")
        await unknown(app.complaint_status)

    async def followed_up() -> None:
        if Capability.COMPLAINT_COMMENT not in app.offers:
            raise Skip("lapor.follow_up names no address")
        await app.add_comment(CaseComment(uuid.uuid4().hex, filed(), MARK))

    return {
        "addstream refuses a wrong token": wrong_token,
        "addstream files a report and names its tracking id": file,
        "addstream takes an anonymous and confidential report": file_secretly,
        "a report whose answer was lost is found again, not filed twice": found_again,
        "the state of a report is told": state,
        "an unknown tracking id is answered as unknown": nobody,
        "a reporter's words are added": followed_up,
    }
