"""Cut a message to what a channel takes: long texts in parts, long titles short, too many buttons as a list.

Nothing a citizen should read is dropped. Parts break between paragraphs, lines, sentences or words, in that
order of liking, and never inside a visible character (an emoji with its modifiers, a letter with its marks).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from bot.channels.base import ChannelLimits
from bot.vocabulary.messages import Attachment, Button, OutgoingMessage

_BORDERS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?…])\s"), re.compile(r"\s"))
_JOINER = "\u200d"


def units(text: str) -> int:
    """Count UTF-16 code units, the measure of Telegram and WhatsApp."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fit(message: OutgoingMessage, limits: ChannelLimits) -> list[OutgoingMessage]:
    """Return the bubbles that say `message` within `limits`, in order; buttons stand under the last one.

    Links, and places that are links, become lines of the text. More buttons than the channel takes become a
    numbered list of the text. A single file takes a short text as its caption; otherwise files come first.
    An empty message gives no bubble.
    """
    lines = [_link_line(attachment) for attachment in message.attachments if not _is_file(attachment)]
    files = [attachment for attachment in message.attachments if _is_file(attachment)]
    buttons = message.buttons
    if len(buttons) > limits.buttons:
        lines.append("\n".join(f"{number}. {button.title}" for number, button in enumerate(buttons, 1)))
        buttons = ()
    text = "\n\n".join(block for block in (message.text.strip(), *lines) if block)
    bare = replace(message, text="", buttons=(), attachments=(), ask_location=False)

    if len(files) == 1 and files[0].kind != "location" and units(text) <= limits.caption_units:
        parts = [replace(bare, text=text, attachments=(files[0],))]
    else:
        parts = [replace(bare, attachments=(file,)) for file in files]
        choosing = bool(buttons) or message.ask_location
        parts += [replace(bare, text=part) for part in _texts(text, limits, choosing)]
    if parts:
        parts[-1] = replace(
            parts[-1],
            buttons=shorten_titles(buttons, limits.button_title),
            ask_location=message.ask_location,
        )
    return parts


def join(messages: Sequence[OutgoingMessage], limits: ChannelLimits) -> list[OutgoingMessage]:
    """Put words that come right before other words into the same bubble, where each one is billed.

    A bubble with a choice, a file or a place of its own begins a new one; nothing changes its order.
    """
    joined: list[OutgoingMessage] = []
    for message in messages:
        before = joined[-1] if joined and limits.billed else None
        if before is not None and _only_words(before) and not message.attachments and not message.template:
            text = f"{before.text.strip()}\n\n{message.text.strip()}".strip()
            choosing = bool(message.buttons) or message.ask_location
            room = limits.choice_units if choosing and limits.choice_units else limits.text_units
            if units(text) <= room:
                joined[-1] = replace(message, text=text, silent=before.silent and message.silent)
                continue
        joined.append(message)
    return joined


def _only_words(message: OutgoingMessage) -> bool:
    extras = (message.buttons, message.attachments, message.ask_location, message.template, message.form)
    return bool(message.text) and not any(extras)


def _texts(text: str, limits: ChannelLimits, choosing: bool) -> list[str]:
    """The text in parts; the last one is short enough for a choice to stand under it."""
    last = split(text, limits.choice_units)[-1:] if choosing and limits.choice_units else []
    if not last:
        return split(text, limits.text_units)
    return [*split(text[: len(text) - len(last[0])], limits.text_units), *last]


def split(text: str, limit: int) -> list[str]:
    """Cut a text into parts of at most `limit` UTF-16 units; only white space at the cuts is dropped."""
    parts = []
    rest = text.strip()
    while rest:
        cut = _cut(rest, limit)
        if part := rest[:cut].rstrip():
            parts.append(part)
        rest = rest[cut:].lstrip()
    return parts


def shorten(text: str, limit: int) -> str:
    """Cut a title to `limit` UTF-16 units, with an ellipsis where something is missing."""
    if units(text) <= limit:
        return text
    return text[: _character_border(text, _reach(text, limit - 1))].rstrip() + "…"


def _is_file(attachment: Attachment) -> bool:
    if attachment.kind == "location":
        return (attachment.url or "").startswith("geo:")
    return attachment.kind != "link"


def _link_line(attachment: Attachment) -> str:
    return ": ".join(part for part in (attachment.title, attachment.url) if part)


def shorten_titles(buttons: Sequence[Button], limit: int) -> tuple[Button, ...]:
    """Shorten titles; two that would look the same get their number, so that each can be told and typed."""
    titles = [shorten(button.title, limit) for button in buttons]
    alike = {title for title in titles if titles.count(title) > 1}
    for number, button in enumerate(buttons, 1):
        if titles[number - 1] in alike and titles[number - 1] != button.title:
            mark = f" {number}"
            titles[number - 1] = shorten(button.title, limit - len(mark)) + mark
    return tuple(replace(button, title=title) for button, title in zip(buttons, titles, strict=True))


def _cut(text: str, limit: int) -> int:
    """Return where to cut: at the best border that leaves a part at least a third full."""
    reach = _reach(text, limit)
    if reach == len(text):
        return reach
    for border in _BORDERS:
        cuts = [match.start() for match in border.finditer(text, 0, reach + 1)]
        if cuts and cuts[-1] > reach // 3:
            return cuts[-1]
    return _character_border(text, reach)


def _reach(text: str, limit: int) -> int:
    """Return how many code points fit into `limit` units; at least one, so that every cut gets on."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if ord(character) > 0xFFFF else 1
        if used > limit:
            return max(index, 1)
    return len(text)


def _character_border(text: str, reach: int) -> int:
    """Move a cut back to the start of a visible character; stay if that character alone is too long."""
    index = reach
    while index > 0 and not _starts_character(text, index):
        index -= 1
    return index or reach


def _starts_character(text: str, index: int) -> bool:
    """Say whether a visible character starts at `index` (the common rules of Unicode UAX 29)."""
    if index >= len(text):
        return True
    current, previous = text[index], text[index - 1]
    code = ord(current)
    if current == _JOINER or previous == _JOINER or unicodedata.category(current) in ("Mn", "Me", "Mc"):
        return False
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:  # skin tones; the letters of regional flags
        return False
    if current == "\n" and previous == "\r":
        return False
    if _is_flag_half(current):  # two of them make one flag: a border only after an even number
        start = index
        while start > 0 and _is_flag_half(text[start - 1]):
            start -= 1
        return (index - start) % 2 == 0
    return True


def _is_flag_half(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF
