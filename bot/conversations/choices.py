"""Buttons, pressed or typed: which payload an answer stands for, and when a press no longer counts."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.storage.buttons import OfferedButton

# A draft that is taken up again after a day's pause is sent with the button it was shown with.
VALID_FOR = timedelta(days=3)
REUSABLE_FOR = timedelta(days=30)

_NOISE = re.compile(r"[^\w]+")
_NUMBER = re.compile(r"^(?:nomor|nomer|no|pilih|pilihan)?\s*(\d{1,2})\s*[.)]?$")


@dataclass(frozen=True, slots=True)
class Press:
    """What a press means: a payload to act on, or the text key that says why it no longer counts."""

    payload: str | None
    refusal: str | None = None


def press(button: OfferedButton | None, now: datetime) -> Press:
    """Judge a pressed button. A used or outdated one does nothing twice and says so."""
    if button is None:
        return Press(None, "button.unknown")
    age = now - button.created_at
    if button.reusable:
        return Press(button.payload) if age <= REUSABLE_FOR else Press(None, "button.expired")
    if button.used:
        return Press(None, "button.used")
    if age > VALID_FOR or not button.is_latest:
        return Press(None, "button.expired")
    return Press(button.payload)


def typed(text: str, offered: list[OfferedButton], now: datetime) -> OfferedButton | None:
    """The button a citizen typed by hand: its title, or its number in the list, under the newest bubble."""
    if not offered or len(text) > 80:
        return None
    live = [button for button in offered if press(button, now).payload is not None]
    wanted = _plain(text)
    for button in live:
        if _plain(button.title) == wanted and wanted:
            return button
    number = _NUMBER.match(text.strip().lower())
    # A short list only: "12" under two buttons is a house number, not a choice.
    if number and 1 <= int(number.group(1)) <= len(offered):
        chosen = offered[int(number.group(1)) - 1]
        return chosen if chosen in live else None
    return None


def _plain(text: str) -> str:
    return _NOISE.sub(" ", text.lower()).strip()
