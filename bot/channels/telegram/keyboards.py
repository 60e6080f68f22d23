"""Buttons on Telegram: under the message, or in place of the keyboard when a location is asked for."""

from collections.abc import Sequence

import telegram

from bot.channels.base import MessageRefused
from bot.vocabulary.messages import Button

Keyboard = telegram.InlineKeyboardMarkup | telegram.ReplyKeyboardMarkup | telegram.ReplyKeyboardRemove

TOKEN_BYTES = 64
"""core.telegram.org/bots/api#inlinekeyboardbutton: callback_data has 1-64 bytes."""
LONG_TITLE = 18
"""Beyond this many characters two buttons beside each other are cut on a small phone."""


def build(
    buttons: Sequence[Button], location_label: str = ""
) -> telegram.InlineKeyboardMarkup | telegram.ReplyKeyboardMarkup | None:
    """Return the keyboard for these buttons, or None.

    Telegram takes one keyboard per message and asks for locations in the big one only, so there the buttons
    are words that a tap types; the dialogue counts a typed title as pressed.

    Raises:
        MessageRefused: a button has no token, or one that is too long to carry.
    """
    if location_label:
        keys = [[telegram.KeyboardButton(location_label, request_location=True)]]
        keys += [[telegram.KeyboardButton(button.title) for button in row] for row in rows(buttons)]
        return telegram.ReplyKeyboardMarkup(keys, resize_keyboard=True, one_time_keyboard=True)
    if not buttons:
        return None
    for button in buttons:
        if not 1 <= len(button.token.encode()) <= TOKEN_BYTES:
            raise MessageRefused("a button without a usable token")
    return telegram.InlineKeyboardMarkup(
        [
            [telegram.InlineKeyboardButton(button.title, callback_data=button.token) for button in row]
            for row in rows(buttons)
        ]
    )


def rows(buttons: Sequence[Button]) -> list[Sequence[Button]]:
    """Two short buttons beside each other; one a row as soon as one is long, so that the column is even."""
    width = 1 if any(len(button.title) > LONG_TITLE for button in buttons) else 2
    return [buttons[start : start + width] for start in range(0, len(buttons), width)]
