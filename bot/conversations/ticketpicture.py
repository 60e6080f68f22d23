"""The picture of a ticket: a number to be read across a counter and a code to be scanned."""

import io
from typing import Any

import segno
from PIL import Image, ImageDraw, ImageFont

SIDE, MARGIN = 720, 40
"""A square: chats show one whole, where they cut a tall picture."""
HALF = (SIDE - 3 * MARGIN) // 2
INK, PALE, PAPER, BAND = "#10212b", "#4d5f69", "#ffffff", "#0b5d4e"
QUIET_ZONE_MODULES = 4
"""Blank modules around a QR code, as ISO/IEC 18004 asks for."""


def draw(ticket: Any, words: dict[str, str]) -> bytes:
    """Return a PNG. `words` are the sentences on it: heading, number, when, code.

    Everything on it also stands in the message, for those who cannot see it.
    """
    image = Image.new("RGB", (SIDE, SIDE), PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIDE, 88), fill=BAND)
    _fitted(pen, (SIDE / 2, 44), words["heading"], 34, SIDE - 2 * MARGIN, PAPER, "mm")
    left = MARGIN + HALF / 2 if ticket.code else SIDE / 2
    _fitted(pen, (left, 140), words["number"], 30, HALF, PALE, "mm")
    _fitted(pen, (left, 250), ticket.number, 150, HALF, INK, "mm")
    if ticket.code:
        _fitted(pen, (left, 370), words["code"], 40, HALF, INK, "mm")
        code = _code(ticket.code, HALF)
        image.paste(code, (SIDE - MARGIN - HALF + (HALF - code.width) // 2, 110))
    y = 440.0
    for text, size, ink in ((ticket.service, 36, INK), (words["when"], 32, INK), (ticket.place, 26, PALE)):
        y = _paragraph(pen, y, text, size, ink)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _code(content: str, width: int) -> Image.Image:
    """Draw the QR code, error correction M: a scratched screen still scans."""
    out = io.BytesIO()
    made = segno.make(content, error="m", micro=False)
    scale = width // made.symbol_size(1, QUIET_ZONE_MODULES)[0]
    made.save(out, kind="png", scale=scale, border=QUIET_ZONE_MODULES, dark="#000000", light=PAPER)
    return Image.open(out).convert("RGB")


def _fitted(
    pen: Any, at: tuple[float, float], text: str, size: int, width: float, ink: str, anchor: str
) -> None:
    """Write one line, smaller where it would not fit."""
    while size > 16 and _font(size).getlength(text) > width:
        size -= 2
    pen.text(at, text, ink, _font(size), anchor=anchor)


def _paragraph(pen: Any, y: float, text: str, size: int, ink: str) -> float:
    """Write centred, smaller until two lines are enough; returns where the next one begins."""
    while size > 18 and len(_wrapped(text, _font(size), SIDE - 2 * MARGIN)) > 2:
        size -= 2
    for part in _wrapped(text, _font(size), SIDE - 2 * MARGIN)[:2]:
        pen.text((SIDE / 2, y), part, ink, _font(size), anchor="ma")
        y += size * 1.25
    return y + 12


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
