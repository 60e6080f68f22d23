"""The picture of a ticket: a number to be read across a counter and a code to be scanned."""

import io
from typing import Any

import segno
from PIL import Image, ImageDraw, ImageFont

WIDTH, MARGIN = 720, 48
INK, PALE, PAPER, BAND = "#10212b", "#4d5f69", "#ffffff", "#0b5d4e"
QUIET_ZONE_MODULES = 4
"""Blank modules around a QR code, as ISO/IEC 18004 asks for."""


def draw(ticket: Any, words: dict[str, str]) -> bytes:
    """Return a PNG. `words` are the sentences on it: heading, number, when, code.

    Everything on it also stands in the message, for those who cannot see it.
    """
    paper = _Paper(words["heading"])
    paper.line(words["number"], 30, PALE)
    paper.line(ticket.number, 150, INK, gap=34)
    paper.line(ticket.service, 36, INK)
    paper.line(words["when"], 32, INK)
    paper.line(ticket.place, 28, PALE, gap=30)
    if ticket.code:
        paper.code(ticket.code)
        paper.line(words["code"], 40, INK)
    return paper.png()


class _Paper:
    """A strip of paper that grows downwards."""

    def __init__(self, heading: str) -> None:
        self._image = Image.new("RGB", (WIDTH, 2400), PAPER)
        self._pen = ImageDraw.Draw(self._image)
        self._y = 0
        lines = _wrapped(heading, _font(34), WIDTH - 2 * MARGIN)
        self._pen.rectangle((0, 0, WIDTH, 56 + 44 * len(lines)), fill=BAND)
        self._y = 28
        for line in lines:
            self._pen.text((WIDTH / 2, self._y), line, PAPER, _font(34), anchor="ma")
            self._y += 44
        self._y += 56

    def line(self, text: str, size: int, ink: str, gap: int = 14) -> None:
        """Write centred, on as many lines as it takes."""
        font = _font(size)
        for part in _wrapped(text, font, WIDTH - 2 * MARGIN):
            self._pen.text((WIDTH / 2, self._y), part, ink, font, anchor="ma")
            self._y += round(size * 1.25)
        self._y += gap

    def code(self, content: str) -> None:
        """Draw the QR code, error correction M: a scratched screen still scans."""
        out = io.BytesIO()
        made = segno.make(content, error="m", micro=False)
        scale = 400 // made.symbol_size(1, QUIET_ZONE_MODULES)[0]
        made.save(out, kind="png", scale=scale, border=QUIET_ZONE_MODULES, dark="#000000", light="#ffffff")
        picture = Image.open(out).convert("RGB")
        self._image.paste(picture, ((WIDTH - picture.width) // 2, self._y))
        self._y += picture.height + 8

    def png(self) -> bytes:
        """Cut the paper where the writing ends."""
        out = io.BytesIO()
        self._image.crop((0, 0, WIDTH, self._y + 28)).save(out, "PNG", optimize=True)
        return out.getvalue()


def _font(size: int) -> Any:
    """Pillow's own font: the same on every machine, none to install."""
    return ImageFont.load_default(size)


def _wrapped(text: str, font: Any, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
