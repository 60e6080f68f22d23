"""Telegram: python-telegram-bot as typed client and parser, never as a runner: its queue forgets."""

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.wire import PollConflict, TokenRejected

__all__ = ["PollConflict", "TelegramChannel", "TokenRejected"]
