"""Pictures as citizens send them: made plain JPEGs; of their tags only the place is kept, apart from them."""

import io
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import ExifTags, Image, ImageOps

MAX_PIXELS = 50_000_000
# A JPEG is decoded at the size it is kept in, so that a telephone's largest picture needs little memory.
MAX_JPEG_PIXELS = 150_000_000
LONGEST_SIDE = 2048
# What phones and browsers send. Pillow knows more, and some of that starts other programs (EPS).
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "HEIF")

# Pillow's own alarm would ring at half of that; ours decides first.
Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS
pillow_heif.register_heif_opener(thumbnails=False)


class PictureRefused(Exception):
    """The bytes are no picture, or one too large to open; `text_key` is the sentence for the citizen."""

    def __init__(self, text_key: str) -> None:
        super().__init__(text_key)
        self.text_key = text_key


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG without tags. `latitude` and `longitude` are where its camera says it was, degrees WGS84."""

    data: bytes
    latitude: float | None = None
    longitude: float | None = None


def clean(data: bytes) -> Picture:
    """Turn upright, shrink to LONGEST_SIDE pixels, drop every tag, and encode as JPEG.

    Raises:
        PictureRefused: no picture of FORMATS, or too many pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            most = MAX_JPEG_PIXELS if picture.format == "JPEG" else MAX_PIXELS
            if picture.width * picture.height > most:
                raise PictureRefused("media.too_big")
            picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            latitude, longitude = _place(picture) or (None, None)
    except (PictureRefused, MemoryError):
        raise
    except Exception as error:
        # A broken picture makes its decoder fail in ways of its own (SyntaxError, struct.error, KeyError).
        raise PictureRefused("media.not_a_picture") from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    # Comments and colour profiles would be written along.
    upright.info.clear()
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=85, optimize=True)
    return Picture(out.getvalue(), latitude, longitude)


def _place(picture: Image.Image) -> tuple[float, float] | None:
    """Read the GPS tags; None when there are none, or they make no sense. 0, 0 is a camera without a fix."""
    try:
        tags = picture.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(tags[ExifTags.GPS.GPSLatitude], tags[ExifTags.GPS.GPSLatitudeRef] == "S")
        longitude = _degrees(tags[ExifTags.GPS.GPSLongitude], tags[ExifTags.GPS.GPSLongitudeRef] == "W")
    except Exception:
        # Tags are anybody's bytes; a picture with broken ones is still a picture.
        return None
    inside = -90 <= latitude <= 90 and -180 <= longitude <= 180 and (latitude, longitude) != (0, 0)
    return (round(latitude, 6), round(longitude, 6)) if inside else None


def _degrees(parts: Any, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    found = degrees + minutes / 60 + seconds / 3600
    return -found if negative else found
