"""A citizen's own report after it was filed: more words, not mended, mended, a rating, taken back."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from actions import reading
from actions.effects import CaseConfirmed, CaseNoted, CaseRated, CaseReopened, CaseWithdrawn
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, handles
from connectors.capabilities import CaseComment, CaseStatus, Photo
from connectors.errors import BackendChanged, BackendUnreachable, ConnectorError

LONGEST = 1500
MOST_OFFERED = 5
ASKED_LATELY = timedelta(days=3)
OPEN = frozenset(status.value for status in CaseStatus if status.is_open)
# What is left of "tambah keterangan laporan saya" when the request itself is taken away says nothing yet.
_REQUEST = re.compile(
    r"\b(?:mau|ingin|saya|aku|tolong|bisa|min|pak|bu|nambah\w*|tambah\w*|menambah\w*|kan|keterangan|info\w*|foto\w*"
    r"|laporan\w*|aduan\w*|untuk|ke|di|yang|tadi|kemarin|nomor|no|belum|beres|selesai|batalkan|tarik|buka|lagi|kembali)\b",
    re.IGNORECASE,
)


@handles("action_add_complaint_info", "add_complaint_info")
async def add_info(turn: Turn, answer: Answer) -> None:
    """Add the citizen's words or photos to their own report; a bare wish to do so is asked for the words."""
    case = _mine(turn, answer, "add_complaint_info", prefer=OPEN)
    if case is None:
        return
    text = turn.text.strip()[:LONGEST]
    if not turn.photos and not _waited_for(turn) and not _says_something(text, case["reference"]):
        wanted = {
            "intent": "add_complaint_info",
            "values": {"reference": case["reference"]},
            "wants": "words",
        }
        answer.keep(asked=wanted)
        answer.say("complaint.ask_words", reference=case["reference"])
        return
    await _comment(turn, answer, case, text)


async def _comment(turn: Turn, answer: Answer, case: Mapping[str, Any], text: str) -> None:
    comment = CaseComment(
        idempotency_key=turn.key("comment"),
        reference=case["reference"],
        text=text or "-",
        photos=tuple(Photo(photo["url"]) for photo in turn.photos),
    )
    answer.keep(reference=case["reference"])
    if case.get("number") == case["reference"]:
        # Not filed yet: its city has never heard of this number.
        _later(answer, case, comment)
        return
    try:
        await runtime().registry.by_id(case["connector"]).add_comment(comment)
    except (BackendUnreachable, BackendChanged):
        _later(answer, case, comment)
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
    else:
        answer.say("complaint.added", reference=case["reference"])


def _later(answer: Answer, case: Mapping[str, Any], comment: CaseComment) -> None:
    photos = [photo.url for photo in comment.photos]
    key = comment.idempotency_key
    answer.effect(CaseNoted(case["connector"], case["reference"], "comment", comment.text, key, photos))
    answer.say("complaint.noted", reference=case["reference"])


@handles("action_reopen_complaint", "reopen_complaint")
async def reopen(turn: Turn, answer: Answer) -> None:
    """Say that a report is not mended; the front door knows whether it can still be opened again."""
    case = _mine(turn, answer, "reopen_complaint", prefer=frozenset({"done", "rejected"}))
    if case is None:
        return
    words = turn.text.strip()[:LONGEST] or "-"
    answer.effect(CaseReopened(case["connector"], case["reference"], words, turn.key("reopen")))
    answer.keep(reference=case["reference"])


@handles("action_confirm_complaint", "confirm_complaint")
async def confirm(turn: Turn, answer: Answer) -> None:
    """*Sudah beres*: the citizen agrees."""
    case = _mine(turn, answer, "confirm_complaint", prefer=frozenset({"done"}))
    if case is not None:
        answer.effect(CaseConfirmed(case["connector"], case["reference"]))


@handles("action_rate_complaint", "rate_complaint")
async def rate(turn: Turn, answer: Answer) -> None:
    """Keep how content the citizen is."""
    case = _mine(turn, answer, "rate_complaint", prefer=frozenset({"done"}))
    if case is not None:
        answer.effect(CaseRated(case["connector"], case["reference"], int(turn.values.get("stars") or 0)))


@handles("action_withdraw_complaint", "withdraw_complaint")
async def withdraw(turn: Turn, answer: Answer) -> None:
    """Take a report back, after one question."""
    case = _mine(turn, answer, "withdraw_complaint", prefer=OPEN)
    if case is None:
        return
    values = {"reference": case["reference"], "sure": "yes"}
    if turn.values.get("sure"):
        answer.keep(asked=None)
        answer.effect(CaseWithdrawn(case["connector"], case["reference"], turn.key("withdraw")))
        return
    answer.keep(asked={"intent": "withdraw_complaint", "values": values})
    topic = runtime().catalog.topics.get(case.get("topic") or "")
    answer.say(
        "complaint.withdraw_sure",
        buttons=[
            button("button.yes_withdraw", "withdraw_complaint", **values),
            button("button.keep_report", "deny"),
        ],
        reference=case["reference"],
        title=topic.title if topic else "-",
    )


def waits_for_a_word(turn: Turn) -> str | None:
    """The number of the one report that was just said to be done, if its citizen has not answered yet."""
    since = turn.now - ASKED_LATELY
    waiting = [
        case["reference"]
        for case in turn.cases
        if case.get("status") == "done"
        and not case.get("confirmed_at")
        and case.get("done_at")
        and datetime.fromisoformat(case["done_at"]) >= since
    ]
    return waiting[0] if len(waiting) == 1 else None


def means_a_report(turn: Turn) -> bool:
    """Say whether *batalkan* means a report that was filed: it is named by number or by the word for it."""
    wanted = reading.reference(turn)
    own = {name for case in turn.cases for name in (case["reference"], case.get("number"))}
    words = re.search(r"\b(?:laporan|lapor|aduan|pengaduan|keluhan)", turn.text, re.IGNORECASE)
    return bool(own) and (wanted in own or (wanted is None and bool(words)))


def _mine(turn: Turn, answer: Answer, intent: str, *, prefer: frozenset[str]) -> Mapping[str, Any] | None:
    """The report that is meant: by number, the only one, the only one in a fitting state; else ask."""
    own = [case for case in turn.cases if case.get("kind") == "complaint"]
    wanted = reading.reference(turn) or _waited_for(turn)
    if wanted:
        own = [case for case in own if wanted in (case["reference"], case.get("number"))]
    if not own:
        key = "complaint.not_yours" if wanted else "complaint.none_yet"
        answer.say(key, buttons=[button("button.report", "report_complaint")], reference=wanted or "")
        return None
    fitting = [case for case in own if case.get("status") in prefer] or own
    spoken_of = turn.slot("reference")
    meant = [case for case in fitting if case["reference"] == spoken_of] if spoken_of else []
    if len(fitting) == 1 or meant:
        return (meant or fitting)[0]
    answer.say(
        "complaint.which_case",
        buttons=[
            button("", intent, title=_short(case), reference=case["reference"])
            for case in fitting[:MOST_OFFERED]
        ],
    )
    return None


def _waited_for(turn: Turn) -> str | None:
    """The number of the report whose words were asked for."""
    asked = turn.slot("asked")
    if isinstance(asked, dict) and asked.get("wants") == "words" and not turn.values:
        return str(asked["values"]["reference"])
    return None


def _short(case: Mapping[str, Any]) -> str:
    topic = runtime().catalog.topics.get(case.get("topic") or "")
    return f"{case['reference'][-6:]} {topic.title if topic else ''}".strip()[:24]


def _says_something(text: str, reference: str) -> bool:
    rest = _REQUEST.sub(" ", text.replace(reference, " "))
    return len([word for word in re.findall(r"\w+", rest) if not word.isdigit()]) >= 2
