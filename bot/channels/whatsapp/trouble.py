"""What Meta's error codes mean for us: one remedy each, the same whether it comes at once or in a status.

Codes and meanings: developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes (15 May 2026).
Meta asks to decide on the code, never on the title.
"""

from collections.abc import Mapping
from typing import Any

from bot.channels.base import (
    AccountTroubled,
    ChannelError,
    ChannelThrottled,
    ChannelUnreachable,
    CitizenOptedOut,
    CitizenUnreachable,
    MessageRefused,
    TemplateRefused,
    WindowClosed,
)
from bot.vocabulary.messages import Remedy

PAIR_SECONDS = 6.0
"""One message per six seconds to one person (131056)."""
NUMBER_SECONDS = 5.0
APP_SECONDS = 60.0
SPAM_SECONDS = 3600.0


# Waiting helps. True: the whole number waits, not only this citizen.
_SLOW_DOWN: Mapping[int, tuple[float, bool]] = {
    4: (APP_SECONDS, True),  # calls of the app
    80007: (APP_SECONDS, True),  # calls of the business account
    130429: (NUMBER_SECONDS, True),  # messages a second of the number
    131048: (SPAM_SECONDS, True),  # too many were blocked or reported as spam
    131056: (PAIR_SECONDS, False),  # one number to one person
    131064: (APP_SECONDS, True),  # the messaging limit of the portfolio
    133016: (APP_SECONDS, True),  # registering the number too often
    132069: (APP_SECONDS, False),  # the flow sends ten messages an hour
}
_REMEDIES: Mapping[Remedy, frozenset[int]] = {
    Remedy.SLOW_DOWN: frozenset(_SLOW_DOWN),
    Remedy.WINDOW: frozenset({131047}),
    # Wants no more of what they did not ask for just now.
    Remedy.OPT_OUT: frozenset({131050}),
    # 131026: not on WhatsApp or too old an app; 130472, 131049: Meta spares them.
    Remedy.STOP: frozenset({131026, 131021, 130497, 131030}),
    Remedy.TEMPLATE: frozenset({132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068}),
    Remedy.ACCOUNT: frozenset(
        {0, 3, 10, 190, *range(200, 300), 368, 131031, 131042, 131037, 131045, 133010, 131005}
    ),
    Remedy.LATER: frozenset({1, 2, 131000, 131016, 131057, 133004, 131049, 130472}),
    Remedy.PAYLOAD: frozenset({33, 100, 131008, 131009, 131051, 131052, 131053, 131062, 135000}),
}
_CLASSES: Mapping[Remedy, type[ChannelError]] = {
    Remedy.WINDOW: WindowClosed,
    Remedy.STOP: CitizenUnreachable,
    Remedy.OPT_OUT: CitizenOptedOut,
    Remedy.TEMPLATE: TemplateRefused,
    Remedy.ACCOUNT: AccountTroubled,
    Remedy.LATER: ChannelUnreachable,
    Remedy.PAYLOAD: MessageRefused,
}


def remedy_for(code: int) -> Remedy:
    """What helps against an error code. One nobody knows is taken as a fault of the message."""
    return next((remedy for remedy, codes in _REMEDIES.items() if code in codes), Remedy.PAYLOAD)


def from_answer(status: int, body: object, retry_after: str | None = None) -> ChannelError:
    """The error that an answer of the Graph API stands for; words of the citizen are never in it."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return _by_status(status, retry_after)
    detail = _detail(error)
    remedy = remedy_for(code)
    if remedy is Remedy.SLOW_DOWN:
        seconds, everyone = _SLOW_DOWN[code]
        return ChannelThrottled(_seconds(retry_after) or seconds, everyone, str(code))
    if remedy is Remedy.PAYLOAD and status >= 500:
        return ChannelUnreachable(detail, str(code))
    return _CLASSES[remedy](detail, str(code))


def from_status(errors: object) -> tuple[str, Remedy]:
    """The reason and the remedy in a status `failed`."""
    first = errors[0] if isinstance(errors, list) and errors else None
    code = first.get("code") if isinstance(first, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return "FAILED_UNKNOWN", Remedy.PAYLOAD
    return f"FAILED_{code}"[:64], remedy_for(code)


def _by_status(status: int, retry_after: str | None) -> ChannelError:
    if status == 429:
        return ChannelThrottled(_seconds(retry_after) or NUMBER_SECONDS, True, "429")
    if status in (401, 403):
        return AccountTroubled(f"HTTP {status}", str(status))
    if status >= 500 or status == 408:
        return ChannelUnreachable(f"HTTP {status}", str(status))
    return MessageRefused(f"HTTP {status}", str(status))


def _detail(error: Any) -> str:
    """Meta's own words for the log. Numbers of people may stand in them, so only the fixed parts are kept."""
    parts = (error.get("code"), error.get("error_subcode"), error.get("type"), error.get("fbtrace_id"))
    return " ".join(str(part)[:40] for part in parts if part is not None)


def _seconds(retry_after: str | None) -> float:
    try:
        return max(float(retry_after or 0), 0.0)
    except ValueError:
        return 0.0
